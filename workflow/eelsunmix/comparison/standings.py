"""How the methods follow the reference, edge by edge."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from eelsunmix.comparison.following import Finding, agreement_table, factors, misfits
from eelsunmix.comparison.setting import Setting
from eelsunmix.comparison.thresholds import CRITERIA
from eelsunmix.comparison.verdict import leaks


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How the methods follow one edge.

    Attributes
    ----------
    edge : str
    ratio : mapping of str to float
        Correlation with the reference over its noise ceiling by method, in the worst of the clear profiles.
    beyond : mapping of str to mapping of str to str
        By criterion, "misfit" or "scale", the methods that exceed its limit, and by how much.
    leaking : tuple of str
        Methods that have the element in components not its own, too.
    """

    edge: str
    ratio: Mapping[str, float]
    beyond: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    leaking: tuple[str, ...] = ()

    @property
    def good(self) -> tuple[str, ...]:
        """Methods that follow within all limits."""
        elsewhere = {method for methods in self.beyond.values() for method in methods}
        return tuple(method for method in self.ratio if method not in {*self.bad, *elsewhere})

    @property
    def bad(self) -> tuple[str, ...]:
        """Methods that do not correlate with the reference."""
        return tuple(method for method, ratio in self.ratio.items() if ratio < CRITERIA["agreement"].green)


def standings(comparison: xr.Dataset, methods: Sequence[str], setting: Setting) -> list[Standing]:
    """Return how the methods follow each clear reference edge, the worst edge first.

    An edge at which all correlations may be short by chance is there as well where a method is beyond another
    limit.
    """
    found: dict[str, dict[str, float]] = {}
    beyond: dict[str, dict[str, dict[str, str]]] = {}
    leaking: dict[str, list[str]] = {}
    for method in methods:
        one = comparison.sel({"label": method})
        for place, (r, ceiling) in agreement_table(one, setting).items():
            ratios = found.setdefault(_edge_of(place), {})
            ratios[method] = min(r / ceiling, ratios.get(method, np.inf))
        for key, known in (("misfit", misfits(one, setting)), ("scale", factors(one, setting))):
            for edge, text in _beyond(known, CRITERIA[key].green).items():
                beyond.setdefault(edge, {}).setdefault(key, {})[method] = text
        for edge in _leaking(one, setting):
            leaking.setdefault(edge, []).append(method)
    standings = [
        Standing(
            edge=edge,
            ratio=found.get(edge, {}),
            beyond=beyond.get(edge, {}),
            leaking=tuple(leaking.get(edge, ())),
        )
        for edge in {**found, **beyond}
    ]
    return sorted(standings, key=lambda standing: min(standing.ratio.values(), default=1.0))


def _beyond(found: Mapping[str, Finding], limit: float) -> dict[str, str]:
    """By edge, what exceeds a limit; the worst place of each."""
    worst = sorted((value, _edge_of(place), text) for place, (value, text) in found.items() if value > limit)
    return {edge: text for _, edge, text in worst}


def _leaking(one: xr.Dataset, setting: Setting) -> list[str]:
    """Edges whose element is also in components that do not show it."""
    found = {
        element
        for (element, endmember), value in leaks(one, setting).items()
        if abs(value) > CRITERIA["cross_talk"].green
        and not any(
            bool(one["edge_weight"].sel(edge=name)[endmember] > 0)
            for name, edge in setting.edges.items()
            if edge.element == element
        )
    }
    return [name for name, edge in setting.edges.items() if edge.element in found]


def _edge_of(place: str) -> str:
    return place.split(", ", 1)[0]
