"""What the comparison knows of the image and of each method, loaded and checked once."""

import functools
import operator
from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from eelsunmix.comparison.brightness import brightness, sums_to_one
from eelsunmix.edges import Edge
from eelsunmix.errors import InputError, MethodFailedError
from eelsunmix.execution.blocks import fold
from eelsunmix.image import valid_pixels
from eelsunmix.mapping.models import model_for
from eelsunmix.methods import Model
from eelsunmix.profiles import Profile, Region, region_mask
from eelsunmix.stage_warnings import reference_problems
from eelsunmix.typing import Floats

REFERENCE = "BS"


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
        The latter brought to counts (`eelsunmix.comparison.brightness`): ``scaled @ spectra`` are those of
        the pixels.
    model : Model or None
        What gave the abundances, on the channels of the image; None where that cannot be known.
    simplex : bool
        Whether they sum to one.
    reduced_chi2 : float
        Median over the pixels; NaN where the map has none.
    status, message : str
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
    scaled: xr.DataArray | None = None
    model: Model | None = None
    simplex: bool = False


@dataclass(frozen=True, kw_only=True)
class Setting:
    """The image's axes, the reference, and what the user asked to look at.

    Attributes
    ----------
    energy : DataArray, shape (channel,)
    mean_spectrum : ndarray, shape (channel,)
        Over the valid pixels.
    bs : Dataset
        `bs.zarr`, loaded.
    total_counts : DataArray, dims (navigation)
        Of each pixel, over all channels.
    """

    energy: xr.DataArray
    mean_spectrum: Floats
    bs: xr.Dataset
    edges: Mapping[str, Edge]
    profiles: Mapping[str, Profile]
    regions: Mapping[str, Region]
    total_counts: xr.DataArray

    @property
    def navigation(self) -> tuple[Hashable, ...]:
        """Navigation dims, in the order of the image."""
        return self.bs["net_counts"].dims[1:]

    @property
    def noise(self) -> Floats:
        """Standard deviation of each channel up to a factor, positive also in channels without counts."""
        floor = 1e-3 * self.mean_spectrum.max(initial=0.0)
        return np.sqrt(np.maximum(self.mean_spectrum, floor if floor > 0 else 1.0))

    @property
    def reference_problems(self) -> dict[str, list[str]]:
        """Edges whose background subtraction failed, and what is wrong with it, in sentences."""
        found = reference_problems(self.bs)
        return {edge: found[edge] for edge in self.edges if edge in found}

    def absent(self, edge: str) -> xr.DataArray | None:
        """Pixels where the element of an edge is known to be absent, dims (y, x); None if nobody knows."""
        element, image = self.edges[edge].element, self.bs["net_counts"]
        masks = [
            region_mask(region, image, name=name)
            for name, region in self.regions.items()
            if element in region.without
        ]
        return functools.reduce(operator.or_, masks) if masks else None


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
    mapped = mapped.load()
    refit, spectra = mapped["refit_abundance"], _spectra_on_channels_of(image, fit)
    abundance = mapped.get("abundance", refit)
    return Components(
        label=label,
        spectra=spectra,
        refit=refit,
        abundance=abundance,
        scaled=_in_counts(abundance, spectra, fit, total_counts),
        reduced_chi2=float(mapped["reduced_chi2"].median()) if "reduced_chi2" in mapped else np.nan,
        status=str(fit.attrs.get("status", "converged")),
        message=str(fit.attrs.get("message", "")),
        seconds=float(fit.attrs.get("seconds", np.nan)),
        model=_model(image, fit),
        simplex=sums_to_one(fit),
    )


def _model(image: xr.DataArray, fit: xr.Dataset) -> Model | None:
    if not fit.attrs.get("model"):
        return None
    try:
        return model_for(fit, image)
    except (InputError, MethodFailedError):
        return None


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
    """Mean over the valid pixels, in one pass over the blocks; invalid pixels hold zeros."""
    total: Floats = fold(_sum_spectra, image, operator.add)
    return total / max(int(valid_pixels(image).sum()), 1)


def _sum_spectra(block: xr.DataArray) -> Floats:
    total: Floats = block.to_numpy().reshape(-1, block.shape[-1]).sum(axis=0, dtype=np.float64)
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
