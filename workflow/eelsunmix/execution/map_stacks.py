"""Maps of several labels, written part by part: in memory while they are small, otherwise in files.

A file holds one map, so that whatever needs a whole map loads that one alone.
"""

import math
import os
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from eelsunmix.execution.blocks import BLOCK_ELEMENTS, block_shape
from eelsunmix.execution.kept_maps import uncompressed
from eelsunmix.execution.scratch import scratch_folder

PIXELS = 2**16
"""Pixels of a part at most; maps of no more of them stay in memory."""

LOADED = 2**22
"""Values of maps that are loaded at once; of more, parts are loaded, again for each use."""

Part = dict[Hashable, slice]
"""Pixels of a part along each navigation dim."""


def pixel_parts(sizes: Mapping[Hashable, int]) -> list[Part]:
    """Cut pixels into parts that follow each other in reading order, none with a gap.

    Parameters
    ----------
    sizes : mapping of dim to int
        Of the navigation dims, in their order.

    Examples
    --------
    >>> pixel_parts({"y": 3, "x": 5})
    [{'y': slice(0, 3, None), 'x': slice(0, 5, None)}]
    """
    shape = tuple(sizes.values())
    steps = _steps(shape)
    corners = np.ndindex(*(-(-size // step) for size, step in zip(shape, steps, strict=True)))
    return [
        {
            dim: slice(number * step, min((number + 1) * step, size))
            for (dim, size), step, number in zip(sizes.items(), steps, corner, strict=True)
        }
        for corner in corners
    ]


def _steps(shape: Sequence[int]) -> tuple[int, ...]:
    return block_shape((*shape, 1), PIXELS)[:-1]


def decompressed(maps: xr.Dataset, navigation: Sequence[Hashable]) -> xr.Dataset:
    """Return maps that are decompressed once, whatever is read of them; those given stay as they are.

    Up to `LOADED` values together are loaded. More are in files, a part of the pixels in each: a compressed
    chunk holds many parts, and would be decompressed for each of them.

    Parameters
    ----------
    maps : Dataset
    navigation : sequence of dims
        In their order.
    """
    if sum(one.size for one in maps.data_vars.values()) <= LOADED:
        return maps.compute()
    return uncompressed(maps, dict(zip(navigation, _steps([maps.sizes[d] for d in navigation]), strict=True)))


class MapStack:
    """Float32 maps with dims (label, edge, navigation).

    Parameters
    ----------
    n_labels : int
    like : DataArray, dims (edge, navigation)
        Gives sizes.
    fill : float
        Value of the labels that get no maps.
    """

    def __init__(self, n_labels: int, like: xr.DataArray, fill: float = np.nan) -> None:
        self._shape, self._fill = (n_labels, *like.shape), fill
        self._values: NDArray[np.float32] | None = None
        if math.prod(like.shape[1:]) <= PIXELS:
            self._values = np.full(self._shape, fill, dtype=np.float32)
        else:
            self._folder = scratch_folder()

    def put(self, label: int, part: Part, values: Any) -> None:
        """Write all maps of a label in one part of the pixels, shape (edge, navigation)."""
        if self._values is not None:
            here: Any = (label, slice(None), *part.values())
            self._values[here] = values
            return
        for edge, one in enumerate(values):
            content = np.ascontiguousarray(one, dtype=np.float32)
            first = [where.start for where in part.values()]
            _write(_file(self._folder, label, edge), content, first, self._shape[2:])

    def one(self, label: int, edge: int) -> NDArray[np.float32]:
        """Return one map, shape (navigation)."""
        if self._values is not None:
            return self._values[label, edge]
        shape = self._shape[2:]
        return _read(_file(self._folder, label, edge), [0] * len(shape), shape, shape, self._fill)

    def array(self) -> Any:
        """Return all maps: an array in memory, or a lazy one of what is in files."""
        if self._values is not None:
            return self._values
        import dask.array as da

        shape = self._shape[2:]
        step = block_shape((*shape, 1), BLOCK_ELEMENTS // 8)[:-1]
        return da.map_blocks(
            _read_block,
            chunks=da.core.normalize_chunks((1, 1, *step), self._shape),
            dtype=np.float32,
            meta=np.empty((0,) * len(self._shape), np.float32),
            folder=self._folder,
            step=step,
            shape=shape,
            fill=self._fill,
        )


def _file(folder: Path, label: int, edge: int) -> Path:
    return folder / f"{label}.{edge}"


def _offset(first: Any, shape: tuple[int, ...]) -> int:
    return 4 * int(np.ravel_multi_index(first, shape)) if shape else 0


def _write(file: Path, content: NDArray[np.float32], first: list[int], shape: tuple[int, ...]) -> None:
    with file.open("r+b" if file.exists() else "wb") as opened:
        opened.seek(_offset(first, shape), os.SEEK_SET)
        opened.write(content.data)


def _read(
    file: Path, first: list[int], size: tuple[int, ...], shape: tuple[int, ...], fill: float
) -> NDArray[np.float32]:
    """Read what is one piece of the file; a map that nobody has written is `fill` everywhere."""
    if not file.exists():
        return np.full(size, fill, dtype=np.float32)
    values = np.fromfile(file, np.float32, math.prod(size), offset=_offset(first, shape))
    return values.reshape(size)


def _read_block(
    *,
    block_id: tuple[int, ...],
    folder: Path,
    step: tuple[int, ...],
    shape: tuple[int, ...],
    fill: float,
) -> NDArray[np.float32]:
    first = [number * width for number, width in zip(block_id[2:], step, strict=True)]
    size = tuple(min(width, whole - at) for width, whole, at in zip(step, shape, first, strict=True))
    return _read(_file(folder, *block_id[:2]), first, size, shape, fill)[None, None]
