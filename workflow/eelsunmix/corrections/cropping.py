"""Crop: windows of the image that are kept."""

from dataclasses import dataclass

import xarray as xr

from eelsunmix.corrections.common import record
from eelsunmix.corrections.correction import Correction, NoCorrection
from eelsunmix.corrections.geometry import CropOptions, pixels_within, points_within, size_in_words
from eelsunmix.energy.units import channel_energies


@dataclass(frozen=True, kw_only=True)
class Cropping(Correction):
    """Windows of the image to keep: `options`, in the units of its axes, so that any image can be cut."""

    options: CropOptions

    def apply(self, image: xr.DataArray) -> xr.DataArray:
        """Return a view of the part."""
        return image.isel(_kept(image, self.options))


def measure_crop(image: xr.DataArray, options: CropOptions) -> Correction:
    """Find the pixels and channels in the windows of the options.

    Raises
    ------
    InputError
        A window is not on its axis, or the axis is not in nm.
    """
    kept = _kept(image, options)
    if not kept:
        return NoCorrection(entry=record("crop", False, "Nothing cropped."))
    summary = f"Cropped from {size_in_words(image.shape)} to {size_in_words(image.isel(kept).shape)}."
    limits = {dim: [part.start, part.stop] for dim, part in kept.items()}
    return Cropping(options=options, entry=record("crop", True, summary, kept=limits))


def _kept(image: xr.DataArray, options: CropOptions) -> dict[str, slice]:
    """Dim -> part of it."""
    kept: dict[str, slice] = {}
    if options.energy_eV is not None:
        kept[str(image.dims[-1])] = points_within(
            channel_energies(image), options.energy_eV, key="corrections.crop.energy_eV", unit="eV"
        )
    for axis, window in (("x", options.x_nm), ("y", options.y_nm)):
        if window is not None:
            kept[axis] = pixels_within(image, axis, window, f"corrections.crop.{axis}_nm")
    return kept
