"""Reading of files: checks beforehand, and one-line errors for whatever goes wrong."""

import hashlib
import logging
import struct
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eelsunmix.errors import InputError
from eelsunmix.io.format import Format
from eelsunmix.io.formats import format_of, known_formats
from eelsunmix.io.signals import Signal

LARGEST_COMPRESSION = 2000
"""Declared bytes per byte of file beyond which a file is refused; deflate reaches 1032 on zeros."""

REFUSED = {
    ".zspy": "save it as .hspy in HyperSpy, since .zspy needs zarr 2",
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
    found = check_path(path)
    with reading(path):
        signals = found.read(path)
    for signal in signals:
        _check_declared_size(signal, path)
    return signals


def check_path(path: Path) -> Format:
    """Return the format of a file that can be tried; raise InputError where that makes no sense."""
    known = format_of(path)
    if not path.exists():
        raise InputError(f"{path}: no such file; check the name and the folder")
    if known is None:
        raise InputError(f"{path}: {unread_kind(path)}")
    if path.is_dir() != known.is_folder:
        found = "a directory" if path.is_dir() else "a file"
        raise InputError(f"{path}: is {found}; name the spectrum image itself")
    if path.is_file() and path.stat().st_size == 0:
        raise InputError(f"{path}: is empty (0 bytes); copy it again")
    return known


def unread_kind(path: Path) -> str | None:
    """Say why files with this suffix are not read; None for those that are."""
    suffix = path.suffix.lower()
    if suffix in REFUSED:
        return f"{suffix} files are not read; {REFUSED[suffix]}"
    if format_of(path) is None:
        return f"unknown kind of file {suffix!r}; known are {' '.join(sorted(known_formats()))}"
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
    except _errors(path) as error:
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


def checksum(path: Path) -> tuple[str, int]:
    """Return SHA-256 (hexadecimal) and size in bytes of a file, or of all files of a directory in order."""
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size
    total, size = hashlib.sha256(), 0
    for part in sorted(part for part in path.rglob("*") if part.is_file()):
        digest, part_size = checksum(part)
        total.update(f"{part.relative_to(path).as_posix()} {digest}\n".encode())
        size += part_size
    return total.hexdigest(), size


def _check_declared_size(signal: Signal, path: Path) -> None:
    declared = signal.dtype.itemsize
    for size in signal.shape:
        declared *= size
    if path.is_file() and declared > LARGEST_COMPRESSION * path.stat().st_size:
        raise InputError(
            f"{path}: declares {signal.shape} {signal.dtype}, {declared} bytes, in a file of "
            f"{path.stat().st_size} bytes; it is damaged or truncated: copy it again"
        )
