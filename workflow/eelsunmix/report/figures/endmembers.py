"""Spectra of one matched component by all methods; ways to show spectra."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.report.figures.layout import Panels, axis_key, axis_name, line_panels
from eelsunmix.report.figures.spectra import NAME, Edges, edge_marks
from eelsunmix.report.figures.style import HALF_WIDTH, axis, band, base_layout, line, see_through
from eelsunmix.report.texts import plain

COUNTS, FLATTENED, LOGARITHMIC, RETURNED = "counts", "counts × E³", "logarithmic", "as returned"
DISPLAYS = {
    COUNTS: "counts per channel",
    FLATTENED: "counts × (E / Emax)³",
    LOGARITHMIC: "counts per channel",
    RETURNED: "as returned",
}
"""Ways to show endmember spectra, and the titles of their axes. The first looks as spectra do at the
microscope; the second takes out the steep background of core losses, so that edges show that are a few per
cent of it."""
IMPOSSIBLE = 0.05
"""A spectrum that goes below zero by more than this part of its peak does not set the scale of a panel."""

WIDEST = 0.5
"""A band of ± 2 sd that is mostly wider than this part of the peak would hide all lines: it is left out."""

Styles = Mapping[str, Mapping[str, Any]]


def displays_for(energy_dim: str) -> list[str]:
    """Return the ways that suit the spectra; X-ray spectra have no background that rises so."""
    return [display for display in DISPLAYS if energy_dim == "energy_loss" or display != FLATTENED]


def members_of(comparison: xr.Dataset, methods: Sequence[str]) -> dict[int, list[tuple[str, int]]]:
    """Return group -> (method, endmember) pairs, as the comparison matched them; -1 gathers the unmatched."""
    found: dict[int, list[tuple[str, int]]] = {}
    for method in methods:
        for endmember, group in enumerate(comparison["group"].sel({"label": method}).values.tolist()):
            if group >= 0 or str(comparison["endmember_name"].sel({"label": method}).values[endmember]):
                found.setdefault(int(group), []).append((method, endmember))
    return dict(sorted(found.items(), key=lambda item: (item[0] < 0, item[0])))


def group_names(comparison: xr.Dataset, members: Mapping[int, Sequence[tuple[str, int]]]) -> dict[int, str]:
    """Name each group by the commonest name of its endmembers, which have the number of it in common."""
    names = {}
    for group, found in members.items():
        own = (comparison["endmember_name"].sel({"label": m}).values[k] for m, k in found)
        names[group] = "unmatched" if group < 0 else Counter(map(str, own)).most_common(1)[0][0]
    return names


def component_spectra(
    found: Sequence[tuple[str, int]],
    fits: Mapping[str, xr.Dataset],
    *,
    edges: Edges,
    styles: Styles,
    display: str,
    counts: float,
    title: str,
) -> dict[str, Any]:
    """Draw the spectra of one matched component by all methods that have it.

    Parameters
    ----------
    found : sequence of (str, int)
        Methods, and their endmembers that are this component.
    fits : mapping
        Method -> store of its fit.
    edges, styles : mapping
    display : str
        One of `DISPLAYS`.
    counts : float
        Counts that every spectrum has, summed over its channels.
    title : str
        Title of the spectral axis.
    """
    spectra = [fits[method]["endmember_spectrum"].isel(endmember=k) for method, k in found]
    energy = np.asarray(spectra[0][spectra[0].dims[-1]].values)
    panels = line_panels(1, columns=1, panel_height=250, top=44, width=HALF_WIDTH)
    shapes, texts = edge_marks(edges, energy, room=NAME / panels.panel_width)
    layout = base_layout(0, shapes=shapes, annotations=texts) | panels.layout(scale_height=False)
    layout |= spectrum_axes(0, panels, title, display) | {"showlegend": False}
    if display != LOGARITHMIC:
        layout["yaxis"]["range"] = scale_of([displayed(one, display, counts) for one in spectra])
    data: list[dict[str, Any]] = []
    cut = cut_methods(found, fits)
    for (method, endmember), spectrum in zip(found, spectra, strict=True):
        data += _deviations(fits[method], method, endmember, styles, display, counts)
        look = dict(styles[method]) | ({"width": 0.8} if method in cut else {})
        hover = "%{x:.5g}: %{y:.4g}<extra>" + plain(method) + "</extra>"
        values = displayed(spectrum, display, counts)
        known: dict[str, Any] = {"meta": {"method": method}, "hovertemplate": hover}
        if method in cut:
            known["opacity"] = 0.5
        data.append(line(energy, values, plain(method), look, **known))
    return {"data": data, "layout": layout}


def cut_methods(found: Sequence[tuple[str, int]], fits: Mapping[str, xr.Dataset]) -> list[str]:
    """Name the methods whose spectra set no scale, and so leave the panel of others."""
    spectra = {method: fits[method]["endmember_spectrum"].isel(endmember=k).values for method, k in found}
    cut = [method for method, one in spectra.items() if not _is_possible(one)]
    return cut if len(cut) < len(spectra) else []


def _is_possible(spectrum: np.ndarray) -> bool:
    return bool(np.nanmin(spectrum) >= -IMPOSSIBLE * np.nanmax(spectrum))


def scale_of(spectra: Sequence[np.ndarray]) -> list[float]:
    """Return the range of a panel of spectra, set by those that are possible, if there are any.

    Examples
    --------
    >>> scale_of([np.array([0.0, 10.0]), np.array([-50.0, 100.0])])
    [-0.6, 10.6]
    """
    possible = [one for one in spectra if _is_possible(one)] or spectra
    low = min(float(np.nanmin(one)) for one in possible)
    high = max(float(np.nanmax(one)) for one in possible)
    room = 0.06 * ((high - low) or 1.0)
    return [low - room, high + room]


def _deviations(
    fit: xr.Dataset, method: str, endmember: int, styles: Styles, display: str, counts: float
) -> list[dict[str, Any]]:
    """Draw two standard deviations around an endmember as a band, where the method knows them."""
    if "endmember_spectrum_sd" not in fit:
        return []
    one = fit.isel(endmember=endmember)
    spectrum = one["endmember_spectrum"]
    values, factor = displayed(spectrum, display, counts), _factor(spectrum, display, counts)
    reach = 2 * one["endmember_spectrum_sd"].values * factor
    if is_too_wide(one):
        return []
    low = values - reach
    if display == LOGARITHMIC:
        low = np.maximum(low, 0.01 * np.abs(values))
    look = {"colour": see_through(styles[method]["color"], 0.25), "name": f"{plain(method)} ± 2 sd"}
    energy = spectrum[spectrum.dims[-1]].values
    return band(energy, low, values + reach, meta={"method": method}, **look)


def is_too_wide(one: xr.Dataset) -> bool:
    """Whether the deviations of an endmember are too large to be drawn beside it."""
    if "endmember_spectrum_sd" not in one:
        return False
    peak = float(np.nanmax(np.abs(one["endmember_spectrum"].values)))
    return 2 * float(np.nanmedian(one["endmember_spectrum_sd"].values)) > WIDEST * peak


def displayed(spectrum: xr.DataArray, display: str, counts: float = 1.0) -> np.ndarray:
    """Return the values of a spectrum as one of `DISPLAYS` shows them, with so many `counts` in all."""
    return np.asarray(spectrum.values, dtype=float) * _factor(spectrum, display, counts)


def _factor(spectrum: xr.DataArray, display: str, counts: float) -> Any:
    """Return what one of `DISPLAYS` multiplies a spectrum with: a number, or one for each channel."""
    if display == RETURNED:
        return 1.0
    factor = counts / (float(np.abs(np.asarray(spectrum.values, dtype=float)).sum()) or 1.0)
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
