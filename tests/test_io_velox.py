"""X-ray maps of Velox held against the scan: damaged copies of a real file (16 x 16 pixels, 5 frames)."""

import itertools
import json
import logging
import os
import shutil
import stat
from pathlib import Path

import h5py
import numpy as np
import pytest

from eelsunmix import io
from eelsunmix.errors import InputError
from eelsunmix.io.formats import velox_streams

MARK = 65535


@pytest.fixture(scope="module")
def source():
    folder = Path(os.environ.get("EELSUNMIX_DATA") or Path(__file__).parents[2] / "shared" / "data")
    path = folder / "Velox_EDS_16x16.emd"
    if not path.is_file():
        pytest.skip(f"REAL DATA MISSING: {path}; name the folder in EELSUNMIX_DATA to run this test")
    return path


@pytest.fixture
def damaged(source, tmp_path):
    """Function that changes a copy of the file and returns its path."""
    names = (f"{number}.emd" for number in itertools.count())

    def make(*changes):
        path = tmp_path / next(names)
        shutil.copyfile(source, path)
        path.chmod(stat.S_IRUSR | stat.S_IWUSR)
        with h5py.File(path, "r+") as file:
            for change in changes:
                change(file)
        return path

    return make


def only(file, kind):
    return next(iter(file[f"Data/{kind}"].values()))


def stored(group, name, values):
    if name in group:
        del group[name]
    group.create_dataset(name, data=values, chunks=values.shape or None)


def stream(change):
    """Replace the stream of events by a function of it."""

    def apply(file):
        group = only(file, "SpectrumStream")
        stored(group, "Data", change(group["Data"][:]))

    return apply


def image(*sizes):
    """Give the image another size, and add images of the other sizes behind it."""

    def apply(file):
        group = only(file, "Image")
        for size in sizes[1:]:
            file.copy(group, "Data/Image/zzz")
            stored(file["Data/Image/zzz"], "Data", np.ones((*size, 1), "u2"))
        stored(group, "Data", np.ones((*sizes[0], 1), "u2"))

    return apply


def without_scan(file):
    """Take the scan out of the description of the stream."""
    group = only(file, "SpectrumStream")
    known = json.loads(group["Metadata"][:, 0].tobytes().rstrip(b"\0"))
    del known["Scan"]
    stored(group, "Metadata", np.frombuffer(json.dumps(known).encode(), "u1")[:, None])


def unit(text):
    """Give the pixels of the image and of the stream another unit."""

    def apply(file):
        for group in (only(file, "Image"), only(file, "SpectrumStream")):
            known = json.loads(group["Metadata"][:, 0].tobytes().rstrip(b"\0"))
            known["BinaryResult"]["PixelUnitX"] = text
            stored(group, "Metadata", np.frombuffer(json.dumps(known).encode(), "u1")[:, None])

    return apply


def said(path):
    return [
        text
        for text in io.import_image(path, signal="EDS").attrs["counts_check"]["warnings"]
        if "X-ray" in text
    ]


def test_the_real_file_passes_and_its_counts_are_those_of_its_stream(source):
    """Oracle: the pixel of an event is the number of marks before it; the last 7 of 1280 are missing."""
    with h5py.File(source) as file:
        events = only(file, "SpectrumStream")["Data"][:, 0]
    marks = events == MARK
    assert marks.sum() == 1273
    pixels = np.cumsum(marks)[~marks] % 256
    imported = io.import_image(source, signal="EDS")
    np.testing.assert_array_equal(
        imported.total_counts.to_numpy().ravel(), np.bincount(pixels, minlength=256)
    )
    assert imported.attrs["counts_check"]["warnings"] == []


@pytest.mark.parametrize("sizes", [[(16, 16), (8, 8)], [(16, 16), (32, 32)], [(16, 16), (8, 32)], [(8, 8)]])
def test_map_in_the_size_of_another_image_is_refused(damaged, sizes):
    read = f"{sizes[-1][0]} x {sizes[-1][1]}"
    with pytest.raises(
        InputError, match=rf"0\.emd: .*scanned in 16 x 16 pixels, but would be read in {read}"
    ):
        io.open_image(damaged(image(*sizes)), signal="EDS")


def test_images_of_two_sizes_are_refused_if_the_scan_is_unknown(damaged):
    with pytest.raises(InputError, match="images of different sizes and does not say which"):
        io.open_image(damaged(without_scan, image((8, 8), (16, 16))), signal="EDS")
    assert said(damaged(without_scan)) == []


def test_another_image_beside_the_scan_does_no_harm(damaged, source):
    """The plugin takes the size of the last."""
    found = io.open_image(damaged(image((8, 8), (16, 16))), signal="EDS")
    np.testing.assert_array_equal(found, io.open_image(source, signal="EDS"))


def test_scan_of_another_shape_and_as_many_pixels_is_told(damaged):
    (text,) = said(damaged(image((32, 8))))
    assert "read in 32 x 8 pixels, but its scan declares 16 x 16" in text


def test_streams_of_other_lengths_are_told(damaged, monkeypatch):
    monkeypatch.setattr(velox_streams, "_BLOCK", 1000)
    (text,) = said(damaged(stream(lambda events: events[: len(events) // 2])))
    assert "1 of 1 streams of X-ray events end early, the first after 636 of 1280 pixels" in text
    (text,) = said(damaged(stream(lambda events: np.tile(events, (2, 1)))))
    assert "hold up to 2546 pixels, more than the 1280 pixels that the file declares" in text


def test_stream_without_marks_is_refused(damaged):
    with pytest.raises(InputError, match="no marks between pixels"):
        io.open_image(damaged(stream(np.zeros_like)), signal="EDS")


@pytest.mark.parametrize(
    "change",
    [
        lambda events: events[:, 0],
        lambda events: events[:, :, None],
        lambda events: events[0, 0],
        lambda events: events.astype(">u2"),
        lambda events: events.astype("c8"),
        lambda events: events.astype("u4"),
        lambda events: np.array([b"abc"] * 50)[:, None],
    ],
    ids=["1-D", "3-D", "0-D", "big-endian", "complex", "wide", "text"],
)
def test_streams_of_another_kind_are_refused(damaged, change):
    with pytest.raises(InputError, match=r"0\.emd: /Data/SpectrumStream/.* not one column of <u2"):
        io.open_image(damaged(stream(change)), signal="EDS")


def test_messages_of_the_plugin_are_one_line_with_the_path(damaged, source, capfd, caplog):
    def broken(file):
        stored(only(file, "SpectrumImage"), "SpectrumImageSettings", np.array([b"{oops"]))

    library = logging.getLogger("rsciio")
    before = library.propagate
    path = damaged(broken)
    found = io.open_image(path, signal="EDS")
    np.testing.assert_array_equal(found, io.open_image(source, signal="EDS"))
    assert caplog.messages == [f"{path}: Failed to read the number of frames from Data/SpectrumImage"]
    assert all(record.exc_info is None for record in caplog.records)
    assert capfd.readouterr() == ("", "")
    assert (library.propagate, library.handlers) == (before, [])


@pytest.mark.parametrize("text", ["9**9**9", "m^999999999", "(9)**(9)**(9)"])
def test_a_unit_that_would_be_computed_is_refused(damaged, text):
    with pytest.raises(InputError, match=r"/Metadata gives '.*' as a unit; it is damaged"):
        io.open_image(damaged(unit(text)), signal="EDS")


def test_an_axis_of_ncem_with_a_unit_that_would_be_computed_is_refused(tmp_path):
    with h5py.File(tmp_path / "a.emd", "w") as file:
        file.create_dataset("data/SI/dim1", data=np.arange(3.0)).attrs["units"] = "9**9**9"
    with pytest.raises(InputError, match=r"/data/SI/dim1 gives '9\*\*9\*\*9' as a unit"):
        io.open_image(tmp_path / "a.emd")
