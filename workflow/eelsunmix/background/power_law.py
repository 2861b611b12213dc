"""Power-law background A E^-r integrated over channels, fitted by Poisson maximum likelihood.

The likelihood factorises: the counts in the fit window give the amplitude, their distribution over the
window gives the exponent, and the two are uncorrelated.  So the exponent is a problem of one unknown per
pixel, the amplitude has a closed form for any exponent, and a background is `counts * ratio(exponent)` whose
variance is a sum of two terms.  The same integral over whole channels serves the fit and the extrapolation,
so that a pure power law leaves nothing at any dispersion.  All of it holds for any curve of one exponent,
such as an exponential.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eelsunmix.background.exponents import Integrals, exponent_information, fit_exponent
from eelsunmix.background.integrals import power_law_integrals
from eelsunmix.typing import Bools, Floats

PLAUSIBLE_EXPONENTS = (0.5, 7.0)


@dataclass(frozen=True, kw_only=True)
class PowerLawFit:
    """Power laws, or other curves of one exponent, fitted to the counts of bins, one per pixel.

    Parameters
    ----------
    bounds : ndarray, shape (bin + 1,)
        Limits of the fitted bins in eV.
    counts : ndarray, shape (pixel,)
        Counts in all fitted bins; negative ones (after a dark correction) are kept as they are.
    exponent : ndarray, shape (pixel,)
        Exponent r; NaN where there are no counts to fit.
    information : ndarray, shape (pixel,)
        Of one electron on the exponent.
    determining : ndarray, shape (pixel,)
        Counts to which the exponent was fitted; infinite where it is exact.
    converged : ndarray of bool, shape (pixel,)
        False also where the exponent ran into the limits of the search.
    counts_per_electron : float
        Variance over mean of the counts (quasi-Poisson dispersion).
    integrals : callable
        Of the curve.
    """

    bounds: Floats
    counts: Floats
    exponent: Floats
    information: Floats
    determining: Floats
    converged: Bools
    counts_per_electron: float = 1.0
    integrals: Integrals = power_law_integrals

    @property
    def exponent_variance(self) -> Floats:
        """Inverse of the Fisher information of all determining counts, shape (pixel,)."""
        scale = self.counts_per_electron
        variance: Floats = scale / (np.maximum(self.determining, scale) * self.information)
        return variance

    def determined_by(self, counts: ArrayLike) -> Self:
        """Return the same curves, fitted to other numbers of counts."""
        return replace(self, determining=np.broadcast_to(counts, self.counts.shape))

    def expected_counts(self, bounds: ArrayLike) -> Floats:
        """Return the counts of the curve in other bins, shape (pixel, bin)."""
        whole, _ = self.integrals(self.bounds[[0, -1]], self.exponent)
        parts, _ = self.integrals(np.asarray(bounds, dtype=float), self.exponent)
        return self.counts[:, None] * parts / whole

    def extrapolate(self, window: ArrayLike, *, mean_unbiased: bool = False) -> tuple[Floats, Floats]:
        """Background under a window and its variance, each of shape (pixel,).

        Parameters
        ----------
        window : array_like, shape (2,)
            Limits in eV.
        mean_unbiased : bool
            The estimate is right in the median, and too high in the mean, because it depends on an uncertain
            exponent as a log-normal variable does; True divides by that factor exp(variance / 2).
        """
        whole, whole_slope = self.integrals(self.bounds[[0, -1]], self.exponent)
        part, part_slope = self.integrals(np.asarray(window, dtype=float), self.exponent)
        ratio, slope = (part / whole)[:, 0], (part_slope - whole_slope)[:, 0]
        background = self.counts * ratio
        spread = slope**2 * self.exponent_variance
        variance = (
            ratio**2 * counting_variance(self.counts, self.counts_per_electron) + background**2 * spread
        )
        if mean_unbiased:
            # Beyond a spread of 1 the expansion means nothing; such a pixel has no background to speak of.
            background = background * np.exp(-np.minimum(spread, 1.0) / 2)
        return background, variance

    def reduced_chi2(self, binned: ArrayLike, *, shape_is_own: bool = True) -> Floats:
        """Chi-square of the fitted bins per degree of freedom, shape (pixel,); NaN without counts.

        Parameters
        ----------
        binned : array_like, shape (pixel, bin)
        shape_is_own : bool
            Whether the exponents were fitted to these counts, or are given.
        """
        expected = self.expected_counts(self.bounds)
        fitted = self.n_parameters if shape_is_own else 1
        return reduced_chi2(binned, expected, self.counts, self.counts_per_electron, fitted)

    @property
    def n_parameters(self) -> NDArray[np.int64]:
        """Amplitude and exponent, shape (pixel,)."""
        return np.full(self.counts.shape, 2)

    @property
    def implausible(self) -> Bools:
        """Pixels whose exponent no background has, shape (pixel,)."""
        low, high = PLAUSIBLE_EXPONENTS
        return (self.exponent < low) | (self.exponent > high)


def fit_power_law(
    counts: ArrayLike,
    bounds: ArrayLike,
    *,
    counts_per_electron: float = 1.0,
    exponent: ArrayLike | None = None,
    determining: ArrayLike | None = None,
    integrals: Integrals = power_law_integrals,
) -> PowerLawFit:
    """Fit a power law, or another curve of one exponent, to each row of counts by Poisson maximum likelihood.

    Parameters
    ----------
    counts : array_like, shape (pixel, bin)
        Counts; fractions and slightly negative values (after gain and dark corrections) are allowed.
    bounds : array_like, shape (bin + 1,)
        Limits of the bins in eV, increasing and positive; bins may differ in width.
    counts_per_electron : float
        Scales all variances.
    exponent : array_like, shape (pixel,) or scalar, optional
        A given exponent: only the amplitude is fitted.
    determining : array_like, shape (pixel,) or scalar, optional
        Counts to which it was fitted, infinite where it is exact; those of the pixel by default.
    integrals : callable
        Of the curve.

    References
    ----------
    .. [1] Trebbia, Ultramicroscopy 24 (1988) 399: maximum likelihood for the background of EELS edges.

    Examples
    --------
    >>> fit = fit_power_law([[400.0, 100.0]], [100.0, 200.0, 400.0])  # 4 times fewer an octave up
    >>> fit.exponent.round(6)
    array([3.])
    >>> background, variance = fit.extrapolate([400.0, 800.0])
    >>> background.round(6)
    array([25.])
    """
    counts, bounds = np.asarray(counts, dtype=float), np.asarray(bounds, dtype=float)
    totals = counts.sum(axis=1)
    if exponent is None:
        fitted, information, converged = fit_exponent(counts, bounds, integrals)
    else:
        fitted = np.broadcast_to(np.asarray(exponent, dtype=float), totals.shape)
        information = exponent_information(fitted, bounds, integrals)
        converged = np.isfinite(fitted)
    return PowerLawFit(
        bounds=bounds,
        counts=totals,
        exponent=fitted,
        information=information,
        determining=np.broadcast_to(totals if determining is None else determining, totals.shape),
        converged=converged,
        counts_per_electron=counts_per_electron,
        integrals=integrals,
    )


def counting_variance(counts: Floats, counts_per_electron: float) -> Floats:
    """Variance of a number of counts, never less than that of one electron."""
    return counts_per_electron * np.maximum(counts, counts_per_electron)


def reduced_chi2(
    binned: ArrayLike,
    expected: Floats,
    totals: Floats,
    counts_per_electron: float,
    fitted_parameters: ArrayLike,
) -> Floats:
    """Chi-square per degree of freedom, shape (pixel,); NaN without counts or without freedom."""
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = (np.asarray(binned, dtype=float) - expected) ** 2 / (counts_per_electron * expected)
    freedom = expected.shape[1] - np.asarray(fitted_parameters)
    usable = (totals > 0) & (freedom > 0)
    return np.where(usable, terms.sum(axis=1) / np.maximum(freedom, 1), np.nan)
