"""Nion Swift files, written here as Swift lays them out."""

import json
import zipfile

import h5py
import numpy as np
import pytest

from eelsunmix import io
from eelsunmix.errors import InputError

SHAPE = (7, 5, 40)


@pytest.fixture
def counts():
    return np.random.default_rng(1).poisson(30.0, SHAPE).astype(np.int32)


def properties(calibrations="spatial_calibrations", **changes):
    """Properties of a data item: collection of 7 x 5 spectra."""
    return {
        "version": 1,
        "title": "SI",
        calibrations: [
            {"offset": -3.0, "scale": 0.5, "units": "nm"},
            {"offset": 0.0, "scale": 0.5, "units": "nm"},
            {"offset": 216.0, "scale": 3.33, "units": "eV"},
        ],
        "intensity_calibration": {"offset": 0.0, "scale": 1.0, "units": "counts"},
        "is_sequence": False,
        "collection_dimension_count": 2,
        "datum_dimension_count": 1,
        "metadata": {"hardware_source": {"signal_type": "eels", "exposure": 0.05}},
    } | changes


def write_ndata1(path, data, described, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("metadata.json", json.dumps(described))
        with archive.open("data.npy", "w") as member:
            np.lib.format.write_array(member, data)
    return path


def write_h5(path, data, described, **storage):
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("data", data=data, **storage)
        dataset.attrs["properties"] = json.dumps(described)
    return path


def check(image, counts):
    np.testing.assert_array_equal(image, counts)
    assert image.dims == ("y", "x", "energy_loss")
    np.testing.assert_allclose(image.energy_loss, 216.0 + 3.33 * np.arange(40))
    np.testing.assert_allclose(image.y, -3.0 + 0.5 * np.arange(7))
    assert image.attrs["title"] == "SI"
    assert image.attrs["signal"] == "EELS"


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("elements", [2**23, 2 * 5 * 40])
def test_ndata1(tmp_path, counts, compression, elements, monkeypatch):
    monkeypatch.setattr("eelsunmix.execution.blocks.BLOCK_ELEMENTS", elements)
    path = write_ndata1(tmp_path / "a.ndata1", counts, properties(), compression)
    imported = io.import_image(path)
    check(imported.counts, counts)
    assert imported.attrs["source"]["reader"] == "Nion Swift"
    assert imported.attrs["metadata"]["hardware_source"]["exposure"] == 0.05


def test_metadata_that_unpack_to_far_more_than_metadata_are_refused(tmp_path, counts, monkeypatch):
    monkeypatch.setattr("eelsunmix.io.formats.nion.LARGEST_METADATA", 2**20)
    bomb = properties(title="0" * 2**21)
    path = write_ndata1(tmp_path / "a.ndata1", counts, bomb, zipfile.ZIP_DEFLATED)
    with pytest.raises(InputError, match=r"a\.ndata1: metadata\.json holds \d+ bytes"):
        io.open_image(path)


@pytest.mark.parametrize("chunks", [None, (3, 5, 16)])
def test_h5(tmp_path, counts, chunks):
    described = properties("dimensional_calibrations")
    check(io.open_image(write_h5(tmp_path / "a.h5", counts, described, chunks=chunks)), counts)


def test_h5_of_older_libraries(tmp_path, counts):
    described = {"title": "SI", "data_source": properties("dimensional_calibrations")}
    check(io.open_image(write_h5(tmp_path / "a.h5", counts, described)), counts)


def test_exported_nhdf_with_a_second_image(tmp_path, counts):
    with h5py.File(tmp_path / "a.nhdf", "w") as file:
        file.create_dataset("data/0", data=counts[..., 0]).attrs["properties"] = json.dumps(
            {"title": "HAADF"}
        )
        file.create_dataset("data/1", data=counts).attrs["properties"] = json.dumps(
            properties("dimensional_calibrations")
        )
    check(io.open_image(tmp_path / "a.nhdf"), counts)


def test_sequence_of_spectrum_images(tmp_path, counts):
    described = properties(is_sequence=True)
    described["spatial_calibrations"].insert(0, {"offset": 0.0, "scale": 1.0, "units": ""})
    image = io.open_image(write_ndata1(tmp_path / "a.ndata1", np.stack([counts, counts + 1]), described))
    assert image.sizes == {"frame": 2, "y": 7, "x": 5, "energy_loss": 40}


def test_truncated_ndata1(tmp_path, counts):
    path = write_ndata1(tmp_path / "a.ndata1", counts, properties())
    content = path.read_bytes()
    for fraction in (0.01, 0.3, 0.9, 0.999):
        path.write_bytes(content[: int(fraction * len(content))])
        with pytest.raises(InputError, match=r"a\.ndata1: cannot be read"):
            io.open_image(path)


def test_flipped_bit_in_ndata1(tmp_path, counts):
    path = write_ndata1(tmp_path / "a.ndata1", counts, properties())
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)
    with pytest.raises(InputError, match="Bad CRC-32"):
        io.open_image(path)


def test_acquisition_that_was_interrupted(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        dataset = file.create_dataset("data", shape=SHAPE, dtype="i4", chunks=(1, 5, 40))
        dataset[:3] = 1
        dataset.attrs["properties"] = json.dumps(properties("dimensional_calibrations"))
    with pytest.raises(InputError, match=r"part of /data \(7, 5, 40\) was never written"):
        io.open_image(tmp_path / "a.h5")


def test_other_hdf5_and_zip_files_are_refused(tmp_path, counts):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["image"] = counts
    with pytest.raises(InputError, match=r"a\.h5: not written by Nion Swift"):
        io.open_image(tmp_path / "a.h5")
    with zipfile.ZipFile(tmp_path / "a.ndata1", "w") as archive:
        archive.writestr("data.npy", b"")
    with pytest.raises(InputError, match=r"a\.ndata1: metadata\.json missing"):
        io.open_image(tmp_path / "a.ndata1")


@pytest.mark.parametrize(
    ("described", "message"),
    [
        (["not", "a", "dict"], "properties are not a dictionary"),
        (properties(spatial_calibrations=[{}]), "1 calibrations for data of shape"),
        (properties(spatial_calibrations=[{"units": "eV", "scale": "x"}] * 3), "cannot be read as .ndata1"),
    ],
)
def test_odd_properties(tmp_path, counts, described, message):
    with pytest.raises(InputError, match=message):
        io.open_image(write_ndata1(tmp_path / "a.ndata1", counts, described))
