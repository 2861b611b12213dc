"""Real files of microscopes, and damaged copies of them."""

import hashlib
import os
import shutil
import stat
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from eelsunmix import io
from eelsunmix.errors import InputError
from eelsunmix.io.files import reading
from planted_chain import velox_writer

REPOSITORY = Path(__file__).parents[1]


def real(name):
    folder = Path(os.environ.get("EELSUNMIX_DATA") or REPOSITORY.parent / "shared" / "data")
    if not (folder / name).is_file():
        pytest.skip(f"REAL DATA MISSING: {folder / name}; name the folder in EELSUNMIX_DATA to run this test")
    return folder / name


@pytest.fixture
def sto():
    return real("STO-LMO_EELS_SI.dm3")


def test_dm3_spectrum_image_is_labelled_by_units(sto):
    image = io.open_image(sto)
    assert image.dims == ("y", "x", "energy_loss")
    assert image.shape == (49, 6, 1024)
    assert image.energy_loss.attrs["units"] == "eV"
    np.testing.assert_allclose(image.energy_loss[[0, -1]], [350.0, 861.5])
    assert image.y.attrs["units"] == "px"
    assert image.attrs["signal"] == "EELS"
    assert image.attrs["title"] == "06-EELS Spectrum Image"
    assert image.valid_pixel.all()


def test_dm3_values_are_those_of_an_independent_read(sto):
    """Oracle: the tag of the file says where its numbers lie (offset 319314, float32, x fastest)."""
    numbers = np.fromfile(sto, dtype="<f4", count=6 * 49 * 1024, offset=319314).reshape(1024, 49, 6)
    imported = io.import_image(sto)
    np.testing.assert_array_equal(imported.counts, numbers.transpose(1, 2, 0))
    np.testing.assert_allclose(imported.total_counts, numbers.sum(axis=0, dtype=float))
    np.testing.assert_allclose(imported.mean_spectrum, numbers.mean(axis=(1, 2), dtype=float))


def test_dm3_layer_lies_along_the_rows(sto):
    """La M (832 eV) rises in rows 20 to 26 only; swapped or unsorted axes would show no such profile."""
    image = io.open_image(sto)
    before = image.sel(energy_loss=slice(815, 829)).mean(["energy_loss", "x"])
    jump = (image.sel(energy_loss=slice(832, 855)).mean(["energy_loss", "x"]) / before).to_numpy()
    assert jump[20:27].min() > 1.3
    assert max(jump[:15].max(), jump[35:].max()) < 1.05


def test_dm3_broken_poisson_counts(sto):
    """Measured: 17.5 at one channel, 36.1 in bins of 16, correlation 0.41; the file says a gain of 1."""
    check = io.import_image(sto).attrs["counts_check"]
    assert 14 < check["variance_to_mean"] < 20
    assert 28 < check["counts_per_electron"] < 40
    assert check["counts_per_electron_from"] == "measured"
    assert 0.3 < check["neighbour_correlation"] < 0.5
    assert any("camera" in text for text in check["notes"])
    assert check["warnings"] == []


def test_dm3_provenance(sto):
    attrs = io.import_image(sto).attrs
    assert attrs["source"]["sha256"] == hashlib.sha256(sto.read_bytes()).hexdigest()
    assert attrs["source"]["size_bytes"] == 1535210
    assert attrs["source"]["reader"] == "RosettaSciIO"
    assert attrs["origin_of_axes"]["energy_loss.offset"] == "file"
    assert attrs["origin_of_axes"]["y"] == "assumed"
    assert attrs["metadata"]["Acquisition_instrument"]["TEM"]["beam_energy"] == 200.0


def test_lazy_image_of_many_blocks_equals_the_loaded_one(sto, monkeypatch):
    loaded = io.import_image(sto)
    monkeypatch.setattr("eelsunmix.execution.blocks.BLOCK_ELEMENTS", 1024 * 6 * 5)
    lazy = io.import_image(sto)
    assert len(lazy.counts.chunks[0]) == 10
    np.testing.assert_array_equal(lazy.counts, loaded.counts)
    np.testing.assert_allclose(lazy.mean_spectrum, loaded.mean_spectrum)
    np.testing.assert_array_equal(lazy.total_counts, loaded.total_counts)
    # Pairs across the borders of blocks are left out, so the noise is not quite the same.
    gains = [imported.counts.attrs["counts_per_electron"] for imported in (lazy, loaded)]
    assert gains[0] == pytest.approx(gains[1], rel=0.1)


def test_other_dm3_line_scans_have_nanometres():
    image = io.open_image(real("NMC_core-loss_2x21.dm3"))
    assert image.shape == (2, 21, 2048)
    assert image.x.attrs["units"] == "nm"
    assert float(image.x[1]) == pytest.approx(2.0458652, rel=1e-6)


def test_hspy_eds():
    image = io.open_image(real("EDS_80x80.hspy"))
    assert image.dims == ("y", "x", "energy")
    assert image.shape == (80, 80, 1917)
    assert image.dtype == np.uint8
    assert image.energy.attrs["units"] == "keV"
    assert image.attrs["signal"] == "EDS"
    assert image.attrs["counts_per_electron"] == 1.0
    assert float(image.sum()) == pytest.approx(112 * 6400, rel=0.01)


def test_velox_file_with_two_signals():
    path = real("Velox_EDS_16x16.emd")
    image = io.open_image(path)
    assert image.shape == (16, 16, 4096)
    assert image.attrs["title"] == "EDS"
    np.testing.assert_array_equal(io.open_image(path, signal="EDS"), image)
    np.testing.assert_array_equal(io.open_image(path, signal=1), image)
    with pytest.raises(InputError, match=r"0 axes in eV or keV"):
        io.open_image(path, signal="HAADF")
    with pytest.raises(
        InputError, match=r"0: 'HAADF' .*; 1: 'EDS' EDS \[16 x 16 x 4096 points; nm, nm, keV\]; write signal"
    ):
        io.open_image(path, signal="EELS")


@pytest.mark.parametrize("missing", [None, 1])
def test_velox_spectra_that_were_never_written_are_refused(tmp_path, example_data, missing):
    """HDF5 returns zeros in their place."""
    counts = np.random.default_rng(0).poisson(60.0, (6, 9, 120)).astype("u2")
    energy = 420 + 1.5 * np.arange(120)
    write = velox_writer(example_data, energy)
    path = write(tmp_path / "a", SimpleNamespace(counts=counts))
    name = "Data/EelsSpectrumImage/0123/Data"
    with h5py.File(path, "r+") as file:
        stored = file[name][:]
        del file[name]
        blocks = file.create_dataset(name, stored.shape, stored.dtype, chunks=(*stored.shape[:2], 2))
        for block in range(3):
            if block != missing:
                blocks[..., 2 * block : 2 * (block + 1)] = stored[..., 2 * block : 2 * (block + 1)]
    if missing is None:
        np.testing.assert_array_equal(io.open_image(path, signal="EELS"), counts)
        return
    with pytest.raises(InputError, match=r"a\.emd: part of /Data/EelsSpectrumImage/.* never written"):
        io.open_image(path, signal="EELS")


@pytest.mark.parametrize(
    "name", ["reference/SrTiO3.dm4", "reference/SrTiO3_350-862eV.dm3", "reference/Co_edge.msa"]
)
def test_a_spectrum_alone_is_an_image_of_one_pixel(name):
    imported = io.import_image(real(name))
    assert imported.counts.shape[:2] == (1, 1)
    assert imported.counts.dims[-1] == "energy_loss"
    assert imported.attrs["counts_check"]["counts_per_electron_from"] == "assumed"


def test_image_without_energy_axis_is_refused():
    with pytest.raises(InputError, match=r"HAADF.dm3: .*0 axes in eV or keV"):
        io.open_image(real("STO-LMO_HAADF.dm3"))


@pytest.mark.guarantee("G1")
def test_raw_file_is_never_written(sto, tmp_path):
    copy = tmp_path / "a.dm3"
    shutil.copyfile(sto, copy)
    copy.chmod(stat.S_IRUSR)
    before = copy.read_bytes(), copy.stat().st_mtime_ns
    io.import_image(copy)
    assert (copy.read_bytes(), copy.stat().st_mtime_ns) == before


def test_reader_messages_stay_off_the_output(capfd):
    io.open_image(real("Velox_EDS_16x16.emd"))
    assert capfd.readouterr().out == ""


def test_gain_of_the_configuration_wins(sto):
    imported = io.import_image(sto, detector=io.DetectorOptions(counts_per_electron=30))
    assert imported.counts.attrs["counts_per_electron"] == 30
    assert imported.attrs["counts_check"]["counts_per_electron_from"] == "configuration"


FUZZED = {
    "STO-LMO_EELS_SI.dm3": 4096,
    "EDS_80x80.hspy": 4096,
    "Velox_EDS_16x16.emd": 60000,
    "reference/SrTiO3.dm4": 4096,
    "reference/Co_edge.msa": 1024,
}


def opened(path):
    """Import a damaged file: None after a refusal in one line that names it, else a plausible image."""
    try:
        image = io.open_image(path)
    except InputError as error:
        message = str(error)
    else:
        assert np.isfinite(image.to_numpy()).all()
        assert (np.diff(image[image.dims[-1]]) > 0).all()
        return image
    assert str(path) in message
    assert "\n" not in message
    return None


@pytest.mark.guarantee(1)
@pytest.mark.parametrize("fraction", [0.001, 0.1, 0.4, 0.7, 0.95])
@pytest.mark.parametrize("name", FUZZED)
def test_truncated_files_are_refused_or_whole(name, fraction, tmp_path):
    source = real(name)
    content = source.read_bytes()
    path = tmp_path / source.name
    path.write_bytes(content[: int(len(content) * fraction)])
    image = opened(path)
    # The tags after the data of a dm4 and the last lines of an msa are not needed.
    assert image is None or path.suffix in (".dm4", ".msa")


@pytest.mark.guarantee(4)
@pytest.mark.parametrize("name", FUZZED)
def test_flipped_bytes_in_the_header(name, tmp_path):
    source = real(name)
    content = np.frombuffer(source.read_bytes(), np.uint8)
    rng = np.random.default_rng(7)
    for mutant in range(7):
        damaged = content.copy()
        damaged[rng.integers(0, min(FUZZED[name], len(content)), 1 + 2 * mutant)] ^= np.uint8(255)
        path = tmp_path / source.name
        path.write_bytes(damaged.tobytes())
        opened(path)


def write_hspy(path, data, **storage):
    """The smallest hspy file: one experiment with three axes."""
    with h5py.File(path, "w") as file:
        file.attrs["file_format"], file.attrs["file_format_version"] = "HyperSpy", "3.3"
        signal = file.create_group("Experiments/a")
        if data is not None:
            signal.create_dataset("data", data=data, **storage)
        else:
            signal.create_dataset("data", **storage)
        for number, (name, units) in enumerate([("y", "nm"), ("x", "nm"), ("Energy loss", "eV")]):
            axis = signal.create_group(f"axis-{number}")
            axis.attrs.update(
                {
                    "name": name,
                    "units": units,
                    "scale": 0.5,
                    "offset": 10.0,
                    "navigate": number < 2,
                    "_type": "UniformDataAxis",
                }
            )
            axis.attrs["size"] = signal["data"].shape[number]
        for name in ("metadata", "original_metadata", "learning_results"):
            signal.create_group(name)
        signal["metadata"].create_group("General").attrs["title"] = "made"
        signal["metadata"].create_group("Signal").attrs["signal_type"] = "EELS"
    return path


@pytest.mark.parametrize(
    "storage", [{}, {"chunks": (3, 5, 16)}, {"chunks": (3, 2, 40), "compression": "gzip"}]
)
def test_made_hspy(tmp_path, storage):
    data = np.random.default_rng(0).poisson(50, (7, 5, 40)).astype(np.uint16)
    image = io.open_image(write_hspy(tmp_path / "a.hspy", data, **storage))
    np.testing.assert_array_equal(image, data)
    assert float(image.y[-1]) == 13.0


def test_lazy_images_can_go_to_other_processes(tmp_path, monkeypatch):
    """Each block opens the file on its own, so nothing open has to travel."""
    import pickle

    monkeypatch.setattr("eelsunmix.execution.blocks.BLOCK_ELEMENTS", 2 * 5 * 40)
    data = np.random.default_rng(0).poisson(50, (7, 5, 40)).astype(np.uint16)
    path = write_hspy(tmp_path / "a.hspy", data, chunks=(3, 5, 16))
    for image in (io.open_image(path), io.open_image(real("STO-LMO_EELS_SI.dm3"))):
        assert image.chunks is not None
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(image)), image)  # noqa: S301


@pytest.mark.guarantee(4)
def test_hdf5_bomb_is_refused_before_reading(tmp_path):
    path = write_hspy(
        tmp_path / "a.hspy", None, shape=(40000, 4000, 1000), dtype="u2", chunks=(100, 100, 1000)
    )
    assert path.stat().st_size < 100_000
    with pytest.raises(InputError, match=r"a\.hspy: part of /Experiments/a/data .* was never written"):
        io.open_image(path)


@pytest.mark.guarantee(4)
def test_declared_size_is_checked_for_other_formats(tmp_path, monkeypatch):
    data = np.random.default_rng(0).poisson(50, (7, 5, 40)).astype(np.uint16)
    path = write_hspy(tmp_path / "a.hspy", data)
    monkeypatch.setattr("eelsunmix.io.files.LARGEST_COMPRESSION", 0.01)
    with pytest.raises(InputError, match=r"declares \(7, 5, 40\) uint16, 2800 bytes, in a file of"):
        io.open_image(path)


def test_exceptions_of_our_own_and_unknown_ones_pass_the_border(tmp_path):
    with pytest.raises(InputError, match=r"^mine$"), reading(tmp_path / "a.dm3"):
        raise InputError("mine")
    with pytest.raises(KeyboardInterrupt), reading(tmp_path / "a.dm3"):
        raise KeyboardInterrupt
