"""Channels that look bad: dead, hot, weak, or off at the borders of chips."""

import math
from dataclasses import dataclass

import numpy as np

from eelsunmix.corrections.dead_channels import DeadChannels, find_dead
from eelsunmix.corrections.evidence import Evidence
from eelsunmix.corrections.outlying_channels import outliers, usual_roughness, warm_channels
from eelsunmix.corrections.statistics import Statistics
from eelsunmix.errors import InputError

GAP_RATIO = 1.03
SIGNIFICANCE = 6.0


@dataclass(frozen=True, kw_only=True)
class Suspects:
    """Channels by what is wrong with them: bool (channel,), but for `dead`, which holds two of them.

    `hot` are far above or below their neighbours, `undecided` may as well be lines, `at_gaps` lie at the
    borders of chips, `warm` stand out by little.
    """

    dead: DeadChannels
    hot: np.ndarray
    undecided: np.ndarray
    at_gaps: np.ndarray
    warm: np.ndarray

    @property
    def dead_ones(self) -> np.ndarray:
        """All that are dead."""
        return self.dead.short | self.dead.long

    @property
    def all(self) -> np.ndarray:
        """All that look bad, whatever it is."""
        return self.dead_ones | self.hot | self.undecided | self.at_gaps | self.warm


def find_suspects(evidence: Evidence, dark: np.ndarray, chip_gaps: tuple[int, ...]) -> Suspects:
    """Look for bad channels in the data; `dark` (channel,) is the dark signal in counts.

    Raises
    ------
    InputError
        A chip gap lies outside the axis.
    """
    statistics, noise = evidence.statistics, evidence.variance_to_mean
    hot, undecided = outliers(statistics, dark, noise, evidence.energy_eV)
    return Suspects(
        dead=find_dead(statistics, noise),
        hot=hot,
        undecided=undecided,
        at_gaps=_at_gaps(statistics, dark, chip_gaps, noise),
        warm=warm_channels(statistics, dark, noise) & ~hot & ~undecided,
    )


def _at_gaps(statistics: Statistics, dark: np.ndarray, gaps: tuple[int, ...], noise: float) -> np.ndarray:
    """Channels at the borders of chips that leave the line through the channels beyond."""
    mean = np.maximum(statistics.mean - dark, 1e-12)
    total = np.maximum(mean * max(int(statistics.n_pixels.sum()), 1), 1.0)
    bad = np.zeros(mean.size, bool)
    usual = usual_roughness(mean[None])[0]
    for gap in gaps:
        if not 4 <= gap <= mean.size - 4:
            raise InputError(f"corrections.bad_channels.chip_gaps: {gap} lies outside 4 to {mean.size - 4}")
        near = np.arange(gap - 2, gap + 2)
        outside = np.array([gap - 4, gap - 3, gap + 2, gap + 3])
        line = np.polynomial.Polynomial.fit(outside, np.log(mean[outside]), 1)(near)
        limit = np.hypot(SIGNIFICANCE * usual[near], SIGNIFICANCE * np.sqrt(noise / total[near]))
        bad[near] = np.abs(np.log(mean[near]) - line) > np.maximum(limit, math.log(GAP_RATIO))
    return bad
