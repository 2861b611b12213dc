"""What the comparison knows of the image and of each method, loaded and checked once."""

import operator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from eelsunmix.errors import InputError, MethodFailedError
from eelsunmix.execution.blocks import fold
from eelsunmix.image import valid_pixels
from eelsunmix.mapping.brightness import brightness, sums_to_one
from eelsunmix.mapping.models import model_for
from eelsunmix.methods import Model
from eelsunmix.pca.gram import valid_spectra
from eelsunmix.typing import Floats
from eelsunmix.words import RECOMMENDED

REFERENCE = "BS"
_USED = ("refit_abundance", "abundance", "reduced_chi2", "abundance_sd", "refit_abundance_sd")
"""Variables of a map that are compared; others of a large image are not loaded."""


@dataclass(frozen=True, kw_only=True)
class Components:
    """Result of one method; a failed one has no endmembers and no maps.

    Attributes
    ----------
    label : str
        Label of the method in the configuration.
    spectra : ndarray, shape (endmember, channel)
    refit, abundance : DataArray or None, dims (navigation, endmember)
        Of the corrected counts on the endmembers; as the method returned it.
    scaled : DataArray or None, dims (navigation, endmember)
        The latter brought to counts (`eelsunmix.mapping.brightness`): ``scaled @ spectra`` are those of
        the pixels.
    model : Model or None
        What gave the abundances, on the channels of the image; None where that cannot be known.
    simplex : bool
        Whether they sum to one.
    deviation : DataArray or None, dims (navigation, endmember)
        Standard deviation of the abundance by the noise of the counts; of networks, that of the refit. Of
        the recommended result no more than that of the refit: its own holds what other simplices make of it,
        which is asked of the comparison.
    anchoring : str
        "done", "refused", "not asked for", or "impossible" where abundances do not sum to one.
    reduced_chi2 : float
        Median over the pixels with sample; NaN where the map has none.
    status, message : str
    stopped_at_limit : bool
        Whether it had not converged when it had iterated as long as `max_iter` lets it.
    seconds : float
    """

    label: str
    spectra: Floats
    refit: xr.DataArray | None
    abundance: xr.DataArray | None
    reduced_chi2: float
    status: str
    message: str
    seconds: float
    stopped_at_limit: bool = False
    scaled: xr.DataArray | None = None
    model: Model | None = None
    simplex: bool = False
    deviation: xr.DataArray | None = None
    anchoring: str = "impossible"


def read_components(
    label: str,
    fit: xr.Dataset,
    mapped: xr.Dataset | None,
    image: xr.DataArray,
    *,
    total_counts: xr.DataArray,
) -> Components:
    """Load one method's stores; a failure of either store is a failure of the method.

    A model that was fitted on the channels of another image counts by its endmembers on those of this one.
    """
    stores = [fit] if mapped is None else [fit, mapped]
    failed = [store for store in stores if store.attrs.get("status") == "failed"]
    complete = mapped is not None and "endmember_spectrum" in fit and "refit_abundance" in mapped
    if failed or not complete or mapped is None:
        message = failed[0].attrs.get("message", "") if failed else "no abundances were stored"
        return _failed(label, message, fit)
    mapped = mapped[[name for name in _USED if name in mapped]].load()
    refit, spectra = mapped["refit_abundance"], _spectra_on_channels_of(image, fit)
    abundance = mapped.get("abundance", refit)
    scaled = _in_counts(abundance, spectra, fit, total_counts)
    return Components(
        label=label,
        spectra=spectra,
        refit=refit,
        abundance=abundance,
        scaled=scaled,
        reduced_chi2=_median_chi2(mapped, abundance),
        status=str(fit.attrs.get("status", "converged")),
        message=str(fit.attrs.get("message", "")),
        stopped_at_limit=_stopped_at_limit(fit),
        seconds=float(fit.attrs.get("seconds", np.nan)),
        model=_model(image, fit),
        simplex=sums_to_one(fit),
        deviation=_noise(mapped, scaled, recommended=fit.attrs.get("method") == RECOMMENDED),
        anchoring=_anchoring(fit),
    )


def _noise(mapped: xr.Dataset, scaled: xr.DataArray, *, recommended: bool) -> xr.DataArray | None:
    """Return the deviation by noise; that of a refitted amount is divided by the brightness of its pixel."""
    refitted = mapped.get("refit_abundance_sd")
    given = mapped.get("abundance_sd", refitted)
    if not recommended or given is None or refitted is None:
        return given
    bright = scaled.sum("endmember", skipna=False) / mapped["abundance"].sum("endmember", skipna=False)
    noise = (refitted / bright.where(bright > 0)).transpose(*given.dims)
    return noise.where(noise < given, given)


def _anchoring(fit: xr.Dataset) -> str:
    if not sums_to_one(fit):
        return "impossible"
    if "anchored" not in fit.attrs:
        return "not asked for"
    return "done" if fit.attrs["anchored"] else "refused"


def _median_chi2(mapped: xr.Dataset, abundance: xr.DataArray) -> float:
    """Take the pixels with sample alone: abundances are zero in vacuum, whose noise is not that of counts."""
    if "reduced_chi2" not in mapped:
        return np.nan
    chi2 = mapped["reduced_chi2"]
    with_sample = (abundance != 0).any("endmember")
    return float(chi2.where(with_sample).median() if with_sample.any() else chi2.median())


def _model(image: xr.DataArray, fit: xr.Dataset) -> Model | None:
    if not fit.attrs.get("model"):
        return None
    try:
        return model_for(fit, image)
    except (InputError, MethodFailedError):
        return None


def _stopped_at_limit(fit: xr.Dataset) -> bool:
    """Methods with `max_iter` have not converged where they reach it, and nowhere else."""
    return fit.attrs.get("status") == "not converged" and "max_iter" in fit.attrs.get("options", {})


def _in_counts(
    abundance: xr.DataArray, spectra: Floats, fit: xr.Dataset, total_counts: xr.DataArray
) -> xr.DataArray:
    if not sums_to_one(fit):
        return abundance
    return abundance * brightness(abundance, spectra, total_counts).astype(np.float32)


def _spectra_on_channels_of(image: xr.DataArray, fit: xr.Dataset) -> Floats:
    spectra = fit["endmember_spectrum"]
    energy = spectra.dims[-1]
    if energy in fit.coords and energy in image.coords and not fit[energy].equals(image[energy]):
        return model_for(fit, image).endmembers
    return spectra.to_numpy().astype(float)


def mean_spectrum(image: xr.DataArray) -> Floats:
    """Mean over the valid pixels, in one pass over the blocks."""
    total: Floats = fold(_sum_spectra, image, operator.add)
    return total / max(int(valid_pixels(image).sum()), 1)


def _sum_spectra(block: xr.DataArray) -> Floats:
    total: Floats = valid_spectra(block).sum(axis=0, dtype=np.float64)
    return total


def _failed(label: str, message: str, fit: xr.Dataset) -> Components:
    return Components(
        label=label,
        spectra=np.empty((0, 0)),
        refit=None,
        abundance=None,
        reduced_chi2=np.nan,
        status="failed",
        message=str(message),
        seconds=float(fit.attrs.get("seconds") or np.nan),
    )
