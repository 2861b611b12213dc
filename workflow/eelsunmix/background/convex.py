"""Background that is a sum of power laws with given exponents and coefficients that are not negative.

Weighted least squares over such coefficients is a quadratic programme, one per pixel.  The weights follow a
power law, and so are the same for all pixels: the solution with any given set of terms is then a linear
function of the counts, and the programme is solved for all pixels at once by trying the 31 sets.  Of those
that have no negative coefficient the one with the least misfit is the solution.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from eelsunmix.background.exponents import BATCH
from eelsunmix.background.integrals import power_law_integrals
from eelsunmix.background.power_law import counting_variance, reduced_chi2
from eelsunmix.typing import Bools, Floats

EXPONENTS = (2.0, 2.75, 3.5, 4.25, 5.0)
"""Near enough that a power law between two of them is met within 0.1 to 0.7 %, 40 to 100 eV beyond the fit
window; a wider range lets noise choose more curved backgrounds."""
WEIGHTING = 3.5
"""Exponent of the power law by whose counts bins are weighted; others make a fit no less right."""
ALIKE = 1e-11
"""Part of a term that the others of a set have not, below which rounding blurs coefficients by over 1e-5."""


@dataclass(frozen=True, kw_only=True)
class ConvexFit:
    """Sums of power laws fitted to the counts of bins, one per pixel.

    Parameters
    ----------
    model : ConvexModel
    counts : ndarray, shape (pixel,)
        Counts in all fitted bins.
    shares : ndarray, shape (pixel, term)
        Part of them that each power law has; the sum is 1. NaN where there are no counts to fit.
    determining : ndarray, shape (pixel,)
        Counts to which the shares were fitted.
    counts_per_electron : float
        Variance over mean of the counts.
    """

    model: "ConvexModel"
    counts: Floats
    shares: Floats
    determining: Floats
    counts_per_electron: float = 1.0

    def determined_by(self, counts: ArrayLike) -> Self:
        """Return the same backgrounds, their shares fitted to other numbers of counts."""
        return replace(self, determining=np.broadcast_to(counts, self.counts.shape))

    def expected_counts(self, bounds: ArrayLike) -> Floats:
        """Return the counts of the background in other bins, shape (pixel, bin)."""
        expected: Floats = (self.counts[:, None] * self.shares) @ self.model.parts(bounds)
        return expected

    def extrapolate(self, window: ArrayLike, *, mean_unbiased: bool = False) -> tuple[Floats, Floats]:
        """Background under a window and its variance, each of shape (pixel,).

        The variance is that of linear least squares with the terms that were found.

        Parameters
        ----------
        window : array_like, shape (2,)
            Limits in eV.
        mean_unbiased : bool
            Changes nothing: with the terms that were found, the estimate is linear in the counts.
        """
        reach = self.model.parts(window)[:, 0]
        ratio = self.shares @ reach
        background = self.counts * ratio
        per_electron = self._ratio_variance(reach, ratio)
        electrons = np.maximum(self.determining, self.counts_per_electron) / self.counts_per_electron
        variance = ratio**2 * counting_variance(self.counts, self.counts_per_electron)
        return background, variance + self.counts**2 * per_electron / electrons

    def reduced_chi2(self, binned: ArrayLike, *, shape_is_own: bool = True) -> Floats:
        """Chi-square of the fitted bins per degree of freedom, shape (pixel,); NaN without counts."""
        expected = self.expected_counts(self.model.bounds)
        fitted = self.n_parameters if shape_is_own else 1
        return reduced_chi2(binned, expected, self.counts, self.counts_per_electron, fitted)

    @property
    def n_parameters(self) -> NDArray[np.int64]:
        """Terms that each background has, shape (pixel,)."""
        return np.maximum((self.shares > 0).sum(axis=1), 1)

    @property
    def exponent(self) -> Floats:
        """Mean of the exponents, by the counts in the fit window: the slope there, shape (pixel,)."""
        exponent: Floats = self.shares @ np.array(EXPONENTS)
        return exponent

    @property
    def converged(self) -> Bools:
        """Pixels with counts to fit, shape (pixel,)."""
        return np.isfinite(self.shares[:, 0])

    @property
    def implausible(self) -> Bools:
        """Pixels in which nothing but the flattest or the steepest power law is left, shape (pixel,)."""
        return (self.shares[:, 0] == 1) | (self.shares[:, -1] == 1)

    def _ratio_variance(self, reach: Floats, ratio: Floats) -> Floats:
        """Variance of the ratio per fitted electron, shape (pixel,)."""
        variance = np.full(ratio.shape, np.nan)
        sets = _number_of_set(self.shares.T > 0)
        for terms, inverse in self.model.solutions:
            rows = np.flatnonzero(sets == _number_of_set(terms))
            # The ratio is (reaching @ counts) / (summing @ counts), of counts that are shares @ terms.
            reaching, summing = reach @ inverse, inverse.sum(axis=0)
            squares = np.array([reaching**2, -2 * reaching * summing, summing**2]) @ self.model.terms.T
            constant, linear, quadratic = squares @ self.shares[rows].T
            variance[rows] = constant + ratio[rows] * (linear + ratio[rows] * quadratic)
        return variance


def _number_of_set(terms: Bools) -> NDArray[np.int64]:
    """One number per set of terms, of flags of shape (term, ...)."""
    number: NDArray[np.int64] = np.tensordot(2 ** np.arange(len(EXPONENTS)), terms, axes=1)
    return number


class ConvexModel:
    """Sums of the power laws of `EXPONENTS` over the bins of a fit window.

    Parameters
    ----------
    bounds : array_like, shape (bin + 1,)
        Limits of the bins in eV, increasing and positive.

    Attributes
    ----------
    terms : ndarray, shape (term, bin)
        Each power law, of one count in all bins.
    solutions : list of (ndarray of bool, shape (term,); ndarray, shape (term, bin))
        Every set of terms and its weighted least squares: what counts are multiplied by to give coefficients.
        Sets that the bins cannot tell apart are left out.

    References
    ----------
    .. [1] Cueva et al., Microsc. Microanal. 18 (2012) 667: linear combination of power laws.
    .. [2] Van den Broek et al., Ultramicroscopy 254 (2023) 113830: convexity constraints on
       linear background models.

    Examples
    --------
    >>> model = ConvexModel([100.0, 125.0, 150.0, 175.0, 200.0])
    >>> shares, converged = model.shapes(np.array([1.0, 0.0, 0.0, 0.0, 3.0]) @ model.terms[None])
    >>> shares.round(6)
    array([[0.25, 0.  , 0.  , 0.  , 0.75]])
    """

    def __init__(self, bounds: ArrayLike) -> None:
        self.bounds = np.asarray(bounds, dtype=float)
        self.terms = self.parts(self.bounds)
        self._expected = power_law_integrals(self.bounds, [WEIGHTING])[0][0]
        self._weighted = self.terms / self._expected
        self.solutions = list(self._solutions())

    @property
    def usual(self) -> Floats:
        """Shares that stand in where there are no counts at all."""
        return np.equal(EXPONENTS, WEIGHTING).astype(float)

    def parts(self, bounds: ArrayLike) -> Floats:
        """Return the counts of each power law in bins, over those in the fit window, shape (term, bin)."""
        whole, _ = power_law_integrals(self.bounds[[0, -1]], EXPONENTS)
        parts, _ = power_law_integrals(bounds, EXPONENTS)
        return parts / whole

    def shapes(self, counts: ArrayLike) -> tuple[Floats, Bools]:
        """Shares of the power laws in the counts of each row, and whether there are counts to fit.

        Parameters
        ----------
        counts : array_like, shape (pixel, bin)
            Only the proportions matter.

        Returns
        -------
        shares : ndarray, shape (pixel, term)
            Not negative, of sum 1; NaN without counts.
        fitted : ndarray of bool, shape (pixel,)
        """
        counts = np.asarray(counts, dtype=float)
        starts = range(0, max(len(counts), 1), BATCH)
        shares = np.concatenate([self._shares(counts[start : start + BATCH]) for start in starts])
        return shares, np.isfinite(shares[:, 0])

    def _shares(self, counts: Floats) -> Floats:
        # Pixels last: terms are few, and numpy is slow along short last axes.
        projected = self._weighted @ counts.T
        best, gain = np.zeros_like(projected), np.zeros(len(counts))
        for terms, inverse in self.solutions:
            found = inverse[terms] @ counts.T
            gained = (found * projected[terms]).sum(axis=0)  # by how much the misfit falls, twice
            better = np.flatnonzero((gained > gain) & (found > 0).all(axis=0))
            gain[better] = gained[better]
            best[:, better] = 0
            best[np.ix_(terms, better)] = found[:, better]
        fitted = (counts.sum(axis=1) > 0) & (gain > 0)
        return np.divide(best, best.sum(axis=0), out=np.full_like(best, np.nan), where=fitted).T

    def fit(
        self,
        counts: ArrayLike,
        *,
        counts_per_electron: float = 1.0,
        shapes: Floats | None = None,
        determining: ArrayLike | None = None,
    ) -> ConvexFit:
        """Fit each row of counts, as `Model` says."""
        counts = np.asarray(counts, dtype=float)
        totals = counts.sum(axis=1)
        shares = self.shapes(counts)[0] if shapes is None else shapes
        return ConvexFit(
            model=self,
            counts=totals,
            shares=np.broadcast_to(shares, (len(counts), len(EXPONENTS))),
            determining=np.broadcast_to(totals if determining is None else determining, totals.shape),
            counts_per_electron=counts_per_electron,
        )

    def _solutions(self) -> Iterator[tuple[Bools, Floats]]:
        number, deviation = len(EXPONENTS), np.sqrt(self._expected)
        for size in range(1, min(number, self.bounds.size - 1) + 1):
            for chosen in map(list, itertools.combinations(range(number), size)):
                # Not by normal equations: they would square a condition number of up to 3e10.
                basis, triangle = np.linalg.qr((self.terms[chosen] / deviation).T)
                lengths = np.abs(np.diag(triangle))
                if lengths.min() < ALIKE * lengths.max():
                    continue
                inverse = np.zeros_like(self.terms)
                inverse[chosen] = scipy.linalg.solve_triangular(triangle, basis.T) / deviation
                terms = np.zeros(number, dtype=bool)
                terms[chosen] = True
                yield terms, inverse
