"""Plot of the endmember spectra of all methods by matched component."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.report.figures.layout import Panels, axis_key, axis_name, balanced, legend_height, line_panels
from eelsunmix.report.figures.spectra import Edges, edge_marks, panel_title
from eelsunmix.report.figures.style import axis, band, base_layout, line, see_through
from eelsunmix.report.texts import plain

FLATTENED, UNIT_AREA, LOGARITHMIC, RETURNED = "unit area × E³", "unit area", "logarithmic", "as returned"
DISPLAYS = {
    UNIT_AREA: "fraction of the counts per channel",
    FLATTENED: "fraction of the area × (E / Emax)³",
    LOGARITHMIC: "fraction of the area per channel",
    RETURNED: "as returned",
}
"""Ways to show endmember spectra, and the titles of their axes. The first looks as spectra do at the
microscope; the second takes out the steep background of core losses, so that edges show that are a few per
cent of it."""
IMPOSSIBLE = 0.05
"""A spectrum that goes below zero by more than this part of its peak does not set the scale of a panel."""

Styles = Mapping[str, Mapping[str, Any]]


def displays_for(energy_dim: str) -> list[str]:
    """Return the ways that suit the spectra; X-ray spectra have no background that rises so."""
    return [display for display in DISPLAYS if energy_dim == "energy_loss" or display != FLATTENED]


def members_of(comparison: xr.Dataset, methods: Sequence[str]) -> dict[int, list[tuple[str, int]]]:
    """Return group -> (method, endmember) pairs, as the comparison matched them; -1 gathers the unmatched."""
    found: dict[int, list[tuple[str, int]]] = {}
    for method in methods:
        for endmember, group in enumerate(comparison["group"].sel({"label": method}).values.tolist()):
            if group >= 0 or str(comparison["endmember_label"].sel({"label": method}).values[endmember]):
                found.setdefault(int(group), []).append((method, endmember))
    return dict(sorted(found.items(), key=lambda item: (item[0] < 0, item[0])))


def group_names(comparison: xr.Dataset, members: Mapping[int, Sequence[tuple[str, int]]]) -> dict[int, str]:
    """Name each group by the commonest label of its endmembers, with a number where several have the same."""
    names = {}
    for group, found in members.items():
        labels = (comparison["endmember_label"].sel({"label": m}).values[k] for m, k in found)
        label = Counter(map(str, labels)).most_common(1)[0][0]
        names[group] = "unmatched" if group < 0 else label or f"component {group + 1}"
    alike = {name for name in names.values() if list(names.values()).count(name) > 1}
    numbers = {
        group: str(sum(other <= group for other in names if names[other] == name))
        for group, name in names.items()
    }
    return {group: f"{name} ({numbers[group]})" if name in alike else name for group, name in names.items()}


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
    top = 62 + legend_height(methods)
    panels = line_panels(len(members), columns=balanced(len(members)), panel_height=240, top=top)
    layout = base_layout(0, shapes=[], annotations=[]) | panels.layout(scale_height=False)
    layout["legend"] |= {"y": 1 + 34 / panels.plot_height}
    data: list[dict[str, Any]] = []
    seen: set[str] = set()
    for i, (group, found) in enumerate(members.items()):
        for method, endmember in found:
            spectrum = fits[method]["endmember_spectrum"].isel(endmember=endmember)
            data += _deviations(fits[method], method, endmember, i, styles, display)
            data.append(_spectrum(spectrum, method, i, styles, display, first=method not in seen))
            seen.add(method)
        layout |= spectrum_axes(i, panels, title, display)
        if display != LOGARITHMIC:
            shown = [displayed(fits[m]["endmember_spectrum"].isel(endmember=k), display) for m, k in found]
            layout[axis_key("y", i)]["range"] = scale_of(shown)
        energy = np.asarray(spectrum[spectrum.dims[-1]].values)
        shapes, texts = edge_marks(edges, energy, panel=i, named=panels.place(i)[0] == 0)
        layout["shapes"] += shapes
        layout["annotations"] += [*texts, panel_title(f"<b>{plain(names[group])}</b>", i)]
    return {"data": data, "layout": layout}


def scale_of(spectra: Sequence[np.ndarray]) -> list[float]:
    """Return the range of a panel of spectra, set by those that are possible, if there are any.

    Examples
    --------
    >>> scale_of([np.array([0.0, 10.0]), np.array([-50.0, 100.0])])
    [-0.6, 10.6]
    """
    possible = [one for one in spectra if np.nanmin(one) >= -IMPOSSIBLE * np.nanmax(one)] or spectra
    low = min(float(np.nanmin(one)) for one in possible)
    high = max(float(np.nanmax(one)) for one in possible)
    room = 0.06 * ((high - low) or 1.0)
    return [low - room, high + room]


def _spectrum(
    spectrum: xr.DataArray, method: str, i: int, styles: Styles, display: str, *, first: bool
) -> dict[str, Any]:
    return line(
        spectrum[spectrum.dims[-1]].values,
        displayed(spectrum, display),
        plain(method),
        dict(styles[method]),
        xaxis=axis_name("x", i),
        yaxis=axis_name("y", i),
        legendgroup=method,
        showlegend=first,
        meta={"method": method},
        hovertemplate="%{x:.5g}: %{y:.4g}<extra>" + plain(method) + "</extra>",
    )


def _deviations(
    fit: xr.Dataset, method: str, endmember: int, i: int, styles: Styles, display: str
) -> list[dict[str, Any]]:
    """Draw two standard deviations around an endmember as a band, where the method knows them."""
    if "endmember_spectrum_sd" not in fit:
        return []
    one = fit.isel(endmember=endmember)
    spectrum = one["endmember_spectrum"]
    values, factor = displayed(spectrum, display), _factor(spectrum, display)
    reach = 2 * one["endmember_spectrum_sd"].values * factor
    low = values - reach
    if display == LOGARITHMIC:
        low = np.maximum(low, 0.01 * np.abs(values))
    look = {"colour": see_through(styles[method]["color"], 0.25), "name": f"{plain(method)} ± 2 sd"}
    where = {"xaxis": axis_name("x", i), "yaxis": axis_name("y", i)}
    traces = band(
        spectrum[spectrum.dims[-1]].values, low, values + reach, meta={"method": method}, **look, **where
    )
    return [{**trace, "legendgroup": method, "showlegend": False} for trace in traces]


def displayed(spectrum: xr.DataArray, display: str) -> np.ndarray:
    """Return the values of a spectrum as one of `DISPLAYS` shows them."""
    return np.asarray(spectrum.values, dtype=float) * _factor(spectrum, display)


def _factor(spectrum: xr.DataArray, display: str) -> Any:
    """Return what one of `DISPLAYS` multiplies a spectrum with: a number, or one for each channel."""
    if display == RETURNED:
        return 1.0
    factor = 1.0 / (float(np.abs(np.asarray(spectrum.values, dtype=float)).sum()) or 1.0)
    if display == FLATTENED:
        energy = np.asarray(spectrum[spectrum.dims[-1]].values, dtype=float)
        return factor * (energy / energy.max()) ** 3
    return factor


def spectrum_axes(i: int, panels: Panels, title: str, display: str) -> dict[str, Any]:
    """Return the axes of a panel of spectra."""
    heading = DISPLAYS[display]
    lowest, first = panels.is_lowest(i), panels.place(i)[1] == 0
    zoom = {"matches": "x"} if i else {}
    x = axis(title if lowest else "", domain=panels.domain_x(i), anchor=axis_name("y", i), **zoom)
    y = axis(
        heading if first else "", domain=panels.domain_y(i), anchor=axis_name("x", i), exponentformat="power"
    )
    y["type"] = "log" if display == LOGARITHMIC else "linear"
    return {axis_key("x", i): x, axis_key("y", i): y}
