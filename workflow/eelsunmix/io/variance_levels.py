"""Variance of the counts at their mean, from pairs of neighbouring pixels in short stretches of channels.

From `a - p (a + b)`, with p the share of `a` in a stretch, a parabola is taken away, which leaves little of
smooth structure. This needs neither positive counts, as Pearson's chi squared does, nor independent channels:
a point spread lowers all variances by the same factor.
"""

from dataclasses import dataclass, field

import numpy as np

CHANNELS = 16
"""Channels of a stretch, within which one share and one mean are taken."""

SHARES = (0.25, 0.75)
"""Shares beyond which two neighbours are too different to be compared."""

FREEDOM = CHANNELS - 3
"""Degrees of freedom of a stretch without its parabola."""

PARABOLAS = np.linalg.qr(np.vander(np.arange(CHANNELS), 3).astype(float))[0]
"""Orthonormal columns, shape (CHANNELS, 3)."""

ROUNDING = 1e-2
"""Distance from a whole number that is one of rounding."""


@dataclass(frozen=True)
class Levels:
    """Mean counts of a channel and variance, of each pair of pixels in each stretch.

    `whole` says whether pixels differ by whole numbers throughout, as where single electrons are counted.
    """

    mean: np.ndarray = field(default_factory=lambda: np.empty(0))
    variance: np.ndarray = field(default_factory=lambda: np.empty(0))
    whole: bool = True

    def __add__(self, other: "Levels") -> "Levels":
        return Levels(
            np.concatenate([self.mean, other.mean]),
            np.concatenate([self.variance, other.variance]),
            self.whole and other.whole,
        )


def levels_of_pairs(first: np.ndarray, second: np.ndarray) -> Levels:
    """Return mean and variance of each pair of neighbouring spectra, shape (pair, channel), by stretches."""
    stretches = first.shape[-1] // CHANNELS
    if not stretches or not len(first):
        return Levels()
    a, b = (
        spectra[:, : stretches * CHANNELS].astype(float).reshape(-1, CHANNELS) for spectra in (first, second)
    )
    n = a + b
    total = n.sum(axis=-1)
    share = np.divide(a.sum(axis=-1), total, out=np.full(len(a), 0.5), where=total > 0)
    # Noise alone makes shares of anything where the counts are near zero.
    share = np.where((share > SHARES[0]) & (share < SHARES[1]), share, 0.5)
    left = a - share[:, np.newaxis] * n
    left = left - left @ PARABOLAS @ PARABOLAS.T
    variance = (left**2).sum(axis=-1) / FREEDOM / (2 * share * (1 - share))
    difference = a - b
    whole = bool((abs(difference - np.rint(difference)) < ROUNDING).all())
    return Levels(total / (2 * CHANNELS), variance, whole)
