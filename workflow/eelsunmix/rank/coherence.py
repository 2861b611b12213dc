"""Whether a score map looks like a map of a material, or like noise that the detector made.

What the rule was set on, what it misses (weak layers of one or two scan lines): docs/decisions/007.
"""

import numpy as np

from eelsunmix.pca.noise_eigenvalues import Noise
from eelsunmix.typing import Floats

NEAR_EDGE = 4.0
"""Eigenvalues up to this many times the edge need a coherent map, if the noise is not that of counts."""

LAGS = 4
"""Distances, in pixels, at which a map may be like itself: enough for a lattice of atoms."""

SHORTEST_AXIS = 8
"""Axes with fewer positions say nothing about coherence."""


def count_signals(eigenvalues: Floats, noise: Noise, coherence: Floats, *, counting: bool) -> int:
    """Count the eigenvalues that are signal; only those of coherent maps if they lie near the edge.

    Parameters
    ----------
    eigenvalues : ndarray, shape (index,)
        Decreasing.
    noise : Noise
        Its edge and rank.
    coherence : ndarray, shape (component,)
        Positive for coherent maps; components beyond are taken for coherent.
    counting : bool
        Whether the noise is that of ideal counts, so that the edge alone decides.
    """
    if counting:
        return noise.rank
    above = eigenvalues[: noise.rank]
    known = np.ones(len(above))
    known[: len(coherence)] = coherence[: len(above)]
    return int(np.sum((above > NEAR_EDGE * noise.edge) | (known > 0)))


def map_coherence(maps: Floats) -> Floats:
    """Say how alike a map is to itself some pixels further, in excess of what chance gives.

    Parameters
    ----------
    maps : ndarray, shape (frame, y, x, component)
        NaN where invalid.

    Returns
    -------
    ndarray, shape (component,)
        The largest correlation at 1 to 4 pixels, less three standard deviations of that of independent scan
        lines (at most 0.5); the smaller one of the two axes. One where both axes are too short to tell.
    """
    deviation = maps - np.nanmean(maps, axis=(0, 1, 2))
    variance = np.maximum(np.nanmean(deviation**2, axis=(0, 1, 2)), np.finfo(np.float64).tiny)
    result = np.ones(maps.shape[-1])
    for axis in (1, 2):
        if (size := maps.shape[axis]) >= SHORTEST_AXIS:
            correlation = [_lagged(deviation, lag, axis) / variance for lag in range(1, LAGS + 1)]
            result = np.minimum(result, np.max(correlation, axis=0) - min(0.5, 3 / np.sqrt(size)))
    return result


def _lagged(deviation: Floats, lag: int, axis: int) -> Floats:
    lines = np.moveaxis(deviation, axis, 0)
    products = lines[lag:] * lines[:-lag]
    pairs = np.isfinite(products).sum(axis=(0, 1, 2))
    return np.nansum(products, axis=(0, 1, 2)) / np.maximum(pairs, 1)
