"""BS of given spectra, such as endmembers: what turns abundances into counts of an edge."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from eelsunmix.background.power_law import fit_power_law
from eelsunmix.background.subtraction import overall_exponent
from eelsunmix.background.windows import EdgeChannels, locate, sum_ranges
from eelsunmix.edges import Edge, check_windows
from eelsunmix.errors import InputError
from eelsunmix.typing import Floats


def net_counts_of_spectra(
    spectra: ArrayLike,
    energy: xr.DataArray | Floats,
    edges: Mapping[str, Edge],
    *,
    exponent_from: ArrayLike | None = None,
) -> Floats:
    """Net counts of each edge in given spectra, such as endmembers, shape (spectrum, edge).

    A spectrum that looks like a background in the fit window (positive in every bin, plausible exponent)
    gets its own exponent. Any other, such as a signed one of ICA, gets the exponent of a reference; its net
    counts are then linear in the spectrum, so that they add up as the spectra of a pixel do.

    Parameters
    ----------
    spectra : array_like, shape (spectrum, channel)
    energy : DataArray or ndarray, shape (channel,)
        A DataArray says its unit, a plain array is in eV.
    edges : mapping of str to Edge
    exponent_from : array_like, shape (channel,), optional
        Reference spectrum, for example the mean of the image. By default the sum of the spectra that look
        like a background.

    Raises
    ------
    InputError
        If a spectrum needs a reference and there is none.
    """
    spectra = np.asarray(spectra, dtype=float)
    check_windows(edges, energy)
    reference = None if exponent_from is None else np.asarray(exponent_from, dtype=float)[None]
    columns = [
        _net_counts_of_edge(spectra, locate(edge, energy), reference, name) for name, edge in edges.items()
    ]
    return np.array(columns).reshape(len(edges), len(spectra)).T


def _net_counts_of_edge(spectra: Floats, place: EdgeChannels, reference: Floats | None, name: str) -> Floats:
    sums = sum_ranges(spectra, list(place.ranges()))
    fit = fit_power_law(sums[:, :-1], place.fit_bounds)
    own = (sums[:, :-1] > 0).all(axis=1) & fit.converged & ~fit.implausible
    exponent = fit.exponent
    if not own.all():
        known = sums[own] if reference is None else sum_ranges(reference, list(place.ranges()))
        exponent = np.where(own, exponent, _reference_exponent(known[:, :-1].sum(axis=0), place, name))
    background, _ = fit_power_law(sums[:, :-1], place.fit_bounds, exponent=exponent).extrapolate(
        place.integrate_bounds
    )
    return sums[:, -1] - background


def _reference_exponent(binned: Floats, place: EdgeChannels, name: str) -> float:
    if not binned.sum() > 0:
        raise InputError(
            f"edges.{name}.fit_eV: no positive spectrum to take an exponent from; "
            "give a reference spectrum (exponent_from)"
        )
    return overall_exponent(binned, place)[0]
