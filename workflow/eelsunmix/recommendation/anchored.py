"""Candidates anchored by edges: of all simplices that describe an image alike, the one with clean edges."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from eelsunmix.anchored_fit import HOLES, net_counts_of_elements
from eelsunmix.anchoring import Anchored, anchor
from eelsunmix.recommendation.data import Data
from eelsunmix.recommendation.solution import Solution
from eelsunmix.typing import Floats

ROUNDS = 3
"""The exponent of a background is that of its own spectrum, so that net counts change with the mixing."""

ANCHORED = "{}, anchored by edges"
"""Label of an anchored candidate."""


def is_anchored(solution: Solution) -> bool:
    """Whether edges have changed a solution."""
    return solution.label.endswith(ANCHORED.format("")) and not solution.fault


def anchored(solution: Solution, data: Data, amounts_of: Callable[[Floats], Floats]) -> Solution:
    """Anchor a solution by the edges of the data, as `eelsunmix.anchored_fit` does a fit.

    Parameters
    ----------
    solution : Solution
    data : Data
        With edges.
    amounts_of : callable
        Endmembers -> amounts of all pixels, shape (pixel, endmember).

    Returns
    -------
    Solution
        Where anchoring is refused it is the same as before, with the reason in `fault`.
    """
    as_it_is = replace(solution, label=ANCHORED.format(solution.label))
    found = as_it_is
    for n_done in range(ROUNDS):
        step = _step(found, data)
        if step.refused:
            return found if n_done else replace(as_it_is, fault=step.reason)
        endmembers = step.mixing @ found.endmembers
        if _holes(endmembers) > HOLES:
            return replace(as_it_is, fault="not anchored: a spectrum would have counts below zero")
        found = replace(found, endmembers=endmembers, amounts=amounts_of(endmembers))
    return found


def _step(solution: Solution, data: Data) -> Anchored:
    energy = data.image[data.image.dims[-1]]
    net, variance = net_counts_of_elements(solution.endmembers, data.edges, energy, data.spectra.mean(axis=0))
    # An endmember is as well known as the mean of the pixels that it makes up.
    pixels = np.maximum(np.sum(solution.shares**2, axis=0), 1.0)[:, None]
    return anchor(net, np.sqrt(data.variance_to_mean * variance / pixels), solution.shares)


def _holes(endmembers: Floats) -> float:
    """Largest part of the counts of an endmember that is below zero."""
    return float((-np.minimum(endmembers, 0.0).sum(axis=1) / np.abs(endmembers).sum(axis=1)).max())
