"""A grid of maps with equal aspect, common zoom, colour bars and a scale bar."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eelsunmix.report.formatting import plain, tidy
from eelsunmix.report.layout import Panels, axis_key, axis_name
from eelsunmix.report.mapview import MapView, nice_length
from eelsunmix.report.style import NO_DATA, SEQUENTIAL, WIDTH, axis, base_layout, label


@dataclass(frozen=True, kw_only=True)
class Scale:
    """A colour scale; tiles with equal scales share one colour bar."""

    low: float
    high: float
    unit: str
    colours: Any = SEQUENTIAL


@dataclass(frozen=True, kw_only=True)
class Tile:
    """One map of a grid; one without image says why in `message`."""

    title: str
    image: np.ndarray | None
    scale: Scale
    message: str = ""


def map_grid(
    tiles: Sequence[Tile],
    view: MapView,
    *,
    columns: int,
    row_titles: Sequence[str] = (),
    width: float = WIDTH,
    widest: float = 420,
) -> dict[str, Any]:
    """Draw maps side by side.

    Parameters
    ----------
    tiles : sequence of Tile
        Row by row.
    view : MapView
    columns : int
        Tiles in a row.
    row_titles : sequence of str
        Text left of each row; only the top row has titles above its tiles then.
    width, widest : float
        Width of the figure and the largest width of a tile, in px.
    """
    bars = _bar_places(tiles, columns)
    panels = _panels(len(tiles), columns, view, bars, bool(row_titles), width, widest)
    layout = base_layout(0, showlegend=False, plot_bgcolor=NO_DATA) | panels.layout(scale_height=True)
    for index in range(len(tiles)):
        layout |= _axes(index, panels, view)
    layout["annotations"] = _titles(tiles, panels, row_titles) + _messages(tiles)
    layout |= _colour_axes(tiles, panels, bars)
    if panels.panel_height >= 45:
        layout["shapes"], text = _scale_bar(view)
        layout["annotations"].append(text)
    return {"data": _traces(tiles, view), "layout": layout}


def columns_for(count: int, view: MapView) -> int:
    """Return how many tiles side by side suit the shape of the maps: long maps get fewer, wider tiles."""
    if view.aspect <= 0.35:
        return max(1, min(3 if view.aspect > 0.2 else 2, count))
    return count if count <= 5 else 5 if count in (9, 10) else 4


def _bar_places(tiles: Sequence[Tile], columns: int) -> str:
    """Where colour bars go: one for the whole figure, one below each column, or one beside each tile."""
    scales = [None if tile.image is None else repr(tile.scale) for tile in tiles]
    by_column = [set(scales[c::columns]) - {None} for c in range(columns)]
    if len(set().union(*by_column)) <= 1:
        return "figure"
    uniform = all(len(found) <= 1 for found in by_column)
    return "column" if uniform and len(tiles) > columns else "tile"


def _panels(
    count: int, columns: int, view: MapView, bars: str, row_titles: bool, width: float, widest: float
) -> Panels:
    left, right = (150.0 if row_titles else 62.0), {"figure": 92.0, "column": 16.0, "tile": 70.0}[bars]
    gap_x = 74.0 if bars == "tile" else 18.0
    panel_width = min(widest, (width - left - right - (columns - 1) * gap_x) / columns)
    spare = width - left - right - columns * panel_width - (columns - 1) * gap_x
    return Panels(
        count=count,
        columns=columns,
        panel_width=panel_width,
        panel_height=max(12.0, panel_width * view.aspect),
        gap_x=gap_x,
        gap_y=8 if row_titles else 32,
        left=left,
        right=right + spare,
        top=30,
        bottom=112 if bars == "column" else 48,
    )


def _axes(index: int, panels: Panels, view: MapView) -> dict[str, Any]:
    """Both axes of a tile: labelled at the left and at the bottom of the grid, zoomed together."""
    lowest, leftmost = panels.is_lowest(index), panels.place(index)[1] == 0
    tall = panels.panel_height >= 60
    low, high = _span(view, view.across)
    top, bottom = _span(view, view.down)
    common = {"showgrid": False, "ticklen": 3}
    across = axis(
        f"{view.across} ({view.unit})" if lowest else "",
        domain=panels.domain_x(index),
        anchor=axis_name("y", index),
        range=[low, high],
        showticklabels=lowest,
        nticks=max(3, int(panels.panel_width / 50)),
        **common,
        **({"matches": "x"} if index else {}),
    )
    down = axis(
        f"{view.down} ({view.unit})" if leftmost and tall else "",
        domain=panels.domain_y(index),
        anchor=axis_name("x", index),
        range=[bottom, top],
        showticklabels=leftmost and panels.panel_height >= 24,
        nticks=max(2, int(panels.panel_height / 26)),
        **common,
        **({"matches": "y"} if index else {}),
    )
    return {axis_key("x", index): across, axis_key("y", index): down}


def _span(view: MapView, name: str) -> tuple[float, float]:
    start = view.origin[name] - abs(view.step[name]) / 2
    return start, start + view.extent(name)


def _traces(tiles: Sequence[Tile], view: MapView) -> list[dict[str, Any]]:
    keys = _scale_keys(tiles)
    place = {"x0": view.origin[view.across], "dx": view.step[view.across]}
    place |= {"y0": view.origin[view.down], "dy": view.step[view.down]}
    where = f"{view.across} %{{x:.4g}} {view.unit}, {view.down} %{{y:.4g}} {view.unit}"
    traces = []
    for index, tile in enumerate(tiles):
        axes = {"xaxis": axis_name("x", index), "yaxis": axis_name("y", index)}
        hover = f"{where}<br>%{{z:.4g}} {plain(tile.scale.unit)}<extra>{tile.title}</extra>"
        if tile.image is None:
            traces.append({"type": "scatter", "x": [], "y": [], "showlegend": False, **axes})
            continue
        colours = {"coloraxis": keys[repr(tile.scale)], "hovertemplate": hover, "hoverongaps": False}
        traces.append({"type": "heatmap", "z": tile.image, **colours, **place, **axes})
    return traces


def _titles(tiles: Sequence[Tile], panels: Panels, row_titles: Sequence[str]) -> list[dict[str, Any]]:
    found = []
    for index, tile in enumerate(tiles):
        row, column = panels.place(index)
        if row == 0 or not row_titles:
            options = {"x": 0, "y": 1, "xanchor": "left", "yanchor": "bottom", "yshift": 1}
            found.append(label(tile.title, **options, **_domain(index)))
        if column == 0 and row < len(row_titles):
            options = {"x": 0, "y": 0.5, "xanchor": "right", "xshift": -62, "align": "right"}
            found.append(label(f"<b>{row_titles[row]}</b>", **options, **_domain(index)))
    return found


def _messages(tiles: Sequence[Tile]) -> list[dict[str, Any]]:
    return [
        label(tile.message, x=0.5, y=0.5, font={"size": 11, "color": "#3b424a"}, **_domain(index))
        for index, tile in enumerate(tiles)
        if tile.image is None
    ]


def _domain(index: int) -> dict[str, str]:
    return {"xref": f"{axis_name('x', index)} domain", "yref": f"{axis_name('y', index)} domain"}


def _scale_keys(tiles: Sequence[Tile]) -> dict[str, str]:
    """Name plotly's colour axis of every distinct scale."""
    keys: dict[str, str] = {}
    for tile in tiles:
        if tile.image is None:
            continue
        keys.setdefault(repr(tile.scale), f"coloraxis{len(keys) + 1}" if keys else "coloraxis")
    return keys


def _colour_axes(tiles: Sequence[Tile], panels: Panels, bars: str) -> dict[str, Any]:
    """Describe each scale once, its bar next to the first tile that uses it."""
    keys = _scale_keys(tiles)
    axes: dict[str, Any] = {}
    for index, tile in enumerate(tiles):
        key = keys.get(repr(tile.scale), "")
        if tile.image is not None and key not in axes:
            bar = _bar(index, panels, bars, tile.scale)
            colours = {"cmin": tile.scale.low, "cmax": tile.scale.high, "colorscale": tile.scale.colours}
            axes[key] = {**colours, "colorbar": bar}
    return axes


def _bar(index: int, panels: Panels, bars: str, scale: Scale) -> dict[str, Any]:
    (left, right), (bottom, top) = panels.domain_x(index), panels.domain_y(index)
    common = {"thickness": 9, "outlinewidth": 0, "tickfont": {"size": 10}, "xpad": 0, "ypad": 0}
    unit = {"text": plain(scale.unit), "font": {"size": 11}}
    if bars == "column":
        place = {"orientation": "h", "x": left, "xanchor": "left", "len": right - left}
        below = -62 / panels.plot_height
        return {
            **common,
            **place,
            "y": below,
            "yanchor": "top",
            "title": {**unit, "side": "bottom"},
            "nticks": 4,
        }
    if bars == "tile":
        short = panels.panel_height < 60
        place = {"x": right + 6 / panels.plot_width, "y": bottom, "len": top - bottom}
        place |= {"xanchor": "left", "yanchor": "bottom", "nticks": 2 if short else 4}
        return {**common, **place, "title": {**unit, "side": "right", "font": {"size": 10}}}
    length = max(min(1.0, 300 / panels.plot_height), 90 / panels.plot_height)
    place = {"x": 1 + 12 / panels.plot_width, "y": 1, "len": length, "xanchor": "left", "yanchor": "top"}
    return {**common, **place, "title": {**unit, "side": "right"}, "nticks": 5}


def _scale_bar(view: MapView) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Draw a bar of a round length into the lower left corner of the first tile."""
    length = nice_length(view.extent(view.across) * 0.3)
    left, _ = _span(view, view.across)
    start = left + 0.05 * view.extent(view.across)
    _, bottom = _span(view, view.down)
    height = bottom - 0.07 * view.extent(view.down)
    ends = {"type": "line", "x0": start, "x1": start + length, "y0": height, "y1": height}
    lines = [{**ends, "line": {"color": colour, "width": width}} for colour, width in _HALO]
    text = label(f"{tidy(length)} {plain(view.unit)}", x=start + length / 2, y=height, xref="x", yref="y")
    white = {"font": {"size": 11, "color": "#fff"}, "bgcolor": "rgba(0,0,0,0.55)", "borderpad": 1}
    return lines, {**text, **white, "yanchor": "bottom", "yshift": 3}


_HALO = (("rgba(0,0,0,0.6)", 6), ("#ffffff", 3))
