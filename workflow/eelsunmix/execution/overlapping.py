"""Folds over blocks that bring a rim of their neighbours' pixels along."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence

import numpy as np
import xarray as xr

from eelsunmix.execution.blocks import Result, block_shape, combined


def fold_overlapping(
    kernel: Callable[[xr.DataArray, tuple[slice, ...], tuple[int, ...]], Result],
    image: xr.DataArray,
    combine: Callable[[Result, Result], Result],
    *,
    rim: int = 1,
    elements: int | None = None,
) -> Result:
    """Like `fold`, for kernels that look at the neighbours of a pixel.

    Parameters
    ----------
    kernel : callable
        Function of one loaded block that goes `rim` pixels further than its own on each side, as far as the
        image does; of the slices, one per navigation axis, in which its own pixels lie; and of the index
        that the first pixel of the block has in the image.
    image : DataArray, shape (..., channel)
        Eager or lazy.
    combine : callable
        Function of two results; must not modify them.
    rim : int
        Pixels on each side.
    elements : int, optional
        Upper limit of the elements that are a block's own.

    Examples
    --------
    >>> image = xr.DataArray(np.ones((5, 7, 4)), dims=("y", "x", "energy_loss"))
    >>> fold_overlapping(lambda block, core, corner: block[core].size, image, lambda a, b: a + b, elements=40)
    140
    """
    rims = dict.fromkeys(image.dims[:-1], rim)
    pieces = with_rims(image, rims, block_shape(image.shape, elements)[:-1])
    return combined(kernel, pieces, combine, lazy=image.chunks is not None)


def with_rims(
    image: xr.DataArray, rims: Mapping[Hashable, int], steps: Sequence[int]
) -> Iterator[tuple[xr.DataArray, tuple[slice, ...], tuple[int, ...]]]:
    """Yield the blocks of an image with their rims, as the kernels of `fold_overlapping` take them.

    Parameters
    ----------
    image : DataArray, shape (..., channel)
    rims : mapping of dim to int
        Pixels on each side; none along other dims.
    steps : sequence of int
        Pixels of a block along each navigation axis.
    """
    rim = np.array([rims.get(dim, 0) for dim in image.dims[:-1]], dtype=int)
    for number in np.ndindex(*(-(-size // step) for size, step in zip(image.shape, steps, strict=False))):
        first = np.array(number, dtype=int) * np.array(steps, dtype=int)
        last = np.minimum(first + steps, image.shape[:-1])
        start, stop = np.maximum(first - rim, 0), np.minimum(last + rim, image.shape[:-1])
        core = tuple(
            slice(a, b) for a, b in zip((first - start).tolist(), (last - start).tolist(), strict=True)
        )
        block = image[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))]
        yield block, core, tuple(start.tolist())
