"""What is known of the maps of a label: the questions that the sentences of the first screen answer."""

from collections.abc import Mapping, Sequence
from typing import Any

from eelsunmix.comparison.ambiguity_words import SCALE, SHAPE
from eelsunmix.comparison.thresholds import CRITERIA
from eelsunmix.report.figures.style import REFERENCE
from eelsunmix.report.first.choice import Shown
from eelsunmix.report.first.presence import is_found
from eelsunmix.report.inputs import Inputs


def axis_warnings(inputs: Inputs) -> list[str]:
    """Return what is wrong with the energy axis."""
    return [text for place, text in inputs.warnings if place == "The energy axis"]


def holds_nothing(inputs: Inputs) -> bool:
    """Whether nothing stands out from the noise."""
    return int(inputs.rank["estimate"].sel(estimator="marchenko_pastur")) == 0


def is_astray(inputs: Inputs, label: str) -> bool:
    """Whether all agreements of a label that are known are bad."""
    known = agreements(inputs).get(label, [])
    return bool(known) and all(CRITERIA["agreement"].light(value) == "red" for value in known)


def following(inputs: Inputs) -> list[str]:
    """Methods of which no agreement that is known is bad."""
    return [
        label
        for label, known in agreements(inputs).items()
        if all(CRITERIA["agreement"].light(value) != "red" for value in known)
    ]


def agreements(inputs: Inputs) -> dict[str, list[float]]:
    """Agreements of each method with the reference, of the elements of which they are known."""
    rows: Sequence[Mapping[str, Any]] = inputs.comparison.attrs.get("verdict_by_element", [])
    found: dict[str, list[float]] = {}
    for row in rows:
        if row["agreement"] is not None:
            found.setdefault(row["method"], []).append(row["agreement"])
    return found


def open_shares(inputs: Inputs, label: str, maps: Sequence[Shown]) -> list[str]:
    """Elements whose abundances other simplices, fitting as well, would change much."""
    if label == REFERENCE or "scale_low" not in inputs.comparison:
        return []
    table = inputs.comparison.sel({"label": label})
    found = []
    for one in maps:
        if one.edge and one.source == label and is_found(inputs, one):
            low, high, shape = (
                float(table[name].sel(edge=one.edge)) for name in ("scale_low", "scale_high", "shape_error")
            )
            found += [one.name] * (low < 1 / SCALE or high > SCALE or shape > SHAPE)
    return found
