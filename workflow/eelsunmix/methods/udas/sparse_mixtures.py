"""Mixtures in which an abundance is either significant or zero, and the vertices that suit them."""

from dataclasses import dataclass

import numpy as np

from eelsunmix.typing import Floats, Indices

_PIECE = 2**20
"""Elements of the inverses that are held at a time."""


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

    points: Floats
    deviation: Floats
    threshold: float

    def cost(self, abundances: Floats, vertices: Floats) -> Floats:
        """Share of each pixel in the objective, shape (pixel,)."""
        misfit = np.sum((self.points - abundances @ vertices) ** 2, axis=1) / self.deviation**2
        return misfit + self.threshold**2 * np.count_nonzero(abundances, axis=1)

    def improved_abundances(self, abundances: Floats | None, vertices: Floats) -> Floats:
        """Take new abundances, shape (pixel, endmember), in the pixels where they lower the objective."""
        found = significant_abundances(self.points, vertices, self.deviation, self.threshold)
        if abundances is None:
            return found
        better = self.cost(found, vertices) < self.cost(abundances, vertices)
        return np.where(better[:, None], found, abundances)

    def improved_vertices(self, abundances: Floats, vertices: Floats) -> Floats:
        """Weighted least squares for the vertices, shape (endmember, dimension).

        The old vertex counts as one more pure pixel, so that one without pixels stays where it is.
        """
        precision = self.deviation**-2.0
        weighted = abundances * precision[:, None]
        one = float(np.median(precision))
        gram = weighted.T @ abundances + one * np.eye(len(vertices))
        found: Floats = np.asarray(
            np.linalg.solve(gram, weighted.T @ self.points + one * vertices), np.float64
        )
        return found


def significant_abundances(points: Floats, vertices: Floats, deviation: Floats, threshold: float) -> Floats:
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
    inverse: Floats = np.linalg.pinv(vertices @ vertices.T, hermitian=True).astype(np.float64)
    projections = points @ vertices.T
    result = np.empty_like(projections)
    step = max(1, _PIECE // inverse.size)
    for first in range(0, len(points), step):
        part = slice(first, first + step)
        result[part] = _significant(projections[part], deviation[part], inverse, threshold)
    return result


def _significant(projections: Floats, deviation: Floats, inverse: Floats, threshold: float) -> Floats:
    """Drop endmembers, one of each pixel at a time; every pixel has an inverse of its own Gram matrix."""
    kept = np.ones(projections.shape, bool)
    result = np.empty_like(projections)
    waiting, inverses = np.arange(len(projections)), np.repeat(inverse[None], len(projections), axis=0)
    while len(waiting):
        values, sd = _sum_to_one(projections[waiting], inverses)
        result[waiting] = values
        ratio = values / (sd * deviation[waiting, None])
        significance = np.where(kept[waiting], ratio, np.inf)
        least = significance.argmin(axis=1)
        poor = (significance.min(axis=1) < threshold) & (kept[waiting].sum(axis=1) > 1)
        waiting, least = waiting[poor], least[poor]
        kept[waiting, least] = False
        inverses = _without(inverses[poor], least)
    return result


def _sum_to_one(projections: Floats, inverses: Floats) -> tuple[Floats, Floats]:
    """Least squares with sum one, and its standard deviations for noise of one; shape (pixel, endmember)."""
    direction = inverses.sum(axis=2)
    total = direction.sum(axis=1, keepdims=True)
    values = np.matmul(inverses, projections[:, :, None])[:, :, 0]
    values -= (values.sum(axis=1, keepdims=True) - 1.0) / total * direction
    diagonal = np.diagonal(inverses, axis1=1, axis2=2)
    # A single endmember has no freedom; one that was dropped has no variance.
    variance = np.maximum(diagonal - direction**2 / total, 1e-12 * diagonal.max(axis=1, keepdims=True))
    return values, np.sqrt(variance)


def _without(inverses: Floats, dropped: Indices) -> Floats:
    """Inverses of the Gram matrices without one endmember each, whose row and column become zero."""
    pixels = np.arange(len(inverses))
    column = inverses[pixels, :, dropped]
    pivot = np.maximum(column[pixels, dropped], np.finfo(float).tiny)
    found: Floats = inverses - column[:, :, None] * (column / pivot[:, None])[:, None, :]
    found[pixels, dropped] = 0.0
    found[pixels, :, dropped] = 0.0
    return found
