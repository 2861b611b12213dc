"""The curves that a background may be, by their names in the configuration, behind one interface.

A background is the counts of a pixel in the fit window times a ratio that its shape gives.  The shape may be
fitted to other counts than those of the pixel, such as those of its neighbourhood.
"""

import functools
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eelsunmix.background.convex import ConvexModel
from eelsunmix.background.exponents import Integrals, fit_exponent
from eelsunmix.background.integrals import exponential_integrals, power_law_integrals
from eelsunmix.background.power_law import PowerLawFit, fit_power_law
from eelsunmix.edges import BackgroundCurve
from eelsunmix.typing import Bools, Floats


class Fit(Protocol):
    """Backgrounds fitted to the counts of bins, one per pixel."""

    @property
    def counts_per_electron(self) -> float:
        """Variance over mean of the counts."""

    @property
    def counts(self) -> Floats:
        """Counts in all fitted bins, shape (pixel,)."""

    @property
    def exponent(self) -> Floats:
        """Exponent, or the mean one in the fit window; NaN without counts; shape (pixel,)."""

    @property
    def converged(self) -> Bools:
        """Whether a shape was found, shape (pixel,)."""

    @property
    def n_parameters(self) -> NDArray[np.int64]:
        """Parameters fitted where the shape is the pixel's own, shape (pixel,)."""

    @property
    def implausible(self) -> Bools:
        """Pixels whose shape no background has, shape (pixel,)."""

    def determined_by(self, counts: ArrayLike) -> "Fit":
        """Return the same backgrounds, their shapes fitted to other numbers of counts."""

    def expected_counts(self, bounds: ArrayLike) -> Floats:
        """Return the counts in other bins, shape (pixel, bin)."""

    def extrapolate(self, window: ArrayLike, *, mean_unbiased: bool = False) -> tuple[Floats, Floats]:
        """Background under a window and its variance, each of shape (pixel,)."""

    def reduced_chi2(self, binned: ArrayLike, *, shape_is_own: bool = True) -> Floats:
        """Chi-square of the fitted bins per degree of freedom, shape (pixel,)."""


class Model(Protocol):
    """A kind of background over the bins of one fit window."""

    @property
    def usual(self) -> Floats:
        """Shape that stands in where there are no counts at all, shape (parameter,)."""

    def shapes(self, counts: ArrayLike) -> tuple[Floats, Bools]:
        """Fit shapes to counts (pixel, bin); return them (pixel, parameter), and whether it could be done."""

    def fit(
        self,
        counts: ArrayLike,
        *,
        counts_per_electron: float = 1.0,
        shapes: Floats | None = None,
        determining: ArrayLike | None = None,
    ) -> Fit:
        """Fit a background to each row of counts.

        Parameters
        ----------
        counts : array_like, shape (pixel, bin)
        counts_per_electron : float
            Scales all variances.
        shapes : ndarray, shape (pixel, parameter), optional
            Given shapes; fitted to the same counts by default.
        determining : array_like, shape (pixel,) or scalar, optional
            Counts to which given shapes were fitted; infinite where they are exact.
        """


@dataclass(frozen=True)
class OneExponent:
    """A curve of one exponent, by Poisson maximum likelihood: `fit_power_law` as a `Model`.

    Parameters
    ----------
    bounds : ndarray, shape (bin + 1,)
        Limits of the fitted bins in eV.
    integrals : callable
        Of the curve.
    """

    bounds: Floats
    integrals: Integrals = power_law_integrals

    @property
    def usual(self) -> Floats:
        """Exponent that stands in where there are no counts at all."""
        return np.array([3.0])

    def shapes(self, counts: ArrayLike) -> tuple[Floats, Bools]:
        """Fit exponents, (pixel, 1)."""
        exponent, _, converged = fit_exponent(counts, self.bounds, self.integrals)
        return exponent[:, None], converged

    def fit(
        self,
        counts: ArrayLike,
        *,
        counts_per_electron: float = 1.0,
        shapes: Floats | None = None,
        determining: ArrayLike | None = None,
    ) -> PowerLawFit:
        """Fit each row of counts, as `Model` says."""
        counts = np.asarray(counts, dtype=float)
        return fit_power_law(
            counts,
            self.bounds,
            counts_per_electron=counts_per_electron,
            exponent=None if shapes is None else np.broadcast_to(shapes[..., 0], len(counts)),
            determining=determining,
            integrals=self.integrals,
        )


def background_model(curve: BackgroundCurve, bounds: ArrayLike) -> Model:
    """Return the model of a curve for the bins of a fit window, bounds in eV, shape (bin + 1,)."""
    bounds = np.asarray(bounds, dtype=float)
    if curve == "convex":
        return ConvexModel(bounds)
    if curve == "exponential":
        pivot = (bounds[0] + bounds[-1]) / 2
        return OneExponent(bounds, functools.partial(exponential_integrals, pivot_eV=float(pivot)))
    return OneExponent(bounds)
