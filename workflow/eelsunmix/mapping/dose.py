"""Images of another dose than the one that a model has learned from."""

import numpy as np
import xarray as xr

from eelsunmix.mapping.pieces import mean_spectrum
from eelsunmix.methods import Model
from eelsunmix.methods._models import LEARNED_BRIGHTNESS
from eelsunmix.numerics.dose import mean_brightness
from eelsunmix.typing import Floats

TOLERATED = 0.05
"""Difference of the brightness below which an image counts as one of the same dose."""


def dose_factor(
    stored: xr.Dataset, model: Model, image: xr.DataArray, *, mean: Floats | None = None
) -> float:
    """How much brighter the image is than the one that the model has learned from; one where that is alike.

    Only for models whose abundances sum to one and that do not bring pixels to the same counts themselves:
    such abundances have no other way to be brighter than to be another composition. The `mean` of the image
    over its valid pixels is found in one more pass if it is not known.
    """
    learned = float(stored.attrs.get(LEARNED_BRIGHTNESS) or 0.0)
    if not learned > 0:
        return 1.0
    mean = mean_spectrum(image) if mean is None else mean
    factor = mean_brightness(mean, model.endmembers) / learned
    return factor if factor > 0 and abs(np.log(factor)) > TOLERATED else 1.0


def at_dose(image: xr.DataArray, factor: float) -> xr.DataArray:
    """Return the image with that many times fewer counts; itself for a factor of one."""
    return image if factor == 1.0 else (image / factor).assign_attrs(image.attrs)


def another_dose(factor: float) -> str:
    """Say in a sentence what was done."""
    return (
        f"The image has {factor:.2f} times the counts that the model learned from, and its abundances sum to "
        "one: the counts were divided by this factor before they were mapped. If composition or thickness "
        "differ too, fit the model on this image, or with brightness: variable."
    )
