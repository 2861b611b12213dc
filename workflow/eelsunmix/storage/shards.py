"""Large arrays of our stores, read without Zarr: each chunk is decompressed where it belongs in a block.

Zarr decompresses a chunk into memory of its own and copies it, in several threads (docs/decisions/053).
"""

import itertools
import json
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import google_crc32c
import numpy as np
from numcodecs import blosc
from numpy.typing import NDArray

from eelsunmix.errors import StoreError

_CHECKSUM = 4
"""Bytes of the CRC-32C behind a chunk, and behind the index of a shard."""
_EMPTY = 2**64 - 1
"""Offset of a chunk that holds nothing but the fill value."""
_CODECS = ["bytes", "blosc", "crc32c"]


@dataclass(frozen=True, kw_only=True)
class Shards:
    """An array in shards, indexed by whole numbers and slices, as Dask indexes arrays.

    Parameters
    ----------
    folder : Path
        Of the array.
    shape, shard, chunk : tuple of int
        Of the array, of a shard, and of a chunk.
    dtype : dtype
    fill : scalar
        Value of chunks that are not stored.
    """

    folder: Path
    shape: tuple[int, ...]
    shard: tuple[int, ...]
    chunk: tuple[int, ...]
    dtype: np.dtype[Any]
    fill: Any

    @classmethod
    def of(cls, folder: Path, dtype: np.dtype[Any]) -> "Shards | None":
        """Return the shards of an array of numbers; None where it has none, or not such as we write."""
        metadata = json.loads((folder / "zarr.json").read_text())
        codec = metadata["codecs"][0]
        inner = codec.get("configuration", {})
        if codec["name"] != "sharding_indexed" or inner.get("index_location") != "end":
            return None
        if [one["name"] for one in inner["codecs"]] != _CODECS or dtype.str[0] == ">":
            return None
        shard = tuple(metadata["chunk_grid"]["configuration"]["chunk_shape"])
        shape, chunk = tuple(metadata["shape"]), tuple(inner["chunk_shape"])
        fill = dtype.type(metadata["fill_value"])
        return cls(folder=folder, shape=shape, shard=shard, chunk=chunk, dtype=dtype, fill=fill)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __getitem__(self, index: tuple[int | slice, ...]) -> NDArray[Any]:
        """Read a block."""
        parts = [_region_and_rest(one, size) for one, size in zip(index, self.shape, strict=True)]
        block = self._read([region for region, _ in parts])
        found: NDArray[Any] = block[tuple(rest for _, rest in parts)]
        return found

    def _read(self, region: list[slice]) -> NDArray[Any]:
        block = np.empty([one.stop - one.start for one in region], self.dtype)
        for number in _touched(region, self.shard):
            file = self.folder.joinpath("c", *map(str, number))
            try:
                self._read_shard(file, number, region, block)
            except FileNotFoundError:  # Zarr writes no shard that holds nothing but the fill value
                block[_inside(number, self.shard, region)] = self.fill
        return block

    def _read_shard(
        self, file: Path, number: tuple[int, ...], region: list[slice], block: NDArray[Any]
    ) -> None:
        """Fill what one shard holds of a region into its block."""
        per_shard = tuple(whole // one for whole, one in zip(self.shard, self.chunk, strict=True))
        first = np.multiply(number, per_shard)
        with file.open("rb") as opened:
            index = _index(opened, per_shard)
            for chunk in _touched(region, self.chunk, first, first + per_shard):
                offset, size = index[tuple(np.subtract(chunk, first))].tolist()
                place = block[_inside(chunk, self.chunk, region)]
                if offset == _EMPTY:
                    place[...] = self.fill
                else:
                    opened.seek(offset)
                    self._decompress(_checked(opened.read(size), file), chunk, region, place)

    def _decompress(
        self, content: memoryview, number: tuple[int, ...], region: list[slice], place: NDArray[Any]
    ) -> None:
        """Decompress a chunk into its place, or what the place holds of it."""
        if place.shape == self.chunk and place.flags.c_contiguous:
            blosc.decompress(content, dest=place)
            return
        whole = np.empty(self.chunk, self.dtype)
        blosc.decompress(content, dest=whole)
        starts = [
            max(one.start - n * width, 0) for one, n, width in zip(region, number, self.chunk, strict=True)
        ]
        place[...] = whole[tuple(slice(a, a + size) for a, size in zip(starts, place.shape, strict=True))]


def _region_and_rest(index: int | slice, size: int) -> tuple[slice, int | slice]:
    """Return what of an axis an index goes over, without gaps, and the index that is left to apply there."""
    if not isinstance(index, slice):
        return slice(index % size, index % size + 1), 0
    places = range(size)[index]
    if not places:
        return slice(0, 0), slice(None)
    return slice(min(places[0], places[-1]), max(places[0], places[-1]) + 1), slice(None, None, places.step)


def _touched(
    region: list[slice], width: tuple[int, ...], least: Any = None, end: Any = None
) -> Iterator[tuple[int, ...]]:
    """Yield the numbers of the cells of a grid, from `least` on and before `end`, that lie in a region."""
    first = [one.start // size for one, size in zip(region, width, strict=True)]
    last = [-(-one.stop // size) for one, size in zip(region, width, strict=True)]
    if least is not None:
        first, last = np.maximum(first, least).tolist(), np.minimum(last, end).tolist()
    return itertools.product(*map(range, first, last))


def _inside(number: tuple[int, ...], width: tuple[int, ...], region: list[slice]) -> tuple[slice, ...]:
    """Where a cell of a grid lies in the block of a region."""
    return tuple(
        slice(max(n * size - one.start, 0), min((n + 1) * size, one.stop) - one.start)
        for n, size, one in zip(number, width, region, strict=True)
    )


def _index(opened: BinaryIO, per_shard: tuple[int, ...]) -> NDArray[np.uint64]:
    """Read offset and size of each chunk, which stand at the end of a shard."""
    size = 16 * math.prod(per_shard) + _CHECKSUM
    opened.seek(-size, os.SEEK_END)
    content = _checked(opened.read(size), Path(opened.name))
    return np.frombuffer(content, "<u8").reshape(*per_shard, 2)


def _checked(content: bytes, file: Path) -> memoryview:
    """Return bytes without the CRC-32C behind them.

    Raises
    ------
    StoreError
        They are not those that were written.
    """
    inner = memoryview(content)[:-_CHECKSUM]
    if google_crc32c.value(np.frombuffer(inner, np.uint8)) != int.from_bytes(content[-_CHECKSUM:], "little"):
        raise StoreError(f"{file}: was damaged while it was read (its checksum differs); run again")
    return inner
