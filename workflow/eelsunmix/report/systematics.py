"""By how much net counts are off alike in all pixels, which no averaging lowers."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from eelsunmix.comparison.thresholds import OFF_REGION_SD
from eelsunmix.report.figures.style import REFERENCE
from eelsunmix.report.inputs import Inputs


def systematic_counts(inputs: Inputs, edge: str) -> float:
    """Return by how many counts background subtraction of an edge may be off in every pixel; zero if unknown.

    That is what a fixed pattern may add, or what BS finds where the element is said to be absent.
    """
    pattern = shift_of_pattern(inputs, edge)
    mean, error = (float(inputs.bs[f"off_region_{name}"].sel(edge=edge)) for name in ("mean", "sd"))
    bias = abs(mean) if error > 0 and abs(mean) > OFF_REGION_SD * error else 0.0
    return max(float(np.nan_to_num(abs(pattern))), bias)


def shift_of_pattern(inputs: Inputs, edge: str) -> float:
    """Return the counts that a fixed pattern may add to each pixel, a part of the mean of BS; NaN if none."""
    part = disturbed_percent(inputs, "dark").get(edge)
    if part is None:
        return float("nan")
    return part / 100 * float(inputs.comparison["element_map"].sel(label=REFERENCE, edge=edge).mean())


def disturbed_percent(inputs: Inputs, step: str) -> dict[str, float]:
    """Edge -> per cent of its net counts by which what a step leaves of a fixed pattern may change them."""
    steps: Sequence[Mapping[str, Any]] = inputs.corrected.attrs.get("corrections", [])
    own = [dict(one.get("disturbed_percent") or {}) for one in steps if one["step"] == step]
    return {edge: part for found in own for edge, part in found.items()}
