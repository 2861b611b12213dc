"""Profiles of the elements: the reference with its error band, all methods, the truth where it is known."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.report.figures_spectra import panel_title
from eelsunmix.report.formatting import plain
from eelsunmix.report.layout import Panels, axis_key, axis_name, balanced, line_panels
from eelsunmix.report.style import GREY, REFERENCE, TRUTH, axis, band, base_layout, line

Styles = Mapping[str, Mapping[str, Any]]


def element_profiles(
    comparison: xr.Dataset,
    *,
    edges: Sequence[str],
    profile: str,
    scaled: bool,
    styles: Styles,
    methods: Sequence[str],
    unit: str,
) -> dict[str, Any]:
    """Draw the profiles of some edges, one panel each.

    Parameters
    ----------
    comparison : Dataset
    edges : sequence of str
    profile : str
    scaled : bool
        Whether each method is multiplied by its stored scale factor to the reference.
    styles : mapping
        Method -> line style.
    methods : sequence of str
        Methods that gave a result, without the reference.
    unit : str
        Unit of the position.
    """
    panels = line_panels(
        len(edges), columns=balanced(len(edges)), panel_height=240 if len(edges) > 1 else 360, top=52
    )
    layout = base_layout(0, annotations=[]) | panels.layout(scale_height=False)
    layout["legend"] |= {"y": 1 + 8 / panels.plot_height}
    one = comparison.sel(profile=profile)
    position = np.asarray(one["profile_position"].values, dtype=float)
    shown = np.isfinite(position)
    data: list[dict[str, Any]] = []
    for i, edge in enumerate(edges):
        of_edge = one.sel(edge=edge)
        data += _reference(of_edge, position, shown, i)
        data += _truth(of_edge, position, shown, i)
        data += [_method(of_edge, method, position, shown, scaled, styles, i) for method in methods]
        layout |= profile_axes(i, panels, f"position ({unit})", "counts summed over the width")
        layout["annotations"].append(panel_title(f"<b>{plain(edge.replace('_', ' '))}</b>", i))
    return {"data": data, "layout": layout}


def _reference(one: xr.Dataset, position: np.ndarray, shown: np.ndarray, i: int) -> list[dict[str, Any]]:
    values = one["element_profile"].sel({"method": REFERENCE}).values[shown]
    deviation = one["element_profile_sd"].sel({"method": REFERENCE}).values[shown]
    axes = {"xaxis": axis_name("x", i), "yaxis": axis_name("y", i), "showlegend": i == 0}
    low, high = values - deviation, values + deviation
    area = band(position[shown], low, high, colour="rgba(27,31,36,0.16)", name="BS ± 1 sd", **axes)
    dots = {"mode": "lines+markers", "marker": {"size": 4}}
    black = {"color": "#1b1f24", "width": 1.6}
    hover = "%{x:.4g}: %{y:.5g} counts<extra>BS</extra>"
    area[0]["showlegend"] = False
    curve = line(position[shown], values, "BS", black, legendgroup="BS", hovertemplate=hover, **axes)
    return [*area, {**curve, **dots}]


def _truth(one: xr.Dataset, position: np.ndarray, shown: np.ndarray, i: int) -> list[dict[str, Any]]:
    if "true_element_profile" not in one:
        return []
    values = one["true_element_profile"].values[shown]
    style = {"color": TRUTH, "width": 6}
    options = {"xaxis": axis_name("x", i), "yaxis": axis_name("y", i), "showlegend": i == 0}
    hover = "%{x:.4g}: %{y:.5g} counts<extra>truth</extra>"
    return [line(position[shown], values, "truth", style, opacity=0.75, hovertemplate=hover, **options)]


def _method(
    one: xr.Dataset,
    method: str,
    position: np.ndarray,
    shown: np.ndarray,
    scaled: bool,
    styles: Styles,
    i: int,
) -> dict[str, Any]:
    values = one["element_profile"].sel({"method": method}).values[shown]
    if scaled:
        values = values * float(one["profile_scale"].sel({"method": method}).item())
    options = {"xaxis": axis_name("x", i), "yaxis": axis_name("y", i), "showlegend": i == 0}
    hover = "%{x:.4g}: %{y:.5g} counts<extra>" + plain(method) + "</extra>"
    group = {"legendgroup": method, "meta": {"method": method}, "hovertemplate": hover}
    return line(position[shown], values, plain(method), dict(styles[method]), **group, **options)


def profile_axes(i: int, panels: Panels, x_title: str, y_title: str) -> dict[str, Any]:
    """Return the axes of a panel: titles at the left and at the bottom, zoomed together."""
    lowest, first = panels.is_lowest(i), panels.place(i)[1] == 0
    zoom = {"matches": "x"} if i else {}
    x = axis(x_title if lowest else "", domain=panels.domain_x(i), anchor=axis_name("y", i), **zoom)
    y = axis(y_title if first else "", domain=panels.domain_y(i), anchor=axis_name("x", i))
    y |= {"zeroline": True, "zerolinecolor": GREY, "exponentformat": "power"}
    return {axis_key("x", i): x, axis_key("y", i): y}
