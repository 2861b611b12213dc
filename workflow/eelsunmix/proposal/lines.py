"""From a spectrum image of X-rays to the lines that it shows, with names, windows, and what is unsure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.edge_windows import NoRoomError, span_of
from eelsunmix.edges import Edge, as_requests
from eelsunmix.energy.channels import channel_bounds
from eelsunmix.line_choice import choose_line
from eelsunmix.line_table import RESOLUTION_EV, full_width, single_lines
from eelsunmix.line_windows import REACH, share_inside
from eelsunmix.proposal.axis import LIKELY
from eelsunmix.proposal.line_naming import NamedLine, name_lines
from eelsunmix.typing import Floats

MOVED_EV = 8.0
"""An axis that is off by less is left as it is: lines tell it to some eV."""
OTHER_WIDTH_EV = 10.0
"""A detector that differs so much from usual ones in its FWHM of Mn Ka is described."""
AGREEMENT = 0.25
"""Part by which net counts between windows that hold other lines may differ from a fit of all lines."""


@dataclass(frozen=True, kw_only=True)
class ProposedLine:
    """A line that was found.

    Parameters
    ----------
    named : NamedLine
    edge : Edge or None
        With its windows; None where it is not proposed.
    fields : dict
        Windows that have to be written: they avoid lines that are not proposed, or hold dim ones.
    reason : str
        Why it is not proposed; empty where it is.
    """

    named: NamedLine
    edge: Edge | None = None
    fields: dict[str, list[float]] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class LineProposal:
    """Lines that were found, by energy, and what is to be written of the axis.

    Parameters
    ----------
    lines : tuple of ProposedLine
    offset_eV, resolution_eV : float
        By how much the energies as read are too high; FWHM of Mn Ka.
    written_axis : dict
        Empty where the axis is right.
    """

    lines: tuple[ProposedLine, ...]
    offset_eV: float
    resolution_eV: float
    written_axis: dict[str, float]


def propose_lines(mean_spectrum: Floats, n_pixels: int, energies: Floats) -> LineProposal:
    """Find the lines of an image of X-rays and choose names and windows.

    Parameters
    ----------
    mean_spectrum : ndarray, shape (channel,)
        Photons per pixel.
    n_pixels : int
    energies : ndarray, shape (channel,)
        In eV.
    """
    named, offset, resolution = name_lines(energies, np.maximum(mean_spectrum * n_pixels, 0.0))
    written = {}
    if abs(offset) >= MOVED_EV and named:
        written["offset_keV"] = round((float(energies[0]) - offset) / 1000, 4)
    if abs(resolution - RESOLUTION_EV) >= OTHER_WIDTH_EV and named:
        written["resolution_eV"] = resolution
    right = energies - offset if "offset_keV" in written else energies
    axis = xr.DataArray(
        right,
        dims="energy",
        name="energy",
        attrs={"units": "eV", "resolution_eV": written.get("resolution_eV", RESOLUTION_EV)},
    )
    lines = sorted(_with_windows(named, axis, mean_spectrum * n_pixels), key=lambda one: one.named.energy_eV)
    return LineProposal(lines=tuple(lines), offset_eV=offset, resolution_eV=resolution, written_axis=written)


def _with_windows(named: Sequence[NamedLine], axis: xr.DataArray, counts: Floats) -> list[ProposedLine]:
    """Choose windows that avoid the lines of all that was found, also of what is left out; dim ones last."""
    likely = {one.name: one for one in named if one.chance >= LIKELY}
    edges: dict[str, Edge] = {}
    reasons = {one.name: "too unsure" for one in named if one.name not in likely}
    for name in likely:
        try:
            edges[name] = _choose(name, likely, axis)
        except NoRoomError as reason:
            if edge := _between_dim_lines(name, likely, axis, counts):
                edges[name] = edge
            else:
                reasons[name] = str(reason).partition("; write ")[0]
    return [
        ProposedLine(
            named=one,
            edge=edges.get(one.name),
            fields=_to_be_written(one.name, edges, axis),
            reason=reasons.get(one.name, ""),
        )
        for one in named
    ]


def _between_dim_lines(
    name: str, likely: Mapping[str, NamedLine], axis: xr.DataArray, counts: Floats
) -> Edge | None:
    """Choose windows that hold lines of other elements, the dimmest first; None if net counts show it."""
    named, resolution = likely[name], float(axis.attrs["resolution_eV"])
    reach = REACH * full_width(named.energy_eV, resolution)
    window = (named.energy_eV - reach, named.energy_eV + reach)
    beside = {one: _photons(other, window, resolution) for one, other in likely.items() if one != name}
    order = sorted(beside, key=lambda one: beside[one])
    for number in range(1, len(order) + 1):
        try:
            edge = _choose(name, [name, *order[number:]], axis)
        except NoRoomError:
            continue
        expected = _photons(named, edge.integrate_eV, resolution)
        measured = _net_counts(edge, axis.to_numpy(), counts)
        return edge if abs(measured - expected) < AGREEMENT * expected else None
    return None


def _net_counts(edge: Edge, energies: Floats, counts: Floats) -> float:
    signal, *sides = (
        counts[(energies >= low) & (energies < high)]
        for low, high in (edge.integrate_eV, edge.fit_eV, edge.fit_above_eV or edge.fit_eV)
    )
    return float(signal.sum() - signal.size * (sides[0].mean() + sides[1].mean()) / 2)


def _photons(named: NamedLine, window: tuple[float, float], resolution_eV: float) -> float:
    """Photons of the lines of an element in a window."""
    lines = single_lines()[named.element]
    return sum(
        named.photons.get(one.family[0], 0.0) * share_inside(one, window, resolution_eV) for one in lines
    )


def _choose(name: str, names: Mapping[str, Any] | Sequence[str], axis: xr.DataArray) -> Edge:
    requests = as_requests(list(names))
    span = span_of(channel_bounds(axis.to_numpy()))
    return choose_line(name, requests[name], requests, span, float(axis.attrs["resolution_eV"]))[1]


def _to_be_written(name: str, edges: Mapping[str, Edge], axis: xr.DataArray) -> dict[str, list[float]]:
    """Return windows that the names which are proposed would not give by themselves."""
    if name not in edges:
        return {}
    keys = ("fit_eV", "integrate_eV", "fit_above_eV")
    try:
        alone: Edge | None = _choose(name, edges, axis)
    except NoRoomError:
        alone = None
    return {
        key: list(getattr(edges[name], key))
        for key in keys
        if alone is None or getattr(alone, key) != getattr(edges[name], key)
    }
