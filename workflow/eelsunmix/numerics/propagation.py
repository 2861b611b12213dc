"""Counting noise of abundances: standard deviations and covariances of least squares, in closed form.

On the endmembers that take part in a pixel (the active set of the constraints) the abundances are linear in
the counts, ``a = g + H E y / w**2``.  With counts whose variance is their mean, and a mean that is the fitted
mixture ``m @ E``, their covariance is ``sum_k m_k H M_k H`` with ``M_k = sum_c E_kc E_c E_c^T / w_c**4``.
Nothing there depends on the spectra of the pixel: the work goes with the pixels times the endmembers squared.

A bound that is reached would leave a deviation of zero, as if nobody could know better.  So an abundance at
zero gets the deviation that it has when it takes part beside the active set, and an abundance that is one
because all others are zero gets the largest one that it has beside any of them.

Endmembers that are noisy themselves, by ``v`` times the counting noise of one pixel, add ``a_k E_k`` to the
noise of the pixel: in the sum ``m_k`` becomes ``m_k + v a_k**2``.

No channel has a negative variance.  Where a mixture is below zero, as that of noisy endmembers or of counts
from which too much was subtracted, its absolute value is the variance: twice what is below zero is added, in
the pixels concerned alone.
"""

import functools
import itertools
from collections.abc import Callable

import numpy as np

from eelsunmix.typing import Bools, Floats

_PIECE = 2**7
"""Pixels of which the mixtures are held at a time: they stay in the cache."""


class Propagation:
    """How counting noise moves the abundances of given endmembers.

    Parameters
    ----------
    endmembers : ndarray, shape (endmember, channel)
        Counts of a pixel of abundance one.
    channel_weight : ndarray, shape (channel,), optional
        Divides spectra and endmembers in the least squares; plain least squares without it.
    sum_to_one : bool
        Whether the abundances of a pixel sum to one.
    endmember_noise : float
        Variance of the endmembers, in units of that of one pixel of abundance one.
    """

    def __init__(
        self,
        endmembers: Floats,
        channel_weight: Floats | None = None,
        *,
        sum_to_one: bool = False,
        endmember_noise: float = 0.0,
    ) -> None:
        weight = np.ones(endmembers.shape[1]) if channel_weight is None else channel_weight
        whitened = endmembers / weight
        norms = np.linalg.norm(whitened, axis=1)
        self._norms = np.where(norms > 0, norms, 1.0)
        self._units = units = whitened / self._norms[:, None]
        self._endmembers, self._weight = endmembers, weight
        self._gram = units @ units.T
        # Of the unit endmembers but for the first index, which is that of the mixture.
        self._moments = np.einsum("kc,ic,jc->kij", endmembers / weight**2, units, units, optimize=True)
        self._totals = endmembers.sum(axis=1)
        self._constraint = 1.0 / self._norms if sum_to_one else None
        self._endmember_noise = endmember_noise
        self._inverses: dict[tuple[int, ...], Floats] = {}
        self._tensors: dict[tuple[int, ...], Floats] = {}

    @property
    def signed(self) -> bool:
        """Whether any endmember has a channel below zero."""
        return bool((self._endmembers < 0).any())

    def sd(self, abundances: Floats, taking_part: Bools, brightness: Floats | float = 1.0) -> Floats:
        """Return the standard deviations of abundances of counts whose variance is their mean.

        Parameters
        ----------
        abundances : ndarray, shape (pixel, endmember)
        taking_part : ndarray of bool, shape (pixel, endmember)
            Endmembers that no constraint holds at zero.
        brightness : ndarray, shape (pixel, 1), or float
            As of `mixture`.

        Returns
        -------
        ndarray, shape (pixel, endmember)
        """
        mixture, variance = self.mixture(abundances, brightness), np.empty(abundances.shape)
        below = self._below_zero(mixture)
        for active, pixels in groups(taking_part):
            variance[pixels] = mixture[pixels] @ self._variances(active, self._tensor)
            if below is not None:
                variance[pixels] += self._variances(active, functools.partial(self._spread, below[pixels]))
        return np.sqrt(np.maximum(variance, 0.0))

    def covariance(self, mixture: Floats, taking_part: Bools) -> Floats:
        """Return the covariances of the abundances, shape (pixel, endmember, endmember).

        Zero for those that do not take part; a single one that must be one takes part with the endmember
        beside which it is the least certain.

        Parameters
        ----------
        mixture : ndarray, shape (pixel, endmember)
            As of `mixture`.
        taking_part : ndarray of bool, shape (pixel, endmember)
        """
        result, below = np.empty((*mixture.shape, mixture.shape[1])), self._below_zero(mixture)
        for active, pixels in groups(taking_part):
            freed = self._freed(active)
            result[pixels] = np.einsum("pk,kij->pij", mixture[pixels], self._tensor(freed))
            if below is not None:
                result[pixels] += self._spread(below[pixels], freed)
        return result

    def offsets(self, taking_part: Bools) -> Floats:
        """Return the part ``g`` of the abundances that is not linear in the counts, (pixel, endmember)."""
        result = np.zeros(taking_part.shape)
        if self._constraint is None:
            return result
        for active, pixels in groups(taking_part):
            inverse = self._inverse(self._freed(active)) @ self._constraint
            result[pixels] = inverse / (self._constraint @ inverse) / self._norms
        return result

    def mixture(self, abundances: Floats, brightness: Floats | float = 1.0) -> Floats:
        """Return the mixture of endmembers whose counts are the variance, shape (pixel, endmember).

        Pixels of less than one count get as much of all endmembers as makes one: zero is not certain.

        Parameters
        ----------
        abundances : ndarray, shape (pixel, endmember)
        brightness : ndarray, shape (pixel, 1), or float
            Counts of the pixels over those of which these are the abundances.
        """
        return self._with_a_count(abundances) / brightness + self._endmember_noise * abundances**2

    def _with_a_count(self, mixture: Floats) -> Floats:
        missing, totals = np.maximum(1.0 - mixture @ self._totals, 0.0), self._totals
        if not (totals > 0).any():  # too much was subtracted from all of them
            totals = np.abs(self._endmembers).sum(axis=1)
        # Signed endmembers may have none: they add no counts.
        one = np.divide(1.0, totals, out=np.zeros_like(totals), where=totals > 0)
        one /= max(int(np.count_nonzero(one)), 1)
        return np.where((missing > 0)[:, None], np.maximum(mixture, 0.0) + missing[:, None] * one, mixture)

    def _below_zero(self, mixture: Floats) -> Floats | None:
        """Twice the moments of what is below zero, (pixel, i, j); None where nothing can be."""
        if (self._endmembers >= 0).all() and (mixture >= 0).all():
            return None
        n_endmembers, n_channels = self._endmembers.shape
        result = np.empty((len(mixture), n_endmembers**2))
        pairs = (self._units[:, None] * self._units).reshape(-1, n_channels) / self._weight**2
        for first in range(0, len(mixture), _PIECE):
            rows = slice(first, first + _PIECE)
            result[rows] = -2.0 * np.minimum(mixture[rows] @ self._endmembers, 0.0) @ pairs.T
        return result.reshape(-1, n_endmembers, n_endmembers)

    def _variances(self, active: tuple[int, ...], covariances: Callable[[tuple[int, ...]], Floats]) -> Floats:
        """Variances, shape (row, endmember), of covariances that depend on the active set, (row, i, j)."""
        freed = self._freed(active)
        result = np.einsum("kii->ki", covariances(freed)).copy()
        for other in set(range(len(self._gram))) - set(freed):
            result[:, other] = covariances(_with(active, other))[:, other, other]
        return result

    def _freed(self, active: tuple[int, ...]) -> tuple[int, ...]:
        """Return the active set, one that is alone with the endmember beside which it is least certain."""
        if self._constraint is None or len(active) != 1 or len(self._gram) == 1:
            return active
        (only,) = active
        others = [other for other in range(len(self._gram)) if other != only]
        return max(
            (_with(active, other) for other in others), key=lambda pair: self._tensor(pair)[only, only, only]
        )

    def _tensor(self, active: tuple[int, ...]) -> Floats:
        """Covariance of the abundances of one unit of each endmember, shape (endmember, i, j)."""
        if active not in self._tensors:
            self._tensors[active] = self._spread(self._moments, active)
        return self._tensors[active]

    def _spread(self, moments: Floats, active: tuple[int, ...]) -> Floats:
        """Covariances of the abundances by moments of the noise of the counts, both (row, i, j)."""
        inverse = self._inverse(active)
        if self._constraint is not None and len(active):
            direction = inverse @ self._constraint
            inverse = inverse - np.outer(direction, direction) / (self._constraint @ direction)
        spread: Floats = inverse @ moments @ inverse / np.outer(self._norms, self._norms)
        return spread

    def _inverse(self, active: tuple[int, ...]) -> Floats:
        if active not in self._inverses:
            inverse, inside = np.zeros_like(self._gram), np.ix_(active, active)
            if len(active):
                inverse[inside] = np.linalg.pinv(self._gram[inside], rcond=1e-13, hermitian=True)
            self._inverses[active] = inverse  # only when it is whole: threads share it
        return self._inverses[active]


def groups(taking_part: Bools) -> list[tuple[tuple[int, ...], Bools]]:
    """Return each active set that occurs, and the pixels that have it."""
    codes = taking_part @ (1 << np.arange(taking_part.shape[1], dtype=np.int64))
    return [(_bits(int(code)), codes == code) for code in np.unique(codes)]


def _bits(code: int) -> tuple[int, ...]:
    return tuple(
        number for number in itertools.takewhile(lambda n: code >> n, range(64)) if code >> number & 1
    )


def _with(active: tuple[int, ...], other: int) -> tuple[int, ...]:
    return tuple(sorted((*active, other)))
