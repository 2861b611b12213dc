"""The exponent of a power law or an exponential: the one unknown of its likelihood, by Fisher scoring."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from eelsunmix.background.integrals import power_law_integrals
from eelsunmix.typing import Bools, Floats

Integrals = Callable[[Floats, Floats], tuple[Floats, Floats]]
"""Of a curve of one exponent over bins, and the derivatives of their logarithms, as `power_law_integrals`."""
START = 3.0
"""The search begins here for all pixels: one row of integrals serves their first step."""
SEARCHED_EXPONENTS = (-10.0, 20.0)
BATCH = 2**12
"""Pixels fitted at a time: their temporary arrays stay in the cache, and are too small for memory maps of
their own, which the kernel clears anew each time."""


def fit_exponent(
    counts: ArrayLike, bounds: ArrayLike, integrals: Integrals = power_law_integrals
) -> tuple[Floats, Floats, Bools]:
    """Exponent that makes the distribution of the counts over the bins most likely.

    Parameters
    ----------
    counts : array_like, shape (pixel, bin)
        Only the proportions matter, so averages and sums over pixels serve as well.
    bounds : array_like, shape (bin + 1,)
        Limits of the bins in eV.
    integrals : callable
        Of the curve; a power law by default.

    Returns
    -------
    exponent : ndarray, shape (pixel,)
        NaN where the counts do not sum to more than zero.
    information : ndarray, shape (pixel,)
        Fisher information of one electron on it, to about 1e-5 of itself.
    converged : ndarray of bool, shape (pixel,)
    """
    counts, bounds = np.asarray(counts, dtype=float), np.asarray(bounds, dtype=float)
    totals = counts.sum(axis=1)
    exponent, information = np.full((2, len(counts)), np.nan)
    converged = np.zeros(len(counts), dtype=bool)
    usable = np.flatnonzero(totals > 0)
    for start in range(0, usable.size, BATCH):
        pixels = usable[start : start + BATCH]
        shares = counts[pixels] / totals[pixels, None]
        exponent[pixels], information[pixels], converged[pixels] = _score_exponent(shares, bounds, integrals)
    return exponent, information, converged


def exponent_information(
    exponent: ArrayLike, bounds: ArrayLike, integrals: Integrals = power_law_integrals
) -> Floats:
    """Fisher information of one electron in the bins on an exponent, shape (pixel,)."""
    exponent, bounds = np.atleast_1d(np.asarray(exponent, dtype=float)), np.asarray(bounds, dtype=float)
    information = np.empty(len(exponent))
    nothing = np.zeros((1, bounds.size - 1))
    for start in range(0, exponent.size, BATCH):
        pixels = slice(start, start + BATCH)
        _, information[pixels] = _score_and_information(nothing, bounds, exponent[pixels], integrals)
    return information


def _score_exponent(
    shares: Floats,
    bounds: Floats,
    integrals: Integrals,
    *,
    tolerance: float = 1e-5,
    max_iterations: int = 60,
) -> tuple[Floats, Floats, Bools]:
    # Fisher scoring; pixels leave the loop as they converge, because a few slow ones would hold up the rest.
    # After a step within the tolerance 1e-10 is left as a rule; up to 1e-7 for few wide bins at low counts.
    exponent, information = np.empty((2, len(shares)))
    converged = np.zeros(len(shares), dtype=bool)
    active, old = np.arange(len(shares)), np.full(1, START)
    for _ in range(max_iterations):
        score, information[active] = _score_and_information(shares, bounds, old, integrals)
        new = np.clip(old + np.clip(score / information[active], -2, 2), *SEARCHED_EXPONENTS)
        exponent[active] = new
        still = np.abs(new - old) > tolerance
        inside = (new > SEARCHED_EXPONENTS[0]) & (new < SEARCHED_EXPONENTS[1])
        converged[active] = ~still & inside
        active, old, shares = active[still], new[still], shares[still]
        if not active.size:
            break
    return exponent, information, converged


def _score_and_information(
    shares: Floats, bounds: Floats, exponent: Floats, integrals: Integrals
) -> tuple[Floats, Floats]:
    # Sums of products by einsum and in place: numpy is slow along short last axes.
    integral, slope = integrals(bounds, exponent)
    total = np.einsum("pb->p", integral)
    slope -= (np.einsum("pb,pb->p", integral, slope) / total)[:, None]
    score = np.einsum("pb,pb->p", *np.broadcast_arrays(shares, slope))
    integral *= slope
    return score, np.einsum("pb,pb->p", integral, slope) / total
