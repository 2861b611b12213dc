"""Reading of files: checks beforehand, and one-line errors for whatever goes wrong."""

import logging
import struct
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from eelsunmix.errors import InputError
from eelsunmix.execution.limits import limited
from eelsunmix.failures import shortage
from eelsunmix.io.format import Format
from eelsunmix.io.formats import format_of, known_formats
from eelsunmix.io.metadata import shortened
from eelsunmix.io.signals import Signal
from eelsunmix.sources import companions, real_path

LARGEST_COMPRESSION = 2000
"""Declared bytes per byte of file beyond which a file is refused; deflate reaches 1032 on zeros."""

LARGEST_HEADER = 2**31
"""Bytes of memory that a reader may ask for before it reads the image, beside twice the size of the file."""

REFUSED = {
    ".asw": "name the .pts file of the map: .asw lists files by their paths",
    ".elid": "save the map as .hspy in HyperSpy, with imagecodecs installed there",
    ".raw": "name the .rpl file that describes it",
    ".spc": "name the .spd of the map, or the .lsd of the line scan",
    ".yaml": "it is a configuration, which `eelsunmix run` takes; name the image",
    ".yml": "it is a configuration, which `eelsunmix run` takes; name the image",
    ".html": "it is a page; name the image",
    ".zip": "unpack it, and name the image in it",
    ".pkl": "save the array as .npy, since pickles can run code",
    ".pickle": "save the array as .npy, since pickles can run code",
}

# What readers have been seen to raise on damaged files (fuzzed), besides their own exceptions.
_READER_ERRORS: tuple[type[Exception], ...] = (
    OSError, EOFError, MemoryError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError,
    RuntimeError, NameError, AssertionError, SyntaxError, StopIteration, struct.error, zlib.error,
    zipfile.BadZipFile, tokenize.TokenError,
)  # fmt: skip

logger = logging.getLogger(__name__)


def read_signals(path: Path) -> list[Signal]:
    """Return what a file holds, unread.

    Parameters
    ----------
    path : Path
        File of a known format, see `eelsunmix.io.formats`.

    Raises
    ------
    InputError
        If the file is missing, empty, of another kind, damaged, or declares far more data than it has bytes.
    """
    with reading(path):
        found = check_path(path)
        size = size_bytes(path)
        with limited(path, seconds=60 + size / 2**20, size_bytes=LARGEST_HEADER + 2 * size):
            signals = found.read(path)
    for signal in signals:
        _check_declared_size(signal, path, size)
    return [_with_short_names(signal) for signal in signals]


def _with_short_names(signal: Signal) -> Signal:
    axes = [replace(one, name=shortened(one.name), units=shortened(one.units)) for one in signal.axes]
    return replace(signal, title=shortened(signal.title), axes=tuple(axes))


def check_path(path: Path) -> Format:
    """Return the format of a file that can be tried; raise InputError where that makes no sense."""
    known = format_of(path)
    if not path.exists():
        raise InputError(f"{path}: no such file; check the name and the folder")
    if known is None and path.is_dir():
        raise InputError(f"{path}: is a folder of no kind that is read; name an image in it")
    if known is None:
        raise InputError(f"{path}: {unread_kind(path)}")
    if known.is_folder is not None and path.is_dir() != known.is_folder:
        found = "a directory" if path.is_dir() else "a file"
        raise InputError(f"{path}: is {found}; name the spectrum image itself")
    if path.is_dir():
        check_folder(path)
    elif not path.is_file():
        raise InputError(f"{path}: is no plain file, and reading from it might never end; name a file")
    if path.is_file() and path.stat().st_size == 0:
        raise InputError(f"{path}: is empty (0 bytes); copy it again")
    return known


def check_folder(folder: Path) -> None:
    """Refuse what leads out of a folder, and what is no plain file: reading it might never end."""
    home = real_path(folder)
    for entry in folder.rglob("*"):
        if entry.is_symlink() and not real_path(entry).is_relative_to(home):
            raise InputError(
                f"{folder}: {entry.relative_to(folder)} is a link that leads out of the folder; "
                "copy the folder with what its links lead to (cp -rL)"
            )
        if not entry.is_file() and not entry.is_dir():
            raise InputError(f"{folder}: {entry.relative_to(folder)} is no plain file; copy the folder again")


def unread_kind(path: Path) -> str | None:
    """Say why files with this suffix are not read; None for those that are."""
    suffix = path.suffix.lower()
    if suffix in REFUSED:
        return f"{suffix} files are not read; {REFUSED[suffix]}"
    if format_of(path) is None:
        known = " ".join(sorted(known_formats()))
        return f"unknown kind of file {suffix!r}; save it as .hspy in HyperSpy; read are {known}"
    return None


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what readers raise into one line with the path, and what they warn of into log records."""
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield
    except InputError:
        raise
    except PermissionError as error:
        raise InputError(f"{path}: no permission to read it; ask its owner, or change its mode") from error
    except _errors(path) as error:
        if line := shortage(error):
            raise InputError(
                f"{path}: cannot be read, {line}; if there is enough, the file is damaged: copy it again"
            ) from error
        if not path.exists():
            raise InputError(
                f"{path}: was taken away while it was read; run again once it is there"
            ) from error
        found = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        size = f"{path.stat().st_size} bytes" if path.is_file() else "a directory"
        raise InputError(
            f"{path}: cannot be read as {path.suffix} ({found}; {size}); "
            "it is damaged, truncated or of another kind: compare it with the original and copy it again"
        ) from error
    for warning in caught:
        logger.warning("%s: %s", path, warning.message)


def _errors(path: Path) -> tuple[type[Exception], ...]:
    known = format_of(path)
    return _READER_ERRORS if known is None else (*_READER_ERRORS, *known.errors())


def size_bytes(path: Path) -> int:
    """Size of a file and those that belong to it, or of all files of a folder."""
    inside = (file for file in path.rglob("*") if file.is_file())
    files = inside if path.is_dir() else (path, *companions(path))
    return sum(file.stat().st_size for file in files)


def _check_declared_size(signal: Signal, path: Path, stored: int) -> None:
    declared = signal.dtype.itemsize
    for size in signal.shape:
        declared *= size
    if path.is_file() and declared > LARGEST_COMPRESSION * stored:
        raise InputError(
            f"{path}: declares {signal.shape} {signal.dtype}, {declared} bytes, in a file of "
            f"{stored} bytes; it is damaged or truncated: copy it again"
        )
