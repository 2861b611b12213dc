"""What background subtraction (BS) sees of an edge on either side of its peak along a profile."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.comparison.shape import peak_shape
from eelsunmix.report.areas import Sighting
from eelsunmix.report.figures.style import REFERENCE
from eelsunmix.report.first.choice import Shown, chosen_label
from eelsunmix.report.first.profile import widest_profile
from eelsunmix.report.formatting import in_words, tidy
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.sightings import part_of, sightings_of
from eelsunmix.report.systematics import pattern_counts
from eelsunmix.report.texts import one_style
from eelsunmix.stage_warnings import reference_problems
from eelsunmix.typing import Floats, Indices

TRACE = 1e-3
"""Part of the peak below which counts are no more told apart."""
LEAST_POSITIONS = 3
"""A side with fewer positions of the profile says nothing of the material there."""


def beside_peaks(inputs: Inputs, maps: Sequence[Shown]) -> dict[str, str]:
    """Say of each edge with one peak along the widest profile what BS sees on either side of it.

    A side begins one full width at half maximum away from the middle of the peak: there a Gaussian has 6 %
    of its height.

    Parameters
    ----------
    inputs : Inputs
    maps : sequence of Shown
        Of the first screen.

    Returns
    -------
    dict of str to str
        Edge -> sentence. Without those that BS failed at, that have no such peak or no room beside it; of a
        series, whose frames may differ, none.
    """
    name, label = widest_profile(inputs), chosen_label(inputs)
    if not name or label == REFERENCE or "frame" in inputs.bs["net_counts"].dims:
        return {}
    failed, along = reference_problems(inputs.bs), inputs.profiles[name]["along"]
    found = {}
    for edge in (one.edge for one in maps if one.source == label and one.edge not in ("", *failed)):
        sides = _sides(inputs, edge, name, label)
        seen = sightings_of(inputs, edge, sides.values())
        pattern = float(np.nan_to_num(pattern_counts(inputs, edge)))
        counts = inputs.comparison["element_map"].sel({"label": label, "edge": edge})
        told = [
            _in_words(one, where, pattern, f"{label} has {_share(one, float(counts.where(pixels).mean()))}")
            for (where, pixels), one in zip(sides.items(), seen, strict=True)
        ]
        if told:
            away = f"{in_words(edge)} along {along}, a full width or more from the middle of its peak"
            found[edge] = one_style(f"{away}, by BS: {', '.join(told)}.")
    return found


def _sides(inputs: Inputs, edge: str, name: str, label: str) -> dict[str, xr.DataArray]:
    """Return where each side begins, in words, and which pixels of the profile lie on it."""
    at = inputs.comparison.sel({"profile": name, "edge": edge, "label": label})
    position, values = (at[one].to_numpy().astype(float) for one in ("profile_position", "element_profile"))
    width = peak_shape(position, values).fwhm
    if not np.isfinite(width):
        return {}
    middle, unit = _middle(position, values), inputs.view.unit
    sides = {
        f"left of {tidy(middle - width, 3)} {unit}": position < middle - width,
        f"right of {tidy(middle + width, 3)} {unit}": position > middle + width,
    }
    return {
        where: _pixels(inputs, name, np.flatnonzero(inside))
        for where, inside in sides.items()
        if inside.sum() >= LEAST_POSITIONS
    }


def _middle(position: Floats, values: Floats) -> float:
    """Return the middle of the positions around the peak at which it is at least half as high.

    Examples
    --------
    >>> _middle(np.arange(7.0), np.array([0.0, 3.0, 4.0, 2.0, 2.0, 1.0, np.nan]))
    2.5
    """
    peak = int(np.nanargmax(values))
    below = np.flatnonzero(~(values >= values[peak] / 2))
    first, last = below[below < peak].max(initial=-1) + 1, below[below > peak].min(initial=values.size) - 1
    return float(position[first] + position[last]) / 2


def _pixels(inputs: Inputs, name: str, places: Indices) -> xr.DataArray:
    """Return the pixels at some places along a profile, over its width."""
    line: dict[str, Any] = dict(inputs.profiles[name])
    mask = xr.zeros_like(inputs.bs["net_counts"].isel(edge=0, drop=True), dtype=bool).compute()
    mask[{str(line["along"]): places, str(line["across"]): slice(*line["pixels"])}] = True
    return mask


def _in_words(found: Sighting, where: str, pattern: float, has: str) -> str:
    """Say what BS sees on a side, or its limit and what makes most of it, and what the map there has."""
    if found.is_seen:
        return f"{part_of(found, found.net)} of the peak {where} ({has})"
    why = ", most of it for a fixed pattern" if pattern > found.sd else ""
    return f"not seen {where} (limit {part_of(found, found.limit)} of the peak{why}; {has})"


def _share(found: Sighting, counts: float) -> str:
    """Write counts as per cent of the highest ones, a trace as such.

    Examples
    --------
    >>> found = Sighting(net=0.0, sd=1.0, peak=1000.0)
    >>> _share(found, 11.0), _share(found, 0.04), _share(found, 0.0)
    ('1.1 %', 'less than 0.1 %', '0 %')
    """
    return "less than 0.1 %" if 0 < found.part(counts) < TRACE else part_of(found, counts)
