"""X-ray spikes: single voxels far above anything that their surroundings explain."""

import itertools
from dataclasses import dataclass

import numpy as np
from pydantic import Field

from eelsunmix.corrections.losses import MAX_TAKEN_PERCENT
from eelsunmix.corrections.spike_shape import are_lines
from eelsunmix.options import NotNegative, Options

NEIGHBOUR_CHANNELS = np.array([-3, -2, -1, 1, 2, 3])
CONTRAST = 3.0
"""How many times higher above its surroundings a line may be in one pixel than in its neighbours: in a map of
atomic columns sampled at two pixels per width the centre has 2.8 times what the pixels beside it have."""
LINE_SIGMA = 5.0
"""Standard deviations above its surroundings from which the highest value of the neighbours is a line: the
largest of 24 noisy values is seldom so far above the second smallest of six."""
SIEVED = 2**15
"""Counts that are sieved at a time: they stay in the cache."""
BATCH = 2**15
"""Candidates judged at a time: each gathers some hundred voxels around it."""


class SpikeOptions(Options):
    """Removal of X-ray spikes.

    Parameters
    ----------
    enabled : bool
        Replace the spikes that are found.
    sigma : float
        Distance, in standard deviations of a voxel, beyond which it is a spike.
    max_taken_percent : float
        Spikes that come again at one energy, as the lines of single atoms do, are left alone where they hold
        more of the signal of an edge than this, and where no edge is named; 100 replaces them all.
    """

    enabled: bool = True
    sigma: float = Field(8.0, ge=3)
    max_taken_percent: NotNegative = MAX_TAKEN_PERCENT


@dataclass(frozen=True)
class Spikes:
    """Voxels to replace: `position` (spike, axis) in the image, `found` and `replaced` (spike,) counts."""

    position: np.ndarray
    found: np.ndarray
    replaced: np.ndarray

    @classmethod
    def none(cls, n_axes: int) -> "Spikes":
        """No spike at all."""
        return cls(np.zeros((0, n_axes), np.int64), np.zeros(0), np.zeros(0))

    def __add__(self, other: "Spikes") -> "Spikes":
        """All spikes of two blocks."""
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return Spikes(*(np.concatenate(pair) for pair in pairs))

    def __getitem__(self, chosen: np.ndarray) -> "Spikes":
        """Choose spikes by a mask or an order, (spike,)."""
        return Spikes(*(array[chosen] for array in vars(self).values()))


def find_spikes(
    cube: np.ndarray,
    valid: np.ndarray,
    *,
    core: tuple[slice, ...],
    variance_to_mean: float,
    sigma: float,
) -> Spikes:
    """Find the voxels that exceed both their own spectrum and the neighbouring pixels.

    A voxel is a spike if it lies `sigma` standard deviations above the level of its own spectrum within
    three channels *and* above the highest value that any neighbouring pixel has within one channel, after
    scaling the neighbour up to the pixel's own level. Where a neighbour has a line, the pixel may have one
    that is `CONTRAST` times as high: at high doses the centre of an atomic column is many standard deviations
    above the pixels beside it. So an edge or a white line is left alone as long as one neighbour has part of
    it; and if none has, as it is with single atoms, as long as it is broader than a spike (`are_lines`).
    Distances are taken after Anscombe's square root [1]_, so that they mean the same for one count as for
    a million.

    Parameters
    ----------
    cube : ndarray, shape (..., channel)
        Block of counts with one more pixel on each side where the image goes on.
    valid : ndarray of bool, shape (...)
        Pixels that may be compared with.
    core : tuple of slice
        The pixels of `cube` that are judged, one slice per navigation axis.
    variance_to_mean : float
        Of the counts of one channel.
    sigma : float
        Distance in standard deviations.

    Returns
    -------
    Spikes
        Positions are indices in `cube`.

    References
    ----------
    .. [1] Anscombe, Biometrika 35 (1948) 246, eq. 1.
    """
    candidates = _candidates(cube, core, variance_to_mean, sigma)
    found = [Spikes.none(cube.ndim)]
    for start in range(0, len(candidates), BATCH):
        found.append(_judge(cube, valid, candidates[start : start + BATCH], variance_to_mean, sigma))
    standing_out = sum(found[1:], found[0])
    lines = are_lines(cube, valid, standing_out.position, variance_to_mean)
    return standing_out[~lines]


def _candidates(
    cube: np.ndarray, core: tuple[slice, ...], variance_to_mean: float, sigma: float
) -> np.ndarray:
    """Return indices (candidate, axis) of voxels far above the lowest within three channels: a sieve."""
    judged = cube[core]
    spectra = judged.reshape(-1, judged.shape[-1])
    step = max(1, SIEVED // spectra.shape[1])
    found = [np.empty(0, int)]
    for first in range(0, len(spectra), step):
        root = _stabilised(spectra[first : first + step].astype(np.float32), variance_to_mean)
        # the sieve works in float32; its margin keeps it from being stricter than the judgement in float64
        high = root - _lowest_around(root) > 0.999 * sigma
        found.append(np.flatnonzero(high) + first * spectra.shape[1])
    corner = np.array([*(part.start for part in core), 0])
    return np.column_stack(np.unravel_index(np.concatenate(found), judged.shape)) + corner


def _lowest_around(spectra: np.ndarray) -> np.ndarray:
    """Lowest value within three channels of each, (spectrum, channel); mirrored at the ends."""
    padded = np.pad(spectra, [(0, 0), (3, 3)], mode="reflect")
    lowest = padded.ravel()  # one after the other: no channel of a spectrum sees more than its own padding
    for distance in (1, 2, 3):  # of two, four and seven channels
        lowest[:-distance] = np.minimum(lowest[:-distance], lowest[distance:])
    return lowest.reshape(padded.shape)[:, : spectra.shape[1]]


def _judge(
    cube: np.ndarray, valid: np.ndarray, voxels: np.ndarray, variance_to_mean: float, sigma: float
) -> Spikes:
    pixel, channel = voxels[:, :-1], voxels[:, -1]
    found = cube[tuple(voxels.T)].astype(float)
    level = _level(cube, pixel, channel)
    keep = _stabilised(found, variance_to_mean) - _stabilised(level, variance_to_mean) > sigma
    voxels, pixel, channel, found, level = (a[keep] for a in (voxels, pixel, channel, found, level))
    usable, ceiling, typical = _neighbours(cube, valid, pixel, channel, level + variance_to_mean)
    expected = np.maximum(level, ceiling)
    expected += (CONTRAST - 1) * np.maximum(ceiling - _raised(level, LINE_SIGMA, variance_to_mean), 0)
    distance = _stabilised(found, variance_to_mean) - _stabilised(expected, variance_to_mean)
    return Spikes(voxels, found, typical)[(distance > sigma) & usable]


def _neighbours(
    cube: np.ndarray, valid: np.ndarray, pixel: np.ndarray, channel: np.ndarray, level: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Whether a voxel has neighbours, their highest value, and their median scaled to the pixel's level."""
    steps = [step for step in itertools.product((-1, 0, 1), repeat=pixel.shape[1]) if any(step)]
    around = pixel[:, None, :] + np.array(steps)
    shape = np.array(cube.shape[:-1])
    inside = ((around >= 0) & (around < shape)).all(-1)
    around = np.where(inside[..., None], around, pixel[:, None, :])
    inside &= valid[tuple(np.moveaxis(around, -1, 0))]
    windows = _gather(cube, around, channel[:, None], np.array([-1, 0, 1]))
    their_level = _level(cube, around, channel[:, None])
    # `level` carries one electron more, so must theirs: the ratio stays finite in vacuum
    scale = level[:, None] / (their_level + level[:, None] - _level(cube, pixel, channel)[:, None])
    highest = np.where(inside, windows.max(-1) * np.maximum(scale, 1.0), 0.0).max(1)
    own = np.broadcast_to(level[:, None], inside.shape)
    typical = np.median(np.where(inside, windows[..., 1] * scale, own), axis=1)
    return inside.any(1), highest, typical


def _level(cube: np.ndarray, pixel: np.ndarray, channel: np.ndarray) -> np.ndarray:
    """Second smallest of the six channels around: right even if a spike spreads over five channels."""
    return np.partition(_gather(cube, pixel, channel, NEIGHBOUR_CHANNELS), 1, axis=-1)[..., 1]


def _gather(cube: np.ndarray, pixel: np.ndarray, channel: np.ndarray, steps: np.ndarray) -> np.ndarray:
    last = cube.shape[-1] - 1
    wanted = np.abs(channel[..., None] + steps)
    wanted = np.clip(last - np.abs(last - wanted), 0, last)
    index = tuple(axis[..., None] for axis in np.moveaxis(pixel, -1, 0))
    return cube[(*index, wanted)].astype(float)


def _stabilised(counts: np.ndarray, variance_to_mean: float) -> np.ndarray:
    """Twice the square root of Anscombe: of unit variance for Poisson counts."""
    return 2 * np.sqrt(np.maximum(counts, 0) / variance_to_mean + 0.375)


def _raised(counts: np.ndarray, sigma: float, variance_to_mean: float) -> np.ndarray:
    """Add `sigma` standard deviations to counts."""
    root = _stabilised(counts, variance_to_mean) + sigma
    return variance_to_mean * (root**2 / 4 - 0.375)
