"""Candidates anchored by edges: of all simplices that describe an image alike, the one with clean edges."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from eelsunmix.anchored_fit import (
    HOLES,
    ROUNDS,
    anchored_once,
    net_counts_of_elements,
    part_below_zero,
    refusal_of_shared,
    shared_by_shape,
    with_one_owner,
)
from eelsunmix.anchoring import Anchored, owners
from eelsunmix.edges import elements_of
from eelsunmix.recommendation.data import Data
from eelsunmix.recommendation.least_squares import mapped_linearly
from eelsunmix.recommendation.solution import Solution
from eelsunmix.typing import Brightness, Floats

ANCHORED = "{}, anchored by edges"
"""Label of an anchored candidate."""
SHARED = 0.1
"""Part of the owner's edge in another spectrum from which on a compound would be damaged by anchoring."""
JUDGES = ("uDAS", "BLU")
"""Methods whose endmembers are fitted to all pixels: shapes of edges are judged by these."""


def is_anchored(solution: Solution) -> bool:
    """Whether edges have changed a solution."""
    return solution.label.endswith(ANCHORED.format("")) and not solution.fault


def known_owners(found: Sequence[Solution], data: Data) -> tuple[Data, str]:
    """Leave out edges that cannot anchor: of shared elements as the user says, all if shapes show others.

    Parameters
    ----------
    found : sequence of Solution
        Before they are anchored.
    data : Data

    Returns
    -------
    data : Data
    refusal : str
        Why all were left out; empty where they were not.
    """
    energy, mean = data.image[data.image.dims[-1]], data.spectra.mean(axis=0)
    edges = with_one_owner(data.edges)
    shown = [
        shared_by_shape(
            one.endmembers,
            one.shares,
            edges,
            energy,
            mean_spectrum=mean,
            variance_to_mean=data.variance_to_mean,
        )
        for one in found
        if edges and one.average and one.label.split(",")[0] in JUDGES
    ]
    refusal = refusal_of_shared(set[str]().union(*shown))
    return replace(data, edges={} if refusal else edges), refusal


def all_anchored(found: Sequence[Solution], data: Data, brightness: Brightness) -> list[Solution]:
    """Anchor the solutions of averages; none without edges."""
    return [anchored(one, data, brightness) for one in found if one.average and data.edges]


def anchored(solution: Solution, data: Data, brightness: Brightness) -> Solution:
    """Anchor a solution of averages by the edges of the data, as `eelsunmix.anchored_fit` does a fit.

    Where the brightness varies and anchoring would leave counts below zero (materials of unlike brightness:
    their shares say little of how much a pure pixel has), foreign edges are taken off and scales stay.

    Parameters
    ----------
    solution : Solution
    data : Data
        With edges.
    brightness : {"constant", "variable"}

    Returns
    -------
    Solution
        Where anchoring is refused it is the same as before, with the reason in `fault`.
    """
    as_it_is = replace(solution, label=ANCHORED.format(solution.label))
    spectra, found = data.averages[solution.average], as_it_is
    for n_done in range(ROUNDS):
        step = _step(found, data)
        if step.refused:
            return found if n_done else replace(as_it_is, fault=step.reason)
        endmembers = _without_holes(step, found.endmembers, brightness)
        if endmembers is None:
            return replace(as_it_is, fault="not anchored: a spectrum would have counts below zero")
        amounts = mapped_linearly(spectra, endmembers, data.weight, brightness)
        found = replace(found, endmembers=endmembers, amounts=amounts)
    return found


def shared_elements(before: Sequence[Solution], data: Data) -> dict[str, float]:
    """Find the elements of which anchoring takes a large part of an edge out of a spectrum.

    Parameters
    ----------
    before : sequence of Solution
        As they were before they were anchored.
    data : Data
        With edges.

    Returns
    -------
    dict
        Element -> the largest part taken out, relative to the edge of its owner; those of `SHARED` and more.
    """
    elements = elements_of(data.edges.values())
    energy, mean = data.image[data.image.dims[-1]], data.spectra.mean(axis=0)
    largest = np.zeros(len(elements))
    for one in before:
        net = net_counts_of_elements(one.endmembers, data.edges, energy, mean)[0]
        doubt = np.maximum(-net.min(axis=0), 0.0)
        foreign = np.arange(len(net))[:, None] != owners(net)
        parts = np.where(foreign & (net > doubt), net / net.max(axis=0), 0.0)
        largest = np.maximum(largest, parts.max(axis=0))
    return {name: float(part) for name, part in zip(elements, largest, strict=True) if part >= SHARED}


def _without_holes(step: Anchored, endmembers: Floats, brightness: Brightness) -> Floats | None:
    """Return the endmembers as a step mixes or cleans them, whichever leaves no counts below zero."""
    for mixing in (step.mixing, step.cleaning) if brightness == "variable" else (step.mixing,):
        mixed: Floats = mixing @ endmembers
        if part_below_zero(mixed).max() <= HOLES:
            return mixed
    return None


def _step(solution: Solution, data: Data) -> Anchored:
    return anchored_once(
        solution.endmembers,
        solution.shares,
        data.edges,
        data.image[data.image.dims[-1]],
        mean_spectrum=data.spectra.mean(axis=0),
        variance_to_mean=data.variance_to_mean,
    )
