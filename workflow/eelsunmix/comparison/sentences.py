"""What the lights mean, in a few plain sentences; each names the limit that it rests on."""

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

import xarray as xr

from eelsunmix.comparison.departures import departures, misfit_sentences
from eelsunmix.comparison.failed_reference import failed_reference
from eelsunmix.comparison.names import component_name
from eelsunmix.comparison.setting import Setting
from eelsunmix.comparison.standings import standings
from eelsunmix.comparison.thresholds import CRITERIA
from eelsunmix.comparison.verdict import Row, leaks, rows_of
from eelsunmix.comparison.words import among, listed, span

MOST = 10
"""More sentences than this nobody reads; what the table of lights says anyway is then gathered in one."""
MOST_EDGES = 3
"""Edges whose departures or leaks get a sentence each."""
_LONGER = "; raise max_iter, and see whether its maps change"
"""What to do where a method iterated as long as it may."""
BEYOND = MappingProxyType(
    {
        "off_region": (
            "leave signal where their element is absent",
            "leaves signal where its element is absent",
        ),
        "reconstruction": (
            "do not describe the spectra within their noise",
            "does not describe the spectra within their noise",
        ),
        "exponent": (
            "have backgrounds of components that no material has",
            "has backgrounds of components that no material has",
        ),
        "binarisation": ("take mixed pixels for pure ones", "takes mixed pixels for pure ones"),
    }
)
"""What several methods, or one, do whose light is not green."""


def sentences(
    comparison: xr.Dataset, rows: list[Row], setting: Setting, *, doubted: Collection[str] = ()
) -> list[str]:
    """List the findings, about `MOST` at the most: who gave a result, agreement, separation, the rest."""
    methods = [
        m
        for m in comparison["label"].values[1:].tolist()
        if comparison["status"].sel({"label": m}) != "failed"
    ]
    found = [
        *failed_reference(setting),
        *_status(comparison),
        *_agreement(comparison, methods, rows, setting, doubted=doubted),
        *_leaks(comparison, methods, setting),
        *_truth(rows),
    ]
    beyond = [sentence for key, words in BEYOND.items() for sentence in _beyond(rows, key, *words)]
    if len(found) + len(beyond) > MOST:
        beyond = _gathered(rows)
    return [*found, *beyond]


def _agreement(
    comparison: xr.Dataset,
    methods: Sequence[str],
    rows: list[Row],
    setting: Setting,
    *,
    doubted: Collection[str],
) -> list[str]:
    """Who follows the reference where, in one sentence; then one for each edge where somebody does not."""
    known = standings(comparison, methods, setting)
    together: dict[tuple[str, ...], list[str]] = {}
    for standing in reversed(known):
        if standing.good:
            together.setdefault(standing.good, []).append(standing.edge)
    parts = [f"by {among(good, methods)} for {listed(edges)}" for good, edges in together.items()]
    kind = "profiles" if setting.judging_profiles else "maps"
    beyond = CRITERIA["misfit"].form(CRITERIA["misfit"].green)
    limit = (
        f"at least {CRITERIA['agreement'].green:g} of the correlation that the noise allows, and differences "
        f"beyond noise up to {beyond} of the peak"
    )
    followed = [f"The BS {kind} are followed {'; '.join(parts)} ({limit})."] if parts else []
    departing = [standing for standing in known if standing.bad]
    own = departures(departing[:MOST_EDGES], comparison, rows, setting)
    others = [f"{standing.edge} ({listed(standing.bad)})" for standing in departing[MOST_EDGES:]]
    own += misfit_sentences(known, doubted)
    return [*followed, *own, *([f"Nor is BS followed for {listed(others)}."] if others else [])]


def _leaks(comparison: xr.Dataset, methods: Sequence[str], setting: Setting) -> list[str]:
    """Say which element is also in which other component; of each method the worst one."""
    limit = CRITERIA["cross_talk"]
    places: dict[str, dict[str, tuple[float, str]]] = {}
    ownerless: dict[str, list[str]] = {}
    for method in methods:
        one = comparison.sel({"label": method})
        for (element, endmember), value in leaks(one, setting).items():
            worst = places.setdefault(element, {})
            if abs(value) > max(limit.green, abs(worst.get(method, (0.0, ""))[0])):
                worst[method] = (value, component_name(one, endmember))
        for edge in setting.edges:
            if int(one["owner"].sel(edge=edge)) < 0:
                ownerless.setdefault(edge, []).append(method)
    kind = setting.kind
    nobody = [f"No component of {listed(who)} shows the {kind} {edge}." for edge, who in ownerless.items()]
    leaking = {element: worst for element, worst in places.items() if worst}
    if len(leaking) > MOST_EDGES:
        strongest = {e: max((value for value, _ in worst.values()), key=abs) for e, worst in leaking.items()}
        shares = listed([f"{element} (up to {limit.form(value)})" for element, value in strongest.items()])
        return [
            f"{kind.capitalize()}s also found in components not their own ({limit.limits}): "
            f"{shares}. The materials share the element, or the methods do not separate it.",
            *nobody,
        ]
    told = [_leak(element, kind, one) for element, worst in leaking.items() for one in _by_sign(worst)]
    return [*told, *nobody]


def _by_sign(worst: Mapping[str, tuple[float, str]]) -> list[dict[str, tuple[float, str]]]:
    above = {method: found for method, found in worst.items() if found[0] >= 0}
    below = {method: found for method, found in worst.items() if found[0] < 0}
    return [one for one in (above, below) if one]


def _leak(element: str, kind: str, worst: Mapping[str, tuple[float, str]]) -> str:
    limit = CRITERIA["cross_talk"]
    values = sorted(value for value, _ in worst.values())
    by_component: dict[str, list[str]] = {}
    for method, (_, component) in worst.items():
        by_component.setdefault(component, []).append(method)
    where = listed([f"{component} of {listed(methods)}" for component, methods in by_component.items()])
    strength = span(limit.form(values[0]), limit.form(values[-1]))
    why = f"the material contains {element}, or the method does not separate it"
    if values[0] < 0:
        shape = "no power law" if kind == "edge" else "not straight, or another line lies beside it"
        why = (
            f"below zero it is no {kind}: the method takes there what it gives elsewhere, or the background "
            f"of that component is {shape}"
        )
    return (
        f"The {element} {kind} is also in the component {where}, with {strength} of the strength that it "
        f"has in its own component ({limit.limits}): {why}."
    )


def _beyond(rows: list[Row], key: str, plural: str, singular: str) -> list[str]:
    beyond = {method: row for method, row in rows_of(rows, key).items() if _is_not_green(row)}
    if not beyond:
        return []
    texts = {method: _unbracketed(row["text"]).removesuffix(" impossible") for method, row in beyond.items()}
    names = [f"{method} ({text})" for method, text in texts.items()]
    return [f"{listed(names)} {plural if len(names) > 1 else singular} ({CRITERIA[key].limits})."]


def _gathered(rows: list[Row]) -> list[str]:
    """Name the criteria of `BEYOND` that some methods do not meet, in one sentence."""
    found = []
    for key in BEYOND:
        beyond = [method for method, row in rows_of(rows, key).items() if _is_not_green(row)]
        found += [f"{CRITERIA[key].title} ({listed(beyond)})"] if beyond else []
    return [f"Also short of green: {listed(found)}; the table has the values."]


def _truth(rows: list[Row]) -> list[str]:
    known = {m: row for m, row in rows_of(rows, "truth_maps").items() if row["value"] is not None}
    if not known:
        return []
    order = sorted(known, key=lambda method: known[method]["value"])
    values = [f"{known[method]['text'].replace(' (', f' ({method}, ')}" for method in (order[0], order[-1])]
    return [
        "Against the simulated truth, the worst map of a method has a relative squared error (NMSE) of "
        f"{span(*values)}; up to {CRITERIA['truth_maps'].green:g} is good."
    ]


def _status(comparison: xr.Dataset) -> list[str]:
    states: Mapping[str, str] = {
        str(m): str(s) for m, s in zip(comparison["label"].values, comparison["status"].values, strict=True)
    }
    found = []
    for method, status in states.items():
        message = str(comparison["message"].sel({"label": method}).item()) or "no reason was given"
        by_limit = bool(comparison["stopped_at_limit"].sel({"label": method}))
        if status == "failed":
            found.append(f"{method} gave no result: {message}")
        elif status == "not converged":
            found.append(f"{method} had not converged when it stopped: {message}{_LONGER * by_limit}")
    return found


def _is_not_green(row: Row) -> bool:
    return row["light"] in ("amber", "red")


def _unbracketed(text: str) -> str:
    return text.replace(" (", ", ").replace(")", "")
