"""Bare NumPy arrays, npy and npz: what their axes are comes from the configuration."""

import zipfile
from pathlib import Path

from eelsunmix.errors import InputError
from eelsunmix.io.format import Format
from eelsunmix.io.npy import Member, npy_file, zip_member
from eelsunmix.io.signals import FileAxis, Signal

LARGEST_NUMBER = 100
"""Arrays of an archive; each is looked at."""


class NumpyArray(Format):
    """An npy file."""

    suffixes = (".npy",)

    def read(self, path: Path) -> list[Signal]:
        """Return the array, unread."""
        return [_bare(path.stem, npy_file(path))]


class NumpyArchive(Format):
    """An npz file."""

    suffixes = (".npz",)

    def read(self, path: Path) -> list[Signal]:
        """Return all arrays, unread."""
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith(".npy")]
        if len(names) > LARGEST_NUMBER:
            raise InputError(
                f"{path}: holds {len(names)} arrays, more than {LARGEST_NUMBER}; save the image alone as .npy"
            )
        return [_bare(name.removesuffix(".npy"), zip_member(path, name)) for name in names]


def _bare(title: str, array: Member) -> Signal:
    axes = tuple(FileAxis(size=size) for size in array.shape)
    return Signal(open=array.open, dtype=array.dtype, axes=axes, title=title, reader="NumPy")
