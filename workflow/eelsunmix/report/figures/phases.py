"""The phase map: a colour for each component, paler where it is less sure that it is the largest."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.comparison.names import component_name
from eelsunmix.report.figures.endmembers import group_names, members_of
from eelsunmix.report.figures.grid import Scale, Tile, is_flat, map_grid
from eelsunmix.report.figures.mapview import MapView
from eelsunmix.report.figures.style import HALF_WIDTH, WIDTH, component_colour
from eelsunmix.report.texts import plain

PROBABILITY = "probability"
LEAST = 0.5
"""Probability that the largest of two is the largest, where nothing is known."""
_TINT = 0.12
"""Part of its colour that a phase keeps there."""
_LINE = 46
"""Characters of a line of the legend, which fits on half of the page, and on a telephone."""


@dataclass(frozen=True)
class Phase:
    """A component of the method whose phases are mapped: its name and colour, as in the other figures."""

    number: int
    name: str
    colour: str

    @property
    def short(self) -> str:
        """The number that it is called by where its name stands nearby.

        Examples
        --------
        >>> Phase(0, "2 · Ti+O", "#0072B2").short, Phase(0, "component 2", "#0072B2").short
        ('2', 'component 2')
        """
        return self.name.partition(" · ")[0]


def phases_of(comparison: xr.Dataset, methods: Sequence[str]) -> list[Phase]:
    """Return the components of the method whose phases are mapped; `methods` are those with a result."""
    label = str(comparison.attrs["phase_method"])
    members = members_of(comparison, methods)
    names, groups = group_names(comparison, members), list(members)
    found = []
    for group, own in members.items():
        for number in (number for method, number in own if method == label):
            known = group >= 0
            place = groups.index(group) if known else len(groups) + number
            name = names[group] if known else component_name(comparison.sel({"label": label}), number)
            found.append(Phase(number, name, component_colour(place)))
    return sorted(found, key=lambda one: one.number)


def phase_map(maps: xr.Dataset, phases: Sequence[Phase], view: MapView) -> dict[str, Any]:
    """Draw the phase of every pixel.

    Parameters
    ----------
    maps : Dataset
        ``phase`` and ``phase_confidence`` of the comparison.
    phases : sequence of Phase
    view : MapView
        Where it averages pixels, the commonest phase of them is shown.
    """
    figure = confidence_map(maps, view)
    (trace, *lines), layout = figure["data"], figure["layout"]
    confidence = view.image(maps["phase_confidence"])
    parts = np.array([_part(maps["phase"], one, view) for one in phases])
    shown = np.where(parts.max(axis=0) > 0, parts.argmax(axis=0), -1)
    fixed = {key: value for key, value in trace.items() if key != "coloraxis"}
    heatmaps = [
        {
            **fixed,
            "z": np.where(shown == place, confidence, np.float32(np.nan)),
            "zmin": LEAST,
            "zmax": 1.0,
            "colorscale": [[0, _tinted(one.colour)], [1, _tinted(one.colour, 1.0)]],
            "showscale": False,
            "hovertemplate": trace["hovertemplate"].replace("<extra>", f"<extra>{plain(one.name)}"),
            "meta": {"name": plain(one.name), "unit": PROBABILITY, "method": ""},
        }
        for place, one in enumerate(phases)
    ]
    return {"data": [*heatmaps, *lines], "layout": _with_legend(layout, phases)}


def confidence_map(maps: xr.Dataset, view: MapView) -> dict[str, Any]:
    """Draw the probability that the phase of a pixel exceeds the next one; a flat map as wide as the page."""
    tile = Tile(
        title="",
        image=view.image(maps["phase_confidence"]),
        scale=Scale(low=LEAST, high=1.0, unit=PROBABILITY),
    )
    if is_flat(view):
        return map_grid([tile], view, columns=1, width=WIDTH, widest=WIDTH)
    return map_grid([tile], view, columns=1, width=HALF_WIDTH)


def _part(phase: xr.DataArray, one: Phase, view: MapView) -> np.ndarray:
    """Part of each displayed pixel that is a phase."""
    return np.nan_to_num(view.image((phase == one.number).where(phase >= 0)))


def _tinted(colour: str, part: float = _TINT) -> str:
    """Mix a colour with white.

    Examples
    --------
    >>> _tinted("#D55E00", 0.5), _tinted("#D55E00", 1)
    ('rgb(234,174,128)', 'rgb(213,94,0)')
    """
    red, green, blue = (round(255 - part * (255 - value)) for value in bytes.fromhex(colour[1:]))
    return f"rgb({red},{green},{blue})"


def _with_legend(layout: dict[str, Any], phases: Sequence[Phase]) -> dict[str, Any]:
    """Write the names in their colours above the map, in as many lines as they need."""
    lines, width = [""], 0
    for one in phases:
        if width and width + len(one.name) > _LINE:
            lines, width = [*lines, ""], 0
        width += len(one.name) + 4
        lines[-1] += f'<span style="color:{_tinted(one.colour, 1.0)}">■</span> {plain(one.name)}   '
    more = 16 * (len(lines) - 1)
    title, *others = layout["annotations"]
    return layout | {
        "annotations": [{**title, "text": "<br>".join(lines), "align": "left"}, *others],
        "height": layout["height"] + more,
        "margin": layout["margin"] | {"t": layout["margin"]["t"] + more},
        "meta": layout["meta"] | {"fixed": layout["meta"]["fixed"] + more},
    }
