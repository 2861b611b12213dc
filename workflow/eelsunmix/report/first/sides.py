"""What background subtraction (BS) sees of an edge on either side of its peak along a profile."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.report.areas import SURE_SD, Sighting, Systematic
from eelsunmix.report.figures.style import REFERENCE
from eelsunmix.report.first.choice import Shown, chosen_label
from eelsunmix.report.first.profile import widest_profile
from eelsunmix.report.formatting import in_words, tidy
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.places import averaged_over_planes
from eelsunmix.report.sightings import part_of, sightings_of, slight
from eelsunmix.report.systematics import pattern_counts
from eelsunmix.report.texts import one_style
from eelsunmix.stage_warnings import reference_problems
from eelsunmix.typing import Floats, Indices

TRACE = 1e-3
"""Part of the peak below which counts are no more told apart."""
LEAST_POSITIONS = 3
"""A side with fewer positions of the profile says nothing of the material there."""
ANOTHER = 0.5
"""Part of the peak from which counts on a side are another peak, which their mean would hide."""
ABOUT = (
    "{edge} in “{profile}” along {along}, on average a full width or more from the middle of its peak, by BS"
)


@dataclass(frozen=True, kw_only=True)
class Beside:
    """What BS sees beside the peak of an edge.

    Parameters
    ----------
    edge, text : str
    is_whole : bool
        Whether it is said of both sides and of the whole width of the image.
    """

    edge: str
    text: str
    is_whole: bool


def beside_peaks(inputs: Inputs, maps: Sequence[Shown]) -> list[Beside]:
    """Say of each edge with one peak along the widest profile what BS sees on either side of it.

    A side begins one full width at half maximum away from the middle of the peak: there a Gaussian has 6 %
    of its height. Both are those of the profile of the page, averaged over the planes of a lattice.

    Parameters
    ----------
    inputs : Inputs
    maps : sequence of Shown
        Of the first screen.

    Returns
    -------
    list of Beside
        Without the edges that BS failed at, that have no such peak, another one beside it, or no room; of a
        series, whose frames may differ, none.
    """
    name, label = widest_profile(inputs), chosen_label(inputs)
    if not name or label == REFERENCE or "frame" in inputs.bs["net_counts"].dims:
        return []
    failed = reference_problems(inputs.bs)
    edges = [one.edge for one in maps if one.source == label and one.edge not in ("", *failed)]
    return list(_told(inputs, edges, name, label))


def _told(inputs: Inputs, edges: Sequence[str], name: str, label: str) -> Iterator[Beside]:
    line: dict[str, Any] = dict(inputs.profiles[name])
    width = inputs.comparison.sizes[str(line["across"])]
    for edge in edges:
        sides = {
            where: _pixels(inputs, line, own) for where, own in _sides(inputs, edge, name, label).items()
        }
        seen = _alike_biased(sightings_of(inputs, edge, sides.values()))
        counts = inputs.comparison["element_map"].sel({"label": label, "edge": edge})
        pattern = float(np.nan_to_num(pattern_counts(inputs, edge)))
        told = [
            _in_words(one, where, pattern, f"{label} has {_share(one, float(counts.where(pixels).mean()))}")
            for (where, pixels), one in zip(sides.items(), seen, strict=True)
            if np.isfinite(one.net) and one.peak > 0
        ]
        if told:
            about = ABOUT.format(edge=in_words(edge), profile=in_words(name), along=line["along"])
            is_whole = len(told) > 1 and line["pixels"][1] - line["pixels"][0] == width
            yield Beside(edge=edge, text=one_style(f"{about}: {', '.join(told)}."), is_whole=is_whole)


def _alike_biased(found: Sequence[Sighting]) -> list[Sighting]:
    """Let the bias that shows on one side, where BS lies below zero beyond noise, be that of the other one.

    Counts of the element would hide it there: a limit that does not hold it is too low.
    """
    bias = min((one.net for one in found if one.is_biased), default=0.0)
    return [
        one if one.is_biased or one.is_seen else replace(one, systematic=_lower(one.systematic, bias))
        for one in found
    ]


def _lower(known: Systematic, bias: float) -> Systematic:
    return replace(known, offset=min(known.offset, bias))


def _sides(inputs: Inputs, edge: str, name: str, label: str) -> dict[str, Indices]:
    """Return where each side begins, in words, and which places of the profile lie on it."""
    at = inputs.comparison.sel({"profile": name, "edge": edge})
    own, bs = at.sel({"label": label}), at.sel(label=REFERENCE)
    position, width = at["profile_position"].to_numpy().astype(float), float(own["fwhm"])
    profile = averaged_over_planes(inputs, name, own["element_profile"].to_numpy().astype(float))
    reference, sd = (bs[one].to_numpy().astype(float) for one in ("element_profile", "element_profile_sd"))
    known = np.isfinite(position) & np.isfinite(profile) & np.isfinite(reference)
    if not np.isfinite(width) or not known.any():
        return {}
    middle = _middle(position[known], profile[known])
    low, high = middle - width, middle + width
    away = known & ((position < low) | (position > high))
    least = reference - SURE_SD * np.nan_to_num(sd)
    if any((one[away] > ANOTHER * one[known].max()).any() for one in (profile, least)):
        return {}
    unit = inputs.view.unit
    sides = {
        f"before {tidy(low, 3)} {unit}": position < low,
        f"beyond {tidy(high, 3)} {unit}": position > high,
    }
    places = {where: np.flatnonzero(known & inside) for where, inside in sides.items()}
    return {where: own for where, own in places.items() if own.size >= LEAST_POSITIONS}


def _middle(position: Floats, values: Floats) -> float:
    """Return the middle of the positions around the peak at which it is at least half as high.

    Examples
    --------
    >>> _middle(np.arange(6.0), np.array([0.0, 3.0, 4.0, 2.0, 2.0, 1.0]))
    2.5
    """
    peak = int(values.argmax())
    below = np.flatnonzero(values < values[peak] / 2)
    first, last = below[below < peak].max(initial=-1) + 1, below[below > peak].min(initial=values.size) - 1
    return float(position[first] + position[last]) / 2


def _pixels(inputs: Inputs, line: dict[str, Any], places: Indices) -> xr.DataArray:
    """Return the pixels at some places along a profile, over its width."""
    mask = xr.zeros_like(inputs.bs["net_counts"].isel(edge=0, drop=True), dtype=bool).compute()
    mask[{str(line["along"]): places, str(line["across"]): slice(*line["pixels"])}] = True
    return mask


def _in_words(found: Sighting, where: str, pattern: float, has: str) -> str:
    """Say what BS sees on a side, or its limit and what makes most of it, and what the map there has."""
    if found.is_seen:
        return f"{part_of(found, found.net)} of the map’s peak {where} ({has}{slight(found)})"
    limit = f"limit {part_of(found, found.limit)} of the map’s peak"
    return f"not seen {where} ({limit}{_reason(found, pattern)}; {has})"


def _reason(found: Sighting, pattern: float) -> str:
    """Say what makes more than half of a limit, if it is no noise."""
    unbiased = replace(found, systematic=replace(found.systematic, offset=0.0))
    if found.is_biased or unbiased.limit < found.limit / 2:
        return ", as BS is biased"
    rest = float(np.sqrt(max(found.systematic.sd**2 - pattern**2, 0.0)))
    without = replace(found, systematic=replace(found.systematic, sd=rest))
    return ", most of it for a fixed pattern" if without.limit < found.limit / 2 else ""


def _share(found: Sighting, counts: float) -> str:
    """Write counts as per cent of the highest ones, a trace as such.

    Examples
    --------
    >>> found = Sighting(net=0.0, sd=1.0, peak=1000.0)
    >>> _share(found, 11.0), _share(found, 0.04), _share(found, 0.0)
    ('1.1 %', 'less than 0.1 %', '0 %')
    """
    return "less than 0.1 %" if 0 < found.part(counts) < TRACE else part_of(found, counts)
