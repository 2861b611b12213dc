"""Profiles of the elements: the reference with its error band, all methods, the truth where it is known."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.report.figures.layout import Panels, axis_key, axis_name, balanced, legend_height, line_panels
from eelsunmix.report.figures.spectra import panel_title
from eelsunmix.report.figures.style import (
    BLACK,
    GREY,
    MATERIAL_BS,
    REFERENCE,
    TRUE_MAP,
    TRUTH,
    axis,
    band,
    base_layout,
    line,
    one_legend_entry,
    see_through,
)
from eelsunmix.report.texts import plain

TRUE_LINES = "; the truth (broad grey line), and the sum of BS of each material alone (dotted)"
"""What captions say of the lines of a simulated sample."""
POWERS = 88.0
"""Space in px between panels, for labels of ticks as −1.5×10⁴."""
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
        Whether each method is drawn as it is scored: with what the reference subtracts too much, times the
        stored factor to the reference.
    styles : mapping
        Method -> line style.
    methods : sequence of str
        Methods that gave a result, without the reference.
    unit : str
        Unit of the position.
    """
    height = 240 if len(edges) > 1 else 360
    top = 36 + legend_height(["BS ± 1 sd", "BS", TRUE_MAP, MATERIAL_BS, *methods])
    room = {"panel_height": height, "top": top, "gap_x": POWERS}
    panels = line_panels(len(edges), columns=balanced(len(edges)), **room)
    layout = base_layout(0, annotations=[]) | panels.layout(scale_height=False)
    layout["legend"] |= {"y": 1 + 8 / panels.plot_height}
    data: list[dict[str, Any]] = []
    for i, edge in enumerate(edges):
        one = comparison.sel(profile=profile, edge=edge)
        one = one.isel(position=np.flatnonzero(np.isfinite(one["profile_position"].values)))
        axes = {"xaxis": axis_name("x", i), "yaxis": axis_name("y", i)}
        data += [*_reference(one, axes), *_truth(one, axes)]
        for method in methods:
            data += _method(one, method, scaled, styles, axes)
        layout |= profile_axes(i, panels, f"position ({unit})", "counts summed over the width")
        layout["annotations"].append(panel_title(f"<b>{plain(edge.replace('_', ' '))}</b>", i))
    return {"data": one_legend_entry(data), "layout": layout}


def profile_axes(i: int, panels: Panels, x_title: str, y_title: str) -> dict[str, Any]:
    """Return the axes of a panel: titles at the left and at the bottom, zoomed together."""
    lowest, first = panels.is_lowest(i), panels.place(i)[1] == 0
    zoom = {"matches": "x"} if i else {}
    x = axis(x_title if lowest else "", domain=panels.domain_x(i), anchor=axis_name("y", i), **zoom)
    y = axis(y_title if first else "", domain=panels.domain_y(i), anchor=axis_name("x", i))
    y |= {"zeroline": True, "zerolinecolor": GREY, "exponentformat": "SI"}
    return {axis_key("x", i): x, axis_key("y", i): y}


def _reference(one: xr.Dataset, axes: dict[str, str]) -> list[dict[str, Any]]:
    position = one["profile_position"].values
    values = one["element_profile"].sel({"label": REFERENCE}).values
    deviation = one["element_profile_sd"].sel({"label": REFERENCE}).values
    grey = {"colour": "rgba(27,31,36,0.16)", "name": "BS ± 1 sd"}
    area = band(position, values - deviation, values + deviation, **grey, **axes)
    dots = {"mode": "lines+markers", "marker": {"size": 4}, "hovertemplate": _hover("BS")}
    return [*area, line(position, values, "BS", {"color": BLACK, "width": 1.6}, **axes) | dots]


def _truth(one: xr.Dataset, axes: dict[str, str]) -> list[dict[str, Any]]:
    """Draw what a perfect method would give, and what BS makes of the materials."""
    if "true_element_profile" not in one:
        return []
    looks = {
        TRUE_MAP: ("true_element_profile", {"color": TRUTH, "width": 6}),
        MATERIAL_BS: ("material_bs_profile", {"color": GREY, "width": 1.5, "dash": "dot"}),
    }
    position = one["profile_position"].values
    return [
        line(position, one[key].values, name, look, opacity=0.75, hovertemplate=_hover(name), **axes)
        for name, (key, look) in looks.items()
    ]


def _method(
    one: xr.Dataset, method: str, scaled: bool, styles: Styles, axes: dict[str, str]
) -> list[dict[str, Any]]:
    """Draw a method, in front of a band of its standard deviation where that is known."""
    found, position = one.sel({"label": method}), one["profile_position"].values
    values, deviation = (found[name].values for name in ("element_profile", "element_profile_sd"))
    if scaled:
        factor = float(found["profile_scale"].item())
        values, deviation = (values + found["overshoot_profile"].values) * factor, deviation * abs(factor)
    group: dict[str, Any] = {"legendgroup": method, "meta": {"method": method}, **axes}
    hover = {"hovertemplate": _hover(method)}
    drawn = [line(position, values, plain(method), dict(styles[method]), **group, **hover)]
    if not np.isfinite(deviation).any():
        return drawn
    look = {"colour": see_through(styles[method]["color"], 0.15), "name": f"{plain(method)} ± 1 sd"}
    area = band(position, values - deviation, values + deviation, **look, **group)
    return [*({**trace, "showlegend": False} for trace in area), *drawn]


def _hover(name: str) -> str:
    return f"%{{x:.4g}}: %{{y:.5g}} counts<extra>{plain(name)}</extra>"
