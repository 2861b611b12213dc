"""Where a method fits the mean spectrum worst, in words."""

import numpy as np

from eelsunmix.report.formatting import in_words, number, tidy
from eelsunmix.report.inputs import Inputs

CHANCE = 4.0
"""Standard deviations that noise alone exceeds in one of 16 000 channels."""


def worst_misfit(inputs: Inputs, method: str) -> str:
    """Say where the mean residual of a method's refit is largest; nothing where noise explains all of it.

    Returns
    -------
    str
        In standard deviations, as a part of the counts, and at which energy, with the edge that is there.
    """
    store, counts = inputs.maps[method], inputs.corrected["mean_spectrum"].values
    residual, sd = (store[name].values for name in ("mean_residual", "mean_residual_sd"))
    sigmas = residual / np.where(sd > 0, sd, np.nan)
    if not (np.abs(sigmas) > CHANCE).any():
        return ""
    at = int(np.nanargmax(np.abs(sigmas)))
    place = f"{tidy(inputs.energy[at], 4)} {inputs.energy_unit}{_edge_at(inputs, float(inputs.energy[at]))}"
    said = f"{number(sigmas[at], 2)} σ at {place}"
    if not abs(residual[at]) <= counts[at]:
        return f"{said}, where hardly anything was counted"
    return f"{said}, {number(100 * residual[at] / counts[at], 2)} % of the counts"


def _edge_at(inputs: Inputs, energy: float) -> str:
    """Name the edge in whose window of integration an energy lies: of several the one that begins last."""
    windows = {name: one["integrate"] for name, one in inputs.edges.items() if "integrate" in one}
    there = {name: low for name, (low, high) in windows.items() if low <= energy <= high}
    return f" ({in_words(max(there, key=lambda name: there[name]))})" if there else ""
