"""How each method does, element by element; the verdict has the worst of them alone."""

from collections.abc import Iterator, Mapping
from typing import Any

import xarray as xr

from eelsunmix.comparison.following import Finding, agreement_table, factors, misfits
from eelsunmix.comparison.setting import Setting
from eelsunmix.comparison.thresholds import CRITERIA, worst
from eelsunmix.comparison.verdict import leaks

JUDGED = ("agreement", "misfit", "scale", "cross_talk")
"""Criteria that are judged edge by edge."""


def verdict_by_element(comparison: xr.Dataset, setting: Setting) -> list[dict[str, Any]]:
    """Return one row for each method and element: its worst value of each criterion, and the worst light.

    Returns
    -------
    list of dict
        ``method, element, agreement, misfit, scale, cross_talk, light``; None where nothing is known.
    """
    rows = []
    for method in comparison["label"].values[1:].tolist():
        for element, found in _findings(comparison.sel({"label": method}), setting).items():
            lights = {CRITERIA[key].light(value) for key, value in found.items()}
            known = {key: found.get(key) for key in JUDGED}
            rows.append({"method": method, "element": element, **known, "light": worst(lights)})
    return rows


def _findings(one: xr.Dataset, setting: Setting) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {edge.element: {} for edge in setting.edges.values()}
    for place, (r, ceiling) in agreement_table(one, setting).items():
        own = found[_element(place, setting)]
        own["agreement"] = min(own.get("agreement", r / ceiling), r / ceiling)
    for key, element, value in _deviations(one, setting):
        found[element][key] = max(found[element].get(key, 0.0), value)
    return found


def _deviations(one: xr.Dataset, setting: Setting) -> Iterator[tuple[str, str, float]]:
    """Yield criterion, element and value of what is the worse the larger it is."""
    tables: dict[str, Mapping[str, Finding]] = {
        "misfit": misfits(one, setting),
        "scale": factors(one, setting),
    }
    for key, table in tables.items():
        yield from (
            (key, _element(place, setting), value) for place, (value, _) in table.items() if value == value
        )
    for (element, _), value in leaks(one, setting).items():
        yield "cross_talk", element, abs(value)


def _element(place: str, setting: Setting) -> str:
    """Return the element of a place, whose name begins with that of its edge."""
    return setting.edges[place.partition(", ")[0]].element
