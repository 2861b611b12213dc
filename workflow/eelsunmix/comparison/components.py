"""What the comparison knows of the image and of each method, loaded and checked once."""

import functools
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from eelsunmix.errors import InputError, MethodFailedError
from eelsunmix.execution.map_stacks import Part, decompressed, pixel_parts
from eelsunmix.mapping.brightness import brightness, sums_to_one
from eelsunmix.mapping.models import model_for
from eelsunmix.methods import Model
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
        Of the corrected counts on the endmembers; as the method returned it. Those of a large image are lazy.
    total_counts : DataArray or None, dims (navigation)
    model : Model or None
        What gave the abundances, on the channels of the image; None where that cannot be known.
    simplex : bool
        Whether they sum to one.
    deviation : DataArray or None, dims (navigation, endmember)
        Standard deviation of the abundance by the noise of the counts; of networks, that of the refit. Of
        the recommended result no more than that of the refit: its own holds what other simplices make of it,
        which is asked of the comparison.
    stated_deviation : DataArray or None, dims (navigation, endmember)
        As the result states it: of the recommended one its errors on simulated images, and what other
        simplices make of it.
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
    total_counts: xr.DataArray | None = None
    model: Model | None = None
    simplex: bool = False
    deviation: xr.DataArray | None = None
    stated_deviation: xr.DataArray | None = None
    anchoring: str = "impossible"

    @functools.cached_property
    def scaled(self) -> xr.DataArray | None:
        """The abundance brought to counts: ``scaled @ spectra`` are those of the pixels.

        See `eelsunmix.mapping.brightness`.
        """
        if self.abundance is None or self.total_counts is None or not self.simplex:
            return self.abundance
        factor = brightness(self.abundance, self.spectra, self.total_counts)
        return self.abundance * factor.astype(np.float32)

    def at(self, part: Part) -> "Components":
        """Return the same for one part of the pixels, loaded."""
        maps = {name: getattr(self, name) for name in ("refit", "abundance", "deviation", "total_counts")}
        return replace(
            self, **{name: one.isel(part).compute() for name, one in maps.items() if one is not None}
        )


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
    mapped = mapped[[name for name in _USED if name in mapped]]
    mapped = decompressed(mapped, image.dims[:-1])
    refit, spectra = mapped["refit_abundance"], _spectra_on_channels_of(image, fit)
    abundance = mapped.get("abundance", refit)
    return Components(
        label=label,
        spectra=spectra,
        refit=refit,
        abundance=abundance,
        total_counts=total_counts,
        reduced_chi2=_median_chi2(mapped, abundance),
        status=str(fit.attrs.get("status", "converged")),
        message=str(fit.attrs.get("message", "")),
        stopped_at_limit=_stopped_at_limit(fit),
        seconds=float(fit.attrs.get("seconds", np.nan)),
        model=_model(image, fit),
        simplex=sums_to_one(fit),
        deviation=_noise(mapped, fit, spectra, total_counts),
        stated_deviation=_stated(mapped),
        anchoring=_anchoring(fit),
    )


def _noise(
    mapped: xr.Dataset, fit: xr.Dataset, spectra: Floats, total_counts: xr.DataArray
) -> xr.DataArray | None:
    """Return the deviation by noise; that of a refitted amount is divided by the brightness of its pixel."""
    refitted, given = mapped.get("refit_abundance_sd"), _stated(mapped)
    if fit.attrs.get("method") != RECOMMENDED or given is None or refitted is None:
        return given
    bright = brightness(mapped["abundance"], spectra, total_counts)
    most = (refitted / bright.where(bright > 0)).transpose(*given.dims)
    return most.where(~(given < most), given)


def _stated(mapped: xr.Dataset) -> xr.DataArray | None:
    return mapped.get("abundance_sd", mapped.get("refit_abundance_sd"))


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
    chi2 = mapped["reduced_chi2"].compute()
    parts = pixel_parts({dim: chi2.sizes[dim] for dim in chi2.dims})
    with_sample = xr.zeros_like(chi2, dtype=bool).compute()
    for part in parts:
        with_sample[part] = (abundance.isel(part).compute() != 0).any("endmember")
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


def _spectra_on_channels_of(image: xr.DataArray, fit: xr.Dataset) -> Floats:
    spectra = fit["endmember_spectrum"]
    energy = spectra.dims[-1]
    if energy in fit.coords and energy in image.coords and not fit[energy].equals(image[energy]):
        return model_for(fit, image).endmembers
    return spectra.to_numpy().astype(float)


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
