"""Whether atomic planes modulate the profiles along a line, and the envelope of those that they do."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from eelsunmix.typing import Floats, Indices

PERIODS, SHORTEST = 6, 2.2
"""A lattice has at least so many periods along the line, of at least so many points each."""
GUARD, SIDE = 2.0, 8.0
"""The level at a frequency is the median over the frequencies beside it: from so many steps on, and so many
of them on either side. A step is one over the number of points."""
N_NULL, BATCH, FALSE_ALARMS, LOWEST = 1000, 50, 0.001, 1.2
"""Permutations of the points, so many at a time; the part of them in which a lattice may be seen, and a
height below all limits that come of it."""
STACK, LEVELS = 3, (0.35, 0.65)
"""So many separate layers are a stack, whose harmonics look like a lattice: parts of a profile above the
higher of the levels (from its lowest to its highest point), with a part below the lower one between them."""
_FINE = 4
_FEW = 8
"""Windows of a periodogram whose medians are taken at a time."""


def lattice_period(profiles: Floats) -> float:
    """Find the period that profiles along one line share, in points; NaN where there is none.

    It is a peak of their periodograms, summed at equal power, that stands above the frequencies on both of
    its sides by more than white noise does. Layers do not make one: the spectra of steps and flanks fall.

    Parameters
    ----------
    profiles : ndarray, shape (profile, position)
        On the same positions, evenly spaced; missing points are interpolated.
    """
    known = [_without_gaps(one) for one in profiles if np.isfinite(one).sum() > one.size / 2]
    known = [one for one in known if np.ptp(one) > 0]
    n_points = profiles.shape[1]
    if not known or n_points < PERIODS * SHORTEST + 2 * GUARD:
        return np.nan
    lines = np.array(known)
    frequency, height = _heights(lines)
    if height.max() < LOWEST:
        return np.nan
    above = np.flatnonzero(height > _limit(lines))
    if not above.size:
        return np.nan
    # Harmonics lie above the first peak, but nothing of a lattice lies below it.
    first = above[frequency[above] <= frequency[above[0]] + GUARD / n_points]
    period = float(1 / frequency[first[height[first].argmax()]])
    return np.nan if any(_n_layers(envelope(one, period)) >= STACK for one in lines) else period


def envelope(values: Floats, period: float) -> Floats:
    """Average a profile over one period, shape (position,); at its ends over the part that is there."""
    reach = int(np.ceil((period - 1) / 2))
    weights = np.clip((period + 1) / 2 - np.abs(np.arange(-reach, reach + 1)), 0.0, 1.0)
    finite = np.isfinite(values)
    total = np.convolve(np.where(finite, values, 0.0), weights)[reach : reach + values.size]
    part = np.convolve(finite.astype(float), weights)[reach : reach + values.size]
    return np.divide(total, part, out=np.full(values.shape, np.nan), where=finite)


def _without_gaps(values: Floats) -> Floats:
    finite = np.flatnonzero(np.isfinite(values))
    return np.interp(np.arange(values.size), finite, values[finite])


def _heights(profiles: Floats) -> tuple[Floats, Floats]:
    """Frequencies of lattices, and how far the logarithm of the power there is above both sides of each.

    Shapes (frequency,) and (..., frequency), for profiles of shape (..., profile, position).
    """
    n_points = profiles.shape[-1]
    grid = np.fft.rfftfreq(_FINE * n_points)
    used = np.flatnonzero((grid >= PERIODS / n_points) & (grid <= 1 / SHORTEST))
    # Second differences and their inverse in the power: what changes slowly does not leak into the rest.
    second = np.diff(profiles, 2) * np.hanning(n_points)[1:-1]
    power = (
        np.abs(np.fft.rfft(second, _FINE * n_points)) ** 2 / np.maximum(2 * np.sin(np.pi * grid), 1e-3) ** 4
    )
    power = power / np.maximum(np.median(power[..., used], axis=-1, keepdims=True), np.finfo(float).tiny)
    summed = np.log(np.maximum(power.sum(axis=-2), np.finfo(float).tiny))
    near, wide = round(GUARD * _FINE), round(SIDE * _FINE)
    below = _medians(summed, np.maximum(used - near - wide, _FINE), used - near)
    above = _medians(summed, used + near, np.minimum(used + near + wide, summed.shape[-1]))
    height: Floats = summed[..., used] - np.maximum(below, above)
    return grid[used].astype(np.float64), height


def _medians(values: Floats, starts: Indices, stops: Indices) -> Floats:
    """Medians (..., window) of windows of values (..., place); minus infinity of fewer than `_FINE`."""
    found, widths = np.full((*values.shape[:-1], len(starts)), -np.inf), stops - starts
    for width in np.unique(widths[widths >= _FINE]).tolist():
        windows = sliding_window_view(values, width, axis=-1)
        same = np.flatnonzero(widths == width)
        # A median copies its windows: not all of them at a time, or memory grows with the axis.
        for few in np.array_split(same, max(1, len(same) // _FEW)):
            found[..., few] = np.median(windows[..., starts[few], :], axis=-1)
    return found


def _limit(lines: Floats) -> float:
    """Return the height that the same points in any order exceed in `FALSE_ALARMS` of the cases."""
    n_points = lines.shape[1]
    slow = np.array([envelope(one, n_points / PERIODS) for one in lines])
    rng = np.random.default_rng(0)
    orders = rng.permuted(np.tile(np.arange(n_points), (N_NULL, 1)), axis=1)
    highest = [
        _heights(np.moveaxis((lines - slow)[:, some], 0, 1))[1].max(axis=-1)
        for some in np.split(orders, N_NULL // BATCH)
    ]
    return float(np.quantile(np.concatenate(highest), 1 - FALSE_ALARMS))


def _n_layers(values: Floats) -> int:
    """Count the parts of a profile that are high, with low ones between them."""
    relative = (values - values.min()) / max(float(np.ptp(values)), np.finfo(float).tiny)
    known = relative[(relative < LEVELS[0]) | (relative > LEVELS[1])] > LEVELS[1]
    return int(known[0]) + int(np.sum(~known[:-1] & known[1:]))
