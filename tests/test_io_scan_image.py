"""The image that a file holds of the scan of its spectra: taken where it is certain, and never guessed."""

import dataclasses
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

from eelsunmix import io
from eelsunmix.io.axes import AxesOptions
from eelsunmix.io.layout import find_layout
from eelsunmix.io.scan_image import scan_image
from eelsunmix.io.signals import FileAxis, Signal
from eelsunmix.storage import open_store, publish
from test_io_vendor import real

Y = FileAxis(size=3, name="y", units="nm", offset=5.0, scale=0.2)
X = FileAxis(size=4, name="x", units="nm", offset=0.0, scale=0.2)
ENERGY = FileAxis(size=6, name="Energy loss", units="eV", offset=400.0, scale=1.0)
VALUES = np.arange(12, dtype=np.uint16).reshape(3, 4)


def signal(*axes, title="HAADF", values=None):
    values = np.zeros([axis.size for axis in axes], np.float32) if values is None else values
    return Signal(open=lambda chunks: values, dtype=values.dtype, axes=axes, title=title, reader="test")


def found(*images, spectra=None):
    spectra = spectra or signal(ENERGY, Y, X, title="EELS")
    path = Path("a.dm4")
    return scan_image([*images, spectra], spectra, find_layout(spectra, AxesOptions(), path), path)


def test_the_image_of_the_same_pixels_is_taken_as_it_is():
    image = found(signal(Y, X, values=VALUES))
    assert image.dims == ("y", "x")
    assert image.attrs["title"] == "HAADF"
    np.testing.assert_array_equal(image, VALUES)


@pytest.mark.parametrize(
    "axes",
    [
        (Y, dataclasses.replace(X, size=5)),
        (Y, dataclasses.replace(X, scale=0.21)),
        (dataclasses.replace(Y, offset=4.9), X),
        (dataclasses.replace(Y, units="µm"), X),
        (dataclasses.replace(Y, scale=None), X),
        (X, Y),
        (Y,),
    ],
    ids=["size", "pixel", "place", "unit", "uncalibrated", "turned", "line"],
)
def test_another_image_is_not_taken(axes):
    assert found(signal(*axes)) is None


def test_of_an_uncalibrated_file_nothing_is_taken():
    y, x = (dataclasses.replace(axis, units="") for axis in (Y, X))
    assert found(signal(y, x), spectra=signal(ENERGY, y, x, title="EELS")) is None


def test_of_several_images_the_one_called_haadf_is_taken_and_none_without_a_name():
    bright, dark = signal(Y, X, title="BF"), signal(Y, X, title="my HAADF", values=VALUES)
    np.testing.assert_array_equal(found(bright, dark), VALUES)
    assert found(bright, signal(Y, X, title="DF2")) is None
    assert found(dark, dark) is None


def test_a_damaged_image_of_the_scan_is_left_out_and_named(tmp_path, monkeypatch):
    """No result depends on it."""

    def damaged(chunks):
        raise OSError("wrong checksum")

    spectra = signal(Y, X, ENERGY, title="EELS", values=np.ones((3, 4, 6), np.float32))
    image = dataclasses.replace(signal(Y, X, title="HAADF"), open=damaged)
    path = tmp_path / "a.dm4"
    path.write_bytes(b"any")
    monkeypatch.setattr("eelsunmix.io.importing.read_signals", lambda _: [spectra, image])
    imported = io.import_image(path)
    assert "scan_image" not in imported
    (said,) = [text for text in imported.attrs["counts_check"]["warnings"] if "scan" in text]
    assert said.startswith("the image of the scan, HAADF, is left out: ")
    assert "wrong checksum" in said


def test_haadf_of_a_velox_file(tmp_path):
    """Oracle: the numbers as HDF5 has them; EDS and image are both in the order of the scan."""
    path = real("Velox_EDS_16x16.emd")
    imported = io.import_image(path, invalid_pixels="mask")
    with h5py.File(path) as file:
        (image,) = (one["Data"][..., 0] for one in file["Data/Image"].values())
    assert imported.scan_image.attrs["title"] == "HAADF"
    assert imported.scan_image.dims == ("y", "x")
    np.testing.assert_array_equal(imported.scan_image, image)
    publish(imported, tmp_path / "raw.zarr", kind="raw")
    kept = open_store(tmp_path / "raw.zarr", kind="raw").scan_image
    xr.testing.assert_identical(kept.load(), imported.scan_image)
