"""Dead channels: those that record nothing, or always the same, between others that count."""

from dataclasses import dataclass

import numpy as np

from eelsunmix.corrections.statistics import Statistics

LONGEST_RUN = 8
"""Adjacent dead channels that a straight line may bridge; what lies in a longer run is anybody's guess."""
SURE = 25.0
"""Minus the logarithm of the chance that a channel is constant although it counts: once in 1e11."""
BESIDE = 3
"""Channels on either side by which a dead one is judged; the median of three is no hot channel."""
AT_END = 9
"""The same at an end of the axis, all of them: before a zero-loss peak there may be no counts at all."""


@dataclass(frozen=True, kw_only=True)
class DeadChannels:
    """Dead channels in runs that can be bridged, and in longer ones: bool (channel,) both."""

    short: np.ndarray
    long: np.ndarray


def find_dead(statistics: Statistics, noise: float) -> DeadChannels:
    """Find channels that never change, and for which the channels beside them leave no such chance.

    Parameters
    ----------
    statistics : Statistics
    noise : float
        Variance to mean of one channel.
    """
    constant = statistics.highest == statistics.lowest
    total, n_pixels = statistics.sums.sum(axis=0), int(statistics.n_pixels.sum())
    expected = _beside(total, constant) / noise
    # the same count in all pixels, as a stuck channel has: each pixel hits it once in sqrt(2 pi mean) times
    stuck = 0.5 * (n_pixels - 1) * np.log(2 * np.pi * np.maximum(expected / max(n_pixels, 1), 1.0))
    dead = constant & (np.where(total == 0, expected, np.minimum(expected, stuck)) > SURE) & (n_pixels > 1)
    short = np.zeros_like(dead)
    for start, stop in runs(dead):
        short[start:stop] = stop - start <= LONGEST_RUN
    return DeadChannels(short=short, long=dead & ~short)


def runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """First channel, and the one after the last, of each run of flagged channels.

    Examples
    --------
    >>> runs(np.array([True, False, True, True]))
    [(0, 1), (2, 4)]
    """
    steps = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(int), [0]])))
    return [(int(start), int(stop)) for start, stop in steps.reshape(-1, 2)]


def alone(flags: np.ndarray) -> np.ndarray:
    """Keep flags without a flag beside them: what one channel holds is known from its neighbours."""
    result = np.zeros_like(flags)
    for start, stop in runs(flags):
        result[start:stop] = stop - start == 1
    return result


def at_ends(flags: np.ndarray) -> np.ndarray:
    """Keep flags of runs that reach an end of the axis: a detector may just end there."""
    ends = np.zeros_like(flags)
    for start, stop in runs(flags):
        ends[start:stop] = start == 0 or stop == flags.size
    return ends


def _beside(total: np.ndarray, constant: np.ndarray) -> np.ndarray:
    """Return the lower of what the nearest channels that change have on either side; 0 without any."""
    live = np.flatnonzero(~constant)
    expected = np.zeros(total.size)
    for channel in np.flatnonzero(constant) if live.size else ():
        at = int(np.searchsorted(live, channel))
        left, right = live[max(at - AT_END, 0) : at], live[at : at + AT_END]
        if left.size and right.size:
            sides = left[-BESIDE:], right[:BESIDE]
            expected[channel] = min(np.median(total[side]) for side in sides)
        else:
            expected[channel] = total[left if left.size else right].min()
    return expected
