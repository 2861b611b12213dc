"""Mask: pixels that are left out from here on."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from eelsunmix.corrections.common import record
from eelsunmix.corrections.correction import Correction, NoCorrection
from eelsunmix.corrections.geometry import MaskOptions, pixels_within
from eelsunmix.errors import InputError
from eelsunmix.execution import blocks
from eelsunmix.words import numbered


@dataclass(frozen=True, kw_only=True)
class Mask(Correction):
    """Pixels that stay valid: `kept`, bool (navigation)."""

    kept: np.ndarray

    def apply(self, image: xr.DataArray) -> xr.DataArray:
        """Mark the others as not valid and set them to zero."""
        image = image.assign_coords(valid_pixel=(image.dims[:-1], self.kept))
        return image.where(image.valid_pixel, image.dtype.type(0)).assign_attrs(image.attrs)


def measure_mask(image: xr.DataArray, options: MaskOptions) -> Correction:
    """Find the pixels outside the rectangle or with too few counts.

    Raises
    ------
    InputError
        No pixel would be left, a window is not on its axis, or the axis is not in nm.
    """
    kept = image.valid_pixel.to_numpy().copy()
    before = int(kept.sum())
    for axis, window in (options.outside_nm or {}).items():
        part = pixels_within(image, axis, window, f"corrections.mask.outside_nm.{axis}")
        inside = np.zeros(image.sizes[axis], bool)
        inside[part] = True
        kept &= inside.reshape([-1 if dim == axis else 1 for dim in image.dims[:-1]])
    if options.min_counts is not None:
        kept &= _totals(image) >= options.min_counts
    masked = before - int(kept.sum())
    if not masked:
        return NoCorrection(entry=record("mask", False, "No pixel masked.", masked=0))
    if not kept.any():
        raise InputError("corrections.mask leaves no pixel: lower min_counts or widen outside_nm")
    return Mask(
        kept=kept,
        entry=record("mask", True, f"{masked} of {numbered(before, 'pixel')} masked.", masked=masked),
    )


def _totals(image: xr.DataArray) -> np.ndarray:
    template = blocks.template_like(image, {"total": (image.dims[:-1], "f8")})
    return np.asarray(blocks.map_blocks(_total_block, image, template)["total"].to_numpy())


def _total_block(block: xr.DataArray) -> xr.Dataset:
    return xr.Dataset({"total": block.sum([block.dims[-1]], dtype=float).drop_attrs(deep=False)})
