"""Edges whose windows hold channels without data: their background subtraction is no reference."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.edges import Edge
from eelsunmix.energy.channels import channel_bounds, window_channels
from eelsunmix.energy.units import channel_energies
from eelsunmix.typing import Bools, Floats

UNMEASURED = (
    "The {window} window {low:g}-{high:g} eV holds channels in which the detector recorded nothing, from "
    "{first:.6g} to {last:.6g} eV: their zeros are taken for counts. Choose edges.{name}.{key} without them."
)
INTERPOLATED = (
    "{percent:.0f} % of the integration window {low:g}-{high:g} eV lie in bad channels that were replaced by "
    "straight lines: its net counts are a guess. Choose edges.{name}.integrate_eV without them; "
    "corrections.bad_channels.max_taken_percent ({limit:g}) says how many are allowed."
)
INTERPOLATED_FIT = (
    "{percent:.0f} % of the fit window {low:g}-{high:g} eV lie in bad channels that were replaced by "
    "straight lines: the background rests on the others, and its deviation is larger than stated. Choose "
    "edges.{name}.fit_eV without them."
)
MOST_OF_A_FIT = 25.0
"""Per cent of a fit window that may be replaced: standard deviations are then stated 15 % too small."""


def in_windows(image: xr.DataArray, edges: Mapping[str, Edge]) -> dict[str, list[str]]:
    """Name the edges that channels without data lie in the way of.

    Parameters
    ----------
    image : DataArray, shape (..., channel)
        With the attribute `channels_without_data`, if there are such channels.
    edges : mapping of str to Edge

    Returns
    -------
    dict of str to list of str
        Edge -> sentences; only edges with any.
    """
    known = image.attrs.get("channels_without_data")
    if not known:
        return {}
    energy = channel_energies(image)
    found = {name: _of_edge(name, edge, energy, known) for name, edge in edges.items()}
    return {name: texts for name, texts in found.items() if texts}


def _of_edge(name: str, edge: Edge, energy: Floats, known: Mapping[str, Any]) -> list[str]:
    return [
        *_unmeasured(name, edge, energy, known["unmeasured_eV"]),
        *_interpolated(name, edge, energy, known),
    ]


def _unmeasured(name: str, edge: Edge, energy: Floats, ranges: list[list[float]]) -> list[str]:
    windows = {"fit": ("fit_eV", edge.fit_eV), "integration": ("integrate_eV", edge.integrate_eV)}
    lost = _covered(energy, ranges)
    texts = []
    for window, (key, (low, high)) in windows.items():
        first, stop = window_channels((low, high), energy)
        inside = energy[first:stop][lost[first:stop]]
        if inside.size:
            place = {"low": low, "high": high, "first": inside[0], "last": inside[-1]}
            texts.append(UNMEASURED.format(window=window, name=name, key=key, **place))
    return texts


def _interpolated(name: str, edge: Edge, energy: Floats, known: Mapping[str, Any]) -> list[str]:
    asked = (
        (INTERPOLATED_FIT, edge.fit_eV, MOST_OF_A_FIT),
        (INTERPOLATED, edge.integrate_eV, known["max_interpolated_percent"]),
    )
    covered, texts = _covered(energy, known["interpolated_eV"]), []
    for text, (low, high), limit in asked:
        share = covered[slice(*window_channels((low, high), energy))]
        percent = 100 * float(share.mean()) if share.size else 0.0
        if percent > limit:
            texts.append(text.format(percent=percent, name=name, low=low, high=high, limit=limit))
    return texts


def _covered(energy: Floats, ranges: list[list[float]]) -> Bools:
    """Channels that a range reaches into by more than a tenth, whatever they were binned from."""
    bounds = channel_bounds(energy)
    margin = 0.1 * np.diff(bounds)
    covered = np.zeros(energy.size, dtype=bool)
    for low, high in ranges:
        covered |= (bounds[:-1] + margin < high) & (bounds[1:] - margin > low)
    return covered
