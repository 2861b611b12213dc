"""By how much each map is likely off: one number, and the parts that it is the largest of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.report.candidates import errors_of
from eelsunmix.report.figures.style import REFERENCE
from eelsunmix.report.first.choice import Shown
from eelsunmix.report.formatting import DASH, number
from eelsunmix.report.inputs import Inputs
from eelsunmix.words import RECOMMENDED

NOISE, TWINS, MISFIT, PATTERN = "counting noise", "simulated images", "difference from BS", "fixed pattern"
PARTS = (NOISE, TWINS, MISFIT, PATTERN)
OF = MappingProxyType(
    {
        NOISE: "of the peak",
        TWINS: "rms over all maps, more where weak",
        MISFIT: "of the peak",
        PATTERN: "of the mean counts",
    }
)
"""What each part is a part of."""


@dataclass(frozen=True, kw_only=True)
class MapError:
    """By how much one map is off; parts of its size.

    Parameters
    ----------
    shown : Shown
        The map.
    parts : mapping of str to float
        Those that are known, by their names.
    shift : float
        Counts of a pixel that a fixed pattern adds or takes; NaN where it is none, or a gain.
    """

    shown: Shown
    parts: Mapping[str, float]
    shift: float = float("nan")

    @property
    def origin(self) -> str:
        """The largest part; empty where none is known."""
        return max(self.parts, key=lambda part: self.parts[part], default="")

    @property
    def likely(self) -> float:
        """How large it is."""
        return self.parts[self.origin] if self.parts else float("nan")

    @property
    def said(self) -> str:
        """Both in a few words, and of what it is a part; empty where nothing is known."""
        return f"{rough(self.likely)} {OF[self.origin]} ({self.origin})" if self.parts else ""

    @property
    def consequence(self) -> str:
        """What counts that a fixed pattern adds mean for the map; empty where another part is larger."""
        if self.origin != PATTERN or not np.isfinite(self.shift):
            return ""
        return (
            f": ± {number(self.shift, 2)} counts in a pixel, which shift or scale its map, "
            "and hardly change the shape or width of a layer"
        )


def rough(part: float | None) -> str:
    """Write an error as per cent, with the two digits that it deserves.

    Examples
    --------
    >>> rough(0.2021), rough(0.0412), rough(0.0), rough(None)
    ('20 %', '4.1 %', '0 %', '–')
    """
    text = number(part) if part is None else number(100 * part, 2)
    return text if text == DASH else f"{text} %"


def map_errors(inputs: Inputs, maps: Sequence[Shown]) -> list[MapError]:
    """Return by how much each map is off, as far as the stores know."""
    return [MapError(shown=one, parts=_parts(inputs, one), shift=_shift(inputs, one)) for one in maps]


def relative_noise(values: xr.DataArray, deviation: xr.DataArray) -> float:
    """Median deviation where a map is above half of its peak, over the peak; NaN where none is known."""
    image, sd = values.to_numpy(), deviation.to_numpy()
    peak = np.nanquantile(image, 0.995) if np.isfinite(image).any() else np.nan
    strong = np.isfinite(sd) & (image > 0.5 * peak)
    return float(np.median(sd[strong]) / peak) if strong.any() else float("nan")


def _parts(inputs: Inputs, one: Shown) -> dict[str, float]:
    noise = float("nan") if one.deviation is None else relative_noise(one.values, one.deviation)
    found = {NOISE: noise, TWINS: _on_twins(inputs, one), MISFIT: _misfit(inputs, one)}
    found[PATTERN] = max(_disturbed(inputs, step).get(one.edge, 0.0) for step in ("dark", "gain")) / 100
    return {name: part for name, part in found.items() if np.isfinite(part) and (part > 0 or name == MISFIT)}


def _on_twins(inputs: Inputs, one: Shown) -> float:
    known = dict(inputs.comparison.attrs.get("recommended") or {})
    errors = errors_of(known) if one.source == RECOMMENDED else {}
    return errors.get(str(known.get("method")), float("nan")) / 100


def _misfit(inputs: Inputs, one: Shown) -> float:
    """Difference from background subtraction beyond noise, over the peak."""
    rows: Sequence[Mapping[str, Any]] = inputs.comparison.attrs.get("verdict_by_element", [])
    own = [row for row in rows if (row["method"], row["element"]) == (one.source, one.name)]
    value = own[0].get("misfit") if own and one.edge else None
    return float("nan") if value is None else float(value)


def _shift(inputs: Inputs, one: Shown) -> float:
    """Return the counts that a pattern that adds some puts into each pixel: a part of the mean of BS."""
    part = _disturbed(inputs, "dark").get(one.edge)
    if part is None:
        return float("nan")
    return part / 100 * float(inputs.comparison["element_map"].sel(label=REFERENCE, edge=one.edge).mean())


def _disturbed(inputs: Inputs, step: str) -> dict[str, float]:
    """Edge -> per cent of its net counts by which what a step leaves of a fixed pattern may change them."""
    steps: Sequence[Mapping[str, Any]] = inputs.corrected.attrs.get("corrections", [])
    own = [dict(one.get("disturbed_percent") or {}) for one in steps if one["step"] == step]
    return {edge: part for found in own for edge, part in found.items()}
