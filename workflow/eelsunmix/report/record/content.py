"""What the verdict of a sample holds; docs/data-model.md describes it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from eelsunmix.comparison.thresholds import CRITERIA, worst
from eelsunmix.comparison.words import CONVERGENCE
from eelsunmix.report.figures.style import REFERENCE
from eelsunmix.report.first.choice import Shown, chosen_label, shown_maps
from eelsunmix.report.first.sentences import Said, sentences
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.number_words import answered
from eelsunmix.report.record.thumbnail import thumbnail
from eelsunmix.stage_warnings import reference_problems
from eelsunmix.words import RECOMMENDED

SCHEMA = 1
"""Version of the names and meanings: larger where one was taken away or has another meaning."""
_KEYS = {CONVERGENCE: "convergence", **{one.title: key for key, one in CRITERIA.items()}}


def verdict_of(inputs: Inputs, *, page: str) -> dict[str, Any]:
    """Return the verdict of a sample as plain values; numbers may be NaN.

    Parameters
    ----------
    inputs : Inputs
    page : str
        Path of the page, as seen from the folder of the verdict.
    """
    label = chosen_label(inputs)
    maps = shown_maps(inputs, label)
    said = sentences(inputs, label, maps)
    methods = [_method(inputs, one) for one in inputs.methods]
    return {
        "schema": SCHEMA,
        "sample": inputs.sample,
        "title": inputs.title,
        "page": page,
        "light": _light(inputs, label, said),
        "image": _image(inputs),
        "recommended": _recommended(inputs, label),
        "numbers": _numbers(inputs, label, methods),
        "sentences": [{"kind": one.level, "title": one.title, "text": one.text} for one in said],
        "methods": methods,
        "elements": _elements(inputs, label, maps),
        "warnings": [{"place": place, "text": answered(inputs, text)} for place, text in inputs.warnings],
        "versions": dict(inputs.versions),
        "thumbnail": thumbnail(inputs, maps),
    }


def _light(inputs: Inputs, label: str, said: Sequence[Said]) -> str:
    """Red is only what blocks use, as on the page; amber whatever one has to look at before."""
    if any(one.level == "void" for one in said):
        return "red"
    doubted = worst(_lights(inputs, label)) in ("red", "amber") or inputs.warnings
    return "amber" if doubted or reference_problems(inputs.bs) else "green"


def _rows(inputs: Inputs, label: str) -> list[Mapping[str, Any]]:
    rows: Sequence[Mapping[str, Any]] = inputs.comparison.attrs.get("verdict", [])
    return [row for row in rows if row["method"] == label]


def _lights(inputs: Inputs, label: str) -> list[str]:
    return [str(row["light"]) for row in _rows(inputs, label)]


def _image(inputs: Inputs) -> dict[str, Any]:
    dims = [str(dim) for dim in inputs.counts.dims]
    step = {axis: abs(inputs.view.step[axis]) / inputs.view.factor for axis in "yx"}
    return {
        "signal": str(inputs.counts.attrs.get("signal", "EELS")),
        "dims": dims,
        "shape": [inputs.counts.sizes[dim] for dim in dims],
        "energy_range": [inputs.energy[0], inputs.energy[-1]],
        "energy_unit": inputs.energy_unit,
        "pixel_size": [step["y"], step["x"]],
        "pixel_unit": inputs.view.unit,
    }


def _recommended(inputs: Inputs, label: str) -> dict[str, Any]:
    known = dict(inputs.comparison.attrs.get("recommended") or {}) if label == RECOMMENDED else {}
    errors = dict(known.get("twin_error") or {})
    squared = float(errors.get(known.get("method"), np.nan))
    method = inputs.fits[label].attrs.get("method") if label in inputs.fits else None
    return {
        "label": label,
        "method": str(known.get("method") or method or label),
        "reason": str(known.get("reason") or _why(inputs, label)),
        "error_on_twins": float(np.sqrt(squared)),
    }


def _why(inputs: Inputs, label: str) -> str:
    if label == REFERENCE:
        return "no method gave a result"
    if len(inputs.working) == 1:
        return "the only method with a result"
    return f"the best lights of {len(inputs.working)} methods"


def _numbers(inputs: Inputs, label: str, methods: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the numbers by which samples are compared: of the image, and of the recommended maps."""
    criteria: dict[str, Any] = next((one["criteria"] for one in methods if one["label"] == label), {})
    return {
        "pixels": int(inputs.pca.attrs["n_valid_pixels"]),
        "channels": int(inputs.energy.size),
        "counts_per_pixel": float(inputs.corrected["mean_spectrum"].sum()),
        "endmembers": inputs.n_endmembers,
        "chi_square": _chi_square(inputs, label),
        "agreement": criteria.get("agreement", {}).get("value"),
        "misfit": criteria.get("misfit", {}).get("value"),
        "cross_talk": criteria.get("cross_talk", {}).get("value"),
    }


def _chi_square(inputs: Inputs, label: str) -> float:
    return float(inputs.comparison["reconstruction_chi2"].sel({"label": label}))


def _method(inputs: Inputs, label: str) -> dict[str, Any]:
    row = inputs.comparison.sel({"label": label})
    return {
        "label": label,
        "method": str(inputs.fits[label].attrs.get("method", label)),
        "status": str(row["status"].item()),
        "message": str(row["message"].item()),
        "light": worst(_lights(inputs, label)),
        "chi_square": _chi_square(inputs, label),
        "seconds": float(row["seconds"]),
        "criteria": {
            _KEYS[row["criterion"]]: {"light": row["light"], "value": row["value"], "text": row["text"]}
            for row in _rows(inputs, label)
        },
    }


def _elements(inputs: Inputs, label: str, maps: Sequence[Shown]) -> list[dict[str, Any]]:
    """Return one entry for each element, as its map on the first screen is."""
    rows = inputs.comparison.attrs.get("verdict_by_element", [])
    own = {row["element"]: row for row in rows if row["method"] == label}
    failed = reference_problems(inputs.bs)
    entries = []
    for one in filter(lambda one: one.edge, maps):
        row = own.get(one.name, {}) if one.source == label else {}
        entries.append(
            {
                "element": one.name,
                "edge": one.edge,
                "source": one.source,
                "light": row.get("light", "grey"),
                **{key: row.get(key) for key in ("agreement", "misfit", "scale", "cross_talk")},
                "reference_failed": one.edge in failed,
            }
        )
    return entries
