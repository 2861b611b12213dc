"""Mixtures in which an abundance is either significant or zero, and the vertices that suit them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eelsunmix.methods._contract import Array


@dataclass(frozen=True, kw_only=True)
class SparseMixtures:
    """Objective ``sum_p [|t_p - a_p V|^2 / sd_p^2 + threshold^2 * (number of abundances above zero)]``.

    Parameters
    ----------
    points : ndarray, shape (pixel, dimension)
        Coordinates of the spectra (t).
    deviation : ndarray, shape (pixel,)
        Standard deviation of the noise of each coordinate.
    threshold : float
        Abundances below so many of their standard deviations become zero.
    """

    points: Array
    deviation: Array
    threshold: float

    def cost(self, abundances: Array, vertices: Array) -> Array:
        """Share of each pixel in the objective, shape (pixel,)."""
        misfit = np.sum((self.points - abundances @ vertices) ** 2, axis=1) / self.deviation**2
        return misfit + self.threshold**2 * np.count_nonzero(abundances, axis=1)

    def improved_abundances(self, abundances: Array | None, vertices: Array) -> Array:
        """Take new abundances, shape (pixel, endmember), in the pixels where they lower the objective."""
        found = significant_abundances(self.points, vertices, self.deviation, self.threshold)
        if abundances is None:
            return found
        better = self.cost(found, vertices) < self.cost(abundances, vertices)
        return np.where(better[:, None], found, abundances)

    def improved_vertices(self, abundances: Array, vertices: Array) -> Array:
        """Weighted least squares for the vertices, shape (endmember, dimension).

        The old vertex counts as one more pure pixel, so that one without pixels stays where it is.
        """
        precision = self.deviation**-2.0
        weighted = abundances * precision[:, None]
        one = float(np.median(precision))
        gram = weighted.T @ abundances + one * np.eye(len(vertices))
        found: Array = np.asarray(
            np.linalg.solve(gram, weighted.T @ self.points + one * vertices), np.float64
        )
        return found


def significant_abundances(points: Array, vertices: Array, deviation: Array, threshold: float) -> Array:
    """Sum-to-one least squares on the endmembers that a pixel needs; the others are exactly zero.

    Starting with all of them, each pixel drops its least significant endmember until all are significant.
    Unlike the projection onto the simplex, it leaves as much noise on one side of a face as on the other:
    vertices fitted to these abundances are not pulled outwards.

    Parameters
    ----------
    points : ndarray, shape (pixel, dimension)
    vertices : ndarray, shape (endmember, dimension)
    deviation : ndarray, shape (pixel,)
        Standard deviation of the noise of each coordinate.
    threshold : float
        In standard deviations of an abundance.

    Returns
    -------
    ndarray, shape (pixel, endmember)
        Not negative; rows sum to one.
    """
    n_pixels, n_endmembers = len(points), len(vertices)
    gram, projections = vertices @ vertices.T, points @ vertices.T
    kept = np.ones((n_pixels, n_endmembers), bool)
    result = np.zeros((n_pixels, n_endmembers))
    waiting = np.arange(n_pixels)
    while len(waiting):
        dropping = []
        for support, pixels in _by_support(kept, waiting):
            values, sd = _on_support(gram, projections[pixels], support)
            result[pixels] = 0.0
            result[pixels[:, None], support] = values
            if len(support) > 1:
                significance = values / (sd * deviation[pixels, None])
                poor = significance.min(axis=1) < threshold
                kept[pixels[poor], support[significance[poor].argmin(axis=1)]] = False
                dropping.append(pixels[poor])
        waiting = np.sort(np.concatenate(dropping)) if dropping else waiting[:0]
    return result


def _by_support(
    kept: NDArray[np.bool_], pixels: NDArray[np.intp]
) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Group pixels that keep the same endmembers: pairs of (endmembers, pixels)."""
    supports, group = np.unique(kept[pixels], axis=0, return_inverse=True)
    return [(np.flatnonzero(row), pixels[group.ravel() == number]) for number, row in enumerate(supports)]


def _on_support(gram: Array, projections: Array, support: NDArray[np.intp]) -> tuple[Array, Array]:
    """Sum-to-one least squares, and its standard deviations for noise of one."""
    inverse = np.linalg.pinv(gram[np.ix_(support, support)], hermitian=True)
    direction = inverse.sum(axis=1)
    total = direction.sum()
    values = projections[:, support] @ inverse
    values -= ((values.sum(axis=1) - 1.0) / total)[:, None] * direction
    variance = np.diag(inverse) - direction**2 / total
    # A single endmember has no freedom.
    return values, np.sqrt(np.maximum(variance, 1e-12 * np.diag(inverse)))
