"""Frames that have more or fewer counts than those beside them."""

from collections.abc import Iterator

import numpy as np

from eelsunmix.typing import Bools, Floats

BESIDE = float(np.log(1.3))
"""Logarithm of the factor from which on a frame is named: 30 % above the others, or 23 % below."""


def frames_beside_the_dose(counts: Floats) -> tuple[Bools, Bools]:
    """Find the frames that lie below, or above, all that the frames beside them let expect.

    These are the nearest two of either side, and the straight line through them: a dose that decays, or a
    thickness that grows with the tilt, goes on. A frame at an end is never named as bright: there, the
    thickness of a tilted sample grows fastest. Frames without counts are neither, and nothing is expected by
    them.

    Parameters
    ----------
    counts : ndarray, shape (frame,)

    Returns
    -------
    dark, bright : ndarray of bool, shape (frame,)

    Examples
    --------
    >>> dark, bright = frames_beside_the_dose(np.array([10.0, 9.0, 4.0, 8.0, 7.0]))
    >>> dark.tolist(), bright.any()
    ([False, False, True, False, False], np.False_)
    """
    full = np.flatnonzero(counts > 0)
    level = np.log(counts[full])
    dark, bright = np.zeros(counts.size, bool), np.zeros(counts.size, bool)
    for place, frame in enumerate(full):
        sides = [list(_expected(level, place, step)) for step in (-1, 1)]
        near = sides[0] + sides[1]
        dark[frame] = any(sides) and level[place] < min(near) - BESIDE
        bright[frame] = all(sides) and level[place] > max(near) + BESIDE
    return dark, bright


def _expected(level: Floats, frame: int, step: int) -> Iterator[float]:
    first, second = frame + step, frame + 2 * step
    if 0 <= first < level.size:
        yield level[first]
        if 0 <= second < level.size:
            yield level[second]
            yield 2 * level[first] - level[second]
