"""Channels that are no measurements of their own: an energy axis that was interpolated to more channels.

In a stretch of 32 channels, differences of neighbouring pixels have as many independent parts as there are
measurements. A point spread makes some of them weak, but read-out and rounding noise remain in all of them;
interpolation leaves nothing in those that it invented.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

CHANNELS, MOST_STRETCHES = 32, 4
FEWEST_PAIRS = 2 * CHANNELS

NOTHING = 1e-4
"""Part of the variance of a strong part below which a part holds no noise."""

STRONG = CHANNELS // 4
"""Rank of the part that others are compared with; structure may be in those above."""

LEAST_MEAN = 0.01
"""Part of the variance that a mean is taken to have at least."""

MOST_MEASURED = 0.8
"""Part of the channels that may at most be independent where they are called interpolated."""


@dataclass(frozen=True)
class Parts:
    """Number of pairs, and products of channels summed over them, shape (stretch, channel, channel)."""

    n_pairs: int = 0
    products: np.ndarray = field(default_factory=lambda: np.zeros((1, CHANNELS, CHANNELS)))

    def __add__(self, other: "Parts") -> "Parts":
        if not self.n_pairs or not other.n_pairs:
            return other if not self.n_pairs else self
        return Parts(self.n_pairs + other.n_pairs, self.products + other.products)


def parts_of_pairs(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> Parts:
    """Return the products of pairs of neighbouring spectra, (pair, channel) each, of both directions."""
    first, second = (np.concatenate(spectra) for spectra in zip(*pairs, strict=True))
    starts = _starts(first.shape[-1])
    if not len(first) or not len(starts):
        return Parts()
    channels = starts[:, np.newaxis] + np.arange(CHANNELS)
    a, b = first[:, channels].astype(float), second[:, channels].astype(float)
    # Counting noise is as the mean, but for counts about zero.
    variance = np.maximum((a + b).mean(axis=0), LEAST_MEAN * ((a - b) ** 2).mean(axis=0))
    left = (a - b) / np.sqrt(np.where(variance > 0, variance, 1.0))
    return Parts(len(first), np.einsum("psi,psj->sij", left, left))


def measured_fraction(parts: Parts) -> float:
    """Return the part of the channels that are independent; 1 where that cannot be told."""
    if parts.n_pairs < FEWEST_PAIRS:
        return 1.0
    values = np.linalg.eigvalsh(parts.products)[:, ::-1]
    used = (np.diagonal(parts.products, axis1=1, axis2=2) > 0).all(axis=-1) & (values[:, STRONG] > 0)
    if not used.any():
        return 1.0
    return float(np.median((values[used] > NOTHING * values[used, STRONG, np.newaxis]).mean(axis=-1)))


def _starts(n_channels: int) -> np.ndarray:
    number = min(MOST_STRETCHES, n_channels // CHANNELS)
    return np.linspace(0, n_channels - CHANNELS, number).astype(int)
