"""The npy format, alone or inside a zip archive: headers, checks, and lazy arrays."""

import functools
import math
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from eelsunmix.errors import InputError
from eelsunmix.io.lazy import memory_mapped

LARGEST_UNPACKED = 2**29
"""Bytes of a compressed member of a zip archive, which has to be unpacked in memory, twice for a moment."""


@dataclass(frozen=True)
class Header:
    """Shape, dtype and order of an npy array, and where its numbers begin (bytes)."""

    shape: tuple[int, ...]
    dtype: np.dtype
    order: str
    offset: int


@dataclass(frozen=True)
class Member:
    """An npy array, alone or in a zip archive: shape, dtype and a function of a chunk shape that opens it."""

    shape: tuple[int, ...]
    dtype: np.dtype
    open: Callable[[tuple[int, ...]], Any]


def npy_file(path: Path) -> Member:
    """Return the array of an npy file, unread.

    Raises
    ------
    InputError
        If it holds less than its header says, or Python objects.
    """
    with path.open("rb") as file:
        header = _header(file, path)
    _check_length(header, path.stat().st_size, path)
    return Member(header.shape, header.dtype, _mapped_opener(path, header, 0))


def zip_member(path: Path, name: str) -> Member:
    """Return an npy array inside a zip archive; lazy where it is stored uncompressed.

    Raises
    ------
    InputError
        If it holds less than its header says or is compressed and too large to unpack.
    zipfile.BadZipFile
        If its checksum is wrong.
    """
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo(name)
        with archive.open(info) as file:
            header = _header(file, path)
        _check_length(header, info.file_size, path)
        stored = info.compress_type == zipfile.ZIP_STORED
        if not stored and info.file_size > LARGEST_UNPACKED:
            raise InputError(
                f"{path}: {name} is compressed and holds {info.file_size} bytes; save it uncompressed "
                "or as .npy, so that it can be read in blocks"
            )
        _check_crc(archive, info)
    if stored:
        return Member(header.shape, header.dtype, _mapped_opener(path, header, _data_offset(path, info)))
    return Member(header.shape, header.dtype, lambda chunks: _unpacked(path, name))


def _header(file: IO[bytes], path: Path) -> Header:
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(file)
    if dtype.hasobject:
        raise InputError(f"{path}: holds Python objects, which can run code; save plain numbers")
    if any(size < 0 for size in shape):
        raise InputError(f"{path}: declares the shape {shape}; it is damaged: copy it again")
    return Header(shape, dtype, "F" if fortran else "C", file.tell())


def _check_length(header: Header, size: int, path: Path) -> None:
    declared = math.prod(header.shape) * header.dtype.itemsize
    if declared > size - header.offset:
        raise InputError(
            f"{path}: declares {header.shape} {header.dtype}, {declared} bytes, but holds "
            f"{size - header.offset}; it is truncated: copy it again"
        )


def _check_crc(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
    # zipfile compares the checksum at the end of the member only.
    with archive.open(info) as file:
        while file.read(2**20):
            pass


def _mapped_opener(path: Path, header: Header, start: int) -> Callable[[tuple[int, ...]], Any]:
    return functools.partial(
        memory_mapped,
        path,
        shape=header.shape,
        dtype=header.dtype,
        offset=start + header.offset,
        order=header.order,
    )


def _data_offset(path: Path, info: zipfile.ZipInfo) -> int:
    """Return where the bytes of a stored member begin: after a header of 30 bytes, name and extras."""
    with path.open("rb") as file:
        file.seek(info.header_offset + 26)
        name, extra = (int.from_bytes(file.read(2), "little") for _ in range(2))
    return info.header_offset + 30 + name + extra


def _unpacked(path: Path, name: str) -> np.ndarray:
    with zipfile.ZipFile(path) as archive, archive.open(name) as file:
        return np.lib.format.read_array(file, allow_pickle=False)
