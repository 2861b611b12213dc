"""Pure pixels by all methods: what one of them proves holds for every simplex that has a vertex there."""

from collections.abc import Sequence

import numpy as np

from eelsunmix.comparison.pure_pixels import RESIDUE, pure_pixels
from eelsunmix.comparison.simplex_range import Simplex
from eelsunmix.typing import Bools

AT_VERTEX = 1 - 2 * RESIDUE
"""Mean abundance of an endmember in pixels that are pure by another method, for its vertex to lie there."""


def shared_pure_pixels(simplices: Sequence[Simplex], grids: Sequence[Bools]) -> list[Bools]:
    """Find the pixels that pile up at each vertex of each simplex, or at one of another that lies there.

    A vertex that is a single pixel has a noise that hides what piles up beside it; one that was fitted to all
    pixels has not.

    Parameters
    ----------
    simplices : sequence of Simplex
    grids : sequence of ndarray of bool, shape (..., y, x)
        Where the pixels of each simplex are, on the same pixels.

    Returns
    -------
    list of ndarray of bool, shape (endmember, pixel)
    """
    own = [
        pure_pixels(one.abundances, one.abundances_sd, grid)
        for one, grid in zip(simplices, grids, strict=True)
    ]
    areas = [_on(grid, row) for rows, grid in zip(own, grids, strict=True) for row in rows if row.any()]
    return [
        _completed(rows, one, [area[grid] for area in areas])
        for rows, one, grid in zip(own, simplices, grids, strict=True)
    ]


def _completed(own: Bools, simplex: Simplex, areas: Sequence[Bools]) -> Bools:
    """Give a vertex without pure pixels the area of another method that is purest there."""
    result = own.copy()
    for i in np.flatnonzero(~own.any(axis=1)):
        purity = [float(simplex.abundances[area, i].mean()) if area.any() else 0.0 for area in areas]
        if max(purity, default=0.0) >= AT_VERTEX:
            result[i] = areas[int(np.argmax(purity))]
    return result


def _on(grid: Bools, values: Bools) -> Bools:
    image = np.zeros(grid.shape, dtype=bool)
    image[grid] = values
    return image
