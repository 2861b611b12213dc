"""Pixels that pile up at a vertex of a simplex: what occurs so often unmixed is a material.

Mixtures pile up too: the crests of a thin layer, the tops of atomic columns, the middles of particles. There
the composition goes on changing from pixel to pixel, and continuously away from the vertex. So pixels prove a
material only where an area of one composition lies at the vertex, and few pixels are just beyond it.
"""

import numpy as np

from eelsunmix.typing import Bools, Floats

SURE_SD = 2.0
"""Standard deviations by which a spectrum, an abundance or an edge may miss what it has to be."""
MOST_SD = 0.25
"""Standard deviation of an abundance from which on a pixel proves nothing: twice that is half a share."""
PILED_SD = 0.5
"""Standard deviations of chance by which more pixels lie at a vertex than even ones would."""
FEWEST_PURE, PURE_PART = 10, 0.005
"""Pixels, and part of them, that have to be pure."""
RESIDUE, RESIDUE_SD = 0.05, 0.6
"""Mean of another abundance in pure pixels; and what noise adds, in deviations: cut at zero, 0.4."""
WINDOW, FLAT_SD, FEWEST_FLAT = 3, 0.8, 4
"""Side of a square of one composition; deviations of a pixel by which its mean may differ; squares needed."""
GAP = 2.5
"""Pixels at a vertex over those at up to twice the distance, at least; an even slope has 1.2."""


def pure_pixels(abundances: Floats, sd: Floats, grid: Bools | None = None) -> Bools:
    """Return the pixels that pile up at each vertex, shape (endmember, pixel) of bool; none where few do.

    All other abundances are small but for noise, and so is their mean: pixels that are nearly pure have a
    residue. A small one is allowed, since a vertex that is a single pixel lies beside the others; then there
    must be more pixels in half of that distance than a slope of composition would leave there.

    Parameters
    ----------
    abundances, sd : ndarray, shape (pixel, endmember)
        The deviations are those by noise; pixels of which an abundance has more than `MOST_SD` prove nothing.
    grid : ndarray of bool, shape (..., y, x), optional
        Where these pixels are. With it, a vertex also needs an area of one composition, and a gap around it.
    """
    found = np.zeros(abundances.T.shape, dtype=bool)
    for i in range(abundances.shape[1]):
        others, noise = (np.delete(one, i, axis=1) for one in (abundances, sd))
        exact = _piled(others, noise, 0.0)
        piled = exact if exact.any() else _piled(others, noise, RESIDUE)
        if piled.any() and (grid is None or _is_an_area(others, noise, piled, grid)):
            found[i] = piled
    return found


def _piled(others: Floats, noise: Floats, residue: float) -> Bools:
    sure = _within(noise, MOST_SD)
    near, nearer = (sure & _within(others - SURE_SD * noise, part * residue) for part in (1.0, 0.5))
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


def _is_an_area(others: Floats, noise: Floats, piled: Bools, grid: Bools) -> bool:
    """Whether some squares of pixels have the composition of the pile, and few pixels one just beyond it.

    The composition is the median of the pile: a vertex that is one pixel lies beside it by its noise.
    """
    away = (others - np.median(others[piled], axis=0)) / noise
    farthest = away.max(axis=1)
    at, beyond = (farthest < SURE_SD).sum(), ((farthest >= SURE_SD) & (farthest < 2 * SURE_SD)).sum()
    flat = _within(_means_of_squares(away, grid), FLAT_SD)
    return bool(flat.sum() >= FEWEST_FLAT and at >= GAP * beyond)


def _means_of_squares(away: Floats, grid: Bools) -> Floats:
    """Average over the square around each pixel; what is no pixel, or outside, belongs to none."""
    from scipy.ndimage import uniform_filter

    size = [1] * (grid.ndim - 2) + [WINDOW if length >= WINDOW else 1 for length in grid.shape[-2:]]
    means = np.empty_like(away)
    for column, values in enumerate(away.T):
        image = np.full(grid.shape, 10.0 * FLAT_SD * WINDOW**2)
        image[grid] = values
        means[:, column] = uniform_filter(image, size, mode="constant", cval=image.max())[grid]
    return means


def _within(excess: Floats, limit: float) -> Bools:
    inside: Bools = np.asarray((excess <= limit).all(axis=1))
    return inside
