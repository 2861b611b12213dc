"""How thickness bends the background: a direction of nuisance, learned from pixels that show no edge.

Where no region without edges is named, such pixels are looked for in the windows of the edges: each spectrum
gets its own background there, so that a bent one is not left out. What is learned may still be composition.
Two things tell: composition does not change the brightness by itself, and it lies in the span of the
differences between endmembers.
"""

from dataclasses import dataclass

import numpy as np

from eelsunmix.anchored_fit import net_counts_of_elements
from eelsunmix.image import spread_out
from eelsunmix.nuisance import EXCESS, LEAST_PIXELS, SAMPLE_PIXELS
from eelsunmix.numerics.nuisance import Nuisance, find_nuisance
from eelsunmix.recommendation.data import Data
from eelsunmix.recommendation.solution import Solution
from eelsunmix.typing import Bools, Floats, Indices

NO_EDGE = 0.08
"""Largest part of the edges of a pure pixel that one without them may seem to have."""
MOST_COMPOSITION = 0.8
"""Largest part of a direction (squared) among the differences of endmembers. Measured: .62 to .64 where the
background is bent, .91 to .99 where composition was taken for it."""


@dataclass(frozen=True, kw_only=True)
class Bending:
    """A direction of nuisance, or why there is none.

    Parameters
    ----------
    nuisance : Nuisance, optional
    reason : str
    """

    nuisance: Nuisance | None = None
    reason: str


def find_bending(solution: Solution, data: Data) -> Bending:
    """Learn along which direction the material without edges differs from itself.

    Parameters
    ----------
    solution : Solution
        Of averages, of an image of variable brightness.
    data : Data
        With edges.
    """
    energy, mean = data.image[data.image.dims[-1]], data.spectra.mean(axis=0)
    net = net_counts_of_elements(solution.endmembers, data.edges, energy, mean)[0]
    owners = net.argmax(axis=0)
    free = np.setdiff1d(np.arange(len(net)), owners)
    if len(free) != 1 or len(set(owners.tolist())) < len(owners):
        return Bending(reason="edges do not leave one material without any, from which bending is learned")
    pixels = _without_edges(solution, data, net, owners, int(free[0]))
    if pixels.sum() < LEAST_PIXELS:
        return Bending(reason=f"only {pixels.sum()} pixels show no edge, too few to learn bending from")
    chosen = spread_out(np.flatnonzero(pixels), SAMPLE_PIXELS)
    return _judged(data.spectra[chosen], solution, data, owners, int(free[0]))


def _without_edges(solution: Solution, data: Data, net: Floats, owners: Indices, free: int) -> Bools:
    """Find pixels whose averages have the edges of the material without any, but for little."""
    spectra = np.maximum(data.averages[solution.average], 1e-3)
    energy, mean = data.image[data.image.dims[-1]], data.spectra.mean(axis=0)
    found = net_counts_of_elements(spectra, data.edges, energy, mean)[0]
    brightness = spectra.sum(axis=1, keepdims=True) / solution.endmembers[free].sum()
    own = net[owners, np.arange(len(owners))]
    parts = (found / brightness - net[free]) / (own - net[free])
    none: Bools = np.asarray((np.abs(parts) < NO_EDGE).all(axis=1))
    return none


def _judged(spectra: Floats, solution: Solution, data: Data, owners: Indices, free: int) -> Bending:
    nuisance, excess = find_nuisance(spectra, 1, data.variance_to_mean)
    said = f"{len(spectra)} pixels that show no edge differ by {excess[0]:.3g} times what noise gives"
    if excess[0] <= EXCESS:
        return Bending(reason=f"{said}: no bending")
    share = _composition(nuisance.directions[0], spectra.mean(axis=0), solution, data.weight, owners, free)
    if share > MOST_COMPOSITION:
        return Bending(reason=f"{said}, but along what endmembers differ in ({100 * share:.0f} %)")
    return Bending(nuisance=nuisance, reason=f"{said}: the background bends, which is taken out")


def _composition(
    direction: Floats, typical: Floats, solution: Solution, weight: Floats, owners: Indices, free: int
) -> float:
    """Part of a direction that lies among the differences of endmembers, all but for their brightness."""
    unit = typical / weight / np.linalg.norm(typical / weight)
    rows = np.vstack([direction, solution.endmembers[owners] - solution.endmembers[free]]) / weight
    rows -= np.outer(rows @ unit, unit)
    basis = np.linalg.qr(rows[1:].T)[0]
    return float(np.sum((basis.T @ rows[0]) ** 2) / np.sum(rows[0] ** 2))
