"""Starting endmembers: the pixels at the corners of the largest simplex found on the scores."""

import numpy as np

from eelsunmix.numerics.simplex import largest_simplex
from eelsunmix.typing import Floats, Indices

DARKEST = 0.2
"""Pixels of less than this part of the median total are no candidates: their direction is mostly noise."""


def corner_pixels(
    scores: Floats, n_endmembers: int, rng: np.random.Generator, *, n_draws: int = 50
) -> Indices:
    """Pick the pixels that span the largest simplex, after many random searches.

    Parameters
    ----------
    scores : ndarray, shape (pixel, component)
        At least `n_endmembers` components; the first follows the total counts.
    n_endmembers : int
        Corners.
    rng : Generator
        Random directions.
    n_draws : int
        Searches; the simplex of largest volume wins.

    Returns
    -------
    ndarray of int, shape (n_endmembers,)
        Pixels, in increasing order.

    References
    ----------
    Nascimento, Bioucas-Dias, IEEE TGRS 43 (2005) 898, section III (successive orthogonal projections of
    projectively normalised pixels; here the draw of largest volume is kept).
    """
    total = scores[:, 0]
    bright = np.flatnonzero(total > DARKEST * np.median(total))
    # Divided by the first score, pixels lie in a plane, whatever their thickness.
    points = scores[bright, :n_endmembers] / total[bright, None]
    return np.sort(bright[largest_simplex(points, n_draws=n_draws, rng=rng)])
