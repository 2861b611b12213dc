"""Whether anything speaks for the element of a map: its component, or background subtraction (BS)."""

from collections.abc import Iterator

import xarray as xr

from eelsunmix.report.areas import CLEAR_SD, SURE_SD
from eelsunmix.report.figures.style import REFERENCE
from eelsunmix.report.first.choice import Shown, edges_of_elements
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.sightings import sightings_of
from eelsunmix.stage_warnings import reference_problems

FAILED, NOT_FOUND, ALL_NOISE = "its background failed", "not found", "no pixel is clear of its noise"
"""Why the highest values of a map are no peak, so that no error is a part of it."""


def why_no_peak(inputs: Inputs, one: Shown) -> str:
    """Say why the highest values of a map are no peak of its element; empty where they are."""
    if not one.edge:
        return ""
    if one.source == REFERENCE and one.edge in reference_problems(inputs.bs):
        return FAILED
    if not is_found(inputs, one):
        return NOT_FOUND
    return ALL_NOISE if one.source == REFERENCE and not _has_clear_pixel(inputs, one.edge) else ""


def is_found(inputs: Inputs, one: Shown) -> bool:
    """Whether a component or BS shows an edge of the element of a map beyond noise, or BS cannot say.

    A map of a component has no edge, and is found.
    """
    edges = edges_of_elements(inputs).get(one.name, []) if one.edge else []
    in_component = one.source != REFERENCE and any(_is_in_component(inputs, one.source, e) for e in edges)
    return not edges or in_component or any(is_seen_by_bs(inputs, edge) for edge in edges)


def detectable(inputs: Inputs, one: Shown) -> float:
    """Return the counts from which a map of an edge would show it: where its colours end, if it does not."""
    if one.source == REFERENCE:
        return CLEAR_SD * float(inputs.bs["net_counts_sd"].sel(edge=one.edge).compute().median())
    at = inputs.comparison.sel({"label": one.source, "edge": one.edge})
    net, sd = (float(at[f"endmember_net_counts{name}"][int(at["owner"])]) for name in ("", "_sd"))
    return SURE_SD * sd / net * float(one.values.max()) if net > 0 else SURE_SD * sd


def is_edge_found(inputs: Inputs, label: str, edge: str) -> bool:
    """Whether the component of a method that owns an edge shows it, or BS sees it, or cannot say."""
    return _is_in_component(inputs, label, edge) or is_seen_by_bs(inputs, edge)


def is_seen_by_bs(inputs: Inputs, edge: str) -> bool:
    """Whether BS sees an edge, in single pixels or where a component is the largest, or cannot say."""
    if _has_clear_pixel(inputs, edge) or edge in reference_problems(inputs.bs):
        return True
    return any(sighting.is_seen for sighting in sightings_of(inputs, edge, _areas(inputs, edge)))


def _areas(inputs: Inputs, edge: str) -> Iterator[xr.DataArray]:
    """Yield the pixels where each component is the largest; all of them where no method has two."""
    if "phase" not in inputs.comparison:
        yield inputs.bs["net_counts"].sel(edge=edge, drop=True).notnull()
        return
    for number in range(inputs.comparison.sizes["endmember"]):
        yield inputs.comparison["phase"] == number


def _has_clear_pixel(inputs: Inputs, edge: str) -> bool:
    bs = inputs.bs[["net_counts", "net_counts_sd"]].sel(edge=edge).compute()
    return bool((bs["net_counts"] > CLEAR_SD * bs["net_counts_sd"]).any())


def _is_in_component(inputs: Inputs, label: str, edge: str) -> bool:
    """Whether the component that owns an edge holds it beyond noise, and BS finds it where that lies."""
    at = inputs.comparison.sel({"label": label, "edge": edge})
    owner = int(at["owner"])
    if owner < 0:
        return False
    names = ("endmember_net_counts", "confirmed_net_counts", "endmember_net_counts_sd")
    net, confirmed, sd = (float(at[name][owner]) for name in names)
    return min(net, confirmed) > SURE_SD * sd
