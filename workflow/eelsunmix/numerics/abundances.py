"""Constrained least squares for the abundances of given endmembers: exact, on many pixels at a time.

Everything happens in Gram form.  With ``G = E W E^T`` and ``P = Y W E^T`` the misfit of a pixel is
``a G a^T / 2 - a P^T`` plus a constant, so that the number of channels matters only in one matrix product.
"""

from itertools import combinations

import numpy as np

from eelsunmix.typing import Bools, Floats

MAX_ENUMERATED = 8
"""Up to so many endmembers all supports are tried (255 of 8); beyond it each pixel is solved alone."""

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
    spectra, endmembers = _whitened(spectra, endmembers, channel_weight)
    return spectra @ np.linalg.pinv(endmembers)


def non_negative(spectra: Floats, endmembers: Floats, *, channel_weight: Floats | None = None) -> Floats:
    """Non-negative least squares (NNLS), exact; parameters as in `least_squares`.

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
    spectra, endmembers = _whitened(spectra, endmembers, channel_weight)
    norms = np.linalg.norm(endmembers, axis=1)
    # Endmembers of unit length make one tolerance right for all; the constraint becomes sum(a / norm) = 1.
    norms = np.where(norms > 0, norms, 1.0)
    units = endmembers / norms[:, None]
    constraint = 1.0 / norms if sum_to_one else None
    solve = _by_enumeration if len(units) <= MAX_ENUMERATED else _pixel_by_pixel
    abundances = np.maximum(solve(units @ units.T, spectra @ units.T, constraint) / norms, 0.0)
    return abundances / abundances.sum(axis=1, keepdims=True) if sum_to_one else abundances


def _whitened(spectra: Floats, endmembers: Floats, weight: Floats | None) -> tuple[Floats, Floats]:
    spectra, endmembers = np.asarray(spectra, np.float64), np.asarray(endmembers, np.float64)
    return (spectra, endmembers) if weight is None else (spectra / weight, endmembers / weight)


def _by_enumeration(gram: Floats, projections: Floats, constraint: Floats | None) -> Floats:
    """Try the supports, from the full one down, on the pixels that no support has solved yet."""
    result = np.zeros_like(projections)
    best = np.full(len(projections), np.inf)
    scale = np.abs(projections).max(axis=1, initial=0.0)
    waiting = np.arange(len(projections))
    for support in _supports(len(gram), sum_to_one=constraint is not None):
        if len(waiting) == 0:
            break
        candidate, feasible, optimal = _on_support(
            gram, projections[waiting], scale[waiting], support, constraint
        )
        # Where endmembers nearly coincide, rounding can hide the optimum: keep the best feasible point.
        misfit = np.einsum("pi,pi->p", candidate @ gram / 2 - projections[waiting], candidate)
        better = feasible & (optimal | (misfit < best[waiting]))
        result[waiting[better]] = candidate[better]
        best[waiting[better]] = misfit[better]
        waiting = waiting[~optimal]
    return result


def _supports(n_endmembers: int, *, sum_to_one: bool) -> list[list[int]]:
    sizes = range(n_endmembers, 0 if sum_to_one else -1, -1)
    return [list(support) for size in sizes for support in combinations(range(n_endmembers), size)]


def _on_support(
    gram: Floats, projections: Floats, scale: Floats, support: list[int], constraint: Floats | None
) -> tuple[Floats, Bools, Bools]:
    """Minimum on one face, whether it is feasible, and whether it meets the Karush-Kuhn-Tucker conditions."""
    inverse = np.linalg.pinv(gram[np.ix_(support, support)], rcond=1e-13, hermitian=True)
    inside = projections[:, support] @ inverse
    multiplier = np.zeros(len(projections))
    if constraint is not None:
        direction = inverse @ constraint[support]
        length = constraint[support] @ direction
        multiplier = (inside @ constraint[support] - 1.0) / length
        inside = inside - multiplier[:, None] * direction
    candidate = np.zeros_like(projections)
    candidate[:, support] = inside
    slope = candidate @ gram - projections
    if constraint is not None:
        slope += multiplier[:, None] * constraint
    tolerance = -_TOLERANCE * np.maximum(scale, np.abs(inside).max(axis=1, initial=0.0))
    feasible = inside.min(axis=1, initial=0.0) >= tolerance
    outside = np.delete(slope, support, axis=1)
    return candidate, feasible, feasible & (outside.min(axis=1, initial=0.0) >= tolerance)


def _pixel_by_pixel(gram: Floats, projections: Floats, constraint: Floats | None) -> Floats:
    """Active sets of `scipy.optimize.nnls` on the (endmember, endmember) factor of the Gram matrix."""
    from scipy.optimize import nnls

    eigenvalues, vectors = np.linalg.eigh(gram)
    kept = eigenvalues > 1e-13 * eigenvalues[-1]
    roots = np.sqrt(eigenvalues[kept])
    factor = roots[:, None] * vectors[:, kept].T
    targets = projections @ (vectors[:, kept] / roots)
    if constraint is None:
        return np.array([nnls(factor, target)[0] for target in targets])
    return np.array([_nearest_in_simplex(factor / constraint, target) for target in targets]) / constraint


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
