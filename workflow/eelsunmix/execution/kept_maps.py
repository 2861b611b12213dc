"""Maps of many values per pixel, in memory while they are small and otherwise in files until the job ends.

What needs a whole map, such as a median or the neighbours of a pixel, is then computed from the files, one
map or a part of the image at a time: memory grows neither with the number of maps nor, but for little, with
that of pixels.
"""

import functools
import math
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from eelsunmix.execution.blocks import BLOCK_ELEMENTS, Kernel, block_shape
from eelsunmix.execution.overlapping import with_rims
from eelsunmix.execution.scratch import scratch_folder

PIXELS = 2**16
"""Pixels mapped at a time: kernels of maps hold some hundred values of each."""


def keep_maps(
    kernel: Kernel,
    image: xr.DataArray,
    template: xr.Dataset,
    *,
    rim: Mapping[Hashable, int] | None = None,
    pixels: int = PIXELS,
) -> xr.Dataset:
    """Map an image now, part by part, and keep the maps: those of a lazy image of many pixels in files.

    Parameters
    ----------
    kernel : callable
        Function of one loaded part of the image; returns maps of all its pixels, of which those of the rim
        are dropped.
    image : DataArray, shape (..., channel)
        Eager or lazy.
    template : Dataset
        As made by `template_like`.
    rim : mapping of dim to int, optional
        Pixels that a part goes further than its own.
    pixels : int
        Own pixels of a part at most. Where the image has no more, the kernel sees it whole.

    Returns
    -------
    Dataset
        Like `template`; lazy if it is in files, which are removed with the job.

    Examples
    --------
    >>> from eelsunmix.execution.blocks import template_like
    >>> image = xr.DataArray(np.ones((5, 7, 4)), dims=("y", "x", "energy_loss"))
    >>> total = template_like(image, {"total": (("y", "x"), float)})
    >>> keep_maps(lambda part: part.sum("energy_loss").to_dataset(name="total"), image, total).total.shape
    (5, 7)
    """
    if image.size <= min(BLOCK_ELEMENTS, pixels * image.shape[-1]):
        image = image.compute()
    shape = _part_shape(image.shape, pixels, square=bool(rim))
    parts = list(with_rims(image, rim or {}, shape))
    if image.chunks is None:
        return _in_memory(kernel, parts, template)
    return _in_files(kernel, parts, template, dict(zip(image.dims, shape, strict=False)))


def uncompressed(maps: xr.Dataset, part_shape: Mapping[Hashable, int]) -> xr.Dataset:
    """Write the lazy maps to files as they are, so that reading a part decompresses no chunk around it.

    Parameters
    ----------
    maps : Dataset
        Eager variables stay as they are.
    part_shape : mapping of dim to int
        How maps are cut along their navigation dims: a file holds one part of one map.

    Returns
    -------
    Dataset
        Like `maps`; the files are removed with the job.
    """
    import dask

    folder, kept, save = scratch_folder(), {}, dask.delayed(_save, pure=False)
    for name, array in maps.data_vars.items():
        if array.chunks is None:
            continue
        blocks = array.chunk({dim: part_shape.get(dim, -1) for dim in array.dims}).data.to_delayed()
        dask.compute(*(save(_file(folder, str(name), at), blocks[at]) for at in np.ndindex(blocks.shape)))
        kept[name] = array.copy(data=_lazy(folder, str(name), array, dict(part_shape)))
    return maps.assign(kept)


def chunk_slices(array: xr.DataArray) -> list[tuple[slice, ...]]:
    """Return where the chunks of a lazy array lie; of one in memory, the whole."""
    import dask.array as da

    return list(da.core.slices_from_chunks(array.chunks)) if array.chunks else [(slice(None),) * array.ndim]


def _part_shape(shape: tuple[int, ...], pixels: int, *, square: bool) -> tuple[int, ...]:
    """Pixels of a part along each navigation axis: whole rows, or nearly a square where parts overlap."""
    budget = min(BLOCK_ELEMENTS, pixels * shape[-1])
    if square and len(shape) > 2 and shape[-2] > math.isqrt(pixels) < shape[-3]:
        shape = (*shape[:-2], math.isqrt(pixels), shape[-1])
    return block_shape(shape, budget)[:-1]


def _in_memory(kernel: Kernel, parts: list[Any], template: xr.Dataset) -> xr.Dataset:
    maps = {name: np.empty(array.shape, array.dtype) for name, array in template.data_vars.items()}
    for part, core, corner in parts:
        found = _own(kernel(part), part, core)
        for name, array in found.items():
            maps[name][_place(array, part, core, corner)] = array.to_numpy()
    return template.assign({name: (template[name].dims, values) for name, values in maps.items()})


def _own(maps: xr.Dataset, part: xr.DataArray, core: tuple[slice, ...]) -> xr.Dataset:
    return maps.isel(dict(zip(part.dims, core, strict=False)), missing_dims="ignore")


def _place(
    array: xr.DataArray, part: xr.DataArray, core: tuple[slice, ...], corner: tuple[int, ...]
) -> tuple[slice, ...]:
    """Where the own pixels of a part lie in the whole map."""
    own = {
        dim: slice(first + inner.start, first + inner.stop)
        for dim, inner, first in zip(part.dims, core, corner, strict=False)
    }
    return tuple(own.get(dim, slice(None)) for dim in array.dims)


def _in_files(
    kernel: Kernel, parts: list[Any], template: xr.Dataset, part_shape: dict[Hashable, int]
) -> xr.Dataset:
    import dask

    folder = scratch_folder()
    names = {str(name): array.dims for name, array in template.data_vars.items()}
    write = dask.delayed(functools.partial(_write, kernel, names, part_shape, folder), pure=False)
    dask.compute(*(write(*part) for part in parts))
    return template.assign(
        {name: (array.dims, _lazy(folder, str(name), array, part_shape)) for name, array in template.items()}
    )


def _write(
    kernel: Kernel,
    names: dict[str, tuple[Hashable, ...]],
    part_shape: dict[Hashable, int],
    folder: Path,
    part: xr.DataArray,
    core: tuple[slice, ...],
    corner: tuple[int, ...],
) -> None:
    maps = _own(kernel(part), part, core)
    for name, dims in names.items():
        array = maps[name].transpose(*dims)
        place = zip(dims, _place(array, part, core, corner), strict=True)
        number = [(where.start or 0) // part_shape.get(dim, 1) for dim, where in place]
        _save(_file(folder, name, number), array.to_numpy())


def _save(file: Path, values: NDArray[Any]) -> None:
    """Write an npy file; of a full disk `np.save` says no more than how many values it has written."""
    values = np.ascontiguousarray(values)
    with file.open("wb") as opened:
        np.lib.format.write_array_header_1_0(opened, np.lib.format.header_data_from_array_1_0(values))
        opened.write(values.data)


def _file(folder: Path, name: str, number: Any) -> Path:
    return folder / f"{name}.{'.'.join(map(str, number))}.npy"


def _lazy(folder: Path, name: str, array: xr.DataArray, part_shape: dict[Hashable, int]) -> Any:
    import dask.array as da

    steps = [part_shape.get(dim, size) for dim, size in array.sizes.items()]
    chunks = da.core.normalize_chunks(steps, array.shape)
    meta = np.empty((0,) * array.ndim, array.dtype)
    return da.map_blocks(_read, folder=folder, name_=name, chunks=chunks, dtype=array.dtype, meta=meta)


def _read(*, folder: Path, name_: str, block_id: tuple[int, ...]) -> NDArray[Any]:
    values: NDArray[Any] = np.load(_file(folder, name_, block_id), allow_pickle=False)
    return values
