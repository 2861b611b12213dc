"""Variance of the counts against their mean: a line, through the origin where all counts are signal.

With F counts per electron, a constant of d counts in every channel (a dark signal that was left in; below
zero where too much was subtracted) and read-out noise, the variance of one channel is F (mean - d) plus that
of the read-out. So the line's slope is the gain whatever d is, and d is where it meets zero.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eelsunmix.io.variance_levels import CHANNELS, FREEDOM, Levels

SIGNIFICANT = 16.0
"""Evidence beyond which the constant is taken for real: four standard deviations."""

MOST_UNSAID, MOST_LACKING_UNSAID = 0.15, 0.1
"""Parts of the median counts up to which counts too many or too few are not told.

Structure that neighbours do not share bends the line as up to a tenth of the counts too many does.
"""

COUNTING = 0.25
"""How far from 1 the counts per electron of a detector that counts may be measured."""

SAME = 1.05
"""Times the variance of the other direction up to which a direction is free of structure too."""

GROUPS, FEWEST_IN_GROUP = 12, 16
COUNTS_PER_VALUE = 1000.0
"""Counts below which variances are averaged before their median is taken, since they are too skew alone."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """Variance = gain * mean + constant, with what speaks for the constant.

    Parameters
    ----------
    gain, constant : float
    gain_deviation : float
        Standard deviation of the gain.
    level : float
        Median of the mean counts.
    darkest, brightest : float
        Mean counts of the darkest and the brightest group.
    darkest_variance : float
    evidence : float
        By how much the constant lowers chi squared, in units of what is left of it per degree of freedom.
    whole : bool
        Whether pixels differ by whole numbers.
    """

    gain: float
    constant: float
    gain_deviation: float
    level: float
    darkest: float
    brightest: float
    darkest_variance: float
    evidence: float
    whole: bool

    @property
    def offset(self) -> float:
        """Counts in every channel that are no signal: where the variance reaches zero."""
        return -self.constant / self.gain if self.gain > 0 else -math.inf

    @property
    def gain_over_ratio(self) -> float:
        """Gain divided by variance over mean at the median level."""
        return self.gain / (self.gain + self.constant / self.level)

    @property
    def is_flat(self) -> bool:
        """Whether even the brightest stretches have more constant variance than variance of their counts."""
        return self.evidence > SIGNIFICANT and self.gain * self.brightest < self.constant

    def offset_of_counts(self, ratio: float) -> float:
        """Return the counts in every channel that are no signal, below 0 where some lack; 0 if not certain.

        Read-out noise raises the line as too much of a dark signal does; so counts that lack are looked for
        where single electrons are counted alone.

        Parameters
        ----------
        ratio : float
            Measured variance over mean in wide bins.
        """
        if self.evidence < SIGNIFICANT or self.gain <= 0 or self.is_flat:
            return 0.0
        if self.offset > 0:
            return self.offset if MOST_UNSAID * self.level < self.offset < self.darkest else 0.0
        counting = self.whole and abs(ratio * self.gain_over_ratio - 1) < COUNTING
        return self.offset if counting and -self.offset > MOST_LACKING_UNSAID * abs(self.level) else 0.0


def fit_line(directions: Sequence[Levels]) -> Line | None:
    """Fit the line to the direction in which neighbours differ least; None where there are too few."""
    found = [levels for levels in directions if levels.mean.size >= 3 * FEWEST_IN_GROUP]
    if not found:
        return None
    noise = [float(np.median(levels.variance)) for levels in found]
    quiet = [levels for levels, one in zip(found, noise, strict=True) if one <= SAME * min(noise)]
    levels = sum(quiet, Levels())
    mean, variance, deviation = _grouped(levels)
    if not (variance > 0).all():
        return None
    (gain, constant), chi2, gain_deviation = _fit(mean, variance, deviation, np.ones_like(mean))
    _, without, _ = _fit(mean, variance, deviation, np.zeros_like(mean))
    unit = max(1.0, chi2 / (mean.size - 2))
    return Line(
        gain=float(gain),
        constant=float(constant),
        gain_deviation=gain_deviation * math.sqrt(unit),
        level=float(np.median(mean)),
        darkest=float(mean[0]),
        brightest=float(mean[-1]),
        darkest_variance=float(variance[0]),
        evidence=(without - chi2) / unit,
        whole=levels.whole,
    )


def _fit(
    mean: np.ndarray, variance: np.ndarray, deviation: np.ndarray, constant: np.ndarray
) -> tuple[np.ndarray, float, float]:
    """Fit by weighted least squares; return the solution, chi squared and the gain's deviation."""
    weighted = np.stack([mean, constant], axis=-1) / deviation[:, np.newaxis]
    inverse = np.linalg.pinv(weighted)
    solution = inverse @ (variance / deviation)
    left = variance / deviation - weighted @ solution
    return solution, float(left @ left), float(np.linalg.norm(inverse[0]))


def _grouped(levels: Levels) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, variance and its standard deviation in groups of equal numbers, from the darkest on."""
    order = np.argsort(levels.mean, kind="stable")
    number = min(GROUPS, order.size // FEWEST_IN_GROUP)
    rows = [_of_group(levels.mean[part], levels.variance[part]) for part in np.array_split(order, number)]
    mean, variance, deviation = np.array(rows).T
    return mean, variance, deviation


def _of_group(mean: np.ndarray, variance: np.ndarray) -> tuple[float, float, float]:
    level = float(np.median(mean))
    size = min(len(mean), math.ceil(COUNTS_PER_VALUE / max(abs(level) * CHANNELS, 1e-9)))
    groups = len(mean) // size
    values = variance[: groups * size].reshape(groups, size).mean(axis=1)
    freedom = size * FREEDOM
    # Median over mean of chi squared: Wilson and Hilferty, PNAS 17 (1931) 684.
    middle = float(np.median(values)) / (1 - 2 / (9 * freedom)) ** 3
    return level, middle, 1.25 * middle * math.sqrt(2 / freedom / groups)
