"""Whether a score map looks like a map of a material, or like noise that the detector made.

What the rule was set on, and what it cannot decide: docs/decisions/007 and 022.
"""

from collections.abc import Iterator

import numpy as np

from eelsunmix.pca.noise_eigenvalues import Noise
from eelsunmix.pca.score_maps import ScoreMaps
from eelsunmix.rank.line_order import chance_of_order, lines_differ, most_lines_differ, scatter_along
from eelsunmix.typing import Floats

NEAR_EDGE = 4.0
"""Eigenvalues up to this many times the edge need a coherent map, if the noise is not that of counts."""

SHORTEST_AXIS = 8
"""Axes with fewer positions say nothing about coherence."""

CHANCE = 0.01
"""Probability that noise, or noise of scan lines, passes for a coherent map."""

LINES_CHANCE = 1e-4
"""Probability that independent pixels pass for scan lines that differ."""

ORDERED = 0.0025
"""Probability of order below which lines are in order for sure: next to no permutation has as much."""

OFFSETS_CHANCE = 1e-6
"""The same for most of the lines; a third of them, layers, is not most, but widens the scatter a little."""

PLAIN = 1.5
"""Variance along lines, over that of noise, up to which a map holds nothing but lines that differ."""


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


def map_coherence(maps: Floats | ScoreMaps) -> Floats:
    """Say whether the lines of a map come in an order, along either axis.

    Parameters
    ----------
    maps : ndarray or ScoreMaps, shape (frame, y, x, component)
        NaN where invalid; looked at one by one.

    Returns
    -------
    ndarray, shape (component,)
        Logarithm (base 10) of 1 % over the probability of chance: positive where random scan lines, or random
        pixels, are so ordered in less than 1 % of cases. One where both axes are too short to tell.
    """
    rng = np.random.default_rng(0)
    return np.array([_coherence(maps[..., i], rng) for i in range(maps.shape[-1])])


def last_in_order(coherence: Floats) -> int:
    """Count the components up to the last one whose map is in order for sure."""
    return int(max(np.flatnonzero(coherence > np.log10(CHANCE / ORDERED)) + 1, default=0))


def disordered_lines(one_map: Floats) -> bool:
    """Whether whole lines of a map (frame, y, x) differ, where there are enough to see an order."""
    return any(
        lines.shape[1] > 1 and len(lines) >= SHORTEST_AXIS and lines_differ(lines) < LINES_CHANCE
        for lines in _both_ways(one_map)
    )


def made_of_lines(one_map: Floats, level: float) -> bool:
    """Whether a map (frame, y, x) holds lines that differ without order, most of them, and else noise.

    Parameters
    ----------
    one_map : ndarray, shape (frame, y, x)
    level : float
        Variance of its noise.
    """
    return any(
        lines.shape[1] > 1 and len(lines) >= SHORTEST_AXIS and _differ_alone(lines, level)
        for lines in _both_ways(one_map)
    )


def _differ_alone(lines: Floats, level: float) -> bool:
    even = lines - lines.mean(axis=0)
    offsets = even.mean(axis=1)
    along = float(scatter_along(even).sum()) / (len(lines) - 1)
    if along > PLAIN * level or lines.mean(axis=0).var() > offsets.var():
        return False
    if most_lines_differ(even) >= OFFSETS_CHANCE:
        return False
    return chance_of_order(even, np.random.default_rng(0), overwrite=True) > ORDERED


def _coherence(one_map: Floats, rng: np.random.Generator) -> float:
    chances = [chance_of_order(lines, rng) for lines in _both_ways(one_map) if len(lines) >= SHORTEST_AXIS]
    return float(np.log10(CHANCE / min(1.0, len(chances) * min(chances)))) if chances else 1.0


def _both_ways(one_map: Floats) -> Iterator[Floats]:
    """Lines (line, place) along x, and along y; invalid pixels hold the mean of the map."""
    valid = np.isfinite(one_map)
    filled = one_map if valid.all() else np.where(valid, one_map, np.nanmean(one_map))
    yield from (np.moveaxis(filled, axis, 0).reshape(filled.shape[axis], -1) for axis in (1, 2))
