"""Lazy arrays of plain native numbers, whatever the file stores."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from eelsunmix.errors import InputError


def memory_mapped(
    path: Path,
    chunks: tuple[int, ...],
    *,
    shape: tuple[int, ...],
    dtype: np.dtype,
    offset: int,
    order: str = "C",
) -> Any:
    """Return the uncompressed array inside a file as a Dask array; each block opens the file on its own.

    Parameters
    ----------
    path : Path
        File that holds the numbers.
    chunks : tuple of int
        Shape of a block.
    shape, dtype, offset, order
        Where the numbers lie, `offset` in bytes.
    """
    where = {"shape": shape, "dtype": dtype, "offset": offset, "order": order}
    return read_by_blocks(_mapped_block, chunks, shape=shape, dtype=dtype, path=str(path), where=where)


def read_by_blocks(
    read: Callable[..., np.ndarray],
    chunks: tuple[int, ...],
    *,
    shape: tuple[int, ...],
    dtype: np.dtype,
    **source: Any,
) -> Any:
    """Return an array whose blocks are read by a function, on any worker, as a Dask array.

    Parameters
    ----------
    read : callable
        Function of `source` and of Dask's ``block_info``, see `location`.
    chunks : tuple of int
        Shape of a block.
    shape, dtype
        Of the whole array.
    **source
        Passed on; must be picklable, so a path and not an open file.
    """
    import dask.array as da

    meta = np.empty((0,) * len(shape), dtype)
    return da.map_blocks(
        read, chunks=da.core.normalize_chunks(chunks, shape), dtype=dtype, meta=meta, **source
    )


def location(block_info: Any) -> tuple[slice, ...]:
    """Where a block lies in its array."""
    return tuple(slice(*ends) for ends in block_info[None]["array-location"])


def sliced_by_blocks(array: Any, chunks: tuple[int, ...]) -> Any:
    """Return an array that can be sliced, such as one of Zarr, as a Dask array."""
    import dask.array as da

    return da.from_array(array, chunks=chunks)


def native(data: Any, path: Path) -> Any:
    """Return the same numbers as a Dask array of native byte order, contiguous and dense.

    Parameters
    ----------
    data : array
        NumPy or Dask array; blocks may be sparse.
    path : Path
        For the message.

    Raises
    ------
    InputError
        If the values are not real numbers.
    """
    import dask.array as da

    dtype = native_dtype(data.dtype, path)
    lazy = data if isinstance(data, da.Array) else da.from_array(data, chunks=-1)
    return da.map_blocks(_plain_block, lazy, dtype=dtype, meta=np.empty((0,) * data.ndim, dtype), to=dtype)


def native_dtype(dtype: np.dtype, path: Path) -> np.dtype:
    """Return the type in which counts are kept: that of the file, native; float16 and bool widened.

    Examples
    --------
    >>> native_dtype(np.dtype(">u2"), Path("a.npy")) == np.dtype("uint16")
    True
    """
    if dtype.kind not in "buif":
        raise InputError(
            f"{path}: the values are {dtype}, not real numbers; export counts as integers or floats"
        )
    if dtype.kind == "b":
        return np.dtype(np.uint8)
    if dtype == np.dtype(np.float16).newbyteorder(dtype.byteorder):
        return np.dtype(np.float32)
    if dtype.itemsize > 8:
        return np.dtype(np.float64)
    return dtype.newbyteorder("=")


def _mapped_block(path: str, where: dict[str, Any], block_info: Any = None) -> np.ndarray:
    numbers = np.memmap(path, mode="r", **where)
    return np.array(numbers[location(block_info)])


def _plain_block(block: Any, to: np.dtype) -> np.ndarray:
    dense = block.todense() if hasattr(block, "todense") else block
    return np.ascontiguousarray(dense, dtype=to)
