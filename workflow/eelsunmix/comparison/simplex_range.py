"""What other simplices fit as well: how far a vertex moves until a spectrum, an abundance or an edge forbids.

A vertex *i* that takes up or gives off parts of the others, ``E_i - sum_j v_j E_j``, describes every pixel as
well as before, with ``a_j + v_j a_i`` and ``(1 - sum_j v_j) a_i``. All that forbids such a move is linear in
the parts *v*, so that the ends of the range are linear programs, for one vertex at a time.
"""

from dataclasses import dataclass, replace

import numpy as np

from eelsunmix.anchoring import KEPT
from eelsunmix.comparison.pure_pixels import SURE_SD, pure_pixels
from eelsunmix.typing import Bools, Floats, Indices

STRONG = 0.1
"""Part of the peak from which on a pixel says something of an endmember."""
SUBTRACTION = 0.05
"""Part of an edge by which background subtraction may be wrong, however many counts there are."""
BANDS = 256
"""Most bands of channels in which spectra are held above zero; each is a row of a linear program."""


@dataclass(frozen=True, kw_only=True)
class Simplex:
    """Endmembers with abundances that sum to one, how well both are known, and their edges.

    Attributes
    ----------
    endmembers, endmembers_sd : ndarray, shape (endmember, channel)
    abundances, abundances_sd : ndarray, shape (pixel, endmember)
        Finite.
    net_counts, net_counts_sd : ndarray, shape (endmember, edge)
    owner : ndarray of int, shape (edge,)
        Endmember that an edge belongs to; -1 if to none.
    floor : ndarray, shape (edge, channel)
        Counts that a spectrum has at least for one net count of an edge; zero where nobody knows.
    """

    endmembers: Floats
    endmembers_sd: Floats
    abundances: Floats
    abundances_sd: Floats
    net_counts: Floats
    net_counts_sd: Floats
    owner: Indices
    floor: Floats


@dataclass(frozen=True, kw_only=True)
class Range:
    """Which other simplices there are.

    Attributes
    ----------
    scale_low, scale_high : ndarray, shape (endmember,)
        Least and greatest factor on the abundance of an endmember.
    taken_low, taken_high : ndarray, shape (endmember, endmember)
        ``[i, j]``: least and greatest part of the abundance of *i* that is added to that of *j*.
    pure : ndarray of int, shape (endmember,)
        Pure pixels; 0 where too few are.
    """

    scale_low: Floats
    scale_high: Floats
    taken_low: Floats
    taken_high: Floats
    pure: Indices

    def in_units(self, factor: Floats) -> "Range":
        """Return the range of abundances that are `factor` times those of the simplex, shape (endmember,)."""
        ratio = factor[None, :] / factor[:, None]
        return replace(self, taken_low=self.taken_low * ratio, taken_high=self.taken_high * ratio)

    def abundances(self, abundances: Floats) -> tuple[Floats, Floats]:
        """Return the least and greatest abundances by any of these simplices, shape (pixel, endmember)."""
        low = np.maximum(abundances + abundances @ self.taken_low, 0.0) * self.scale_low
        return low, (abundances + abundances @ self.taken_high) * self.scale_high


def in_bands(spectra: Floats) -> Floats:
    """Sum neighbouring channels: no spectrum may be negative, but not for the noise of single channels.

    Parameters
    ----------
    spectra : ndarray, shape (spectrum, channel)

    Returns
    -------
    ndarray, shape (spectrum, band)
    """
    starts = np.unique(np.linspace(0, spectra.shape[1], BANDS, endpoint=False, dtype=int))
    bands: Floats = np.add.reduceat(spectra, starts, axis=1)
    return bands


def simplex_range(simplex: Simplex, pure: Bools | None = None) -> Range:
    """Find how far each vertex of a simplex may move.

    The others are held, but for what they may give off themselves: where one is moved outwards, another has
    the room to move inwards. A vertex at which pixels pile up is a material: it does not move outwards. The
    other limits: spectra are above what the atoms of their edges make; abundances are not negative in `KEPT`
    of the pixels; edges of the endmember stay positive, and those of others neither grow nor turn negative
    there. All this within `SURE_SD` standard deviations.

    Parameters
    ----------
    simplex : Simplex
    pure : ndarray of bool, shape (endmember, pixel), optional
        Pixels that pile up at each vertex; those of `pure_pixels` by default.

    References
    ----------
    Tauler, J. Chemom. 15 (2001) 627; Jaumot, Tauler, Chemom. Intell. Lab. Syst. 103 (2010) 96, for the idea.
    """
    number = len(simplex.endmembers)
    if pure is None:
        pure = pure_pixels(simplex.abundances, simplex.abundances_sd)
    scale, taken = np.ones((2, number)), np.zeros((2, number, number))
    for _ in range(2):  # alone, and beside the others
        spare = taken[1].copy()
        for i in range(number if number > 1 else 0):
            found = _vertex(simplex, i, pure[i], spare)
            others = np.delete(np.arange(number), i)
            taken[:, i, others] = found[:, :-1]
            scale[:, i] = found[:, -1]
    counts = np.array([mask.sum() for mask in pure])
    return Range(
        scale_low=np.maximum(scale[0], 0.0),  # not -1e-16
        scale_high=scale[1],
        taken_low=taken[0],
        taken_high=taken[1],
        pure=counts,
    )


def _vertex(simplex: Simplex, i: int, pure: Bools, spare: Floats) -> Floats:
    """Return the least and greatest of the parts *v* and of the scale, shape (2, endmember)."""
    others = np.delete(np.arange(len(simplex.endmembers)), i)
    rows, limits = _limits(simplex, i, others)
    bounds = _bounds(simplex, i, others, pure, spare)
    columns = [_extremes(unit, rows, limits, bounds) for unit in np.eye(len(others))]
    total = _extremes(np.ones(len(others)), rows, limits, bounds)
    return np.column_stack([*columns, 1 - total[::-1]])


def _bounds(
    simplex: Simplex, i: int, others: Indices, pure: Bools, spare: Floats
) -> list[tuple[float, float]]:
    """Give off no more than keeps the other abundances positive; take up nothing where pixels are pure."""
    own, sd = simplex.abundances[:, i], simplex.abundances_sd
    strong = own > STRONG * np.quantile(own, KEPT)
    given = simplex.abundances[np.ix_(strong, others)] @ spare[others]
    bounds = []
    for j in others:
        room = (simplex.abundances[strong, j] + given[:, j] + SURE_SD * sd[strong, j]) / own[strong]
        least = -float(np.quantile(room, 1 - KEPT)) if room.size else 0.0
        bounds.append((min(least, 0.0), _residue(simplex, j, pure)))
    return bounds


def _residue(simplex: Simplex, j: int, pure: Bools) -> float:
    """Return what pure pixels may hold of another endmember: what they seem to; all if there are none."""
    if not pure.any():
        return 1.0
    error = SURE_SD * simplex.abundances_sd[pure, j].mean() / np.sqrt(pure.sum())
    return float(simplex.abundances[pure, j].mean() + error)


def _limits(simplex: Simplex, i: int, others: Indices) -> tuple[Floats, Floats]:
    """Rows and right sides of ``rows @ v <= limits``: spectra, own edges, edges of others, the sum."""
    net, own = simplex.net_counts, simplex.owner == i
    strongest = net[simplex.owner, np.arange(len(own))]
    slack = SURE_SD * simplex.net_counts_sd[i] + SUBTRACTION * np.maximum(strongest, 0.0)
    low = np.where(own, 0.0, np.minimum(net[i], 0.0) - slack)
    high = (np.maximum(net[i], 0.0) + slack)[~own]
    spectra, room = _above_floor(simplex, i, own)
    rows = [
        spectra[others].T,
        net[others].T,
        high[:, None] - net[others][:, ~own].T,
        np.ones((1, len(others))),
    ]
    limits = [
        room,
        net[i] - low,
        high - net[i, ~own],
        [1.0],
    ]
    return np.vstack(rows), np.maximum(np.concatenate(limits), 0.0)


def _above_floor(simplex: Simplex, i: int, own: Bools) -> tuple[Floats, Floats]:
    """Return what of each spectrum is above its atoms' part, and the room that the *i*-th has there.

    A spectrum that is below already is none of what the table means (a background was subtracted, say): then
    it is held above zero.
    """
    slack = SURE_SD * simplex.endmembers_sd[i]
    for floor in (simplex.net_counts[:, own] @ simplex.floor[own], 0.0):
        spectra = simplex.endmembers - floor
        if (spectra[i] >= -slack).all():
            break
    return spectra, spectra[i] + slack


def _extremes(direction: Floats, rows: Floats, limits: Floats, bounds: list[tuple[float, float]]) -> Floats:
    """Least and greatest value along a direction; zero, where the vertex is, is always allowed."""
    from scipy.optimize import linprog

    found = [linprog(sign * direction, A_ub=rows, b_ub=limits, bounds=bounds).x for sign in (1, -1)]
    return np.array([0.0 if x is None else float(direction @ x) for x in found])
