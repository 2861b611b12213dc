"""How the chosen maps do, element by element; the table of the verdict has the worst of them alone."""

from collections.abc import Mapping

from eelsunmix.comparison.following import Finding, agreement_table, factors, misfits
from eelsunmix.comparison.setting import Setting
from eelsunmix.comparison.verdict import leaks
from eelsunmix.edges import Edge
from eelsunmix.profiles import Profile
from eelsunmix.report.figures.style import REFERENCE
from eelsunmix.report.inputs import Inputs


def findings_of_elements(inputs: Inputs, label: str) -> dict[str, dict[str, float]]:
    """Return for each element the worst value of each criterion that is judged by edges.

    Returns
    -------
    dict of str to dict
        Element -> key of `eelsunmix.comparison.thresholds.CRITERIA` -> value; only what is known.
    """
    setting = _setting(inputs)
    found: dict[str, dict[str, float]] = {edge.element: {} for edge in setting.edges.values()}
    if label == REFERENCE or not setting.edges:
        return found
    one = inputs.comparison.sel({"label": label})
    for place, (r, ceiling) in agreement_table(one, setting).items():
        own = found[_element(place, setting)]
        own["agreement"] = min(own.get("agreement", 1.0), r / ceiling)
    _take_largest(found, "misfit", misfits(one, setting), setting)
    _take_largest(found, "scale", factors(one, setting), setting)
    for (element, _), value in leaks(one, setting).items():
        found[element]["cross_talk"] = max(found[element].get("cross_talk", 0.0), abs(value))
    return found


def _take_largest(
    found: Mapping[str, dict[str, float]], key: str, findings: Mapping[str, Finding], setting: Setting
) -> None:
    for place, (value, _) in findings.items():
        own = found[_element(place, setting)]
        if value == value:
            own[key] = max(own.get(key, 0.0), value)


def _element(place: str, setting: Setting) -> str:
    """Return the element of a place, which is called after its edge."""
    return setting.edges[place.partition(", ")[0]].element


def _setting(inputs: Inputs) -> Setting:
    """Return the setting in which the comparison judged, as its store remembers it."""
    attrs = inputs.comparison.attrs
    return Setting(
        energy=inputs.counts[inputs.energy_dim],
        mean_spectrum=inputs.corrected["mean_spectrum"].to_numpy(),
        bs=inputs.bs,
        edges={name: Edge(**one) for name, one in dict(attrs.get("edges", {})).items()},
        profiles={name: Profile(along=one["along"]) for name, one in inputs.profiles.items()},
        regions={},
        total_counts=inputs.corrected["total_counts"],
    )
