"""The linear model that most methods return, and the conventions on the scale and order of its endmembers."""

import dataclasses
import functools
from dataclasses import dataclass, field

import numpy as np

from eelsunmix.methods._models import Abundances, PixelModel, StoredModel, array
from eelsunmix.numerics import abundances
from eelsunmix.numerics.propagation import Propagation
from eelsunmix.numerics.rebinning import rebinned, rebinned_deviation
from eelsunmix.typing import Bools, Floats

SCALE_RANGE = 5.0
"""How far the total counts of two endmembers of equal standing may differ from the average pixel's."""


@dataclass(frozen=True, kw_only=True)
class LinearModel(StoredModel, PixelModel):
    """Endmembers, and the least squares that turn a spectrum into abundances.

    Parameters
    ----------
    non_negative : bool
        Abundances are not negative.
    sum_to_one : bool
        Abundances of a pixel sum to one; only together with `non_negative`.
    channel_weight : ndarray, shape (channel,), optional
        Divides spectra and endmembers in the misfit; plain least squares without it.
    endmember_noise : float
        Variance of the endmembers, in units of that of one pixel of abundance one; zero where they come from
        many pixels.
    """

    non_negative: bool = True
    sum_to_one: bool = False
    channel_weight: Floats | None = field(metadata=array("channel", units="counts"), default=None)
    endmember_noise: float = 0.0

    @property
    def knows_sd(self) -> bool:
        """Always: by propagation of the noise of the counts."""
        return True

    @property
    def sd_of_counts(self) -> bool:
        """Always."""
        return True

    @property
    def signed(self) -> bool:
        """Whether abundances may be negative."""
        return not self.non_negative

    def abundances(self, spectra: Floats) -> Abundances:
        """Constrained least squares of spectra, shape (pixel, channel), on the endmembers."""
        solve = abundances.least_squares
        if self.non_negative:
            solve = abundances.fully_constrained if self.sum_to_one else abundances.non_negative
        mean = solve(spectra, self.endmembers, channel_weight=self.channel_weight)
        return Abundances(mean, self.propagation().sd(mean, self.taking_part(mean)))

    def propagation(self) -> Propagation:
        """How the noise of the counts moves the abundances."""
        return self._propagation

    @functools.cached_property
    def _propagation(self) -> Propagation:  # an image comes in many pieces
        one = self.sum_to_one and self.non_negative
        return Propagation(
            self.endmembers, self.channel_weight, sum_to_one=one, endmember_noise=self.endmember_noise
        )

    def taking_part(self, mean: Floats) -> Bools:
        """Whether no constraint holds an abundance at zero, shape (pixel, endmember)."""
        return mean > 0 if self.non_negative else np.ones(mean.shape, dtype=bool)

    def resampled(self, energy: Floats, new_energy: Floats) -> "LinearModel":
        """Integrate the model over other channels, so that no counts are lost or gained."""
        endmembers = rebinned(self.endmembers, energy, new_energy)
        weight = self.channel_weight
        if weight is not None:
            weight = rebinned_deviation(weight[None], energy, new_energy)[0]
        return dataclasses.replace(self, endmembers=endmembers, channel_weight=weight)


def in_order(model: LinearModel, spectra: Floats) -> LinearModel:
    """Sort the endmembers by the counts that they contribute to the spectra, largest first."""
    contribution = np.abs(model.abundances(spectra).mean).mean(axis=0) * np.abs(model.endmembers).sum(axis=1)
    return dataclasses.replace(model, endmembers=model.endmembers[np.argsort(-contribution, kind="stable")])


def with_equal_totals(model: LinearModel, spectra: Floats) -> LinearModel:
    """Settle scale and sign where a method leaves them free.

    All endmembers get the same sum of absolute counts, and the sign that makes their mean abundance in the
    spectra positive; one common factor then makes the mean of the abundances' sum one.  Without negative
    values the abundances are thus the shares of an average pixel's counts.
    """
    sizes = np.abs(model.endmembers).sum(axis=1)
    scaled = _divided(model, np.where(sizes > 0, sizes, 1.0))
    means = scaled.abundances(spectra).mean.mean(axis=0)
    common = np.abs(means).sum()
    return _divided(scaled, np.where(means < 0, -1.0, 1.0) / (common if common > 0 else 1.0))


def with_sums_near_one(model: LinearModel, spectra: Floats) -> LinearModel:
    """Scale non-negative endmembers so that the abundances of every pixel sum to one as nearly as they can.

    The scales minimise ``sum((abundances @ scales - 1)**2)`` within a factor of `SCALE_RANGE` of equal
    totals; one common factor then makes the mean of the sum exactly one.
    """
    from scipy.optimize import lsq_linear

    equal = with_equal_totals(model, spectra)
    values = equal.abundances(spectra).mean
    scales = lsq_linear(values, np.ones(len(values)), (1 / SCALE_RANGE, SCALE_RANGE), method="bvls").x
    return _divided(equal, scales / (values @ scales).mean())


def _divided(model: LinearModel, sizes: Floats) -> LinearModel:
    """Divide each endmember by a number; its abundance grows by the same."""
    return dataclasses.replace(model, endmembers=model.endmembers / sizes[:, None])
