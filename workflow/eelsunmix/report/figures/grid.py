"""A grid of maps with equal aspect, common zoom, colour bars and a scale bar."""

from collections.abc import Sequence
from typing import Any

from eelsunmix.report.figures.grid_colours import (
    Bars,
    Scale,
    Tile,
    bar_places,
    colour_axes,
    scale_bar,
    scale_keys,
)
from eelsunmix.report.figures.layout import Panels, axis_key, axis_name, grid_of
from eelsunmix.report.figures.mapview import MapView
from eelsunmix.report.figures.style import NO_DATA, OUTLINE, WIDTH, axis, base_layout, label
from eelsunmix.report.formatting import number
from eelsunmix.report.texts import plain

__all__ = ["Scale", "Tile", "columns_for", "is_flat", "map_grid"]

ROOM_FOR_BAR = 70
"""Height in px that a tile must have to carry the scale bar."""
FLAT = 0.35
"""Height over width of maps that are so long that fewer of them stand side by side."""
LOWEST = 14.0
"""Height in px of a tile, and of the gap below it, in which both ends of its colour bar can be read."""


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
    bars = bar_places(tiles, columns)
    panels = _panels(len(tiles), columns, view, bars, row_titles, width, widest)
    layout = base_layout(0, showlegend=False, plot_bgcolor=NO_DATA) | panels.layout(scale_height=True)
    for index in range(len(tiles)):
        layout |= _axes(index, panels, view)
    layout["annotations"] = _titles(tiles, panels, row_titles, bars) + _messages(tiles)
    if bars == "text":
        layout["annotations"] += _limits(tiles)
    layout |= colour_axes(tiles, panels, bars)
    if panels.panel_height >= ROOM_FOR_BAR:
        layout["shapes"], text = scale_bar(view, {name: _span(view, name) for name in "xy"})
        layout["annotations"].append(text)
    grid = grid_of(panels, [tile.method for tile in tiles], titled=bool(row_titles), bars=bars)
    layout["meta"] |= {"map": True, "grid": grid}
    return {"data": _traces(tiles, view, columns, bars, row_titles), "layout": layout}


def is_flat(view: MapView) -> bool:
    """Whether maps are so long and low that they need the whole width to be seen."""
    return view.aspect <= FLAT


def columns_for(count: int, view: MapView) -> int:
    """Return how many tiles side by side suit the shape of the maps: long maps get fewer, wider tiles."""
    if is_flat(view):
        return max(1, min(3 if view.aspect > 0.2 else 2, count))
    return count if count <= 5 else 5 if count in (9, 10) else 4


def _panels(
    count: int,
    columns: int,
    view: MapView,
    bars: Bars,
    row_titles: Sequence[str],
    width: float,
    widest: float,
) -> Panels:
    left = 64.0 + 8.4 * max((len(title) for title in row_titles), default=0)
    right = {"figure": 92.0, "column": 16.0, "tile": 70.0, "row": 78.0, "text": 78.0}[bars]
    gap_x = 74.0 if bars == "tile" else 14.0
    panel_width = min(widest, (width - left - right - (columns - 1) * gap_x) / columns)
    spare = width - left - right - columns * panel_width - (columns - 1) * gap_x
    return Panels(
        count=count,
        columns=columns,
        panel_width=panel_width,
        panel_height=max(LOWEST, panel_width * view.aspect),
        gap_x=gap_x,
        gap_y=32 if not row_titles else {"text": 22, "tile": LOWEST, "row": LOWEST}.get(bars, 10),
        left=left,
        right=right + spare,
        top=42 if bars == "text" else 30,
        bottom=96 if bars == "column" else 48,
    )


def _axes(index: int, panels: Panels, view: MapView) -> dict[str, Any]:
    """Both axes of a tile: labelled at the left and at the bottom of the grid, zoomed together."""
    lowest, leftmost = panels.is_lowest(index), panels.place(index)[1] == 0
    low, high = _span(view, view.across)
    top, bottom = _span(view, view.down)
    across = axis(
        f"{view.across} ({view.unit})" if lowest else "",
        domain=panels.domain_x(index),
        anchor=axis_name("y", index),
        range=[low, high],
        showticklabels=lowest,
        nticks=max(3, int(panels.panel_width / 50)),
    )
    down = axis(
        f"{view.down} ({view.unit})" if leftmost and panels.panel_height >= 60 else "",
        domain=panels.domain_y(index),
        anchor=axis_name("x", index),
        range=[bottom, top],
        showticklabels=leftmost and panels.panel_height >= 24,
        nticks=max(2, int(panels.panel_height / 26)),
    )
    for one, letter in ((across, "x"), (down, "y")):
        one |= {"showgrid": False, "ticklen": 3, **({"matches": letter} if index else {})}
    return {axis_key("x", index): across, axis_key("y", index): down}


def _span(view: MapView, name: str) -> tuple[float, float]:
    start = view.origin[name] - abs(view.step[name]) / 2
    return start, start + view.extent(name)


def _traces(
    tiles: Sequence[Tile], view: MapView, columns: int, bars: Bars, row_titles: Sequence[str]
) -> list[dict[str, Any]]:
    keys = scale_keys(tiles, columns, bars)
    place = {"x0": view.origin[view.across], "dx": view.step[view.across]}
    place |= {"y0": view.origin[view.down], "dy": view.step[view.down]}
    where = f"{view.across} %{{x:.4g}} {plain(view.unit)}, {view.down} %{{y:.4g}} {plain(view.unit)}"
    traces: list[dict[str, Any]] = []
    for index, tile in enumerate(tiles):
        axes = {"xaxis": axis_name("x", index), "yaxis": axis_name("y", index)}
        if tile.image is None:
            traces.append({"type": "scatter", "x": [], "y": [], "showlegend": False, **axes})
            continue
        hover = f"{where}<br>%{{z:.4g}} {plain(tile.scale.unit)}<extra>{tile.title}</extra>"
        colours = {"coloraxis": keys[index], "hovertemplate": hover, "hoverongaps": False}
        row = row_titles[index // columns] if index // columns < len(row_titles) else ""
        meta = {
            "meta": {"name": f"{row} {tile.title}".strip(), "unit": tile.scale.unit, "method": tile.method}
        }
        traces.append({"type": "heatmap", "z": tile.image, **colours, **place, **axes, **meta})
        if view.outline is not None:
            line = {"x": view.outline[0], "y": view.outline[1], "line": {"color": OUTLINE, "width": 1}}
            traces.append({"type": "scatter", "mode": "lines", "hoverinfo": "skip", **line, **axes})
    return traces


def _titles(
    tiles: Sequence[Tile], panels: Panels, row_titles: Sequence[str], bars: Bars
) -> list[dict[str, Any]]:
    """Titles left of the rows and above the tiles; there with the unit where the bars have no room for it."""
    found = []
    for index, tile in enumerate(tiles):
        row, column = panels.place(index)
        if row == 0 or not row_titles:
            unit = f" ({plain(tile.scale.unit)})" if bars == "column" and tile.scale.unit else ""
            options = {"x": 0, "y": 1, "xanchor": "left", "yanchor": "bottom"}
            options |= {"yshift": 14 if bars == "text" else 1, "name": "column" if row_titles else ""}
            found.append(label(f"{tile.title}{unit}", **options, **_domain(index)))
        if column == 0 and row < len(row_titles):
            options = {"x": 0, "y": 0.5, "xanchor": "right", "xshift": -56, "align": "right"}
            found.append(label(f"<b>{row_titles[row]}</b>", **options, **_domain(index)))
    return found


def _messages(tiles: Sequence[Tile]) -> list[dict[str, Any]]:
    return [
        label(tile.message, x=0.5, y=0.5, font={"size": 11, "color": "#3b424a"}, **_domain(index))
        for index, tile in enumerate(tiles)
        if tile.image is None
    ]


def _limits(tiles: Sequence[Tile]) -> list[dict[str, Any]]:
    """Write the limits of its colours above each tile."""
    place = {"x": 0, "y": 1, "xanchor": "left", "yanchor": "bottom", "font": {"size": 10, "color": "#57606a"}}
    return [
        label(f"{number(tile.scale.low, 2)} … {number(tile.scale.high, 2)}", **place, **_domain(index))
        for index, tile in enumerate(tiles)
        if tile.image is not None
    ]


def _domain(index: int) -> dict[str, str]:
    return {"xref": f"{axis_name('x', index)} domain", "yref": f"{axis_name('y', index)} domain"}
