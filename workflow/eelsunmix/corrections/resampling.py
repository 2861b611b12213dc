"""Spectra moved along their axis, and the noise that interpolation leaves."""

import numpy as np
import xarray as xr

from eelsunmix.corrections.shifts import interpolated
from eelsunmix.execution import blocks
from eelsunmix.noise import channel_variance_to_mean, variance_to_mean_of_sums


def resample(image: xr.DataArray) -> xr.DataArray:
    """Move each spectrum by its `energy_shift` (navigation), in channels, in float32."""
    template = blocks.template_like(image, {"counts": (image.dims, "f4")})
    counts = blocks.map_blocks(_resample_block, image, template)["counts"]
    return counts.assign_coords(image.coords).assign_attrs(image.attrs)


def _resample_block(block: xr.DataArray) -> xr.Dataset:
    spectra = block.to_numpy().reshape(-1, block.shape[-1])
    shift = np.nan_to_num(block.energy_shift.to_numpy().ravel())
    moved = interpolated(spectra, np.arange(block.shape[-1]), shift)
    return xr.Dataset(
        {"counts": block.copy(data=moved.reshape(block.shape).astype("f4")).drop_attrs(deep=False)}
    )


def noise_after(image: xr.DataArray, shift: np.ndarray) -> dict[str, float]:
    """Variance to mean of one channel, averaged over the pixels.

    A weight of p for one channel and 1 - p for the next leaves p^2 + (1 - p)^2 of the variance of independent
    channels; the part that the channels share stays.
    """
    known = shift[np.isfinite(shift)]
    part = known - np.floor(known)
    left = float(np.mean(part**2 + (1 - part) ** 2)) if known.size else 1.0
    one, two = channel_variance_to_mean(image), variance_to_mean_of_sums(image, 2)
    return {"channel_variance_to_mean": one * left + (two - one) * (1 - left)}
