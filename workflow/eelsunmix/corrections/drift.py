"""Drift of an image: the shift of each pixel as it is found, and as it is applied."""

import functools

import numpy as np
import xarray as xr

from eelsunmix.corrections.neighbours import follow_neighbours
from eelsunmix.corrections.shift_deviations import measured_shifts
from eelsunmix.corrections.shifts import estimate_shifts, interpolated
from eelsunmix.execution import blocks
from eelsunmix.noise import variance_to_mean_of_sums

FEATURE_CHANNELS = 4
"""Channels over which a feature is about as broad: the noise of their sum is that of a shift."""


def find_shifts(image: xr.DataArray, mean: np.ndarray, window: tuple[int, int, int]) -> xr.Dataset:
    """Find `shift` and `deviation` in channels, and `strength`, of each pixel; NaN where invalid.

    `mean` is that of the valid pixels, (channel,); `window` is as for `estimate_shifts`. The reference is the
    mean spectrum after a first alignment.
    """
    dims = image.dims[:-1]
    template = blocks.template_like(
        image, {name: (dims, "f8") for name in ("shift", "deviation", "strength")}
    )
    kernel = functools.partial(_shift_block, reference=_reference(image, mean, window), window=window)
    return blocks.map_blocks(kernel, image, template).compute()


def _shift_block(block: xr.DataArray, reference: np.ndarray, window: tuple[int, int, int]) -> xr.Dataset:
    valid = block.valid_pixel.to_numpy()
    noise = variance_to_mean_of_sums(block, FEATURE_CHANNELS)
    found = measured_shifts(block.to_numpy()[valid].astype(float), reference, window, variance_to_mean=noise)
    like = block.isel({block.dims[-1]: 0}, drop=True)
    result = {}
    for name, values in zip(("shift", "deviation", "strength"), found, strict=True):
        whole = np.full(valid.shape, np.nan)
        whole[valid] = values
        result[name] = like.copy(data=whole).drop_attrs()
    return xr.Dataset(result)


def settled_shifts(found: xr.Dataset, known: np.ndarray, largest: float) -> tuple[np.ndarray, np.ndarray]:
    """Settle the shifts to apply; the pixels whose feature is there but too far away stay where they are.

    Parameters
    ----------
    found : Dataset
        Of `find_shifts`.
    known : ndarray of bool, shape (navigation)
        Pixels with the feature.
    largest : float
        In channels.

    Returns
    -------
    shift, beyond : ndarray, shape (navigation)
        In channels, NaN where invalid; and the pixels that are too far away.
    """
    shift, deviation = found["shift"].to_numpy(), found["deviation"].to_numpy()
    beyond = np.abs(shift) > largest
    near, lost = known & ~beyond, known & beyond
    if near.any():
        # the energy axis is that of the mean spectrum
        shift = shift - shift[near].mean()
        shift = follow_neighbours(shift, deviation, near).clip(-largest, largest)
    else:
        shift = np.zeros(shift.shape)
    shift[lost] = 0.0
    shift[np.isnan(deviation)] = np.nan
    return shift, lost


def mean_of_valid(image: xr.DataArray) -> np.ndarray:
    """Mean spectrum of the valid pixels in float64, by blocks, (channel,)."""
    total, number = blocks.fold(_sum, image, lambda a, b: (a[0] + b[0], a[1] + b[1]))
    return total / max(number, 1)


def _reference(image: xr.DataArray, mean: np.ndarray, window: tuple[int, int, int]) -> np.ndarray:
    """Mean of the valid spectra after a first alignment: the mean before it is blurred by the drift."""
    kernel = functools.partial(_sum_aligned, reference=mean, window=window)
    total, number = blocks.fold(kernel, image, lambda a, b: (a[0] + b[0], a[1] + b[1]))
    return total / max(number, 1)


def _sum_aligned(
    block: xr.DataArray, reference: np.ndarray, window: tuple[int, int, int]
) -> tuple[np.ndarray, int]:
    spectra = block.to_numpy()[block.valid_pixel.to_numpy()].astype(float)
    # a blurred reference is broad: a line beside it would take much of it
    shift = estimate_shifts(spectra, reference, window, background_order=0)
    return interpolated(spectra, np.arange(reference.size), shift).sum(axis=0), len(spectra)


def _sum(block: xr.DataArray) -> tuple[np.ndarray, int]:
    valid = block.valid_pixel.to_numpy()
    return block.to_numpy()[valid].sum(axis=0, dtype=float), int(valid.sum())
