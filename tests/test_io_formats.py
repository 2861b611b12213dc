"""A format is one file; adding one imports no sample of another format again."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from eelsunmix import io, provenance
from eelsunmix.errors import InputError
from eelsunmix.io import formats
from eelsunmix.provenance import source_fingerprint

SUFFIXES = {
    ".bcf", ".dm3", ".dm4", ".emd", ".emi", ".h5", ".hdf5", ".hspy", ".lsd", ".msa", ".ndata",
    ".ndata1", ".nhdf", ".npy", ".npz", ".nxs", ".prz", ".pts", ".rpl", ".ser", ".spd", ".tif", ".tiff",
    ".zarr", ".zspy",
}  # fmt: skip

ROSETTA = {
    ".bcf", ".dm3", ".dm4", ".emd", ".emi", ".hdf5", ".hspy", ".lsd", ".msa", ".nxs", ".prz", ".pts", ".rpl",
    ".ser", ".spd", ".tif", ".tiff", ".zspy",
}  # fmt: skip

HDF5 = {".emd", ".h5", ".hdf5", ".hspy", ".ndata", ".ndata1", ".nhdf", ".nxs"}

SCRATCH = '''
"""Counts as text, one pixel a line."""

import numpy as np

from eelsunmix.io.format import Format
from eelsunmix.io.signals import FileAxis, Signal


class TextOfCounts(Format):
    """A scan of one row."""

    suffixes = (".counts",)

    def read(self, path):
        counts = np.loadtxt(path, dtype=np.uint16)
        energy = FileAxis(size=counts.shape[1], units="eV", offset=100.0, scale=2.0)
        axes = (FileAxis(size=len(counts)), energy)
        return [Signal(open=lambda _: counts, dtype=counts.dtype, axes=axes, title="scan", reader="NumPy")]
'''


@pytest.fixture
def scratch_format(tmp_path, monkeypatch):
    folder = tmp_path / "formats"
    folder.mkdir()
    (folder / "text_of_counts.py").write_text(SCRATCH)
    monkeypatch.setattr(formats, "__path__", [*formats.__path__, str(folder)])
    formats.known_formats.cache_clear()
    yield folder
    formats.known_formats.cache_clear()


def test_every_suffix_has_a_format():
    assert set(formats.known_formats()) == SUFFIXES
    for suffix in SUFFIXES:
        module = io.reader_module(Path(f"of/no/such.file{suffix.upper()}"))
        assert module.startswith("eelsunmix.io.formats.")


@pytest.mark.guarantee(3)
def test_an_unknown_file_is_refused_with_the_suffixes_that_are_known(tmp_path):
    (tmp_path / "a.xyz").write_text("1")
    assert io.reader_module(tmp_path / "a.xyz") == "eelsunmix.io.formats"
    with pytest.raises(
        InputError,
        match=r"unknown kind of file '\.xyz'; save it as \.hspy in HyperSpy; read are \.bcf \.dm3 .* \.zspy",
    ):
        io.open_image(tmp_path / "a.xyz")


def test_a_format_is_one_file(tmp_path, scratch_format):
    counts = np.random.default_rng(0).poisson(50, (6, 40))
    np.savetxt(tmp_path / "a.counts", counts, fmt="%d")
    image = io.open_image(tmp_path / "a.counts")
    np.testing.assert_array_equal(image.squeeze("y"), counts)
    assert image.energy_loss[1] == 102.0
    assert io.reader_module("b.counts") == "eelsunmix.io.formats.text_of_counts"
    (tmp_path / "a.xyz").write_text("1")
    with pytest.raises(InputError, match=r"read are \.bcf \.counts \.dm3"):
        io.open_image(tmp_path / "a.xyz")


def test_two_formats_for_one_suffix_are_a_mistake(scratch_format):
    (scratch_format / "again.py").write_text(SCRATCH)
    with pytest.raises(ValueError, match=r"^\.counts is read by"):
        formats.known_formats()


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Copy of the sources, whose fingerprints are taken."""
    copy = tmp_path / "eelsunmix"
    shutil.copytree(provenance.PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(provenance, "PACKAGE", copy)
    return copy


def _fingerprints():
    return {
        suffix: source_fingerprint("eelsunmix.io.importing", io.reader_module(f"a{suffix}"))
        for suffix in SUFFIXES
    }


def _changed(package, name, old, new):
    before, path = _fingerprints(), package / "io" / name
    text = path.read_text() if path.exists() else ""
    assert old in text
    path.write_text(text.replace(old, new, 1) if old else new)
    after = _fingerprints()
    return {suffix for suffix in SUFFIXES if before[suffix] != after[suffix]}


def test_a_new_format_changes_the_code_of_no_import(package):
    assert _changed(package, "formats/text_of_counts.py", "", SCRATCH) == set()


@pytest.mark.parametrize(
    ("name", "old", "new", "suffixes"),
    [
        ("formats/velox.py", '(".emd",)', '(".emd", ".velox")', {".emd"}),
        ("formats/nion.py", 'reader="Nion Swift"', 'reader="Swift"', {".ndata1", ".ndata", ".h5", ".nhdf"}),
        ("hdf5.py", ">= expected", "> expected", HDF5),
        ("npy.py", "2**20", "2**19", {".npy", ".npz", ".ndata1", ".ndata", ".h5", ".nhdf"}),
        ("rosettasciio.py", "or path.stem", "or path.name", ROSETTA),
        ("counts.py", "RELATIVE_TOLERANCE = 0.1", "RELATIVE_TOLERANCE = 0.2", SUFFIXES),
    ],
)
def test_an_edit_concerns_the_files_that_are_read_with_it(package, name, old, new, suffixes):
    assert _changed(package, name, old, new) == suffixes


def test_the_module_of_a_reader_is_found_without_its_libraries():
    code = "import sys; from eelsunmix.io import reader_module; reader_module('a.dm4'); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"rsciio", "h5py", "zarr", "distributed"} & set(done.stdout.split())
