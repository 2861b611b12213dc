"""The border to files: which reader, checks before reading, and one-line errors for whatever goes wrong."""

import hashlib
import logging
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from eelsunmix.errors import InputError
from eelsunmix.io import arrays, nion, vendor
from eelsunmix.io.signals import Signal

LARGEST_COMPRESSION = 2000
"""Declared bytes per byte of file beyond which a file is refused; deflate reaches 1032 on zeros."""

READERS: dict[str, Callable[[Path], list[Signal]]] = {
    **dict.fromkeys(vendor.PLUGINS, vendor.read),
    **dict.fromkeys((".ndata1", ".ndata"), nion.read_zip),
    **dict.fromkeys((".h5", ".nhdf"), nion.read_hdf5),
    ".npy": arrays.read_npy,
    ".npz": arrays.read_npz,
    ".zarr": arrays.read_zarr,
}

REFUSED = {
    ".zspy": "save it as .hspy in HyperSpy, since .zspy needs zarr 2",
    ".pkl": "save the array as .npy, since pickles can run code",
    ".pickle": "save the array as .npy, since pickles can run code",
}

# What readers have been seen to raise on damaged files (fuzzed), besides their own exceptions.
_READER_ERRORS: tuple[type[Exception], ...] = (
    OSError, EOFError, MemoryError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError,
    RuntimeError, NameError, AssertionError, SyntaxError, StopIteration, struct.error, zlib.error,
    zipfile.BadZipFile,
)  # fmt: skip

logger = logging.getLogger(__name__)


def read_signals(path: Path) -> list[Signal]:
    """Return what a file holds, unread.

    Parameters
    ----------
    path : Path
        File of a known kind (see `READERS`).

    Raises
    ------
    InputError
        If the file is missing, empty, of another kind, damaged, or declares far more data than it has bytes.
    """
    suffix = check_path(path)
    with reading(path):
        signals = READERS[suffix](path)
    for signal in signals:
        _check_declared_size(signal, path)
    return signals


def check_path(path: Path) -> str:
    """Return the suffix of a file that can be tried; raise InputError where that makes no sense."""
    suffix = path.suffix.lower()
    if not path.exists():
        raise InputError(f"{path}: no such file; check the name and the folder")
    if suffix in REFUSED:
        raise InputError(f"{path}: {suffix} files are not read; {REFUSED[suffix]}")
    if suffix not in READERS:
        raise InputError(f"{path}: unknown kind of file {suffix!r}; known are {' '.join(sorted(READERS))}")
    if path.is_dir() != (suffix == ".zarr"):
        found = "a directory" if path.is_dir() else "a file"
        raise InputError(f"{path}: is {found}; name the spectrum image itself")
    if path.is_file() and path.stat().st_size == 0:
        raise InputError(f"{path}: is empty (0 bytes); copy it again")
    return suffix


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what readers raise into one line with the path, and what they warn of into log records."""
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield
    except InputError:
        raise
    except _reader_errors() as error:
        found = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        size = f"{path.stat().st_size} bytes" if path.is_file() else "a directory"
        raise InputError(
            f"{path}: cannot be read as {path.suffix} ({found}; {size}); "
            "it is damaged, truncated or of another kind: compare it with the original and copy it again"
        ) from error
    for warning in caught:
        logger.warning("%s: %s", path, warning.message)


def _reader_errors() -> tuple[type[Exception], ...]:
    return (*_READER_ERRORS, *vendor.reader_errors())


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
