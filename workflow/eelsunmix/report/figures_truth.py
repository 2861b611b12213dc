"""Plots against the truth of a simulated sample."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.report.figures_profiles import Styles, profile_axes
from eelsunmix.report.figures_spectra import panel_title
from eelsunmix.report.formatting import plain
from eelsunmix.report.layout import axis_name, balanced, line_panels
from eelsunmix.report.style import TRUTH, base_layout, line


def true_abundance_profiles(
    comparison: xr.Dataset, profile: str, methods: Sequence[str], styles: Styles, unit: str
) -> dict[str, Any]:
    """Draw the abundance of every true endmember along a profile, and what the methods found."""
    one = comparison.sel(profile=profile)
    names = [str(name) for name in comparison["true_endmember"].values]
    position = np.asarray(one["profile_position"].values, dtype=float)
    shown = np.isfinite(position)
    panels = line_panels(len(names), columns=balanced(len(names)), panel_height=210, top=48)
    layout = base_layout(0, annotations=[]) | panels.layout(scale_height=False)
    layout["legend"] |= {"y": 1 + 8 / panels.plot_height}
    data = []
    for i, name in enumerate(names):
        of_one = one.sel(true_endmember=name)
        options = {"xaxis": axis_name("x", i), "yaxis": axis_name("y", i), "showlegend": i == 0}
        truth = of_one["true_abundance_profile"].values[shown]
        data.append(line(position[shown], truth, "truth", {"color": TRUTH, "width": 6}, **options))
        for method in methods:
            values = of_one["truth_abundance_profile"].sel({"method": method}).values[shown]
            group = {"legendgroup": method, "meta": {"method": method}}
            data.append(
                line(position[shown], values, plain(method), dict(styles[method]), **group, **options)
            )
        layout |= profile_axes(i, panels, f"position ({unit})", "mean abundance")
        layout["annotations"].append(panel_title(f"<b>{plain(name)}</b>", i))
    return {"data": data, "layout": layout}


def true_endmembers(
    true_spectra: xr.DataArray,
    comparison: xr.Dataset,
    fits: Mapping[str, xr.Dataset],
    methods: Sequence[str],
    styles: Styles,
    title: str,
) -> dict[str, Any]:
    """Draw the true endmember spectra, unit area, and the matched ones of all methods."""
    names = [str(name) for name in comparison["true_endmember"].values]
    panels = line_panels(len(names), columns=balanced(len(names)), panel_height=210, top=48)
    layout = base_layout(0, annotations=[]) | panels.layout(scale_height=False)
    layout["legend"] |= {"y": 1 + 8 / panels.plot_height}
    data = []
    for i, name in enumerate(names):
        options = {"xaxis": axis_name("x", i), "yaxis": axis_name("y", i), "showlegend": i == 0}
        truth = true_spectra.isel(true_endmember=i)
        data.append(_unit_area(truth, "truth", {"color": TRUTH, "width": 6}, options))
        for method in methods:
            k = int(comparison["truth_match"].sel({"method": method}).values[i])
            if k >= 0:
                spectrum = fits[method]["endmember_spectrum"].isel(endmember=k)
                group = {"legendgroup": method, "meta": {"method": method}}
                data.append(_unit_area(spectrum, plain(method), dict(styles[method]), {**options, **group}))
        layout |= profile_axes(i, panels, title, "fraction per channel")
        layout["annotations"].append(panel_title(f"<b>{plain(name)}</b>", i))
    return {"data": data, "layout": layout}


def _unit_area(
    spectrum: xr.DataArray, name: str, style: dict[str, Any], options: dict[str, Any]
) -> dict[str, Any]:
    values = np.asarray(spectrum.values, dtype=float)
    energy = spectrum[spectrum.dims[-1]].values
    return line(energy, values / (np.abs(values).sum() or 1.0), name, style, **options)
