"""Pixels that pile up at a vertex of a simplex: what occurs so often unmixed is a material."""

import numpy as np

from eelsunmix.typing import Bools, Floats

SURE_SD = 2.0
"""Standard deviations by which a spectrum, an abundance or an edge may miss what it has to be."""
PILED_SD = 0.5
"""Standard deviations of chance by which more pixels lie at a vertex than even ones would."""
FEWEST_PURE, PURE_PART = 10, 0.005
"""Pixels, and part of them, that have to be pure."""
RESIDUE, RESIDUE_SD = 0.05, 0.6
"""Mean of another abundance in pure pixels; and what noise adds, in deviations: cut at zero, 0.4."""


def pure_pixels(abundances: Floats, sd: Floats) -> Bools:
    """Return the pixels that pile up at each vertex, shape (endmember, pixel) of bool; none where few do.

    All other abundances are small but for noise, and so is their mean: pixels that are nearly pure have a
    residue. A small one is allowed, since a vertex that is a single pixel lies beside the others; then there
    must be more pixels in half of that distance than a slope of composition would leave there.
    """
    found = np.zeros(abundances.T.shape, dtype=bool)
    for i in range(abundances.shape[1]):
        others, noise = (np.delete(one, i, axis=1) for one in (abundances, sd))
        exact = _piled(others, noise, 0.0)
        found[i] = exact if exact.any() else _piled(others, noise, RESIDUE)
    return found


def _piled(others: Floats, noise: Floats, residue: float) -> Bools:
    near, nearer = (_within(others - SURE_SD * noise, part * residue) for part in (1.0, 0.5))
    fewest = max(FEWEST_PURE, PURE_PART * len(others), _on_a_slope(noise[near], residue))
    if nearer.sum() < fewest or (others - RESIDUE_SD * noise)[near].mean(axis=0).max() > residue:
        return np.zeros_like(near)
    return near


def _on_a_slope(noise: Floats, residue: float) -> float:
    """Pixels of those near a vertex that may be in half of that distance where nothing piles up."""
    reach, number = SURE_SD * float(noise.mean()) if noise.size else 0.0, len(noise)
    if reach >= residue:  # noise hides it
        return 0.0
    even = (0.5 * residue + reach) / (residue + reach)
    return number * even + PILED_SD * float(np.sqrt(number * even * (1 - even)))


def _within(excess: Floats, limit: float) -> Bools:
    inside: Bools = np.asarray((excess <= limit).all(axis=1))
    return inside
