"""Plots of the benchmark: errors of all methods by endmember, spectra, maps."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from eelsunmix.benchmark.labels import as_in_paper
from eelsunmix.benchmark.results import ORACLE, Place, Results
from eelsunmix.report.figures.endmembers import COUNTS, FLATTENED, LOGARITHMIC, displayed
from eelsunmix.report.figures.grid import Scale, Tile, map_grid
from eelsunmix.report.figures.layout import Panels, axis_key, axis_name, balanced, line_panels
from eelsunmix.report.figures.mapview import view_of
from eelsunmix.report.figures.profiles import profile_axes
from eelsunmix.report.figures.spectra import panel_title
from eelsunmix.report.figures.style import (
    BLACK,
    BLUE,
    GREY,
    OKABE_ITO,
    TRUTH,
    axis,
    base_layout,
    line,
    one_legend_entry,
)
from eelsunmix.report.texts import plain

TITLES = {"bs": "BS", "udas": "uDAS"}
SERIES = {
    "published": {"color": "#D55E00", "symbol": "circle-open", "size": 8, "line": {"width": 2}},
    "eels": {"color": BLUE, "symbol": "square", "size": 7},
    "HyperSpy": {"color": "#CC79A7", "symbol": "diamond", "size": 8},
}
OFFSETS = {"published": -0.26, "eels": 0.26, "HyperSpy": 0.0}
SCORE_TITLES = {
    "nmse": "NMSE",
    "nmse_scale_free": "scale-free NMSE",
    "sad": "SAD (rad)",
    "sad_whitened": "whitened SAD (rad)",
}
COLOURS = (*OKABE_ITO, GREY, "#8B5A2B", BLACK)
DASHES = {"eels": "solid", "published": "dash", "HyperSpy": "dot"}
OF_UNIT_AREA = {
    FLATTENED: "fraction of the area × (E / Emax)³",
    COUNTS: "fraction of the counts per channel",
    LOGARITHMIC: "fraction of the counts per channel",
}
"""Ways to show endmembers, and the titles of their axes."""
CEILING = {"color": "#009E73", "width": 2}
LIMIT = {"color": BLACK, "width": 1.4, "dash": "dash"}


def method_title(method: str) -> str:
    """Write the name of a method as the paper does.

    Examples
    --------
    >>> method_title("udas"), method_title("vca")
    ('uDAS', 'VCA')
    """
    return TITLES.get(method, method.upper())


def methods_of(results: Results) -> list[str]:
    """Methods in the order of the paper's figures."""
    found = {results.method(label) for label in results.labels}
    return [*(found & {"bs"}), *as_in_paper(found - {"bs"})]


def by_method(results: Results) -> list[str]:
    """Labels in the order of the paper's methods, other software and published settings first."""
    methods, settings = methods_of(results), ("HyperSpy", "published", "eels")
    order = {name: rank for rank, name in enumerate(settings)}
    return sorted(
        results.labels,
        key=lambda label: (methods.index(results.method(label)), order.get(results.setting(label), 0)),
    )


def label_styles(results: Results) -> dict[str, dict[str, Any]]:
    """Give every label the colour of its method and the dash of its setting."""
    methods = methods_of(results)
    return {
        label: {
            "color": COLOURS[methods.index(results.method(label)) % len(COLOURS)],
            "dash": DASHES.get(results.setting(label), "solid"),
            "width": 1.8,
        }
        for label in results.labels
    }


def score_panels(results: Results, place: Place, score: str) -> dict[str, Any]:
    """Draw a score of every method, one panel per endmember.

    Parameters
    ----------
    results : Results
    place : (str, float)
        Scene and dose.
    score : str
        One of `SCORE_TITLES`.
    """
    names, methods = results.endmembers(place[0]), methods_of(results)
    panels, layout = _frame(names, top=64)
    data: list[dict[str, Any]] = []
    for i in range(len(names)):
        axes = {"xaxis": axis_name("x", i), "yaxis": axis_name("y", i)}
        data += _limits(results, place, score, i, len(methods), axes)
        data += [_points(results, place, score, i, label, methods, axes) for label in results.labels]
        layout |= _score_axes(i, panels, methods, SCORE_TITLES[score])
    return {"data": one_legend_entry(data), "layout": layout}


def spectra_panels(
    results: Results, place: Place, display: str, styles: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Draw the matched endmembers of all methods beside the true ones."""
    names = results.endmembers(place[0])
    panels, layout = _frame(names, top=110)
    data: list[dict[str, Any]] = []
    title = "energy loss (eV)"
    for i in range(len(names)):
        axes = {"xaxis": axis_name("x", i), "yaxis": axis_name("y", i)}
        for label in (ORACLE, *by_method(results)):
            run = results.get(place, label)
            if run is None or "endmember_spectrum" not in run:
                continue
            spectrum = run["endmember_spectrum"].isel(endmember=i)
            dim = str(spectrum.dims[-1])
            energy, values = spectrum[dim].values, displayed(spectrum, display)
            title = "energy (keV)" if dim == "energy" else "energy loss (eV)"
            if label == ORACLE:
                data.append(line(energy, values, "truth", {"color": TRUTH, "width": 6}, **axes))
            else:
                group = {"legendgroup": label, "meta": {"method": label}}
                data.append(line(energy, values, plain(label), dict(styles[label]), **group, **axes))
        layout |= profile_axes(i, panels, title, OF_UNIT_AREA[display])
        layout[axis_key("y", i)]["type"] = "log" if display == LOGARITHMIC else "linear"
    return {"data": one_legend_entry(data), "layout": layout}


def shown_maps(results: Results, place: Place) -> dict[str, Any] | None:
    """Draw the maps of the first image, one row per method, published beside eels; None without truth."""
    truth = results.get(place, ORACLE)
    if truth is None:
        return None
    names = results.endmembers(place[0])
    rows = _map_rows(results)
    columns = 2 * len(names)
    view = view_of(truth["abundance"].isel(endmember=0), n_maps=len(rows) * columns, budget=600_000)
    tiles = []
    for labels in rows.values():
        for setting, label in labels.items():
            for index, name in enumerate(names):
                found = None if label is None else results.shown_map(place, label, index)
                image = None if found is None else view.image(found)
                scale = Scale(low=0.0, high=1.0, unit="")
                tiles.append(Tile(title=f"{name}, {setting}", image=image, scale=scale, message="–"))
    return map_grid(tiles, view, columns=columns, row_titles=list(rows), widest=118)


def _map_rows(results: Results) -> dict[str, dict[str, str | None]]:
    """Title of each row -> the first label of each setting; other software has rows of its own."""
    rows: dict[str, dict[str, str | None]] = {"truth": dict.fromkeys(("published", "eels"), ORACLE)}
    for label in by_method(results):
        title, setting = method_title(results.method(label)), results.setting(label)
        if setting in ("published", "eels"):
            row = rows.setdefault(title, {"published": None, "eels": None})
            row[setting] = row[setting] or label
        else:
            rows[f"{plain(setting)}<br>{title}"] = {"published": label, "eels": None}
    return rows


def _frame(names: Sequence[str], *, top: float) -> tuple[Panels, dict[str, Any]]:
    panels = line_panels(len(names), columns=balanced(len(names)), panel_height=230, top=top)
    titles = [panel_title(f"<b>{plain(name)}</b>", i) for i, name in enumerate(names)]
    layout = base_layout(0, annotations=titles) | panels.layout(scale_height=False)
    layout["legend"] |= {"y": 1 + 8 / panels.plot_height}
    return panels, layout


def _points(
    results: Results,
    place: Place,
    score: str,
    endmember: int,
    label: str,
    methods: Sequence[str],
    axes: dict[str, str],
) -> dict[str, Any]:
    setting = results.setting(label)
    mean, deviation = _mean(results.values(place, label, score), endmember)
    x = methods.index(results.method(label)) + OFFSETS.get(setting, 0.0)
    bars = {"array": [deviation], "arrayminus": [min(deviation, 0.9 * mean)], "thickness": 1.4, "width": 3}
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [x],
        "y": [mean],
        "error_y": {**bars, "color": SERIES.get(setting, SERIES["eels"])["color"], "visible": deviation > 0},
        "marker": dict(SERIES.get(setting, SERIES["eels"])),
        "name": plain(setting),
        "legendgroup": setting,
        "meta": {"method": label},
        "hovertemplate": f"%{{y:.3g}} ± {deviation:.2g}<extra>{plain(label)}</extra>",
        **axes,
    }


def _mean(values: np.ndarray, endmember: int) -> tuple[float, float]:
    column = values[:, endmember] if values.size else values.ravel()
    column = column[np.isfinite(column)]
    if not len(column):
        return float("nan"), 0.0
    return float(column.mean()), float(column.std(ddof=1)) if len(column) > 1 else 0.0


def _limits(
    results: Results, place: Place, score: str, endmember: int, n_methods: int, axes: dict[str, str]
) -> list[dict[str, Any]]:
    """Lines of the oracle and of the Cramer-Rao limit; the oracle knows the spectra, it has no angle."""
    if not score.startswith("nmse"):
        return []
    found = []
    for name, variable, style in (("oracle", score, CEILING), ("Cramér-Rao limit", "cramer_rao_nmse", LIMIT)):
        mean, _ = _mean(results.values(place, ORACLE, variable), endmember)
        ends = [-0.6, n_methods - 0.4]
        options = {"legendgroup": name, "hovertemplate": f"{mean:.3g}<extra>{name}</extra>"}
        found.append(line(ends, [mean, mean], name, dict(style), **options, **axes))
    return found


def _score_axes(i: int, panels: Panels, methods: Sequence[str], title: str) -> dict[str, Any]:
    x = axis(
        domain=panels.domain_x(i),
        anchor=axis_name("y", i),
        range=[-0.6, len(methods) - 0.4],
        showgrid=False,
        tickangle=-45,
        tickmode="array",
        tickvals=list(range(len(methods))),
        ticktext=list(map(method_title, methods)),
    )
    first = panels.place(i)[1] == 0
    y = axis(title if first else "", domain=panels.domain_y(i), anchor=axis_name("x", i), type="log")
    y |= {"exponentformat": "power", "dtick": 1, **({"matches": "y"} if i else {})}
    return {axis_key("x", i): x, axis_key("y", i): y}
