"""How work is cut into blocks of whole spectra and how those blocks are run: the only place that decides.

Every stage is either a *fold* (one pass over the image that ends in a small result) or a *map* (a function
of each block whose results are laid side by side).  Both take a kernel that sees one loaded, labelled block
and knows nothing of Dask; who runs the blocks is settled by `eelsunmix.execution.clusters` alone and never
changes a result.
"""

import functools
import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import dask
import numpy as np
import xarray as xr
from dask.graph_manipulation import clone

Result = TypeVar("Result")
Kernel = Callable[[xr.DataArray], xr.Dataset]
"""Function of one loaded block of an image that returns maps of its pixels."""

BLOCK_ELEMENTS = 2**23
"""Elements in a block: 16 MB of uint16 counts, 64 MB in float64. Also the size of a shard on disk."""


def block_shape(shape: Sequence[int], elements: int | None = None) -> tuple[int, ...]:
    """Shape of one block of an image: whole spectra, whole rows as long as they fit.

    Parameters
    ----------
    shape : sequence of int
        Shape of the image, spectral axis last.
    elements : int, optional
        Upper limit of elements in a block (`BLOCK_ELEMENTS` by default); one spectrum may exceed it.

    Examples
    --------
    >>> block_shape((376, 372, 900))
    (25, 372, 900)
    >>> block_shape((5, 7, 40))
    (5, 7, 40)
    """
    budget = BLOCK_ELEMENTS if elements is None else elements
    block = [shape[-1]]
    for size in reversed(shape[:-1]):
        block.insert(0, max(1, min(size, budget // max(1, math.prod(block)))))
    return tuple(block)


def chunked(image: xr.DataArray, elements: int | None = None) -> xr.DataArray:
    """Return `image` as a lazy array whose chunks are blocks; an image of a single block stays as it is."""
    shape = block_shape(image.shape, elements)
    if shape == image.shape and image.chunks is None:
        return image
    return image.chunk(dict(zip(image.dims, shape, strict=True)))


def unshared(image: xr.DataArray) -> xr.DataArray:
    """Return a lazy image that shares no loaded block with any other result.

    Two maps of one image that are computed together would each keep the blocks that the other still needs.
    An image that Dask cannot clone is shared all the same: clones of tasks that merge chunks still ask for
    the originals, which their graph does not have (Dask 2026.8).
    """
    if image.chunks is None:
        return image
    copy = clone(image)
    graph = dict(copy.__dask_graph__())
    sound = all(getattr(task, "dependencies", frozenset()) <= graph.keys() for task in graph.values())
    return copy if sound else image


def share_data(first: xr.DataArray, second: xr.DataArray) -> bool:
    """Whether two images are the same counts, in memory or lazy, of the same valid pixels."""
    if first.chunks is None or second.chunks is None:
        same = first.variable._data is second.variable._data
    else:
        same = first.dims == second.dims and first.data.name == second.data.name
    return same and np.array_equal(first["valid_pixel"], second["valid_pixel"])


def split(image: xr.DataArray, elements: int | None = None) -> list[xr.DataArray]:
    """Cut an image into its blocks, in reading order; lazy pieces of a lazy image."""
    shape = block_shape(image.shape, elements)
    starts = [range(0, size, step) for size, step in zip(image.shape, shape, strict=True)]
    corners = np.stack(np.meshgrid(*starts, indexing="ij"), axis=-1).reshape(-1, image.ndim)
    return [
        image[tuple(slice(first, first + step) for first, step in zip(corner, shape, strict=True))]
        for corner in corners.tolist()
    ]


def fold(
    kernel: Callable[[xr.DataArray], Result],
    image: xr.DataArray,
    combine: Callable[[Result, Result], Result],
    *,
    elements: int | None = None,
) -> Result:
    """Apply a kernel to every block of an image and combine the results in reading order.

    The order of combination does not depend on threads or workers, so neither does the result.

    Parameters
    ----------
    kernel : callable
        Function of one loaded block (`DataArray` with the image's dims and coordinates).
    image : DataArray, shape (..., channel)
        Eager or lazy.
    combine : callable
        Function of two results; must not modify them.
    elements : int, optional
        Upper limit of elements in a block.

    Examples
    --------
    >>> image = xr.DataArray(np.ones((5, 7, 40)), dims=("y", "x", "energy_loss"))
    >>> fold(lambda block: float(block.sum()), image, lambda a, b: a + b, elements=100)
    1400.0
    """
    return combined(
        kernel, ((piece,) for piece in split(image, elements)), combine, lazy=image.chunks is not None
    )


def combined(
    kernel: Callable[..., Result],
    pieces: Iterable[tuple[Any, ...]],
    combine: Callable[[Result, Result], Result],
    *,
    lazy: bool,
) -> Result:
    """Combine the results of a kernel on pieces of an image (tuples of its arguments), in their order."""
    if not lazy:
        return functools.reduce(combine, (kernel(*piece) for piece in pieces))
    run, join = dask.delayed(kernel, pure=False), dask.delayed(combine, pure=False)
    total: Result = functools.reduce(join, [run(*piece) for piece in pieces]).compute()
    return total


def map_blocks(
    kernel: Kernel,
    image: xr.DataArray,
    template: xr.Dataset,
    *,
    elements: int | None = None,
) -> xr.Dataset:
    """Apply a kernel to every block of an image and lay the results side by side.

    Parameters
    ----------
    kernel : callable
        Function of one loaded block that returns a dataset.
    image : DataArray, shape (..., channel)
        Eager (the result is eager too) or lazy (so is the result).
    template : Dataset
        Names, dims, dtypes, coordinates and attributes of the result, as made by `template_like`.
    elements : int, optional
        Upper limit of elements in a block.

    Returns
    -------
    Dataset
        Like `template`.
    """
    if image.chunks is None:
        image = chunked(image, elements)
        if image.chunks is None:
            return kernel(image).assign_attrs(template.attrs)
        return map_blocks(kernel, image, template, elements=elements).compute()
    image = chunked(image, elements)
    sizes: dict[Hashable, Any] = dict(zip(image.dims, image.chunks or (), strict=True))
    chunks = {dim: sizes.get(dim, -1) for dim in template.dims}
    mapped = xr.map_blocks(kernel, image, template=template.chunk(chunks))
    # Of the blocks, too, they would be lazy: whoever asks for a mask alone would have all blocks computed.
    return mapped.assign_coords(template.coords)


def template_like(
    image: xr.DataArray,
    variables: Mapping[str, tuple[Sequence[Hashable], Any]],
    coords: dict[str, Any] | None = None,
) -> xr.Dataset:
    """Describe the result of `map_blocks` without computing it.

    Parameters
    ----------
    image : DataArray
        The image that will be mapped; gives sizes and coordinates of the dims that it shares with the result.
    variables : dict
        Name -> (dims, dtype) of each variable.
    coords : dict, optional
        Coordinates of dims that the image does not have, for example ``{"edge": ["Ti_L23", "O_K"]}``.

    Examples
    --------
    >>> image = xr.DataArray(np.ones((2, 3, 4)), dims=("y", "x", "energy_loss"))
    >>> template_like(image, {"abundance": (("y", "x", "endmember"), "f4")}, {"endmember": [0, 1]}).sizes["x"]
    3
    """
    import dask.array as da

    new = xr.Dataset(coords=coords)
    sizes = {**image.sizes, **new.sizes}
    data = {
        name: (tuple(dims), da.zeros([sizes[dim] for dim in dims], dtype=dtype, chunks=-1))
        for name, (dims, dtype) in variables.items()
    }
    used = {dim for dims, _ in variables.values() for dim in dims}
    kept = {name: coord for name, coord in image.coords.items() if set(coord.dims) <= used}
    return xr.Dataset(data, coords={**kept, **new.coords})
