"""Variance-to-mean factor of counts, from differences of neighbouring pixels.

Two neighbouring spectra `a` and `b` of the same material differ by noise and by a factor (thickness, beam
current). Given their sum `n = a + b` in an energy bin, counting noise makes `a` binomial, whatever the
spectrum, so that with `p = sum(a) / sum(n)` over a segment of bins, `sum((a - p n)^2 / (n p (1 - p)))` is
Pearson's chi squared of a 2 x bins table. A gain of F counts per electron multiplies it by F. A median over
many pairs and segments leaves interfaces and edges out; the smaller of the two directions is the less
structured one. Where most neighbours are of different materials in both, the counts without their structure
(`residual_noise`) say the factor.
"""

import math
from dataclasses import dataclass, field

import numpy as np

from eelsunmix.image import spread_out
from eelsunmix.io.copies import same_spectra
from eelsunmix.io.resampled import Parts, parts_of_pairs
from eelsunmix.io.residual_noise import Residual, residuals_of_block
from eelsunmix.io.variance_levels import Levels, levels_of_pairs

MOST_PAIRS = 256
"""Pairs per block and direction, evenly spread."""

WIDEST_BIN = 16
FEWEST_BINS = 16
BINS_PER_SEGMENT = 8


@dataclass(frozen=True)
class Factors:
    """Factor, degrees of freedom, counts and lag-one correlation of each pair and segment."""

    factor: np.ndarray = field(default_factory=lambda: np.empty(0))
    freedom: np.ndarray = field(default_factory=lambda: np.empty(0))
    counts: np.ndarray = field(default_factory=lambda: np.empty(0))
    correlation: np.ndarray = field(default_factory=lambda: np.empty(0))

    def __add__(self, other: "Factors") -> "Factors":
        return Factors(
            *(np.concatenate(pair) for pair in zip(self._columns(), other._columns(), strict=True))
        )

    def _columns(self) -> tuple[np.ndarray, ...]:
        return self.factor, self.freedom, self.counts, self.correlation


@dataclass(frozen=True)
class PairStatistics:
    """Factors at one channel and in wide bins, for pairs along y and along x; width of a bin in channels.

    `residuals` are those of the counts without their structure, at one channel and in wide bins; `levels`
    are variances by mean counts, along y and along x; `parts` says how many channels are independent.
    """

    narrow: tuple[Factors, Factors] = (Factors(), Factors())
    wide: tuple[Factors, Factors] = (Factors(), Factors())
    width: int = 1
    residuals: tuple[Residual, Residual] = (Residual(), Residual())
    levels: tuple[Levels, Levels] = (Levels(), Levels())
    parts: Parts = field(default_factory=Parts)

    def __add__(self, other: "PairStatistics") -> "PairStatistics":
        return PairStatistics(
            (self.narrow[0] + other.narrow[0], self.narrow[1] + other.narrow[1]),
            (self.wide[0] + other.wide[0], self.wide[1] + other.wide[1]),
            other.width,
            (self.residuals[0] + other.residuals[0], self.residuals[1] + other.residuals[1]),
            (self.levels[0] + other.levels[0], self.levels[1] + other.levels[1]),
            self.parts + other.parts,
        )


def noise_of_block(cube: np.ndarray, valid: np.ndarray) -> PairStatistics:
    """Compare neighbouring pixels of a block.

    Parameters
    ----------
    cube : ndarray, shape ([frame,] y, x, channel)
        Counts.
    valid : bool ndarray, shape ([frame,] y, x)
        Pixels to use.
    """
    width = wide_bin(cube.shape[-1])
    pairs = [_pairs(cube, valid, axis) for axis in (-2, -1)]
    narrow, wide = (
        [compare(*pair, width=w, segments=_segments(cube.shape[-1], width)) for pair in pairs]
        for w in (1, width)
    )
    residuals = residuals_of_block(cube, valid, width)
    along_y, along_x = (levels_of_pairs(*pair) for pair in pairs)
    return PairStatistics(
        (narrow[0], narrow[1]),
        (wide[0], wide[1]),
        width,
        residuals,
        (along_y, along_x),
        parts_of_pairs(pairs),
    )


def wide_bin(n_channels: int) -> int:
    """Return the width of a wide bin in channels: a power of two up to 16 that leaves at least 16 bins.

    Examples
    --------
    >>> wide_bin(1024), wide_bin(200), wide_bin(40)
    (16, 8, 2)
    """
    return min(WIDEST_BIN, 2 ** int(math.log2(max(1, n_channels // FEWEST_BINS))))


def compare(first: np.ndarray, second: np.ndarray, *, width: int, segments: int) -> Factors:
    """Return the variance-to-mean factor of each pair of spectra in each segment of energy.

    Parameters
    ----------
    first, second : ndarray, shape (pair, channel)
        Spectra of neighbouring pixels.
    width : int
        Channels that are summed before comparing.
    segments : int
        Parts of the spectrum within which a single scale factor is fitted.

    References
    ----------
    K. Pearson, Phil. Mag. 50 (1900) 157: the chi squared test. Its mean under fixed margins, exact at any
    number of counts N, is (bins - 1) N / (N - 1).
    """
    a, b = (_binned(spectra, width, segments) for spectra in (first, second))
    n = a + b
    counts = n.sum(axis=-1, keepdims=True)
    share = np.divide(a.sum(axis=-1, keepdims=True), counts, out=np.zeros_like(counts), where=counts > 0)
    used = (n > 0) & (share > 0) & (share < 1)
    variance = n * share * (1 - share)
    z = np.divide(
        a - share * n, np.sqrt(variance, where=used, out=np.ones_like(n)), out=np.zeros_like(n), where=used
    )
    freedom = used.sum(axis=-1) - 1
    kept = freedom > 1
    total, freedom, counts = (z**2).sum(axis=-1)[kept], freedom[kept].astype(float), counts[..., 0][kept]
    ratio = total / freedom
    lagged = (z[..., 1:] * z[..., :-1]).sum(axis=-1)[kept]
    # With counts = F electrons the mean of the ratio is F N / (N - F); solved for F.
    factor = ratio * counts / (counts + ratio)
    return Factors(
        factor, freedom, counts, np.divide(lagged, total, out=np.zeros_like(total), where=total > 0)
    )


def _segments(n_channels: int, width: int) -> int:
    return max(1, n_channels // width // BINS_PER_SEGMENT)


def _binned(spectra: np.ndarray, width: int, segments: int) -> np.ndarray:
    bins = spectra.shape[-1] // width // segments
    used = spectra[:, : segments * bins * width].astype(float)
    return used.reshape(len(spectra), segments, bins, width).sum(axis=-1)


def _pairs(cube: np.ndarray, valid: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Return up to `MOST_PAIRS` pairs of neighbouring valid spectra, no copies, along y (-2) or x (-1)."""
    step = np.zeros(valid.ndim, int)
    step[axis] = 1
    size = valid.shape[axis]
    both = np.take(valid, range(size - 1), axis) & np.take(valid, range(1, size), axis)
    found = spread_out(np.argwhere(both), MOST_PAIRS)
    first, second = cube[tuple(found.T)], cube[tuple((found + step).T)]
    distinct = ~same_spectra(first, second)
    return first[distinct], second[distinct]
