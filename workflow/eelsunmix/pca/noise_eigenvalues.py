"""What the eigenvalues of pure noise look like: scale, upper edge, and how many eigenvalues stand out.

Noise that is white after Poisson weighting has eigenvalues distributed as Marchenko and Pastur say. Real
detectors miss that in two ways: a gain multiplies all eigenvalues, and a point spread function correlates
channels, which stretches the upper end of the distribution into a slow tail. So the scale is measured on the
median, and the edge is read twice: from the theory at that scale, and by extrapolating the measured tail (on
a quantile-quantile line, and where that departs from the theory also locally). The highest one counts.
Measured errors of all this: docs/decisions/007.
"""

from dataclasses import dataclass, replace

import numpy as np

from eelsunmix.typing import Floats

TRACY_WIDOM_99 = 2.0234
"""99 % quantile of the Tracy-Widom law of order 1 (Johnstone 2001, table 1)."""

TAIL = (0.03, 0.35)
"""Part of the noise eigenvalues, from the top, that the tail is extrapolated from."""

LOCAL_TAIL = (2, 14)
"""Noise eigenvalues, counted from the largest, that a tail of unknown law is extrapolated from."""

MARGIN = 1.02
"""Factor on the edge: the tail quantile is that of Gaussian noise, which counts are not quite."""

WHITE_STRETCH = 1.1
"""Measured over theoretical edge up to which noise passes for white."""

MINIMUM_FOR_TAIL = 12
"""Fewer noise eigenvalues than this say nothing about a tail."""


@dataclass(frozen=True, kw_only=True)
class Noise:
    """The noise part of a set of eigenvalues.

    Parameters
    ----------
    level : float
        Variance of the noise in weighted units: 1 for ideal counting, `counts_per_electron` for a camera.
    white_edge : float
        Largest eigenvalue (99 %) of white noise of that variance.
    tail_edge : float
        Largest eigenvalue that the measured tail leads to.
    rank : int
        Number of eigenvalues above `edge`.
    """

    level: float
    white_edge: float
    tail_edge: float
    rank: int

    @property
    def edge(self) -> float:
        """Eigenvalue above which something is not noise."""
        return MARGIN * max(self.white_edge, self.tail_edge)

    @property
    def stretch(self) -> float:
        """Measured edge over the edge of white noise; well above 1 if channels are correlated."""
        return self.tail_edge / self.white_edge if self.white_edge > 0 else 1.0

    @property
    def is_white(self) -> bool:
        """Whether the eigenvalues are those of noise that is not correlated between channels."""
        return self.stretch <= WHITE_STRETCH


def measure_noise(eigenvalues: Floats, n_pixels: int, n_channels: int, *, max_rank: int = 20) -> Noise:
    """Separate the noise eigenvalues of weighted data from the signal.

    Parameters
    ----------
    eigenvalues : ndarray, shape (index,)
        Decreasing eigenvalues of X^T X / n_pixels; trailing zeros of dead channels may be left out.
    n_pixels, n_channels : int
        Shape of X, without dead channels.
    max_rank : int
        Signals looked for at most.

    References
    ----------
    Marchenko, Pastur, Math. USSR-Sbornik 1 (1967) 457; Johnstone, Ann. Statist. 29 (2001) 295, eq. 1.3;
    the extrapolation of a tail whose law is unknown follows the idea of Onatski, Rev. Econ. Stat. 92
    (2010) 1004, section III.

    Examples
    --------
    >>> data = np.random.default_rng(0).normal(size=(300, 80))
    >>> measure_noise(np.linalg.eigvalsh(data.T @ data / 300)[::-1], 300, 80).rank
    0
    """
    values = np.asarray(eigenvalues, dtype=np.float64)[: min(n_pixels, n_channels)]
    values = np.where(values > rounding_error(values, n_pixels, n_channels), values, 0.0)
    limit = max(0, min(max_rank, len(values) // 3))
    noise = _noise_below(values, n_pixels, n_channels, 0)
    for _ in range(limit):
        rank = min(noise.rank, limit)
        following = _noise_below(values, n_pixels, n_channels, rank)
        if following.rank <= rank:
            return following if following.rank == rank else noise
        noise = following
    return noise


def rounding_error(eigenvalues: Floats, n_pixels: int, n_channels: int) -> float:
    """Size of an eigenvalue that is zero but for rounding in float64."""
    return float(np.finfo(np.float64).eps * max(n_pixels, n_channels) * np.max(eigenvalues, initial=0.0))


def marchenko_pastur_quantiles(probability: Floats, n_pixels: int, n_channels: int) -> Floats:
    """Quantiles of the nonzero eigenvalues of X^T X / n_pixels for white noise X of unit variance.

    Parameters
    ----------
    probability : ndarray
        In [0, 1], of the min(n_pixels, n_channels) nonzero eigenvalues.
    n_pixels, n_channels : int
        Shape of X.

    Examples
    --------
    >>> marchenko_pastur_quantiles(np.array([0.0, 1.0]), 400, 100).round(2).tolist()
    [0.25, 2.25]
    """
    ratio = np.sqrt(n_channels / n_pixels)
    low, high = (1 - ratio) ** 2, (1 + ratio) ** 2
    # With x = middle - half cos(angle) the density is smooth at both ends.
    angle = np.linspace(0, np.pi, 4001)
    x = (high + low) / 2 - (high - low) / 2 * np.cos(angle)
    density = np.sin(angle) ** 2 / np.maximum(x, 1e-12 * high)
    cumulative = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2)])
    return np.interp(probability, cumulative / cumulative[-1], x)


def largest_white_eigenvalue(n_pixels: int, n_channels: int) -> float:
    """99 % quantile of the largest eigenvalue of X^T X / n_pixels for white noise X of unit variance."""
    a, b = np.sqrt(max(n_pixels - 1, 1)), np.sqrt(n_channels)
    centre, width = (a + b) ** 2, (a + b) * (1 / a + 1 / b) ** (1 / 3)
    return float((centre + TRACY_WIDOM_99 * width) / n_pixels)


def _noise_below(values: Floats, n_pixels: int, n_channels: int, rank: int) -> Noise:
    """Level and edges, taking the first `rank` eigenvalues for signal."""
    noise = values[rank:]
    if noise.size == 0:
        return Noise(level=0.0, white_edge=0.0, tail_edge=0.0, rank=0)
    # Each signal takes one degree of freedom from the noise, in pixels as well as in channels.
    shape = max(n_pixels - rank, 1), max(n_channels - rank, 1)
    probability = 1 - (np.arange(noise.size) + 0.5) / noise.size
    white = marchenko_pastur_quantiles(probability, *shape) * shape[0] / n_pixels
    level = float(np.median(noise) / np.median(white))
    white_edge = largest_white_eigenvalue(*shape) * shape[0] / n_pixels
    tail_edge = _extrapolated(noise, white, white_edge) if noise.size >= MINIMUM_FOR_TAIL else 0.0
    if tail_edge > WHITE_STRETCH * level * white_edge:
        tail_edge = max(tail_edge, _extrapolated_locally(noise))
    found = Noise(level=level, white_edge=level * white_edge, tail_edge=tail_edge, rank=0)
    return replace(found, rank=int(np.sum(values > found.edge)))


def _extrapolated_locally(noise: Floats) -> float:
    """99 % quantile of the largest eigenvalue of noise of any kind, from the eigenvalues that follow it.

    Near its edge E any smooth distribution of eigenvalues ends like a square root, so that the i-th
    eigenvalue is near E - c i^(2/3); and the width of the law of Tracy and Widom is c (3 pi / 2)^(-2/3).
    """
    following = noise[slice(*LOCAL_TAIL)]
    position = np.arange(1.0, 1.0 + len(following)) + LOCAL_TAIL[0]
    slope, edge = _line(np.cbrt(position**2).astype(np.float64), following, 0.0)
    return edge - slope * TRACY_WIDOM_99 * (1.5 * np.pi) ** (-2 / 3)


def _extrapolated(noise: Floats, white: Floats, white_edge: float) -> float:
    first = max(2, int(TAIL[0] * noise.size))
    last = max(first + 6, int(TAIL[1] * noise.size))
    return _line(white[first:last], noise[first:last], white_edge)[1]


def _line(x: Floats, y: Floats, at: float) -> tuple[float, float]:
    """Slope of the straight line fitted to the points, and its value at one position."""
    deviation = x - x.mean()
    slope = float(deviation @ y / (deviation @ deviation))
    return slope, float(y.mean() + slope * (at - x.mean()))
