"""Apply what was found, block by block: spikes, dark, gain, bad channels."""

import functools

import numpy as np
import xarray as xr

from eelsunmix.corrections.common import interpolate_channels
from eelsunmix.corrections.spikes import Spikes
from eelsunmix.execution import blocks


def apply_corrections(
    image: xr.DataArray, spikes: Spikes, dark: np.ndarray, gain: np.ndarray, bad: np.ndarray
) -> xr.DataArray:
    """Return ``(image without spikes - dark) / gain`` with bad channels interpolated.

    The image itself where there is nothing to do; its own integers where only spikes are replaced; float32
    otherwise. Pixels that are not valid stay zero.

    Parameters
    ----------
    image : DataArray, shape (..., channel)
        With `valid_pixel`; lazy or eager.
    spikes : Spikes
        Positions in this image.
    dark, gain : ndarray, shape (channel,)
    bad : ndarray of bool, shape (channel,)
    """
    per_channel = bool(dark.any() or (gain != 1).any() or bad.any())
    if not per_channel and not len(spikes.found):
        return image
    shape = image.shape[:-1]
    pixel = np.ravel_multi_index(tuple(spikes.position[:, :-1].T), shape)
    numbered = image.assign_coords(pixel_number=(image.dims[:-1], np.arange(np.prod(shape)).reshape(shape)))
    kernel = functools.partial(
        _apply_block,
        spikes=(pixel, spikes.position[:, -1], spikes.replaced),
        channels=(dark, gain, bad) if per_channel else None,
    )
    dtype = np.dtype("f4") if per_channel else image.dtype
    template = blocks.template_like(image, {"counts": (image.dims, dtype)})
    counts = blocks.map_blocks(kernel, numbered, template)["counts"]
    # the blocks return coordinates too: keep the loaded ones, or reading a mask would compute all counts
    return counts.assign_coords(image.coords).assign_attrs(image.attrs)


def _apply_block(
    block: xr.DataArray,
    spikes: tuple[np.ndarray, np.ndarray, np.ndarray],
    channels: tuple[np.ndarray, np.ndarray, np.ndarray] | None,
) -> xr.Dataset:
    counts = _without_spikes(block.to_numpy(), block.pixel_number.to_numpy(), *spikes)
    if channels is not None:
        dark, gain, bad = channels
        corrected = np.empty(counts.shape, "f4")
        for row, part in enumerate(counts):  # row by row: float64 of a whole block would be memory's peak
            corrected[row] = interpolate_channels((part - dark) / gain, bad)
        counts = corrected
        counts[~block.valid_pixel.to_numpy()] = 0
    result = block.drop_vars("pixel_number").copy(data=counts).drop_attrs(deep=False)
    return xr.Dataset({"counts": result})


def _without_spikes(
    cube: np.ndarray, numbers: np.ndarray, pixel: np.ndarray, channel: np.ndarray, replaced: np.ndarray
) -> np.ndarray:
    """Copy of the block with those of the spikes replaced that lie in it."""
    numbers = numbers.ravel()
    here = np.isin(pixel, numbers)
    cube = cube.copy()
    order = np.argsort(numbers)
    rows = order[np.searchsorted(numbers, pixel[here], sorter=order)]
    index = (*np.unravel_index(rows, cube.shape[:-1]), channel[here])
    cube[index] = replaced[here].astype(cube.dtype)
    return cube
