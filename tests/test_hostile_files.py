"""Files that would pull others into the image, read for ever, fill the memory, or end in a traceback."""

import json
import os
import struct
import time
import zipfile

import h5py
import numpy as np
import pytest

from bruker_file import CHUNK, DATA_AT, write_bcf
from eelsunmix import io
from eelsunmix.errors import InputError
from eelsunmix.io.metadata import LONGEST_TEXT
from faults.small_files import DigitalMicrograph
from test_io_vendor import write_hspy

COUNTS = np.random.default_rng(0).poisson(50, (7, 5, 40)).astype("u2")
AXES = io.AxesOptions(dims=("y", "x", "energy_loss"), energy=io.EnergyAxis(offset_eV=100, dispersion_eV=0.5))


def hspy(path, plant):
    write_hspy(path, COUNTS)
    with h5py.File(path, "r+") as file:
        plant(file, "Experiments/a/data")
    return path


def emd(path, plant):
    with h5py.File(path, "w") as file:
        file.create_dataset("Data/SpectrumImage/1/Data", data=COUNTS)
        plant(file, "Data/SpectrumImage/1/Data")
    return path


def nion(path, plant):
    with h5py.File(path, "w") as file:
        file["data"] = COUNTS
        file["data"].attrs["properties"] = json.dumps({})
        plant(file, "data")
    return path


def external_link(file, name):
    del file[name]
    file[name] = h5py.ExternalLink("secret.h5", "/numbers")


def link_to_a_pipe(file, name):
    del file[name]
    os.mkfifo(file.filename + ".pipe")
    file[name] = h5py.ExternalLink(file.filename + ".pipe", "/numbers")


def link_to_a_group(file, name):
    file["beside"] = h5py.ExternalLink("secret.h5", "/")
    del file[name]
    file[name] = h5py.SoftLink("/beside/numbers")


def replaced(file, name, **made):
    attributes = dict(file[name].attrs)
    del file[name]
    dataset = file.create_dataset(name, COUNTS.shape, "u2", **made)
    dataset.attrs.update(attributes)


def external_storage(file, name):
    replaced(file, name, external=[("secret.bin", 0, h5py.h5f.UNLIMITED)])


def virtual_source(file, name):
    layout = h5py.VirtualLayout(COUNTS.shape, "u2")
    layout[:] = h5py.VirtualSource("secret.h5", "numbers", COUNTS.shape)
    attributes = dict(file[name].attrs)
    del file[name]
    file.create_virtual_dataset(name, layout).attrs.update(attributes)


PLANTS = {
    external_link: "is a link to another file, 'secret.h5'",
    link_to_a_pipe: "is a link to another file",
    link_to_a_group: "beside is a link to another file, 'secret.h5'",
    external_storage: "takes its numbers from other files",
    virtual_source: "takes its numbers from other files",
}


@pytest.mark.guarantee("G9")
@pytest.mark.parametrize("write", [hspy, emd, nion], ids=lambda write: write.__name__)
@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_no_other_file_is_pulled_into_the_image(tmp_path, monkeypatch, write, plant):
    monkeypatch.chdir(tmp_path)
    with h5py.File("secret.h5", "w") as file:
        file["numbers"] = COUNTS
    (tmp_path / "secret.bin").write_bytes(COUNTS.tobytes())
    suffix = {"nion": "h5"}.get(write.__name__, write.__name__)
    path = write(tmp_path / f"a.{suffix}", plant)
    with pytest.raises(InputError, match=rf"a\.{suffix}: /?.*{PLANTS[plant]}.*; save the image as one file"):
        io.open_image(path)


@pytest.mark.guarantee("G9")
def test_a_link_in_the_place_of_all_signals_is_not_followed_either(tmp_path, monkeypatch):
    """Whether a file is an export of ours was looked up in the file that the link leads to."""
    monkeypatch.chdir(tmp_path)
    hspy("secret.h5", lambda file, _: file.require_group("Experiments/a/metadata/eelsunmix"))

    def link(file, _):
        del file["Experiments"]
        file["Experiments"] = h5py.ExternalLink("secret.h5", "/Experiments")

    with pytest.raises(InputError, match=r"/Experiments is a link to another file, 'secret\.h5'"):
        io.open_image(hspy(tmp_path / "a.hspy", link))


def test_links_inside_a_file_are_followed(tmp_path):
    def soft(file, name):
        file.move(name, "elsewhere")
        file[name] = h5py.SoftLink("/elsewhere")

    image = io.open_image(hspy(tmp_path / "a.hspy", soft))
    np.testing.assert_array_equal(image, COUNTS)


class _HugeSides(DigitalMicrograph):
    def long(self, name, value):
        return super().long(name, value if name else 2**16)


def test_sides_of_a_damaged_dm_file_are_not_cut_into_millions_of_blocks(tmp_path):
    (tmp_path / "a.dm4").write_bytes(_HugeSides(4).image())
    begun = time.process_time()
    with pytest.raises(InputError, match=r"a\.dm4: declares \(65536, 65536, 65536\), .* but stores 1400"):
        io.open_image(tmp_path / "a.dm4")
    assert time.process_time() - begun < 10


@pytest.mark.guarantee(1)
def test_an_msa_file_with_fewer_numbers_than_it_says_is_refused(tmp_path):
    lines = ["#FORMAT      : EMSA/MAS Spectral Data File", "#VERSION     : 1.0", "#NPOINTS     : 12."]
    lines += ["#NCOLUMNS    : 1.", "#XUNITS      : eV", "#DATATYPE    : Y", "#XPERCHAN    : 0.5"]
    lines += ["#OFFSET      : 100.", "#SPECTRUM    : Spectral data starts here"]
    path = tmp_path / "a.msa"
    path.write_text("\n".join([*lines, *map(str, range(1, 13)), "#ENDOFDATA   :"]))
    assert io.open_image(path).shape == (1, 1, 12)
    path.write_text("\n".join([*lines, *map(str, range(1, 8))]))
    with pytest.raises(InputError, match=r"declares #NPOINTS 12, but holds 7; it is truncated"):
        io.open_image(path)


@pytest.mark.guarantee(39)
def test_an_archive_of_thousands_of_arrays_is_refused_at_once(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, **{f"a{number}": np.zeros(3) for number in range(101)})
    with pytest.raises(InputError, match=r"holds 101 arrays, more than 100; save the image alone as \.npy"):
        io.open_image(path, axes=AXES)


@pytest.mark.guarantee(39)
def test_a_small_file_does_not_unpack_to_more_than_the_memory_of_the_job(tmp_path):
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.npy", "w") as file:
        header = {"descr": "<u2", "fortran_order": False, "shape": (600, 1024, 1024)}
        np.lib.format.write_array_header_1_0(file, header)
        for _ in range(600):
            file.write(bytes(2**21))
    with pytest.raises(InputError, match=r"a\.npy is compressed and holds 125829\d+ bytes; save it"):
        io.open_image(path, axes=AXES)


@pytest.mark.guarantee(4)
def test_a_chunk_that_fills_the_memory_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("eelsunmix.io.hdf5.LARGEST_CHUNK", 2000)
    write_hspy(tmp_path / "a.hspy", COUNTS, chunks=(2, 5, 40), compression="gzip")
    io.open_image(tmp_path / "a.hspy")
    write_hspy(tmp_path / "b.hspy", COUNTS, chunks=(7, 5, 40), compression="gzip")
    with pytest.raises(InputError, match=r"data is stored in chunks of 2800 bytes"):
        io.open_image(tmp_path / "b.hspy")


@pytest.mark.guarantee(4)
@pytest.mark.parametrize("write", [hspy, emd, nion], ids=lambda write: write.__name__)
def test_thousands_of_groups_inside_of_groups_are_refused_at_once(tmp_path, write):
    def plant(file, name):
        group = file
        for _ in range(2000):
            group = group.create_group("a")

    path = write(tmp_path / f"a.{'h5' if write is nion else write.__name__}", plant)
    with pytest.raises(InputError, match="holds groups nested deeper than 100"):
        io.open_image(path)


FIRST_PIXEL = DATA_AT + 5 * CHUNK + 0x1A0 + 4
"""Where the first pixel of a map stands in a bcf, after the number of pixels on its line."""


@pytest.fixture(scope="module")
def bcf(tmp_path_factory):
    path = tmp_path_factory.mktemp("bcf") / "whole.bcf"
    write_bcf(path, COUNTS, first_keV=-0.48, step_keV=0.01, pixel_um=(0.002, 0.003))
    return path.read_bytes()


@pytest.mark.guarantee("G9")
@pytest.mark.parametrize(
    ("at", "written", "said"),
    [
        (FIRST_PIXEL, 5, "line 0 has a pixel 5 of"),
        (FIRST_PIXEL + 18, CHUNK + 1, f"line 0 has a pixel 0 of {CHUNK + 1} bytes"),
        (FIRST_PIXEL + 18, 2, "pixel 0 of line 0 has more counts than bytes"),
        (FIRST_PIXEL - 4, 6, "line 0 has a pixel"),
        (FIRST_PIXEL - 4 - 0x1A0, 8, "the packed counts are of another size than the map"),
    ],
    ids=["off the map", "too long", "too short", "too many pixels", "another size"],
)
def test_a_damaged_map_of_bruker_is_refused_before_it_is_unpacked(tmp_path, bcf, at, written, said):
    path = tmp_path / "a.bcf"
    path.write_bytes(bcf[:at] + struct.pack("<I", written) + bcf[at + 4 :])
    with pytest.raises(InputError, match=rf"a\.bcf: {said}.*; it is damaged: compare it with the original"):
        io.open_image(path)


def test_random_damage_of_a_map_of_bruker_is_one_line_or_other_counts(tmp_path, bcf):
    rng, path = np.random.default_rng(1), tmp_path / "a.bcf"
    used = np.arange(FIRST_PIXEL - 0x1A4, np.flatnonzero(np.frombuffer(bcf, np.uint8))[-1])
    refusals = []
    for number in range(60):
        damaged = bytearray(bcf)
        damaged[rng.choice(used)] = rng.integers(256)
        path.write_bytes(damaged[: rng.integers(len(bcf))] if number % 4 == 0 else damaged)
        try:
            assert io.open_image(path).shape == COUNTS.shape
        except InputError as error:
            refusals.append(str(error))
    assert len(refusals) > 10
    assert all(said.startswith(f"{path}: ") and "\n" not in said for said in refusals)


@pytest.mark.guarantee("G9")
def test_long_names_and_units_cost_no_time_and_fill_no_page(tmp_path):
    def without_end(file, _):
        signal = file["Experiments/a"]
        signal["axis-0"].attrs["units"] = "n" * 100_000
        signal["metadata/General"].attrs.update(title="A" * 60_000, authors="B" * 60_000)

    path = hspy(tmp_path / "a.hspy", without_end)
    began = time.process_time()
    with pytest.raises(InputError, match=r"the unit 'nnn.* of the axis y is not a length") as refused:
        io.open_image(path)
    assert time.process_time() - began < 5  # the library of units would take minutes
    assert len(str(refused.value)) < 300
    named = io.import_image(path, axes=io.AxesOptions(pixel_nm=1))
    assert len(named["counts"].attrs["title"]) == LONGEST_TEXT
    assert len(named.attrs["metadata"]["General"]["authors"]) == LONGEST_TEXT
