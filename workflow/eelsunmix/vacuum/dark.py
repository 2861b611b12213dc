"""Pixels with hardly any counts beside a sample, by the counts alone."""

import functools

import numpy as np

from eelsunmix.typing import Bools, Floats
from eelsunmix.vacuum.areas import areas_of, neighbours

EMPTY, THIN, GREY, BRIGHT = 0.02, 0.05, 0.10, 0.30
"""Parts of the counts of the sample: at most that of vacuum; the thinnest sample that must never be taken for
it; at most that of a halo; what no halo reaches."""

LEAST_PIXELS = 9
"""Fewer dark pixels beside each other are not called vacuum: chance, or a dead pixel."""

WINDOWS, DEVIATIONS = (1, 3, 5, 7), 4.0
"""Sides of the squares of pixels that are judged together: the smallest that tells `EMPTY` from `THIN`."""

HALO_PX = 3
"""A pixel of a halo has both vacuum and bright sample at most so far away."""


def typical_counts(totals: Floats) -> float:
    """Return the counts of the sample: half of all counts come from pixels at least as bright.

    The brightest pixels, nine or one in 200, count as the least bright of them: a hot one sets no scale.

    Examples
    --------
    >>> typical_counts(np.array([0.0] * 20 + [90.0] * 6 + [100.0] * 6 + [1e9]))
    90.0
    """
    if len(totals) < LEAST_PIXELS:
        return 0.0
    ordered = np.sort(totals)[::-1]
    np.minimum(ordered, ordered[max(LEAST_PIXELS, len(ordered) // 200) - 1], out=ordered)
    if ordered[0] <= 0:
        return 0.0
    return float(ordered[np.searchsorted(np.cumsum(ordered), ordered.sum() / 2)])


def without_hot_pixels(electrons: Floats) -> Floats:
    """Return medians of 3 x 3 pixels within a frame: lone pixels set no scale, however bright and many."""
    from scipy.ndimage import median_filter

    size = (1,) * (electrons.ndim - 2) + (3,) * min(electrons.ndim, 2)
    medians: Floats = median_filter(electrons, size=size, mode="nearest")
    return medians


def dark_pixels(electrons: Floats, valid: Bools, level: float) -> Bools:
    """Find the pixels that have hardly any counts, in areas of enough of them; none where this is a wedge."""
    nothing = np.zeros_like(valid)
    # Expected counts of the squares: THIN must be so many standard deviations above EMPTY.
    needed = DEVIATIONS**2 * THIN / (THIN - EMPTY) ** 2
    side = next((n for n in WINDOWS if level * n ** min(valid.ndim, 2) >= needed), None)
    if side is None:
        return nothing
    mean, limit = _means(electrons, valid, side), EMPTY * level
    dark = valid & (mean <= limit) & (electrons <= limit + DEVIATIONS * np.sqrt(max(limit, 1.0)))
    between = valid & (mean > limit) & (mean <= 3 * limit)
    return nothing if between.sum() > 0.5 * dark.sum() else _large_areas(dark)


def _large_areas(mask: Bools) -> Bools:
    areas, sizes = areas_of(mask)
    return mask & (sizes[areas] >= LEAST_PIXELS)


def _means(electrons: Floats, valid: Bools, side: int) -> Floats:
    """Means over squares of valid pixels within a frame."""
    from scipy.ndimage import uniform_filter

    size = (1,) * (valid.ndim - 2) + (side,) * min(valid.ndim, 2)
    share = uniform_filter(valid.astype(float), size, mode="constant")
    total = uniform_filter(electrons, size, mode="constant")
    return np.divide(total, share, out=np.full(valid.shape, np.inf), where=share > 0.5 / side**2)


def with_halo(core: Bools, electrons: Floats, valid: Bools, level: float) -> Bools:
    """Add rims of vacuum: little brighter, between vacuum and bright sample, with a jump to the latter."""
    from scipy.ndimage import binary_dilation

    near = functools.partial(binary_dilation, structure=neighbours(core.ndim))
    spread = DEVIATIONS * np.sqrt(max(GREY * level, 1.0))
    if level * (BRIGHT - GREY) < 2 * spread:
        return core
    grey = valid & ~core & (electrons <= GREY * level)
    bright = valid & (electrons >= BRIGHT * level)
    between = near(core, iterations=HALO_PX) & near(bright, iterations=HALO_PX)
    areas, sizes = areas_of(grey)
    lone = np.bincount(areas[grey & ~between], minlength=len(sizes))
    ramp = valid & (electrons > GREY * level) & ~bright
    beside = np.bincount(areas[near(ramp) & grey], minlength=len(sizes))
    halo = (lone <= 0.1 * sizes) & (beside <= sizes / 3)
    return core | (grey & halo[areas])
