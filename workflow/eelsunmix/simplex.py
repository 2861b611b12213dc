"""The largest simplex among points: the search behind VCA and behind starting endmembers."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def largest_simplex(points: Array, *, n_draws: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Search the vertices several times and keep those that span the largest volume.

    Parameters
    ----------
    points : ndarray, shape (pixel, dimension)
        Homogeneous coordinates: all points lie on one hyperplane that misses the origin, so that the volume
        of a simplex goes with the determinant of its vertices.
    n_draws : int
        Number of searches.

    Returns
    -------
    ndarray of int, shape (dimension,)
        Indices of points.
    """
    draws = [find_vertices(points, rng) for _ in range(n_draws)]
    return max(draws, key=lambda draw: float(np.linalg.slogdet(points[draw])[1]))


def find_vertices(points: Array, rng: np.random.Generator) -> NDArray[np.intp]:
    """One search: each vertex is the farthest point along a random direction orthogonal to those found.

    References
    ----------
    .. [1] Nascimento, Bioucas-Dias (2005), algorithm 1, lines 14 to 20; the first vertex is found likewise.
    """
    found: list[int] = []
    for _ in range(points.shape[1]):
        direction = np.asarray(rng.uniform(size=points.shape[1]))
        if found:
            span = np.linalg.qr(points[found].T)[0]
            direction = direction - span @ (span.T @ direction)
        found.append(int(np.abs(points @ direction).argmax()))
    return np.array(found)
