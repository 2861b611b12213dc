"""What twins cannot see: other simplices, and other totals, that describe the image as well."""

from dataclasses import dataclass

import numpy as np

from eelsunmix.anchored_fit import net_counts_of_elements
from eelsunmix.comparison.pure_pixels import pure_pixels
from eelsunmix.comparison.simplex_range import Range, Simplex, in_bands, simplex_range
from eelsunmix.recommendation.choosing import Choice
from eelsunmix.recommendation.deviations import map_deviation
from eelsunmix.recommendation.totals import deviation_of_shares, totals_deviation
from eelsunmix.typing import Floats, Indices

MOST_PIXELS = 4096
"""Pixels that say how far a simplex may move; more of them say hardly more."""
LEAST_SD = 1e-3
"""Of a share."""
ENDS_SD = 2.0
"""The ends of a range are so many standard deviations away."""
MOST_TAKEN = 0.95
"""Part of a spectrum that can be that of others, at most: what is left of it is noise."""


@dataclass(frozen=True, kw_only=True)
class Ambiguity:
    """Standard deviations of maps and spectra by the choice of a simplex, and of shares by that of totals.

    Parameters
    ----------
    totals : ndarray, shape (endmember,)
        Standard deviations of the logarithms of the total counts of the endmembers.
    range : Range, optional
        None where there is one endmember, or nothing to move.
    """

    totals: Floats
    range: Range | None = None

    def of_shares(self, shares: Floats) -> Floats:
        """Add what the totals leave open: shares compare the amounts of materials."""
        deviation: Floats = np.hypot(self.of_amounts(shares), deviation_of_shares(shares, self.totals))
        return deviation

    def of_amounts(self, maps: Floats) -> Floats:
        """Half of the way to the farther end of the range, shape (pixel, endmember).

        Amounts are in units of their endmember, whatever its total.
        """
        if self.range is None:
            return np.zeros_like(maps)
        low, high = self.range.abundances(maps)
        return np.maximum(high - maps, maps - low) / ENDS_SD

    def of_spectra(self, endmembers: Floats) -> Floats:
        """Half of the way to the farther end: ``(E_i - v E_j) / (1 - v)``, shape (endmember, channel)."""
        if self.range is None:
            return np.zeros_like(endmembers)
        ends = np.minimum([self.range.taken_low, self.range.taken_high], MOST_TAKEN)
        parts = np.abs(ends / (1 - ends)).max(axis=0)
        away = endmembers[:, None] - endmembers
        moved: Floats = np.sqrt(np.einsum("ij,ijc->ic", parts**2, away**2)) / ENDS_SD
        return moved


def ambiguity_of(choice: Choice) -> Ambiguity:
    """Find the range of the shares of a choice."""
    best, data = choice.best, choice.data
    totals = totals_deviation(best, choice.brightness)
    if len(best.endmembers) < 2 or not (best.endmembers.sum(axis=1) > 0).all():
        return Ambiguity(totals=totals)
    trials = choice.ranking.trials[best.label]
    sd = map_deviation([one.shares for one in trials], data.chosen)[data.chosen]
    sd = np.maximum(sd, LEAST_SD)  # all twins may find nothing of an endmember
    some = np.linspace(0, len(sd) - 1, min(len(sd), MOST_PIXELS)).astype(int)
    net, net_sd, owner = _edges(choice)
    pixels = np.maximum(np.sum(best.shares**2, axis=0), 1.0)[:, None]
    bands = in_bands(best.endmembers)
    simplex = Simplex(
        endmembers=bands,
        endmembers_sd=np.sqrt(data.variance_to_mean * np.maximum(bands, 1.0) / pixels),
        abundances=best.shares[some],
        abundances_sd=sd[some],
        net_counts=net,
        net_counts_sd=net_sd / np.sqrt(pixels),
        owner=owner,
        # Nothing is said of the counts that go with an edge: net counts are those of whole elements here.
        floor=np.zeros((net.shape[1], bands.shape[1])),
    )
    pure = pure_pixels(best.shares, sd, data.chosen)[:, some]
    return Ambiguity(totals=totals, range=simplex_range(simplex, pure))


def _edges(choice: Choice) -> tuple[Floats, Floats, Indices]:
    """Net counts of the elements, their deviations for one pixel, and the owners; no column without edges."""
    best, data = choice.best, choice.data
    if not choice.edges:
        none = np.zeros((len(best.endmembers), 0))
        return none, none, np.zeros(0, dtype=np.intp)
    energy = data.image[data.image.dims[-1]]
    net, variance = net_counts_of_elements(best.endmembers, choice.edges, energy, data.spectra.mean(axis=0))
    return net, np.sqrt(data.variance_to_mean * variance), net.argmax(axis=0)
