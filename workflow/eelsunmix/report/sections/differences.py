"""Section on how the methods differ; and apart from that, on what they agree in by their nature."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.report.content import Block, Cell, Figure, Row, Section, Table, cell, figure_cell
from eelsunmix.report.figures.endmembers import group_names, members_of
from eelsunmix.report.figures.matrices import angles, cross_talk
from eelsunmix.report.first.choice import chosen_label
from eelsunmix.report.formatting import DASH, decimals, percent
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.lights import light_cell

CRITERIA = ("cross-talk", "misfit to BS", "background shape")
"""Criteria of the verdict in which methods of the same subspace differ."""
DIFFERENCES = (
    "What sets the methods apart. Abundances: how far those of the component that differs most are from "
    "{label}, after the best factor, root mean square over that of {label}. Cross-talk: the largest edge in "
    "a component that is not its own. Misfit, with its χ²: what of the profiles (or maps) of BS is not "
    "followed, noise left out."
)
SHAPE = " Background shape: components whose background no material has."
SUBSPACE = (
    "Subspace check, no test of a method: all endmembers are refitted to the counts, and all of their net "
    "counts summed. Methods that span the same space agree here whatever their endmembers are. χ²: median "
    "over the pixels, 1 for noise alone; the rest: correlation r of the map of each edge with BS."
)
CROSS_TALK = (
    "Cross-talk: net counts of each endmember at each edge, divided by those of the endmember that owns "
    "the edge (1), between endmembers of equal total counts. Zero elsewhere in a column means a clean "
    "separation; negative values mean that the spectrum dips there."
)
ANGLES = (
    "Mean noise-weighted spectral angle (rad) between the matched endmembers of two methods; 0 means that "
    "they are the same."
)


def section(inputs: Inputs) -> Section | None:
    """Compare the methods by what differs; nothing where there is none to compare."""
    if not inputs.working:
        return None
    blocks: list[Block] = [_differences(inputs)] if inputs.edges or len(inputs.working) > 1 else []
    if inputs.edges:
        figure = cross_talk(inputs.comparison, inputs.working, list(inputs.edges))
        blocks.append(Figure(name="cross-talk", caption=CROSS_TALK, variants={(): figure}))
    if len(inputs.working) > 1:
        blocks.append(_angles(inputs))
    blocks.append(_subspace(inputs))
    return Section(name="differences", title="How the methods differ", blocks=tuple(blocks))


def _differences(inputs: Inputs) -> Table:
    entries = {(row["method"], row["criterion"]): row for row in inputs.comparison.attrs.get("verdict", [])}
    judged = [
        name
        for name in CRITERIA
        if any(name == key[1] and row.get("light") != "grey" for key, row in entries.items())
    ]
    label = chosen_label(inputs)
    rows = []
    for method in inputs.working:
        lights = (light_cell(entries.get((method, name))) for name in judged)
        cells = (name_cell(inputs, method), _abundances(inputs, method, label), *lights)
        rows.append(Row(method=method, cells=cells))
    return Table(
        caption=DIFFERENCES.format(label=label) + SHAPE * (CRITERIA[-1] in judged),
        columns=("method", "abundances", *judged),
        rows=tuple(rows),
        css="lights",
    )


def name_cell(inputs: Inputs, method: str) -> Cell:
    """Return the name of a method with its line."""
    style = inputs.styles[method]
    return cell(method, colour=style["color"], dash=style["dash"])


def _abundances(inputs: Inputs, method: str, label: str) -> Cell:
    """Say which abundance differs most from that of the label, and by how much."""
    if method == label:
        return cell("what others are compared with")
    members = members_of(inputs.comparison, inputs.working)
    names = group_names(inputs.comparison, members)
    found = {}
    for group, pairs in members.items():
        own = dict(pairs)
        if group >= 0 and method in own and label in own:
            maps = (inputs.maps[one]["abundance"].isel(endmember=own[one]) for one in (method, label))
            found[names[group]] = relative_difference(*maps)
        elif group >= 0 and label in own:
            return cell(f"has no {names[group]}")
    if not found:
        return cell(DASH)
    worst = max(found, key=lambda name: found[name])
    return cell(percent(round(found[worst], 3)), note=worst)


def relative_difference(values: xr.DataArray, reference: xr.DataArray) -> float:
    """Return rms of what is left of a map after the best factor on it, over the rms of the reference.

    Examples
    --------
    >>> one = xr.DataArray([[0.0, 1.0], [2.0, 3.0]])
    >>> relative_difference(5 * one, one), round(relative_difference(one + 1, one), 3)
    (0.0, 0.218)
    """
    ours, theirs = (np.nan_to_num(np.asarray(one.values, dtype=float)) for one in (values, reference))
    power, reference_power = float((ours**2).sum()), float((theirs**2).sum())
    if power == 0 or reference_power == 0:
        return 0.0 if power == reference_power else 1.0
    left = float((theirs * ours).sum()) / power * ours - theirs
    return float(np.sqrt((left**2).sum() / reference_power))


def _subspace(inputs: Inputs) -> Table:
    rows = []
    for method in inputs.working:
        one = inputs.comparison.sel({"label": method})
        numbers: Sequence[Any] = [one["reconstruction_chi2"].item()]
        numbers = [*numbers, *(one["subspace_correlation"].sel(edge=edge).item() for edge in inputs.edges)]
        cells = (figure_cell(decimals(value, 2 if k == 0 else 3)) for k, value in enumerate(numbers))
        rows.append(Row(method=method, cells=(name_cell(inputs, method), *cells)))
    columns = ("method", "χ² of the refit", *(f"r, {edge.replace('_', ' ')}" for edge in inputs.edges))
    return Table(caption=SUBSPACE, heading="Subspace check", columns=columns, rows=tuple(rows), css="small")


def _angles(inputs: Inputs) -> Figure:
    both = {"label": inputs.working, "other_label": inputs.working}
    values = np.asarray(inputs.comparison["sad_between"].sel(both).values, dtype=float)
    return Figure(name="angles", caption=ANGLES, variants={(): angles(values, inputs.working)})
