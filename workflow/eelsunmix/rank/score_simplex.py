"""Starting endmembers: the pixels at the corners of the largest simplex found on the scores."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DARKEST = 0.2
"""Pixels of less than this part of the median total are no candidates: their direction is mostly noise."""


def largest_simplex(
    scores: Floats, n_endmembers: int, rng: np.random.Generator, *, n_draws: int = 50
) -> NDArray[np.intp]:
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
    draws = [_corners(points, rng) for _ in range(n_draws)]
    volumes = [abs(np.linalg.det(points[draw])) for draw in draws]
    return np.sort(bright[draws[int(np.argmax(volumes))]])


def _corners(points: Floats, rng: np.random.Generator) -> list[int]:
    """One search: the farthest point along random directions orthogonal to the corners found so far."""
    corners: list[int] = []
    for _ in range(points.shape[1]):
        direction = rng.standard_normal((points.shape[1],))
        if corners:
            basis = np.linalg.qr(points[corners].T)[0]
            direction -= basis @ (basis.T @ direction)
        corners.append(int(np.argmax(np.abs(points @ direction))))
    return corners
