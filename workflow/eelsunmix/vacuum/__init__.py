"""Pixels without sample (holes, vacuum, beam stopped, the halo beside a sample), by counts and spectra.

Taking sample for vacuum is the worse mistake: every doubt leaves a pixel with the sample. Measured in
``docs/decisions/029-vacuum-and-nuisance.md``.
"""

from typing import Literal

import numpy as np
import xarray as xr

from eelsunmix.errors import InputError
from eelsunmix.execution import blocks
from eelsunmix.image import valid_pixels
from eelsunmix.noise import counts_per_electron
from eelsunmix.options import NotNegative
from eelsunmix.typing import Bools, Floats
from eelsunmix.vacuum.dark import dark_pixels, typical_counts, with_halo, without_hot_pixels
from eelsunmix.vacuum.features import without_features

Vacuum = Literal["auto", "none"] | NotNegative
"""Found, not looked for, or by a limit: pixels with fewer counts over all channels."""


def vacuum_pixels(image: xr.DataArray, option: Vacuum = "auto", *, totals: Floats | None = None) -> Bools:
    """Find the valid pixels without sample, shape of the navigation dims.

    A pixel has no sample where (a) it and its neighbours have less than 2 % of the counts of the sample and
    noise could not make that of 5 %; (b) few pixels are a little brighter, as they would be in a wedge; and
    (c) the spectrum of the dark area is that of the sample beside it, a constant, or nothing: a dark phase
    has features of its own. The rim between such vacuum and bright sample, of up to 10 % of the counts,
    belongs to it too where nothing lies between 10 and 30 %.

    Parameters
    ----------
    image : DataArray, dims (navigation, energy)
        Counts, eager or lazy, energy last.
    option : {"auto", "none"} or float
        ``none`` finds nothing; a number takes the pixels with fewer counts over all channels.
    totals : ndarray, shape of the navigation dims, optional
        Counts of each pixel over all channels, where they are known.
    """
    valid = valid_pixels(image)
    if option == "none":
        return np.zeros_like(valid)
    totals = _totals(image) if totals is None else totals.copy()
    if option != "auto":
        return valid & (totals < option)
    electrons = _electrons(totals, valid, counts_per_electron(image))
    level = typical_counts(without_hot_pixels(electrons)[valid])
    core = dark_pixels(electrons, valid, level)
    if core.any():
        core = without_features(image, core, electrons, level)
    return with_halo(core, electrons, valid, level) if core.any() else core


def sample_pixels(image: xr.DataArray, vacuum: xr.DataArray | None = None) -> Bools:
    """Mask of the valid pixels with sample, in the order of the navigation dims of an image, energy last.

    Parameters
    ----------
    image : DataArray, dims (navigation, energy)
    vacuum : DataArray, dims (navigation), optional
        True where there is no sample, as ``corrected.zarr`` has it; found where it is not given.

    Raises
    ------
    InputError
        It has other dims or sizes, or is not of truth values.
    """
    if vacuum is None:
        return valid_pixels(image) & ~vacuum_pixels(image)
    sizes = {dim: image.sizes[dim] for dim in image.dims[:-1]}
    if dict(vacuum.sizes) != sizes or vacuum.dtype != bool:
        raise InputError(
            f"vacuum has the sizes {dict(vacuum.sizes)} and the type {vacuum.dtype}; "
            f"it needs those of the pixels, {sizes}, and True or False"
        )
    found: Bools = valid_pixels(image) & ~vacuum.transpose(*image.dims[:-1]).to_numpy()
    return found


def _totals(image: xr.DataArray) -> Floats:
    template = blocks.template_like(image, {"total": (image.dims[:-1], "f8")})
    return np.asarray(blocks.map_blocks(_total_of_block, image, template)["total"].to_numpy())


def _electrons(totals: Floats, valid: Bools, per_electron: float) -> Floats:
    """Turn totals into electrons in their own memory: zero where negative, invalid or not finite."""
    totals[~(valid & np.isfinite(totals))] = 0.0
    np.maximum(totals, 0.0, out=totals)
    totals /= per_electron
    return totals


def _total_of_block(block: xr.DataArray) -> xr.Dataset:
    with np.errstate(invalid="ignore"):  # the stages name values that are not finite
        return xr.Dataset({"total": block.sum([block.dims[-1]], dtype=float).drop_attrs(deep=False)})
