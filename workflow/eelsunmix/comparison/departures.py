"""Who departs from the reference at which edge, and why, as far as the stores can tell."""

from collections.abc import Collection, Sequence
from types import MappingProxyType

import numpy as np
import xarray as xr

from eelsunmix.comparison.components import REFERENCE
from eelsunmix.comparison.setting import Setting
from eelsunmix.comparison.standings import Standing
from eelsunmix.comparison.thresholds import CLEAR_CEILING, CRITERIA, FLAT, SHOWN
from eelsunmix.comparison.verdict import Row, rows_of
from eelsunmix.comparison.words import among, listed, percent, span

MOST_PLACES = 4
"""Edges and methods that are named in one sentence."""
MISSES = MappingProxyType(
    {
        "misfit": "By the correlation alone {methods} would pass at these edges, but the difference from BS "
        "is beyond noise: {places}; {limits}.",
        "scale": "The counts of {methods} are not those of BS: {places}; {limits}.",
    }
)
"""What a sentence says of methods that are beyond the limit of a criterion."""
ADVICE = MappingProxyType(
    {
        frozenset(
            {True}
        ): " Part of the element is in other components (cross-talk), or a component is missing.",
        frozenset({False}): " Look at the residuals, and try one more component.",
        frozenset(
            {True, False}
        ): " Where the element is in no other component (cross-talk), look at the residuals, "
        "and try one more component.",
    }
)
"""By whether the element is in components not its own, in these places."""
UNEXPLAINED = "Compare the profiles and the residuals to find out why."


def misfit_sentences(known: Sequence[Standing], doubted: Collection[str] = ()) -> list[str]:
    """Say where methods correlate with the reference, but differ by more than noise or in scale.

    Of the edges `doubted` the reference itself is wrong somewhere.
    """
    return [sentence for key in MISSES for sentence in _misses(known, key, doubted)]


def _misses(known: Sequence[Standing], key: str, doubted: Collection[str]) -> list[str]:
    places = {
        f"{standing.edge} of {method} ({text})": (method, method in standing.leaking)
        for standing in known
        for method, text in standing.beyond.get(key, {}).items()
        if method not in standing.bad
    }
    if not places:
        return []
    shown = list(places)[:MOST_PLACES]
    shown += [f"{len(places) - MOST_PLACES} more"] if len(places) > MOST_PLACES else []
    names = list(dict.fromkeys(method for method, _ in places.values()))
    criterion = CRITERIA[key]
    said = MISSES[key].format(methods=listed(names), places=listed(shown), limits=criterion.limits)
    if key == "misfit":
        said += ADVICE[frozenset(leaks_too for _, leaks_too in places.values())]
        said += _own_error([edge for edge in doubted if any(one.startswith(f"{edge} ") for one in places)])
    return [said]


def _own_error(edges: Sequence[str]) -> str:
    if not edges:
        return ""
    return (
        f" BS of {listed(edges)} is in doubt itself (see the caveats): part of the difference may be its own."
    )


def departures(
    known: Sequence[Standing], comparison: xr.Dataset, rows: list[Row], setting: Setting
) -> list[str]:
    """Say who departs from the reference where, by how much, and why; once for edges with the same answer."""
    groups: dict[tuple[tuple[str, ...], tuple[str, ...]], list[Standing]] = {}
    for standing in known:
        if standing.bad:
            why = tuple(reasons(standing, comparison, rows, setting))
            groups.setdefault((standing.bad, why), []).append(standing)
    said: set[str] = set()
    n_methods = int((comparison["status"][1:] != "failed").sum())
    sentences = []
    for (_, why), found in groups.items():
        new = " ".join(one for one in why if one not in said)
        sentences.append(_departure(found, new, setting, n_methods))
        said.update(why)
    return sentences


def _departure(found: Sequence[Standing], why: str, setting: Setting, n_methods: int) -> str:
    bad = found[0].bad
    reached = sorted((standing.ratio[method], method) for standing in found for method in bad)
    ends = [f"{ratio:.2f}" + (f" ({method})" if len(bad) > 1 else "") for ratio, method in reached]
    nobody = len(bad) > 1 and len(bad) == n_methods
    departs = "No method follows" if nobody else _departing(bad)
    kind = ("profile" if setting.judging_profiles else "map") + "s" * (len(found) > 1)
    edges = listed([f"{setting.edges[standing.edge].element} ({standing.edge})" for standing in found])
    return (
        f"{departs} the BS {kind} of {edges}: {span(ends[0], ends[-1])} of the correlation that the noise "
        f"allows; {CRITERIA['agreement'].limits}. {why}"
    ).rstrip()


def reasons(standing: Standing, comparison: xr.Dataset, rows: list[Row], setting: Setting) -> list[str]:
    """Say why methods depart from the reference at one edge, in sentences."""
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
    leaking = [method for method in standing.bad if method in standing.leaking and method not in shared]
    if leaking:
        known.append(f"Part of {element} is in other components of {among(leaking, standing.ratio)}.")
    if spread and not known:
        known.append(f"{spread}: an edge that the materials share, or that is not separated.")
    return known or [UNEXPLAINED]


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
    """How many components the map of the edge is made of."""
    return int((one["edge_weight"].sel(edge=edge) >= SHOWN).sum())


def _departing(bad: Sequence[str]) -> str:
    return f"{listed(bad)} {'depart' if len(bad) > 1 else 'departs'} from"
