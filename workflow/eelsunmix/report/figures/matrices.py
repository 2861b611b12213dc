"""Annotated matrices: cross-talk between edges and endmembers, angles between methods."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.report.figures.layout import Panels, axis_key, axis_name
from eelsunmix.report.figures.spectra import panel_title
from eelsunmix.report.figures.style import DIVERGING, WIDTH, axis, base_layout
from eelsunmix.report.texts import plain

CELL_HEIGHT = 26.0
LEAST_CELL = 46.0
"""Width in px in which a number and the name of an edge can be read."""
ROOM_FOR_NAMES, LETTER = 124.0, 6.8
NARROW = 1.2
"""By how much more room is left for names than they take: a narrow page has less of it, and letters stay."""
SHADES = [[0, "#ffffff"], [1, "#92c5de"]]


def cross_talk(comparison: xr.Dataset, methods: Sequence[str], edges: Sequence[str]) -> dict[str, Any]:
    """Draw, for every method, the net counts of each endmember at each edge, relative to the edge's owner.

    Parameters
    ----------
    comparison : Dataset
    methods : sequence of str
        Methods that gave a result.
    edges : sequence of str
    """
    rows = {method: _endmembers(comparison, method) for method in methods}
    longest = max((len(name) for names in rows.values() for name in names.values()), default=0)
    room = max(ROOM_FOR_NAMES, NARROW * LETTER * longest)
    least = max(LEAST_CELL * len(edges), LETTER * max(map(len, methods)))
    columns = max(1, min(len(methods), 4, int((WIDTH - 16) // (room + least))))
    width = min(1.4 * least, (WIDTH - 16 - columns * room) / columns)
    panels = _panels(len(methods), columns, width, CELL_HEIGHT * max(map(len, rows.values())), room)
    layout = base_layout(0, showlegend=False, annotations=[]) | panels.layout(scale_height=False)
    layout["coloraxis"] = {"cmin": -1, "cmax": 1, "colorscale": DIVERGING, "showscale": False}
    data = []
    for i, (method, names) in enumerate(rows.items()):
        values = comparison["cross_talk"].sel({"label": method}).values[list(names)].astype(float)
        data.append(
            _matrix(values, [e.replace("_", " ") for e in edges], list(names.values()), i, _two_decimals)
        )
        layout |= _axes(i, panels)
        above = {"x": 0, "y": 1, "yanchor": "bottom", "xanchor": "left", "bgcolor": "rgba(0,0,0,0)"}
        layout["annotations"].append({**panel_title(f"<b>{plain(method)}</b>", i), **above})
    return {"data": data, "layout": layout}


def angles(values: np.ndarray, methods: Sequence[str]) -> dict[str, Any]:
    """Draw the mean whitened spectral angle between the matched endmembers of every two methods.

    Parameters
    ----------
    values : ndarray, shape (method, method)
        In radians.
    methods : sequence of str
    """
    n, longest = len(methods), 6.2 * max(map(len, methods), default=0)
    panels = _panels(1, 1, min(WIDTH - 200.0, 100.0 * n), CELL_HEIGHT * n)
    upright = longest > panels.panel_width / max(n, 1)
    if upright:
        panels = replace(panels, bottom=20 + longest)
    layout = base_layout(0, showlegend=False) | panels.layout(scale_height=False)
    high = float(np.nanmax(values)) if np.isfinite(values).any() else 1.0
    layout["coloraxis"] = {"cmin": 0, "cmax": high or 1.0, "colorscale": SHADES, "showscale": False}
    data = [_matrix(values, list(methods), list(methods), 0, _three_decimals)]
    axes = _axes(0, panels)
    axes[axis_key("x", 0)]["tickangle"] = -90 if upright else 0
    return {"data": data, "layout": layout | axes}


def _endmembers(comparison: xr.Dataset, method: str) -> dict[int, str]:
    """Endmembers of a method and their names in the order of their groups, the unmatched last; no padding."""
    one = comparison.sel({"label": method})
    names, groups = one["endmember_name"].to_numpy().tolist(), one["group"].to_numpy().tolist()
    order = sorted(range(len(names)), key=lambda k: (groups[k] < 0, groups[k], k))
    return {k: names[k] for k in order if names[k]}


def _panels(count: int, columns: int, width: float, height: float, room: float = ROOM_FOR_NAMES) -> Panels:
    used = columns * (width + room)
    return Panels(
        count=count,
        columns=columns,
        panel_width=width,
        panel_height=height,
        gap_x=room,
        gap_y=58,
        left=room,
        right=max(16.0, WIDTH - used),
        top=30,
        bottom=36,
    )


def _matrix(
    values: np.ndarray, columns: list[str], rows: list[str], i: int, write: Callable[[float], str]
) -> dict[str, Any]:
    return {
        "type": "heatmap",
        "z": values.tolist(),
        "x": [plain(name) for name in columns],
        "y": [plain(name) for name in rows],
        "text": [[write(value) for value in row] for row in values.tolist()],
        "texttemplate": "%{text}",
        "textfont": {"size": 11},
        "coloraxis": "coloraxis",
        "xaxis": axis_name("x", i),
        "yaxis": axis_name("y", i),
        "xgap": 2,
        "ygap": 2,
        "hovertemplate": "%{y}, %{x}: %{z:.3f}<extra></extra>",
    }


def _two_decimals(value: float) -> str:
    return "–" if not np.isfinite(value) else f"{value:z.2f}".replace("-", "−")


def _three_decimals(value: float) -> str:
    return "–" if not np.isfinite(value) else f"{value:z.3f}".replace("-", "−")


def _axes(i: int, panels: Panels) -> dict[str, Any]:
    plainer = {"showgrid": False, "showline": False, "ticks": "", "type": "category"}
    x = axis(
        "", domain=panels.domain_x(i), anchor=axis_name("y", i), tickangle=0, **plainer, tickfont={"size": 10}
    )
    y = axis("", domain=panels.domain_y(i), anchor=axis_name("x", i), autorange="reversed", **plainer)
    return {axis_key("x", i): x, axis_key("y", i): y}
