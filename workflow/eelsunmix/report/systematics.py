"""By how much net counts are off alike in all pixels, which no averaging lowers."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from eelsunmix.comparison.thresholds import OFF_REGION_SD
from eelsunmix.report.areas import Systematic
from eelsunmix.report.figures.style import REFERENCE
from eelsunmix.report.inputs import Inputs

ADDED, DIVIDED = "dark", "gain"
"""Steps that remove a fixed pattern that adds counts, and one that multiplies them."""


def systematic_of(inputs: Inputs, edge: str) -> Systematic:
    """Return what is known to be in the net counts of an edge in all pixels, of a series in all frames.

    That is what background subtraction finds where the element is said to be absent, taken for all pixels,
    and what is left of a fixed pattern.
    """
    offset, error = (float(inputs.bs[f"off_region_{name}"].sel(edge=edge)) for name in ("mean", "sd"))
    pattern = float(np.nan_to_num(pattern_counts(inputs, edge)))
    if not (error > 0 and abs(offset) > OFF_REGION_SD * error):
        return Systematic(sd=pattern)
    return Systematic(offset=offset, sd=float(np.hypot(error, pattern)))


def pattern_counts(inputs: Inputs, edge: str) -> float:
    """Return the net counts of a typical pixel that a fixed pattern may make; NaN where none is known.

    A pattern that adds counts makes them in every pixel; one that multiplies makes them of the background,
    too, so in pixels without the edge as well.
    """
    added, divided = (disturbed_percent(inputs, step).get(edge, float("nan")) for step in (ADDED, DIVIDED))
    mean = float(inputs.comparison["element_map"].sel(label=REFERENCE, edge=edge).mean())
    return float(np.fmax(added, divided)) / 100 * abs(mean)


def disturbed_percent(inputs: Inputs, step: str) -> dict[str, float]:
    """Edge -> per cent of its net counts by which what a step leaves of a fixed pattern may change them."""
    steps: Sequence[Mapping[str, Any]] = inputs.corrected.attrs.get("corrections", [])
    own = [dict(one.get("disturbed_percent") or {}) for one in steps if one["step"] == step]
    return {edge: part for found in own for edge, part in found.items()}
