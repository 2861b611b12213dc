"""Colour scales of a grid of maps: which tiles share one, where its bar stands; and the scale bar in nm."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from eelsunmix.report.figures.layout import Panels
from eelsunmix.report.figures.mapview import MapView, nice_length
from eelsunmix.report.figures.style import SEQUENTIAL, label
from eelsunmix.report.formatting import number, tidy
from eelsunmix.report.texts import plain

Bars = Literal["figure", "column", "row", "tile", "text"]
"""Where colour bars go: one for the figure, below each column, right of each row, or beside each tile; where
the tiles are too many for that, the limits are written above each of them."""

MOST_BARS = 5
"""More columns than this leave no room for a bar beside each tile."""

SHORT = 60
"""Tiles lower than this (px) get colour bars with their ends labelled only."""

_HALO = (("rgba(0,0,0,0.6)", 6), ("rgb(255,255,255)", 3))
"""Colours and widths of the scale bar; white in words that a dark page does not turn around."""


@dataclass(frozen=True, kw_only=True)
class Scale:
    """A colour scale; tiles with equal scales share one colour bar where it stands for all of them."""

    low: float
    high: float
    unit: str
    colours: Any = SEQUENTIAL


@dataclass(frozen=True, kw_only=True)
class Tile:
    """One map of a grid; one without image says why in `message`; choosing `method` hides and shows it."""

    title: str
    image: np.ndarray | None
    scale: Scale
    message: str = ""
    method: str = ""


def bar_places(tiles: Sequence[Tile], columns: int) -> Bars:
    """Find the fewest colour bars that explain all tiles."""
    scales = [None if tile.image is None else repr(tile.scale) for tile in tiles]
    if len(set(scales) - {None}) <= 1:
        return "figure"
    if len(tiles) > columns:
        if all(len(set(scales[c::columns]) - {None}) <= 1 for c in range(columns)):
            return "column"
        rows = range(0, len(scales), columns)
        if columns > 1 and all(len(set(scales[r : r + columns]) - {None}) <= 1 for r in rows):
            return "row"
    return "tile" if columns <= MOST_BARS else "text"


def scale_keys(tiles: Sequence[Tile], columns: int, bars: Bars) -> list[str]:
    """Name plotly's colour axis of each tile; those that share a colour bar share it."""
    keys: dict[tuple[str, int], str] = {}
    found = []
    for index, tile in enumerate(tiles):
        group = {"tile": index, "row": index // columns, "column": index % columns}.get(bars, 0)
        place = (repr(tile.scale), group)
        if tile.image is not None and place not in keys:
            keys[place] = f"coloraxis{len(keys) + 1}" if keys else "coloraxis"
        found.append(keys.get(place, ""))
    return found


def colour_axes(tiles: Sequence[Tile], panels: Panels, bars: Bars) -> dict[str, Any]:
    """Describe each scale once, its bar where `bars` says."""
    axes: dict[str, Any] = {}
    for index, (tile, key) in enumerate(zip(tiles, scale_keys(tiles, panels.columns, bars), strict=True)):
        if tile.image is not None and key not in axes:
            axes[key] = {"cmin": tile.scale.low, "cmax": tile.scale.high, "colorscale": tile.scale.colours}
            shown = {"colorbar": _bar(index, panels, bars, tile.scale)}
            axes[key] |= {"showscale": False} if bars == "text" else shown
    return axes


def scale_bar(
    view: MapView, span: dict[str, tuple[float, float]]
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Draw a bar of a round length into the lower left corner of the first tile.

    Parameters
    ----------
    view : MapView
    span : dict
        Both ends of the axes ``x`` and ``y``.

    Returns
    -------
    tuple
        Shapes and one annotation of plotly.
    """
    length = nice_length(view.extent(view.across) * 0.3)
    start = span[view.across][0] + 0.05 * view.extent(view.across)
    height = span[view.down][1] - 0.07 * view.extent(view.down)
    ends = {"type": "line", "x0": start, "x1": start + length, "y0": height, "y1": height}
    lines = [{**ends, "line": {"color": colour, "width": width}} for colour, width in _HALO]
    text = label(f"{tidy(length)} {plain(view.unit)}", x=start + length / 2, y=height, xref="x", yref="y")
    white = {"font": {"size": 11, "color": "#fff"}, "bgcolor": "rgba(0,0,0,0.55)", "borderpad": 1}
    place = {"xref": "x", "yref": "y", "name": "first"}
    text |= {**white, "yanchor": "bottom", "yshift": 3, "name": "first"}
    return [{**one, **place} for one in lines], text


def _bar(index: int, panels: Panels, bars: Bars, scale: Scale) -> dict[str, Any]:
    place = {"column": _below, "figure": _right_of_all}.get(bars)
    if place is None:
        last = index if bars == "tile" else (panels.place(index)[0] + 1) * panels.columns - 1
        return _common(scale) | _beside(last, panels, scale)
    return _common(scale) | place(index, panels, scale)


def _common(scale: Scale) -> dict[str, Any]:
    title = {"text": plain(scale.unit), "font": {"size": 11}, "side": "right"}
    small = {"thickness": 9, "outlinewidth": 0, "tickfont": {"size": 10}, "xpad": 0, "ypad": 0}
    return {**small, "title": title, "exponentformat": "SI"}


def _below(index: int, panels: Panels, scale: Scale) -> dict[str, Any]:
    left, right = panels.domain_x(index)
    place = {"orientation": "h", "x": left, "xanchor": "left", "len": right - left, "yanchor": "top"}
    # Four digits and a gap: numbers of a narrow bar would stand in each other.
    few = max(3, min(5, int(panels.panel_width / 45)))
    return {**place, "y": -58 / panels.plot_height, "nticks": few, "tickangle": 0, "title": {"text": ""}}


def _beside(index: int, panels: Panels, scale: Scale) -> dict[str, Any]:
    right, (bottom, top) = panels.domain_x(index)[1], panels.domain_y(index)
    place: dict[str, Any] = {"x": right + 7 / panels.plot_width, "y": bottom, "len": top - bottom}
    place |= {"xanchor": "left", "yanchor": "bottom", "nticks": 4}
    if panels.panel_height < SHORT:
        ends = [scale.low, scale.high]
        return {
            **place,
            "tickvals": ends,
            "ticktext": [number(end, 2) for end in ends],
            "title": {"text": ""},
        }
    if scale.low == -scale.high:  # few ticks at round numbers may leave zero alone
        ends = [scale.low, 0.0, scale.high]
        return {**place, "tickvals": ends, "ticktext": [number(end, 2) for end in ends]}
    return place


def _right_of_all(index: int, panels: Panels, scale: Scale) -> dict[str, Any]:
    length = max(min(1.0, 300 / panels.plot_height), 90 / panels.plot_height)
    place = {"x": 1 + 12 / panels.plot_width, "y": 1, "len": length, "xanchor": "left", "yanchor": "top"}
    return {**place, "nticks": 5}
