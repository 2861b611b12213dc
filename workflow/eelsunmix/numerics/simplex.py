"""The largest simplex among points: the search behind VCA."""

import numpy as np

from eelsunmix.typing import Floats, Indices


def largest_simplex(
    points: Floats, *, n_draws: int, rng: np.random.Generator, published: bool = False
) -> Indices:
    """Search the vertices several times and keep those that span the largest volume.

    Parameters
    ----------
    points : ndarray, shape (pixel, dimension)
        Homogeneous coordinates: all points lie on one hyperplane that misses the origin, so that the volume
        of a simplex goes with the determinant of its vertices.
    n_draws : int
        Number of searches.
    published : bool
        Find the first vertex as the published algorithm does, see `find_vertices`.

    Returns
    -------
    ndarray of int, shape (dimension,)
        Indices of points.
    """
    draws = [find_vertices(points, rng, published=published) for _ in range(n_draws)]
    return max(draws, key=lambda draw: float(np.linalg.slogdet(points[draw])[1]))


def find_vertices(points: Floats, rng: np.random.Generator, *, published: bool = False) -> Indices:
    """One search: each vertex is the farthest point along a random direction orthogonal to those found.

    The first direction is any; the published one [1]_ is orthogonal to the last axis, which matters in the
    affine projection, where all points have the same last coordinate.

    References
    ----------
    .. [1] Nascimento, Bioucas-Dias, IEEE Trans. Geosci. Remote Sens. 43 (2005) 898, algorithm 1, from the
       matrix that begins with the last unit vector on.
    """
    found: list[int] = []
    for _ in range(points.shape[1]):
        direction = np.asarray(rng.uniform(size=points.shape[1]))
        if found:
            span = np.linalg.qr(points[found].T)[0]
            direction = direction - span @ (span.T @ direction)
        elif published:
            direction[-1] = 0.0
        found.append(int(np.abs(points @ direction).argmax()))
    return np.array(found)
