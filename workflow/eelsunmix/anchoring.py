"""Anchoring of endmembers by edges: of all simplices that describe an image alike, the one with clean edges.

Where no pixel is pure, spectra alone do not say which endmembers are mixtures.  Edges do: one endmember has
none, and each of the others is that one plus a part that holds only its own edges.  With the net counts
``J (endmember, element)`` the rows of the inverse of ``[1, J]`` are the edge-free endmember and the parts of
one net count; how many net counts a pure pixel has is the least number that keeps abundances non-negative.
"""

from dataclasses import dataclass

import numpy as np

from eelsunmix.edge_shapes import Parts
from eelsunmix.typing import Bools, Floats, Indices

SIGNIFICANT = 4.0
"""Foreign net counts below so many standard deviations count as none."""
KEPT = 0.995
"""Part of the pixels whose abundances must stay non-negative."""
COARSE = 0.2
"""Part of the own edge from which on a foreign edge has to be seen; else the edges say too little."""
CONDITION = 1e6
"""Condition number from which on the edges of two elements are too alike."""


@dataclass(frozen=True, kw_only=True)
class Anchored:
    """Result of `anchor`.

    Attributes
    ----------
    mixing : ndarray, shape (endmember, endmember)
        ``mixing @ endmembers`` are the anchored ones, ``abundances @ inverse(mixing)`` their abundances; rows
        sum to one. The unit matrix where anchoring was refused.
    cleaning : ndarray, shape (endmember, endmember)
        The same without any choice of scale: foreign edges are taken off with the spectra of their owners.
        Rows do not sum to one; for amounts that need not.
    reason : str
        What was found, or why it was refused; one sentence.
    refused : bool
    clean : bool
        Whether it was refused because every edge is where it belongs already.
    """

    mixing: Floats
    cleaning: Floats
    reason: str
    refused: bool = False
    clean: bool = False


def anchor(
    net_counts: Floats, net_counts_sd: Floats, abundances: Floats, by_shape: Parts | None = None
) -> Anchored:
    """Mix endmembers so that each holds its own edges alone.

    Parameters
    ----------
    net_counts, net_counts_sd : ndarray, shape (endmember, element)
        Of the edges of each element in each endmember, and their standard deviations.
    abundances : ndarray, shape (pixel, endmember)
        They sum to one.
    by_shape : Parts, optional
        What the shape of the edges says, where net counts are in doubt.

    Returns
    -------
    Anchored
    """
    unit = np.eye(len(net_counts))
    owner = owners(net_counts)
    if problem := _problem(net_counts, net_counts_sd, owner):
        return Anchored(mixing=unit, cleaning=unit, reason=problem, refused=True)
    foreign = _foreign(net_counts, owner)
    # Negative counts are no edge: the background there is no power law, and others are as doubtful.
    doubt = np.maximum(-net_counts.min(axis=0), 0.0)
    counted = net_counts >= SIGNIFICANT * net_counts_sd
    significant = counted & (net_counts > doubt)
    if by_shape is not None:
        seen = counted & ~significant & foreign & (by_shape.value >= SIGNIFICANT * by_shape.sd)
        net_counts = np.where(seen, by_shape.value * net_counts.max(axis=0), net_counts)
        significant |= seen
    if not (significant & foreign).any():
        return _nothing_foreign(net_counts, net_counts_sd, owner)
    kept = np.where(foreign & ~significant, 0.0, net_counts)
    if np.linalg.cond(_with_ones(kept / kept.max(axis=0))) > CONDITION:
        reason = "not anchored: the endmembers show all edges in the same proportions"
        return Anchored(mixing=unit, cleaning=unit, reason=reason, refused=True)
    mixing = mixing_of(kept, owner, abundances)
    number = int((significant & foreign).sum())
    reason = f"anchored by edges: {number} foreign edges taken out"
    return Anchored(mixing=mixing, cleaning=_cleaning_of(kept, owner), reason=reason)


def owners(net_counts: Floats) -> Indices:
    """Return the endmember with the most net counts of each element, shape (element,)."""
    return net_counts.argmax(axis=0)


def mixing_of(net_counts: Floats, owner: Indices, abundances: Floats) -> Floats:
    """Solve for the edge-free endmember and the parts with one edge, and scale these.

    Parameters
    ----------
    net_counts : ndarray, shape (endmember, element)
        One element fewer than endmembers.
    owner : ndarray of int, shape (element,)
        All different.
    abundances : ndarray, shape (pixel, endmember)

    Returns
    -------
    ndarray, shape (endmember, endmember)
    """
    number = len(net_counts)
    parts = np.linalg.inv(_with_ones(net_counts))
    scales = least_scales(abundances @ net_counts)
    mixing = np.empty((number, number))
    mixing[_edge_free(owner, number)] = parts[0]
    mixing[owner] = parts[0] + scales[:, None] * parts[1:]
    return mixing


def _cleaning_of(net_counts: Floats, owner: Indices) -> Floats:
    """Solve for the spectra of which each holds its own edges alone, the one without edges as it is."""
    parts = np.eye(len(net_counts))
    parts[:, owner] = net_counts / net_counts.max(axis=0)
    return np.asarray(np.linalg.inv(parts), dtype=np.float64)


def least_scales(net_counts: Floats) -> Floats:
    """Net counts of a pure pixel of each element: the least that leave the edge-free part non-negative.

    The scales have the smallest product among those with ``sum(net_counts / scales) <= 1`` in `KEPT` of the
    pixels.

    Parameters
    ----------
    net_counts : ndarray, shape (pixel, element)

    Returns
    -------
    ndarray, shape (element,)
    """
    from scipy.optimize import minimize

    start = np.log(np.maximum(np.quantile(net_counts, KEPT, axis=0), np.finfo(float).tiny))

    def scaled(ratios: Floats) -> Floats:
        logs = start + np.append(ratios, 0.0)
        filled = np.quantile(net_counts @ np.exp(-logs), KEPT)
        return logs + np.log(max(float(filled), np.finfo(float).tiny))

    if net_counts.shape[1] == 1:
        return np.exp(scaled(np.empty(0)))
    found = minimize(lambda ratios: scaled(ratios).sum(), np.zeros(len(start) - 1), method="Nelder-Mead")
    return np.exp(scaled(found.x))


def _nothing_foreign(net_counts: Floats, sd: Floats, owner: Indices) -> Anchored:
    """Leave endmembers without foreign edges as they are; few counts may be why none is seen."""
    foreign, own = _foreign(net_counts, owner), net_counts[owner, np.arange(len(owner))]
    largest = float((net_counts / sd)[foreign].max(initial=0.0))
    seen_from = float((SIGNIFICANT * sd / own)[foreign].max(initial=0.0))
    said = (
        f"not anchored: no endmember has a foreign edge of {SIGNIFICANT:g} deviations, above "
        f"what background subtraction is wrong by (the largest has {largest:.1f} of them); the edges "
        "cannot tell more"
    )
    coarse = seen_from > COARSE
    few = f": with so few counts, only from {100 * seen_from:.0f} % of the strength of its owner on"
    unit = np.eye(len(net_counts))
    return Anchored(mixing=unit, cleaning=unit, reason=said + few * coarse, refused=True, clean=not coarse)


def _with_ones(net_counts: Floats) -> Floats:
    return np.column_stack([np.ones(len(net_counts)), net_counts])


def _problem(net_counts: Floats, sd: Floats, owner: Indices) -> str:
    number, n_elements = net_counts.shape
    if n_elements != number - 1:
        return (
            f"not anchored: {number} endmembers need edges of {number - 1} elements, there are {n_elements}"
        )
    if len(set(owner.tolist())) < n_elements:
        return "not anchored: two elements are strongest in the same endmember"
    own = net_counts[owner, np.arange(n_elements)]
    if (own < SIGNIFICANT * sd[owner, np.arange(n_elements)]).any():
        return "not anchored: an element has no significant edge in any endmember"
    return ""


def _foreign(net_counts: Floats, owner: Indices) -> Bools:
    foreign = np.ones(net_counts.shape, dtype=bool)
    foreign[owner, np.arange(len(owner))] = False
    return foreign


def _edge_free(owner: Indices, number: int) -> int:
    return next(endmember for endmember in range(number) if endmember not in owner)
