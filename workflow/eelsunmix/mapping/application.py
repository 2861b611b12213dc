"""Mapping labelled images with a fitted model: `apply`."""

import logging
from collections.abc import Hashable
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.errors import InputError, MethodFailedError, failure_record
from eelsunmix.execution.blocks import share_data
from eelsunmix.image import as_spectrum_image, valid_pixels
from eelsunmix.mapping.abundance_maps import abundance_kernel, map_abundance
from eelsunmix.mapping.brightness import brightness, sums_to_one
from eelsunmix.mapping.dose import another_dose, at_dose, dose_factor
from eelsunmix.mapping.map_noise import amount_sd
from eelsunmix.mapping.models import model_for
from eelsunmix.mapping.pieces import known_mean, other_energies
from eelsunmix.mapping.refit import refit
from eelsunmix.methods import FrameModel, Model, PixelModel, has_failed
from eelsunmix.noise import counts_per_electron
from eelsunmix.nuisance import mapped_without_nuisance
from eelsunmix.typing import Bools, Floats
from eelsunmix.vacuum import sample_pixels

logger = logging.getLogger(__name__)


def apply(
    model: xr.Dataset,
    image: xr.DataArray,
    *,
    counts: xr.DataArray | None = None,
    vacuum: xr.DataArray | None = None,
    mean_spectrum: xr.DataArray | None = None,
) -> xr.Dataset:
    """Map an image with a fitted model, block by block.

    Parameters
    ----------
    model : Dataset
        Result of `fit`, of this image or of another one.
    image : DataArray, dims in any order
        Corrected or denoised counts. Its energy axis may differ from the model's, within the model's range.
    counts : DataArray, optional
        Corrected counts of the same pixels, where `image` is a denoised one; the refit describes them.
    vacuum : DataArray of bool, dims those of the pixels, optional
        True in pixels without sample; found in the counts where it is not given.
    mean_spectrum : DataArray, dims (energy), optional
        Mean of the counts over all their valid pixels, those in vacuum too and masked ones not, as
        `corrected.zarr` holds it; one more pass without it. That of other pixels gives other weights, and
        with them other maps, without a word.

    Returns
    -------
    Dataset
        ``abundance`` (zero in vacuum) and ``refit_abundance`` (navigation, endmember), their standard
        deviations by the noise of the counts, ``abundance_sd`` (not of networks) and ``refit_abundance_sd``;
        where abundances sum to one, ``thickness_weighted_abundance`` (abundance x brightness);
        ``reduced_chi2`` (navigation),
        ``mean_residual`` and ``mean_residual_sd`` (energy); lazy if the image is lazy.  Dims come in the
        order of the caller's image, with ``endmember`` in the place of the energy; pixels that are not valid
        are NaN. Without arrays, with status "failed" and the reason in ``message``, where the method has
        failed or its model cannot see the channels of the image. Of a model whose abundances sum to one and
        an image of another dose, the abundances are those of the image at the dose of the model, and
        ``attrs["warnings"]`` says so.

    Raises
    ------
    InputError
        The model does not cover the energy axis of the image, or the images do not belong together, or
        `mean_spectrum` has other energies than the counts.
    """
    attrs = map_attrs(model)
    if has_failed(model):
        return xr.Dataset(attrs=attrs)
    order = [*image.dims]
    image = as_spectrum_image(image)
    counts = image if counts is None else as_spectrum_image(counts)
    _check_same_pixels(image, counts)
    try:
        fitted = model_for(model, image)
    except MethodFailedError as error:
        return xr.Dataset(attrs=attrs | failure_record(str(error)))
    image = mapped_without_nuisance(model, image)
    sample = sample_pixels(counts, vacuum) & valid_pixels(image)
    mean = known_mean(mean_spectrum, counts)
    is_known = share_data(image, counts) and np.array_equal(sample, valid_pixels(counts))
    inside = image.assign_coords(valid_pixel=(image.dims[:-1], sample))
    factor = dose_factor(model, fitted, inside, mean=mean if is_known else None)
    attrs["warnings"] = [] if factor == 1.0 else [another_dose(factor)]
    for warning in attrs["warnings"]:
        logger.warning(warning)
    noise = counts_per_electron(image) / factor
    maps, abundances = _maps(fitted, at_dose(image, factor), counts, mean=mean, noise=noise)
    if sums_to_one(model):
        maps = maps.assign(_weighted_by_thickness(abundances, fitted, counts, dose=factor, noise=noise))
    maps = zero_in_vacuum(maps, sample)
    for array in maps.data_vars.values():
        array.attrs.setdefault("units", "1")
    result = maps.assign_attrs(attrs)
    return _in_callers_order(result, order, image.dims[-1])


def _maps(
    model: PixelModel | FrameModel,
    image: xr.DataArray,
    counts: xr.DataArray,
    *,
    mean: Floats | None,
    noise: float,
) -> tuple[xr.Dataset, xr.Dataset]:
    """Return all maps, and the abundances of them; made in one pass where the image is the counts."""
    if share_data(image, counts) and isinstance(model, PixelModel):
        kernel, template = abundance_kernel(model, image, variance_to_mean=noise)
        maps = refit(model, counts, mean=mean, beside=(kernel, template))
        return maps, maps[[*template.data_vars]]
    abundances = map_abundance(model, image, variance_to_mean=noise)
    maps = abundances.merge(refit(model, counts, mean=mean), join="exact", compat="override")
    return maps, abundances


def _weighted_by_thickness(
    maps: xr.Dataset, model: Model, counts: xr.DataArray, *, dose: float, noise: float
) -> dict[str, xr.DataArray]:
    """Abundance x brightness, and its standard deviation where the abundance has one."""
    total = counts.sum([counts.dims[-1]], dtype=np.float64)
    factor = brightness(maps["abundance"], model.endmembers, total)
    weighted = {f"thickness_weighted_{name}": maps[name] * factor for name in maps.data_vars}
    if "abundance_sd" in maps:
        known = amount_sd(model, maps["abundance"], total / dose) * (dose * np.sqrt(noise))
        name = "thickness_weighted_abundance_sd"
        weighted[name] = known.where(known.notnull(), weighted[name])
    return {name: values.astype(np.float32).drop_attrs(deep=False) for name, values in weighted.items()}


def zero_in_vacuum(maps: xr.Dataset, sample: Bools) -> xr.Dataset:
    """Set abundances of valid pixels without sample to zero; deviations and chi-square stay."""
    names = [name for name in maps.data_vars if str(name).endswith("abundance")]
    filled = {}
    for name in names:
        dims = maps[name].dims[:-1]
        kept = xr.DataArray(sample, dims=dims) | maps[name].isnull()
        filled[name] = maps[name].where(kept, np.float32(0.0))
    return maps if sample.all() else maps.assign(filled)


def map_attrs(model: xr.Dataset) -> dict[str, Any]:
    """Return what maps repeat of the attributes of the model that made them."""
    names = ("method", "options", "input", "seed", "n_endmembers", "status", "message", "model")
    return {name: model.attrs[name] for name in names if name in model.attrs}


def _check_same_pixels(image: xr.DataArray, counts: xr.DataArray) -> None:
    if dict(image.sizes) != dict(counts.sizes):
        raise InputError(f"counts have sizes {dict(counts.sizes)}, but the image has {dict(image.sizes)}")
    if other := other_energies(counts, image):
        raise InputError(f"counts have {other}; give both the same axis")


def _in_callers_order(result: xr.Dataset, order: list[Hashable], energy: Hashable) -> xr.Dataset:
    place = ["endmember" if dim == energy else dim for dim in order]
    return result.transpose(*place, energy, missing_dims="ignore")
