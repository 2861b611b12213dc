"""Candidates anchored by edges: of all simplices that describe an image alike, the one with clean edges."""

from collections.abc import Callable
from dataclasses import replace

from eelsunmix.anchored_fit import HOLES, ROUNDS, anchored_once, part_below_zero
from eelsunmix.anchoring import Anchored
from eelsunmix.recommendation.data import Data
from eelsunmix.recommendation.solution import Solution
from eelsunmix.typing import Floats

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
        if part_below_zero(endmembers).max() > HOLES:
            return replace(as_it_is, fault="not anchored: a spectrum would have counts below zero")
        found = replace(found, endmembers=endmembers, amounts=amounts_of(endmembers))
    return found


def _step(solution: Solution, data: Data) -> Anchored:
    return anchored_once(
        solution.endmembers,
        solution.shares,
        data.edges,
        data.image[data.image.dims[-1]],
        mean_spectrum=data.spectra.mean(axis=0),
        variance_to_mean=data.variance_to_mean,
    )
