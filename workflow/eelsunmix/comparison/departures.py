"""Who follows the reference edge by edge, who departs from it, and why, as far as the stores can tell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from eelsunmix.comparison.components import REFERENCE, Setting
from eelsunmix.comparison.thresholds import CLEAR_CEILING, CRITERIA, FLAT, SHOWN
from eelsunmix.comparison.verdict import Row, agreement_table, rows_of
from eelsunmix.comparison.words import among, listed, percent, span

UNEXPLAINED = "Compare the profiles and the residuals to find out why."


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How the methods follow one edge.

    Attributes
    ----------
    edge : str
    ratio : mapping of str to float
        Correlation with the reference over its noise ceiling by method, in the worst of the clear profiles.
    """

    edge: str
    ratio: Mapping[str, float]

    @property
    def good(self) -> tuple[str, ...]:
        """Methods that follow within the limit."""
        return tuple(method for method, ratio in self.ratio.items() if ratio >= CRITERIA["agreement"].green)

    @property
    def bad(self) -> tuple[str, ...]:
        """Methods that do not."""
        return tuple(method for method in self.ratio if method not in self.good)


def standings(comparison: xr.Dataset, methods: Sequence[str], setting: Setting) -> list[Standing]:
    """Return how the methods follow each clear reference edge, the worst edge first."""
    found: dict[str, dict[str, float]] = {}
    for method in methods:
        table = agreement_table(comparison.sel({"label": method}), setting)
        for place, (r, ceiling) in table.items():
            ratios = found.setdefault(place.split(", ", 1)[0], {})
            ratios[method] = min(r / ceiling, ratios.get(method, np.inf))
    standings = [Standing(edge=edge, ratio=ratio) for edge, ratio in found.items()]
    return sorted(standings, key=lambda standing: min(standing.ratio.values()))


def departures(
    known: Sequence[Standing], comparison: xr.Dataset, rows: list[Row], setting: Setting
) -> list[str]:
    """Say who departs from the reference where, by how much, and why; once for edges with the same answer."""
    groups: dict[tuple[tuple[str, ...], str], list[Standing]] = {}
    for standing in known:
        if standing.bad:
            why = reason(standing, comparison, rows, setting)
            groups.setdefault((standing.bad, why), []).append(standing)
    return [_departure(found, why, setting) for (_, why), found in groups.items()]


def _departure(found: Sequence[Standing], why: str, setting: Setting) -> str:
    bad = found[0].bad
    reached = sorted((standing.ratio[method], method) for standing in found for method in bad)
    ends = [f"{ratio:.2f}" + (f" ({method})" if len(bad) > 1 else "") for ratio, method in reached]
    nobody = len(bad) > 1 and not any(standing.good for standing in found)
    departs = "No method follows" if nobody else _departing(bad)
    kind = ("profile" if setting.profiles else "map") + "s" * (len(found) > 1)
    edges = listed([f"{setting.edges[standing.edge].element} ({standing.edge})" for standing in found])
    return (
        f"{departs} the BS {kind} of {edges}: {span(ends[0], ends[-1])} of the correlation that the noise "
        f"allows; {CRITERIA['agreement'].green:g} is needed. {why}"
    )


def reason(standing: Standing, comparison: xr.Dataset, rows: list[Row], setting: Setting) -> str:
    """Say why methods depart from the reference at one edge."""
    element = setting.edges[standing.edge].element
    shared = [m for m in standing.bad if _n_components(comparison.sel({"label": m}), standing.edge) > 1]
    varies = variation(comparison, standing.edge, setting)
    spread = f"{element} is in several components of {among(shared, standing.ratio)}" if shared else ""
    flat = f"the BS itself varies by only {percent(varies)} of its mean" if varies < FLAT else ""
    known = []
    if flat:
        both = " and ".join(filter(None, (spread, flat)))
        known.append(f"{both[0].upper()}{both[1:]}: small errors of either decide.")
    lights = {method: row["light"] for method, row in rows_of(rows, "exponent").items()}
    impossible = [method for method in standing.bad if lights.get(method) in ("amber", "red")]
    if impossible:
        known.append(
            f"Components of {listed(impossible)} have impossible backgrounds: their net counts mean little."
        )
    if spread and not known:
        known.append(f"{spread}: an edge that the materials share, or that is not separated.")
    return " ".join(known) or UNEXPLAINED


def variation(comparison: xr.Dataset, edge: str, setting: Setting) -> float:
    """Return the standard deviation of the reference, without its noise, over its mean; the largest one."""
    reference = comparison.sel({"label": REFERENCE, "edge": edge})
    if not setting.profiles:
        return _relative(reference["element_map"].values, float(reference["map_noise_ceiling"]))
    found = [
        _relative(at["element_profile"].values, float(at["profile_noise_ceiling"]))
        for at in (reference.sel(profile=name) for name in setting.profiles)
        if float(at["profile_noise_ceiling"]) >= CLEAR_CEILING
    ]
    return max(found, default=np.inf)


def _relative(values: np.ndarray, ceiling: float) -> float:
    finite = values[np.isfinite(values)]
    mean = abs(float(finite.mean())) if finite.size else 0.0
    return ceiling * float(finite.std()) / mean if mean > 0 else np.inf


def _n_components(one: xr.Dataset, edge: str) -> int:
    return int((one["cross_talk"].sel(edge=edge) >= SHOWN).sum())


def _departing(bad: Sequence[str]) -> str:
    return f"{listed(bad)} {'depart' if len(bad) > 1 else 'departs'} from"
