"""Plots of the endmembers: spectra of all methods by matched component, cross-talk, angles between methods."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.report.figures_spectra import Edges, edge_marks, panel_title
from eelsunmix.report.formatting import plain, tidy
from eelsunmix.report.layout import Panels, axis_key, axis_name, balanced, line_panels
from eelsunmix.report.style import DIVERGING, WIDTH, axis, base_layout, line

UNIT_AREA, LOGARITHMIC, FLATTENED, RETURNED = "unit area", "logarithmic", "flattened (× E³)", "as returned"
DISPLAYS = {
    UNIT_AREA: "fraction of the area per channel",
    LOGARITHMIC: "fraction of the area per channel",
    FLATTENED: "fraction of the area × (E / Emax)³",
    RETURNED: "as returned",
}
"""Ways to show endmember spectra, and the titles of their axes."""

Styles = Mapping[str, Mapping[str, Any]]


def members_of(comparison: xr.Dataset, methods: Sequence[str]) -> dict[int, list[tuple[str, int]]]:
    """Return group -> (method, endmember) pairs, as the comparison matched them; -1 gathers the unmatched."""
    found: dict[int, list[tuple[str, int]]] = {}
    for method in methods:
        for endmember, group in enumerate(comparison["group"].sel({"method": method}).values.tolist()):
            if group >= 0 or str(comparison["endmember_label"].sel({"method": method}).values[endmember]):
                found.setdefault(int(group), []).append((method, endmember))
    return dict(sorted(found.items(), key=lambda item: (item[0] < 0, item[0])))


def group_names(comparison: xr.Dataset, members: Mapping[int, Sequence[tuple[str, int]]]) -> dict[int, str]:
    """Name each group by the label of its first endmember."""
    names = {}
    for group, found in members.items():
        method, endmember = found[0]
        label = str(comparison["endmember_label"].sel({"method": method}).values[endmember])
        names[group] = "unmatched" if group < 0 else label or f"component {group + 1}"
    return names


def endmember_spectra(
    comparison: xr.Dataset,
    fits: Mapping[str, xr.Dataset],
    methods: Sequence[str],
    *,
    edges: Edges,
    styles: Styles,
    display: str,
    title: str,
) -> dict[str, Any]:
    """Draw the endmember spectra of all methods, one panel per matched component.

    Parameters
    ----------
    comparison : Dataset
    fits : mapping
        Method -> store of its fit.
    methods : sequence of str
        Methods that gave a result.
    edges, styles : mapping
    display : str
        One of `DISPLAYS`.
    title : str
        Title of the spectral axis.
    """
    members = members_of(comparison, methods)
    names = group_names(comparison, members)
    panels = line_panels(len(members), columns=balanced(len(members)), panel_height=240, top=80)
    layout = base_layout(0, shapes=[], annotations=[]) | panels.layout(scale_height=False)
    layout["legend"] |= {"y": 1 + 34 / panels.plot_height}
    data: list[dict[str, Any]] = []
    seen: set[str] = set()
    for i, (group, found) in enumerate(members.items()):
        for method, endmember in found:
            spectrum = fits[method]["endmember_spectrum"].isel(endmember=endmember)
            data.append(_spectrum(spectrum, method, i, styles, display, first=method not in seen))
            seen.add(method)
        layout |= _axes(i, panels, title, display)
        energy = np.asarray(spectrum[spectrum.dims[-1]].values)
        shapes, texts = edge_marks(edges, energy, panel=i, named=panels.place(i)[0] == 0)
        layout["shapes"] += shapes
        layout["annotations"] += [*texts, panel_title(f"<b>{plain(names[group])}</b>", i)]
    return {"data": data, "layout": layout}


def _spectrum(
    spectrum: xr.DataArray, method: str, i: int, styles: Styles, display: str, *, first: bool
) -> dict[str, Any]:
    return line(
        spectrum[spectrum.dims[-1]].values,
        _displayed(spectrum, display),
        plain(method),
        dict(styles[method]),
        xaxis=axis_name("x", i),
        yaxis=axis_name("y", i),
        legendgroup=method,
        showlegend=first,
        meta={"method": method},
        hovertemplate="%{x:.5g}: %{y:.4g}<extra>" + plain(method) + "</extra>",
    )


def _displayed(spectrum: xr.DataArray, display: str) -> np.ndarray:
    values = np.asarray(spectrum.values, dtype=float)
    if display == RETURNED:
        return values
    values = values / (np.abs(values).sum() or 1.0)
    if display == FLATTENED:
        energy = np.asarray(spectrum[spectrum.dims[-1]].values, dtype=float)
        values = values * (energy / energy.max()) ** 3
    return values


def _axes(i: int, panels: Panels, title: str, display: str) -> dict[str, Any]:
    heading = DISPLAYS[display]
    lowest, first = panels.is_lowest(i), panels.place(i)[1] == 0
    zoom = {"matches": "x"} if i else {}
    x = axis(title if lowest else "", domain=panels.domain_x(i), anchor=axis_name("y", i), **zoom)
    y = axis(
        heading if first else "", domain=panels.domain_y(i), anchor=axis_name("x", i), exponentformat="power"
    )
    y["type"] = "log" if display == LOGARITHMIC else "linear"
    return {axis_key("x", i): x, axis_key("y", i): y}


def cross_talk(comparison: xr.Dataset, methods: Sequence[str], edges: Sequence[str]) -> dict[str, Any]:
    """Draw, for every method, the net counts of each endmember at each edge, relative to the edge's owner."""
    columns = 4 if len(edges) <= 4 else 3
    count = max(len(_rows(comparison, method)) for method in methods)
    panels = line_panels(len(methods), columns=columns, panel_height=26.0 * count + 4, top=30)
    panels = _with_room(panels, min(columns, max(2, len(methods))))
    layout = base_layout(0, showlegend=False, annotations=[]) | panels.layout(scale_height=False)
    layout["coloraxis"] = {"cmin": -1, "cmax": 1, "colorscale": DIVERGING, "showscale": False}
    data = []
    for i, method in enumerate(methods):
        rows = _rows(comparison, method)
        values = comparison["cross_talk"].sel({"method": method}).values[list(rows)].astype(float)
        data.append(_annotated(values, list(edges), list(rows.values()), i))
        layout |= _matrix_axes(i, panels)
        title = {"x": 0, "y": 1, "yanchor": "bottom", "xanchor": "left", "bgcolor": "rgba(0,0,0,0)"}
        layout["annotations"].append({**panel_title(f"<b>{plain(method)}</b>", i), **title})
    return {"data": data, "layout": layout}


def angles(values: np.ndarray, methods: Sequence[str]) -> dict[str, Any]:
    """Draw the mean whitened spectral angle between the matched endmembers of every two methods."""
    n = len(methods)
    side = min(WIDTH - 300.0, 90.0 * n)
    panels = Panels(
        count=1,
        columns=1,
        panel_width=side,
        panel_height=30.0 * n + 4,
        gap_x=0,
        gap_y=0,
        left=140,
        right=WIDTH - 140 - side,
        top=16,
        bottom=40,
    )
    layout = base_layout(0, showlegend=False) | panels.layout(scale_height=False)
    high = float(np.nanmax(values)) if np.isfinite(values).any() else 1.0
    layout["coloraxis"] = {
        "cmin": 0,
        "cmax": high or 1.0,
        "colorscale": [[0, "#ffffff"], [1, "#92c5de"]],
        "showscale": False,
    }
    return {
        "data": [_annotated(values, list(methods), list(methods), 0)],
        "layout": layout | _matrix_axes(0, panels),
    }


def _rows(comparison: xr.Dataset, method: str) -> dict[int, str]:
    """Endmembers of a method (padding left out) -> their labels, numbered so that equal ones stay apart."""
    found = comparison["endmember_label"].sel({"method": method}).values
    return {k: f"{k + 1} {name}" for k, name in enumerate(map(str, found)) if name}


def _with_room(panels: Panels, columns: int) -> Panels:
    """Leave room for the names of endmembers left of every matrix."""
    gap, left, right = 120.0, 120.0, 16.0
    width = (WIDTH - left - right - (columns - 1) * gap) / columns
    changed = {
        "columns": columns,
        "panel_width": width,
        "gap_x": gap,
        "gap_y": 62.0,
        "left": left,
        "right": right,
    }
    return Panels(**{**panels.__dict__, **changed, "bottom": 36.0})


def _annotated(values: np.ndarray, columns: list[str], rows: list[str], i: int) -> dict[str, Any]:
    return {
        "type": "heatmap",
        "z": values.tolist(),
        "x": [plain(name.replace("_", " ")) for name in columns],
        "y": [plain(name) for name in rows],
        "text": [[tidy(value, 2) for value in row] for row in values.tolist()],
        "texttemplate": "%{text}",
        "textfont": {"size": 11},
        "coloraxis": "coloraxis",
        "xaxis": axis_name("x", i),
        "yaxis": axis_name("y", i),
        "xgap": 2,
        "ygap": 2,
        "hovertemplate": "%{y}, %{x}: %{z:.3f}<extra></extra>",
    }


def _matrix_axes(i: int, panels: Panels) -> dict[str, Any]:
    plainer = {"showgrid": False, "showline": False, "ticks": ""}
    x = axis("", domain=panels.domain_x(i), anchor=axis_name("y", i), type="category", **plainer)
    y = axis("", domain=panels.domain_y(i), anchor=axis_name("x", i), type="category", **plainer)
    return {axis_key("x", i): x, axis_key("y", i): {**y, "autorange": "reversed"}}
