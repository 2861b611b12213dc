"""Plots along the spectral axis: mean spectrum, gain, mean residual; and the marks of the edges."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.report.figures.layout import axis_name
from eelsunmix.report.figures.style import BLACK, BLUE, ORANGE, RED, WIDTH, axis, base_layout, label, line
from eelsunmix.report.texts import plain

Edges = Mapping[str, Mapping[str, Any]]
NAME = 36
"""Width in px of the name of an edge."""


def edge_marks(
    edges: Edges, energy: np.ndarray, *, panel: int = 0, named: bool = True, room: float = 0.0
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Mark the onsets of edges.

    Parameters
    ----------
    edges : mapping
        Name -> dict with ``onset``; edges outside the axis are left out.
    energy : ndarray, shape (channel,)
    panel : int
        Panel of the figure.
    named : bool
        Whether names are written above the panel, alternating between two heights, and a third where they
        are crowded.
    room : float
        Part of the axis that a name takes; one that has no room at any height is left out.

    Returns
    -------
    tuple of list
        Shapes and annotations of plotly.
    """
    x, y = axis_name("x", panel), f"{axis_name('y', panel)} domain"
    onsets = sorted((float(edge["onset"]), name) for name, edge in edges.items() if "onset" in edge)
    inside = [(onset, name) for onset, name in onsets if energy[0] <= onset <= energy[-1]]
    dotted = {"color": "#8a929c", "width": 1, "dash": "dot"}
    shapes = [
        {"type": "line", "xref": x, "yref": y, "x0": onset, "x1": onset, "y0": 0, "y1": 1, "line": dotted}
        for onset, _ in inside
    ]
    texts = [
        label(
            plain(name.replace("_", " ")),
            x=onset,
            y=1,
            xref=x,
            yref=y,
            yanchor="bottom",
            yshift=13 * height,
            font={"size": 10, "color": "#4a525b"},
        )
        for (onset, name), height in zip(
            inside, _heights(inside, room * (energy[-1] - energy[0])), strict=True
        )
        if named and height is not None
    ]
    return shapes, texts


def _heights(names: Sequence[tuple[float, str]], room: float) -> list[int | None]:
    """Return the height of each name, 0 or 1 in turn; another where it would meet a name; None if all do."""
    free, found = [-np.inf] * 3, list[int | None]()
    for i, (place, _) in enumerate(names):
        height = next((one for one in (i % 2, 1 - i % 2, 2) if place >= free[one]), None)
        found.append(height)
        if height is not None:
            free[height] = place + room
    return found


def mean_spectrum(
    raw: xr.DataArray, corrected: xr.DataArray, edges: Edges, *, logarithmic: bool, title: str
) -> dict[str, Any]:
    """Draw the mean spectrum before and after the corrections.

    Parameters
    ----------
    raw, corrected : DataArray, dims (energy,)
        Mean counts per pixel and channel.
    edges : mapping
    logarithmic : bool
    title : str
        Title of the spectral axis.
    """
    energy = corrected[corrected.dims[-1]].values
    hover = "%{x:.5g}: %{y:.4g} counts<extra>%{fullData.name}</extra>"
    data = [
        line(raw[raw.dims[-1]].values, raw.values, "as imported", {"color": ORANGE, "width": 1.2}),
        line(energy, corrected.values, "corrected", {"color": BLACK, "width": 1.6}),
    ]
    shapes, texts = edge_marks(edges, energy, room=NAME / (WIDTH - 94))
    layout = base_layout(370, shapes=shapes, annotations=texts, margin={"l": 74, "r": 20, "t": 76, "b": 50})
    layout["legend"] |= {"y": 1.14}
    layout["xaxis"] = axis(title)
    layout["yaxis"] = axis("mean counts per pixel and channel", type="log" if logarithmic else "linear")
    return {"data": [{**trace, "hovertemplate": hover} for trace in data], "layout": layout}


def channel_curve(
    energy: np.ndarray, values: np.ndarray, bad: np.ndarray, edges: Edges, *, title: str, what: str
) -> dict[str, Any]:
    """Draw the dark signal or the gain of every channel and mark the channels that were replaced.

    Parameters
    ----------
    energy, values, bad : ndarray, shape (raw channel,)
    edges : mapping
    title, what : str
        Titles of the spectral axis and of the values.
    """
    shapes, texts = edge_marks(edges, energy, room=NAME / (WIDTH - 94))
    data = [line(energy, values, what, {"color": BLUE, "width": 1.2})]
    if bad.any():
        cross = {"symbol": "x", "color": RED, "size": 8}
        points = {"type": "scatter", "mode": "markers", "x": energy[bad], "y": values[bad]}
        data.append({**points, "name": "channels replaced", "marker": cross})
    layout = base_layout(270, shapes=shapes, annotations=texts, margin={"l": 74, "r": 20, "t": 62, "b": 50})
    layout["legend"] |= {"y": 1.16}
    layout["showlegend"] = bool(bad.any())
    layout["xaxis"] = axis(title)
    layout["yaxis"] = axis(what)
    return {"data": data, "layout": layout}


def panel_title(text: str, panel: int) -> dict[str, Any]:
    """Write a title into the upper left corner of a panel."""
    where = {"xref": f"{axis_name('x', panel)} domain", "yref": f"{axis_name('y', panel)} domain"}
    inside = {"x": 0.01, "y": 0.98, "xanchor": "left", "yanchor": "top", "bgcolor": "rgba(255,255,255,0.8)"}
    return label(text, **inside, **where)
