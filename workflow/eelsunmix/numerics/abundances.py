"""Constrained least squares for the abundances of given endmembers: exact, on many pixels at a time.

Everything happens in Gram form.  With ``G = E W E^T`` and ``P = Y W E^T`` the misfit of a pixel is
``a G a^T / 2 - a P^T`` plus a constant, so that the number of channels matters only in one matrix product.
"""

import functools
import math
from dataclasses import dataclass
from itertools import combinations
from typing import Self

import numpy as np

from eelsunmix.typing import Bools, Floats

MAX_ENUMERATED = 8
"""Up to so many endmembers all supports are tried (255 of 8); beyond it each pixel is solved alone."""

BATCH = 2**12
"""Pixels solved at a time: their arrays stay in the cache."""

_TOLERANCE = 1e-11


def least_squares(spectra: Floats, endmembers: Floats, *, channel_weight: Floats | None = None) -> Floats:
    """Abundances of least squares without any constraint; of the smallest norm where they are not unique.

    Parameters
    ----------
    spectra : ndarray, shape (pixel, channel)
        Counts.
    endmembers : ndarray, shape (endmember, channel)
        Counts of a pixel of abundance one.
    channel_weight : ndarray, shape (channel,), optional
        Standard deviation of each channel, up to a factor; the misfit is ``sum(((y - a E) / weight)**2)``.

    Returns
    -------
    ndarray, shape (pixel, endmember)
    """
    spectra, endmembers = np.asarray(spectra, np.float64), np.asarray(endmembers, np.float64)
    if channel_weight is None:
        return spectra @ np.linalg.pinv(endmembers)
    return spectra @ (np.linalg.pinv(endmembers / channel_weight) / channel_weight[:, None])


def non_negative(spectra: Floats, endmembers: Floats, *, channel_weight: Floats | None = None) -> Floats:
    """Non-negative least squares (NNLS), exact; parameters as in `least_squares`; NaN of spectra with NaN.

    Examples
    --------
    >>> endmembers = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
    >>> non_negative(np.array([[2.0, -1.0, 2.0]]), endmembers)
    array([[2., 0.]])
    """
    return _constrained(spectra, endmembers, channel_weight, sum_to_one=False)


def fully_constrained(spectra: Floats, endmembers: Floats, *, channel_weight: Floats | None = None) -> Floats:
    """Least squares with abundances that are non-negative and sum to one (FCLS), exact.

    Parameters as in `least_squares`.

    References
    ----------
    .. [1] Heinz, Chang, IEEE Trans. Geosci. Remote Sens. 39 (2001) 529, for the problem; it is solved here by
       the Karush-Kuhn-Tucker conditions of each support instead of a penalty row.

    Examples
    --------
    >>> endmembers = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
    >>> fully_constrained(np.array([[3.0, 1.0, 9.0]]), endmembers)
    array([[1., 0.]])
    """
    return _constrained(spectra, endmembers, channel_weight, sum_to_one=True)


def _constrained(
    spectra: Floats, endmembers: Floats, channel_weight: Floats | None, *, sum_to_one: bool
) -> Floats:
    endmembers, weight = np.asarray(endmembers, np.float64), channel_weight
    whitened = endmembers if weight is None else endmembers / weight
    norms = np.linalg.norm(whitened, axis=1)
    # Endmembers of unit length make one tolerance right for all; the constraint becomes sum(a / norm) = 1.
    norms = np.where(norms > 0, norms, 1.0)
    units = whitened / norms[:, None]
    projector = units if weight is None else units / weight
    constraint = 1.0 / norms if sum_to_one else None
    solver: _Enumeration | _ActiveSets
    if len(units) <= MAX_ENUMERATED:
        solver = _Enumeration.of(units @ units.T, constraint)
    else:
        solver = _ActiveSets.of(units @ units.T, constraint)
    abundances = np.empty((len(spectra), len(units)))
    for start in range(0, len(spectra), BATCH):
        rows = slice(start, start + BATCH)
        abundances[rows] = solver.solve(projector @ np.asarray(spectra[rows], np.float64).T).T
    abundances = np.maximum(abundances / norms, 0.0)
    return abundances / abundances.sum(axis=1, keepdims=True) if sum_to_one else abundances


@dataclass(frozen=True)
class _Face:
    """Where the abundances of a support alone are not zero: its minimum, and whether that is the solution.

    ``matrix @ projections + offset`` holds the abundances of the support and, for the other endmembers, the
    slope of the misfit: by the conditions of Karush, Kuhn and Tucker all are non-negative at the solution.
    """

    support: list[int]
    matrix: Floats
    offset: Floats

    @classmethod
    def of(cls, gram: Floats, support: list[int], constraint: Floats | None) -> Self:
        number, border = len(gram), [] if constraint is None else [len(gram)]
        # Stationary where system @ (abundances, multiplier) = (projections, goal of the constraint).
        system, goal = np.zeros((number + 1, number + 1)), 0.0
        system[:number, :number] = gram
        if constraint is not None:
            goal = 1.0 / float(np.linalg.norm(constraint))
            system[:number, number] = system[number, :number] = constraint * goal
        taking_part = np.ix_(support + border, support + border)
        inverse = np.zeros_like(system)
        inverse[taking_part] = np.linalg.pinv(system[taking_part], rcond=1e-13, hermitian=True)
        values = np.where(np.isin(np.arange(number + 1), support)[:, None], inverse, system @ inverse)
        values[:number, :number] -= np.diag(~np.isin(np.arange(number), support) * 1.0)
        return cls(support, values[:number, :number], values[:number, number] * goal)

    def tried(self, projections: Floats) -> tuple[Floats, Bools]:
        """Return those values, (endmember, pixel), and whether the solution lies on this face."""
        values = self.matrix @ projections
        values += self.offset[:, None]
        return values, _non_negative(values, projections)


@dataclass(frozen=True)
class _Enumeration:
    """All faces, from that of all endmembers down, tried on the pixels that none has solved yet."""

    gram: Floats
    faces: tuple[_Face, ...]

    @classmethod
    def of(cls, gram: Floats, constraint: Floats | None) -> Self:
        return cls(gram, _faces(gram.tobytes(), None if constraint is None else constraint.tobytes()))

    def solve(self, projections: Floats) -> Floats:
        """Abundances (endmember, pixel) of projections of that shape."""
        result = np.zeros_like(projections)
        waiting, left = np.arange(projections.shape[1]), projections
        for face in self.faces:
            conditions, solved = face.tried(left)
            found = np.flatnonzero(solved)
            pixels = waiting[found]
            for endmember in face.support:
                result[endmember, pixels] = conditions[endmember, found]
            rest = np.flatnonzero(~solved)
            waiting, left = waiting[rest], left.take(rest, axis=1)
            if not rest.size:
                return result
        result[:, waiting] = self._best_feasible(left)
        return result

    def _best_feasible(self, projections: Floats) -> Floats:
        # Where endmembers nearly coincide, rounding can hide the solution: the best point without a negative.
        # Nothing is feasible where the counts are not finite.
        result, best = np.full_like(projections, np.nan), np.full(projections.shape[1], np.inf)
        for face in self.faces:
            conditions, _ = face.tried(projections)
            candidate = np.zeros_like(projections)
            candidate[face.support] = conditions[face.support]
            misfit = ((self.gram @ candidate / 2 - projections) * candidate).sum(axis=0)
            better = _non_negative(candidate, projections) & (misfit < best)
            result[:, better], best[better] = candidate[:, better], misfit[better]
        return result


@functools.lru_cache(maxsize=16)
def _faces(gram: bytes, constraint: bytes | None) -> tuple[_Face, ...]:
    # An image comes in many pieces, which all have the same faces.
    products = np.frombuffer(gram)
    products = products.reshape(2 * (math.isqrt(products.size),))
    sums = None if constraint is None else np.frombuffer(constraint)
    sizes = range(len(products), -1 if sums is None else 0, -1)
    supports = [list(some) for size in sizes for some in combinations(range(len(products)), size)]
    return tuple(_Face.of(products, support, sums) for support in supports)


def _non_negative(values: Floats, projections: Floats) -> Bools:
    """Whether a pixel has no value (endmember, pixel) below what rounding makes of zero."""
    scale = np.maximum(values.max(axis=0), np.abs(projections).max(axis=0))
    return values.min(axis=0) >= -_TOLERANCE * scale


@dataclass(frozen=True)
class _ActiveSets:
    """Active sets of `scipy.optimize.nnls` on the (endmember, endmember) factor of the Gram matrix."""

    factor: Floats
    to_targets: Floats
    constraint: Floats | None

    @classmethod
    def of(cls, gram: Floats, constraint: Floats | None) -> Self:
        eigenvalues, vectors = np.linalg.eigh(gram)
        kept = eigenvalues > 1e-13 * eigenvalues[-1]
        roots = np.sqrt(eigenvalues[kept])
        return cls(roots[:, None] * vectors[:, kept].T, (vectors[:, kept] / roots).T, constraint)

    def solve(self, projections: Floats) -> Floats:
        """Abundances (endmember, pixel) of projections of that shape."""
        from scipy.optimize import nnls

        result = np.full_like(projections, np.nan)
        for pixel in np.flatnonzero(np.isfinite(projections).all(axis=0)):
            target = self.to_targets @ projections[:, pixel]
            if self.constraint is None:
                result[:, pixel] = nnls(self.factor, target)[0]
            else:
                nearest = _nearest_in_simplex(self.factor / self.constraint, target)
                result[:, pixel] = nearest / self.constraint
        return result


def _nearest_in_simplex(vertices: Floats, target: Floats) -> Floats:
    """Convex weights of the point of a simplex (columns) that is nearest to the target.

    With ``D = vertices - target`` and ``x = t a``, ``sum(a) = 1``, the misfit ``|D x|^2 + (sum(x) - 1)^2``
    has its minimum over ``t`` at ``|D a|^2 / (1 + |D a|^2)``: NNLS finds the nearest point up to the factor.
    """
    from scipy.optimize import nnls

    differences = vertices - target[:, None]
    differences = differences / np.linalg.norm(differences, axis=0).max(initial=np.finfo(float).tiny)
    goal = np.zeros(len(differences) + 1)
    goal[-1] = 1.0
    weights = nnls(np.vstack([differences, np.ones(vertices.shape[1])]), goal)[0]
    return weights / weights.sum()
