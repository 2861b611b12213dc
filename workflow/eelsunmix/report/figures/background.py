"""Plots of the background subtraction: windows on the regional spectra, and its maps."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.report.figures.grid import Scale, Tile, map_grid
from eelsunmix.report.figures.layout import Panels, axis_key, axis_name, line_panels
from eelsunmix.report.figures.mapview import MapView, limits
from eelsunmix.report.figures.spectra import panel_title
from eelsunmix.report.figures.style import BLACK, DIVERGING, RED, axis, base_layout, label, line
from eelsunmix.report.texts import plain

GREY_WINDOW = "rgba(107,116,128,0.16)"
WINDOWS = (("fit", GREY_WINDOW), ("integrate", "rgba(0,114,178,0.14)"), ("fit_above", GREY_WINDOW))
"""The last one is that of lines of X-rays alone."""


def windows_figure(bs: xr.Dataset, edge: str, windows: Mapping[str, Any], title: str) -> dict[str, Any]:
    """Draw the spectra of the regions with low, middle and high net counts, and the fitted background.

    Parameters
    ----------
    bs : Dataset
        The store of the background subtraction.
    edge : str
    windows : mapping
        ``fit`` and ``integrate`` of the edge, and ``fit_above`` of a line.
    title : str
        Title of the spectral axis.
    """
    regions = [str(region) for region in bs["region"].values]
    panels = line_panels(len(regions), columns=3, panel_height=250, top=50)
    layout = base_layout(0, shapes=[], annotations=[]) | panels.layout(scale_height=False)
    layout["legend"] |= {"y": 1.08}
    data: list[dict[str, Any]] = []
    for i, region in enumerate(regions):
        one = bs.sel(edge=edge, region=region)
        data += _region_traces(one["region_spectrum"], one["region_background"], windows, i)
        layout |= _region_axes(i, panels, title, windows)
        layout[axis_key("y", i)]["range"] = _with_room(
            [one["region_spectrum"], one["region_background"]], windows
        )
        layout["shapes"] += _window_shapes(windows, i)
        layout["annotations"].append(panel_title(f"<b>{plain(region)}</b> net counts", i))
        layout["annotations"] += _window_names(windows, i)
    return {"data": data, "layout": layout}


def background_maps(bs: xr.Dataset, edge: str, view: MapView, *, is_line: bool = False) -> dict[str, Any]:
    """Draw net counts, standard deviation, signal-to-noise ratio, exponent and fit quality of one edge.

    Of a line of X-rays, the background in the place of the last two.
    """
    one = bs.sel(edge=edge)
    shown = [
        ("net_counts", "net counts", "counts", False),
        ("net_counts_sd", "standard deviation", "counts", False),
        ("snr", "net counts / sd", "σ", True),
        ("exponent", "exponent", "", False),
        ("reduced_chi2", "reduced χ² of the fit", "", False),
    ]
    if is_line:
        shown[3:] = [("background_counts", "counts below the line", "counts", False)]
    tiles = []
    for name, heading, unit, signed in shown:
        if name in one:
            image = view.image(one[name])
            tiles.append(Tile(title=heading, image=image, scale=_scale(image, unit, signed)))
    columns = 3 if view.aspect > 0.2 else 2
    return map_grid(tiles, view, columns=columns, widest=320 if columns == 3 else 420)


def _scale(image: np.ndarray, unit: str, signed: bool) -> Scale:
    low, high = limits([image], symmetric=signed)
    return Scale(low=low, high=high, unit=unit, **({"colours": DIVERGING} if signed else {}))


def shown_range(windows: Mapping[str, Any]) -> tuple[float, float]:
    """Return the range that shows both windows with some room beside them."""
    low, high = windows["fit"][0], _end(windows)
    return low - 0.12 * (high - low), high + 0.12 * (high - low)


def _with_room(curves: Sequence[xr.DataArray], windows: Mapping[str, Any]) -> list[float]:
    """Range of counts that leaves the names of the windows below the curves, and the title above them."""
    energy, (low, high) = curves[0][curves[0].dims[-1]].values, shown_range(windows)
    shown = np.array([one.values[(energy >= low) & (energy <= high)] for one in curves])
    if not np.isfinite(shown).any():
        return [0.0, 1.0]
    bottom, top = float(np.nanmin(shown)), float(np.nanmax(shown))
    return [bottom - 0.14 * (top - bottom), top + 0.14 * (top - bottom)]


def _end(windows: Mapping[str, Any]) -> float:
    """Return where the background ends."""
    return float(windows.get("fit_above", windows["integrate"])[1])


def _region_traces(
    spectrum: xr.DataArray, background: xr.DataArray, windows: Mapping[str, Any], i: int
) -> list[dict[str, Any]]:
    energy = np.asarray(spectrum[spectrum.dims[-1]].values, dtype=float)
    low, high = shown_range(windows)
    shown = (energy >= low) & (energy <= high)
    fitted = (energy >= windows["fit"][0]) & (energy <= _end(windows))
    net = (energy >= windows["integrate"][0]) & (energy <= windows["integrate"][1])
    axes = {"xaxis": axis_name("x", i), "yaxis": axis_name("y", i), "showlegend": i == 0}
    hover = {"hovertemplate": "%{x:.5g}: %{y:.4g} counts<extra>%{fullData.name}</extra>"}
    y, b = spectrum.values, background.values
    fill = {"fill": "tonexty", "fillcolor": "rgba(0,114,178,0.35)", "hoverinfo": "skip"}
    return [
        line(energy[net], b[net], "", {"width": 0}, hoverinfo="skip", **{**axes, "showlegend": False}),
        line(energy[net], y[net], "net counts", {"width": 0}, **fill, **axes),
        line(energy[shown], y[shown], "mean spectrum", {"color": BLACK, "width": 1.5}, **hover, **axes),
        line(energy[fitted], b[fitted], "fitted background", {"color": RED, "width": 1.8}, **hover, **axes),
    ]


def _region_axes(i: int, panels: Panels, title: str, windows: Mapping[str, Any]) -> dict[str, Any]:
    x = axis(title, domain=panels.domain_x(i), anchor=axis_name("y", i), range=list(shown_range(windows)))
    y = axis(
        "counts per pixel and channel" if i == 0 else "", domain=panels.domain_y(i), anchor=axis_name("x", i)
    )
    return {axis_key("x", i): x, axis_key("y", i): y}


def _window_shapes(windows: Mapping[str, Any], i: int) -> list[dict[str, Any]]:
    where = {"xref": axis_name("x", i), "yref": f"{axis_name('y', i)} domain", "y0": 0, "y1": 1}
    box = {"type": "rect", "line": {"width": 0}, "layer": "below"}
    return [
        {**box, **where, "x0": windows[key][0], "x1": windows[key][1], "fillcolor": colour}
        for key, colour in WINDOWS
        if key in windows
    ]


def _window_names(windows: Mapping[str, Any], i: int) -> list[dict[str, Any]]:
    where = {"xref": axis_name("x", i), "yref": f"{axis_name('y', i)} domain", "y": 0.02, "yanchor": "bottom"}
    return [
        label(key.split("_")[0], x=sum(windows[key]) / 2, font={"size": 10, "color": "#4a525b"}, **where)
        for key, _ in WINDOWS
        if key in windows
    ]
