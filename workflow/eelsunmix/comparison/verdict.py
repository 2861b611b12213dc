"""Traffic lights: one row for each method and criterion, with its value and its limits."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.comparison.components import REFERENCE
from eelsunmix.comparison.counts import SURE_SD, judging_edges
from eelsunmix.comparison.following import UNKNOWN, VOID, Finding, worst_agreement, worst_misfit, worst_scale
from eelsunmix.comparison.names import component_name
from eelsunmix.comparison.setting import Setting
from eelsunmix.comparison.thresholds import CRITERIA, EXPONENTS, OFF_REGION_SD, UNCALIBRATED_CHI2
from eelsunmix.comparison.words import CONVERGENCE
from eelsunmix.typing import Floats

Row = dict[str, Any]
CONVERGENCE_LIGHTS = {"converged": "green", "not converged": "amber", "failed": "red"}


def verdict(comparison: xr.Dataset, setting: Setting, doubted: Collection[str] = ()) -> list[Row]:
    """Rows of the trust card: dicts of method, criterion, value, text, limits, light, explanation.

    Beside a difference from the reference at one of the edges `doubted` it says so.
    """
    rows = []
    for method in comparison["label"].values[1:].tolist():
        one = comparison.sel({"label": method})
        rows.append(_convergence(one, method))
        findings = {
            "agreement": worst_agreement(one, setting),
            "misfit": _with_doubt(worst_misfit(one, setting), doubted),
            "scale": worst_scale(one, setting),
            "off_region": worst_off_region(one, setting, _sound(setting)),
            "cross_talk": worst_cross_talk(one, setting),
            "reconstruction": reconstruction(float(one["reconstruction_chi2"])),
            "exponent": implausible_exponents(one, setting),
            "binarisation": _binarisation(float(one["binarisation"]), setting),
        }
        if "truth_nmse_scale_free" in one:
            findings["truth_maps"] = _worst("truth_maps", one["truth_nmse_scale_free"])
            findings["truth_spectra"] = _worst("truth_spectra", one["truth_sad_whitened"])
        rows += [_row(method, key, finding) for key, finding in findings.items()]
    reference = comparison.sel({"label": REFERENCE})
    return [*rows, _row(REFERENCE, "off_region", _off_region_of_reference(reference, setting))]


def _with_doubt(finding: Finding, doubted: Collection[str]) -> Finding:
    """Say beside a difference that is not good where the reference may be its cause."""
    value, text = finding
    beyond = CRITERIA["misfit"].light(value) in ("amber", "red")
    if beyond and any(f"({edge}, " in text for edge in doubted):
        return value, f"{text.removesuffix(')')}; part may be BS's own error)"
    return finding


def leaks(one: xr.Dataset, setting: Setting) -> dict[tuple[str, int], float]:
    """Cross-talk of each element into each component not its own: (element, endmember) -> signed fraction.

    What the reference finds of the element where the component is alone is in the material: no cross-talk.
    Nor is what may be noise, or has another sign at another edge of the element.
    """
    found: dict[tuple[str, int], list[float]] = {}
    net, sd = (one[f"endmember_net_counts{name}"].to_numpy() for name in ("", "_sd"))
    judging = judging_edges(net, sd, one["owner"].to_numpy(), setting)
    for (name, edge), judges in zip(setting.edges.items(), judging.tolist(), strict=True):
        if name in setting.reference_problems or not judges:
            continue
        column = one.sel(edge=name)
        for endmember, value in enumerate(_beyond_shared(column).tolist()):
            if endmember != int(column["owner"]) and value == value:
                found.setdefault((edge.element, endmember), []).append(value)
    return {key: _least(values) for key, values in found.items()}


def _beyond_shared(column: xr.Dataset) -> Floats:
    """Cross-talk with one edge beyond what BS finds of the same sign; zero within its noise."""
    talk, shared = (column[name].to_numpy() for name in ("cross_talk", "shared_strength"))
    net, sd = (np.abs(column[f"endmember_net_counts{name}"].to_numpy()) for name in ("", "_sd"))
    shared = np.where(np.sign(shared) == np.sign(talk), shared, 0.0)
    beyond = np.sign(talk) * np.maximum(np.abs(talk) - np.abs(shared), 0.0)
    sure: Floats = np.where(net > SURE_SD * sd, beyond, np.where(np.isnan(talk), np.nan, 0.0))
    return sure


def _least(values: list[float]) -> float:
    alike = len({np.sign(value) for value in values}) == 1
    return min(values, key=abs) if alike else 0.0


def worst_cross_talk(one: xr.Dataset, setting: Setting) -> Finding:
    """Largest leak, and from where to where; one below zero has its sign in the text."""
    found = leaks(one, setting)
    if not found:
        return _void_or_unknown(setting)
    element, endmember = max(found, key=lambda key: abs(found[key]))
    value = found[element, endmember]
    return abs(value), f"{CRITERIA['cross_talk'].form(value)} ({element} in {component_name(one, endmember)})"


def _void_or_unknown(setting: Setting) -> Finding:
    return (float("nan"), VOID) if setting.edges and not _sound(setting) else UNKNOWN


def _sound(setting: Setting) -> list[str]:
    """Edges in whose windows something can be judged."""
    return [name for name in setting.edges if name not in setting.reference_problems]


def _binarisation(value: float, setting: Setting) -> Finding:
    return _void_or_unknown(setting) if value != value else _plain("binarisation", value)


def implausible_exponents(one: xr.Dataset, setting: Setting) -> Finding:
    """Fraction of the components' backgrounds that no material has; where BS failed they say nothing."""
    # Lines of X-rays lie on a straight line, which has no exponent.
    edges = [name for name, edge in setting.edges.items() if not edge.is_line]
    if not edges and setting.edges:
        return UNKNOWN
    one = one.sel(edge=edges)
    exponents = one["endmember_exponent"].values[one["endmember_label"].values != ""]
    sound = np.array([name in _sound(setting) for name in edges], dtype=bool)
    # A spectrum below zero is impossible in any window.
    exponents = exponents[sound | np.isnan(exponents)]
    if exponents.size == 0:
        return _void_or_unknown(setting)
    plausible = (exponents >= EXPONENTS[0]) & (exponents <= EXPONENTS[1])
    bad = int((~plausible).sum())
    return bad / exponents.size, f"{bad} of {exponents.size} impossible" if bad else "all plausible"


def reconstruction(chi2: float) -> Finding:
    """Chi-square per channel; without a verdict where it lies below what pure noise can give."""
    if chi2 < UNCALIBRATED_CHI2:
        return float("nan"), f"{chi2:.3g} (below 1: channels share noise)"
    return _plain("reconstruction", chi2)


def worst_off_region(one: xr.Dataset, setting: Setting, edges: Sequence[str]) -> Finding:
    """Largest part of its peak that an element keeps where it is absent; edge by edge for the reference."""
    shares = {}
    for name in edges:
        edge, at = setting.edges[name], one.sel(edge=name)
        shares[name if int(at["owner"]) < 0 else edge.element] = float(at["off_region_owner"])
    return _largest("off_region", shares) if shares else _void_or_unknown(setting)


def _off_region_of_reference(one: xr.Dataset, setting: Setting) -> Finding:
    """Return the worst edge of the reference, and at how many it leaves more than noise explains."""
    value, text = worst_off_region(one, setting, [*setting.edges])
    mean, sd = (one[f"off_region_{name}"].to_numpy() for name in ("mean", "sd"))
    known, beyond = int((sd > 0).sum()), int((np.abs(mean) > OFF_REGION_SD * sd)[sd > 0].sum())
    more = f"; beyond noise at {beyond} of {known} edges" if known > 1 and value == value else ""
    return value, text.removesuffix(")") + more + ")" * (value == value)


def _worst(key: str, values: xr.DataArray) -> Finding:
    names = [str(name) for name in values[values.dims[0]].values]
    return _largest(key, dict(zip(names, values.values.tolist(), strict=True)))


def _largest(key: str, values: Mapping[str, float]) -> Finding:
    known = {name: abs(value) for name, value in values.items() if value == value}
    if not known:
        return UNKNOWN
    name = max(known, key=lambda name: known[name])
    return known[name], f"{CRITERIA[key].form(known[name])} ({name})"


def _plain(key: str, value: float) -> Finding:
    return UNKNOWN if value != value else (value, CRITERIA[key].form(value))


def _row(method: str, key: str, finding: Finding) -> Row:
    criterion, (value, text) = CRITERIA[key], finding
    return {
        "method": method,
        "criterion": criterion.title,
        "value": None if value != value else value,
        "text": text,
        "green": criterion.green,
        "amber": criterion.amber,
        "percent": criterion.percent,
        "light": criterion.light(value),
        "explanation": criterion.explanation,
    }


def _convergence(one: xr.Dataset, method: str) -> Row:
    status, message = str(one["status"].item()), str(one["message"].item())
    return {
        "method": method,
        "criterion": CONVERGENCE,
        "value": None,
        "text": f"{status}: {message}" if message and status != "converged" else status,
        "green": None,
        "amber": None,
        "percent": False,
        "light": CONVERGENCE_LIGHTS.get(status, "grey"),
        "explanation": "Whether the method reached the end of its iteration, by its own criterion.",
    }


def rows_of(rows: list[Row], key: str) -> Mapping[str, Row]:
    """Rows of one criterion by method, the reference left out."""
    title = CRITERIA[key].title
    return {row["method"]: row for row in rows if row["criterion"] == title and row["method"] != REFERENCE}
