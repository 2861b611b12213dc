"""Plots against the truth of a simulated sample."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.report.figures.endmembers import DISPLAYS, LOGARITHMIC, displayed
from eelsunmix.report.figures.layout import Panels, axis_key, axis_name, balanced, legend_height, line_panels
from eelsunmix.report.figures.profiles import Styles, profile_axes
from eelsunmix.report.figures.spectra import panel_title
from eelsunmix.report.figures.style import TRUTH, base_layout, line, one_legend_entry
from eelsunmix.report.texts import plain

BROAD = {"color": TRUTH, "width": 6}


def true_abundance_profiles(
    comparison: xr.Dataset, profile: str, methods: Sequence[str], styles: Styles, unit: str
) -> dict[str, Any]:
    """Draw the abundance of every true endmember along a profile, and what the methods found."""
    one = comparison.sel(profile=profile)
    names = [str(name) for name in comparison["true_endmember"].values]
    position = np.asarray(one["profile_position"].values, dtype=float)
    shown = np.isfinite(position)
    panels, layout = _frame(names, methods)
    data = []
    for i, name in enumerate(names):
        of_one, axes = one.sel(true_endmember=name), _axes_of(i)
        truth = of_one["true_abundance_profile"].values[shown]
        data.append(line(position[shown], truth, "truth", BROAD, **axes))
        for method in methods:
            values = of_one["truth_abundance_profile"].sel({"label": method}).values[shown]
            data.append(_of_method(position[shown], values, method, styles, axes))
        layout |= profile_axes(i, panels, f"position ({unit})", "mean abundance")
    return {"data": one_legend_entry(data), "layout": layout}


def true_endmembers(
    true_spectra: xr.DataArray,
    comparison: xr.Dataset,
    fits: Mapping[str, xr.Dataset],
    methods: Sequence[str],
    styles: Styles,
    *,
    display: str,
    counts: float,
    title: str,
) -> dict[str, Any]:
    """Draw the true endmember spectra and the matched ones of all methods.

    Parameters
    ----------
    true_spectra : DataArray, dims (true_endmember, energy)
    comparison : Dataset
    fits : mapping
        Method -> store of its fit.
    methods : sequence of str
        Methods that gave a result.
    styles : mapping
        Method -> line style.
    display : str
        One of `DISPLAYS`.
    counts : float
        Counts that every spectrum has, summed over its channels.
    title : str
        Title of the spectral axis.
    """
    names = [str(name) for name in comparison["true_endmember"].values]
    panels, layout = _frame(names, methods)
    energy = true_spectra[true_spectra.dims[-1]].values
    data = []
    for i in range(len(names)):
        axes = _axes_of(i)
        truth = displayed(true_spectra.isel(true_endmember=i), display, counts)
        data.append(line(energy, truth, "truth", BROAD, **axes))
        for method, k in _matches(comparison, methods, i).items():
            spectrum = fits[method]["endmember_spectrum"].isel(endmember=k)
            x, y = spectrum[spectrum.dims[-1]].values, displayed(spectrum, display, counts)
            data.append(_of_method(x, y, method, styles, axes))
        layout |= profile_axes(i, panels, title, DISPLAYS[display])
        layout[axis_key("y", i)]["type"] = "log" if display == LOGARITHMIC else "linear"
    return {"data": one_legend_entry(data), "layout": layout}


def _matches(comparison: xr.Dataset, methods: Sequence[str], i: int) -> dict[str, int]:
    """Endmember of each method that was matched to true endmember `i`; methods without one are left out."""
    found = {m: int(comparison["truth_match"].sel({"label": m}).values[i]) for m in methods}
    return {method: k for method, k in found.items() if k >= 0}


def _frame(names: Sequence[str], methods: Sequence[str]) -> tuple[Panels, dict[str, Any]]:
    top = 36 + legend_height(["truth", *methods])
    panels = line_panels(len(names), columns=balanced(len(names)), panel_height=210, top=top)
    titles = [panel_title(f"<b>{plain(name)}</b>", i) for i, name in enumerate(names)]
    layout = base_layout(0, annotations=titles) | panels.layout(scale_height=False)
    layout["legend"] |= {"y": 1 + 8 / panels.plot_height}
    return panels, layout


def _axes_of(i: int) -> dict[str, str]:
    return {"xaxis": axis_name("x", i), "yaxis": axis_name("y", i)}


def _of_method(
    x: np.ndarray, y: np.ndarray, method: str, styles: Styles, axes: dict[str, str]
) -> dict[str, Any]:
    group = {"legendgroup": method, "meta": {"method": method}}
    return line(x, y, plain(method), dict(styles[method]), **group, **axes)
