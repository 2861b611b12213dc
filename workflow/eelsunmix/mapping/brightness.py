"""How the abundances of each method are brought to counts: the one place that knows.

Abundances of NMF and ICA are not bound: times their endmembers they already are the counts of a pixel, its
brightness included. Abundances that sum to one (VCA, BLU, uDAS, the autoencoders) say nothing of it: those of
a pixel are multiplied by its counts over those of its mixture, which is the factor of maximum likelihood for
Poisson counts. The fit store says which kind a model is of.
"""

import xarray as xr

from eelsunmix.methods._models import COUNTS_ATTRIBUTE, LEARNED_BRIGHTNESS
from eelsunmix.typing import Floats


def sums_to_one(fit: xr.Dataset) -> bool:
    """Whether the abundances of a fitted model sum to one; `eelsunmix.fit` notes how bright one is."""
    return COUNTS_ATTRIBUTE in fit.attrs or LEARNED_BRIGHTNESS in fit.attrs


def brightness(abundance: xr.DataArray, spectra: Floats, total_counts: xr.DataArray) -> xr.DataArray:
    """Divide the counts of each pixel by those of its mixture, dims (navigation); zero where that is empty.

    Parameters
    ----------
    abundance : DataArray, dims (navigation, endmember)
    spectra : ndarray, shape (endmember, channel)
    total_counts : DataArray, dims (navigation)
    """
    totals = xr.DataArray(spectra.sum(axis=1), dims=["endmember"])
    mixture = xr.dot(abundance.drop_vars("endmember", errors="ignore").astype(float), totals, dim="endmember")
    factor = total_counts.drop_vars("valid_pixel", errors="ignore").astype(float) / mixture.where(mixture > 0)
    return factor.where((mixture > 0) | mixture.isnull(), 0.0)
