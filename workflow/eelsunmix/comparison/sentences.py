"""What the lights mean, in plain sentences; each names the limit that it rests on."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import xarray as xr

from eelsunmix.comparison.components import REFERENCE, Setting
from eelsunmix.comparison.thresholds import CLEAR_CEILING, CRITERIA, OFF_REGION_SD, UNCALIBRATED_CHI2
from eelsunmix.comparison.verdict import (
    Row,
    agreement_table,
    component_name,
    leaks,
    rows_of,
)

CARBON_K_EV = 284.0
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
            "have components with impossible backgrounds",
            "has components with impossible backgrounds",
        ),
        "binarisation": ("take mixed pixels for pure ones", "takes mixed pixels for pure ones"),
    }
)
"""What several methods, or one, do whose light is not green."""


def sentences(comparison: xr.Dataset, rows: list[Row], setting: Setting) -> list[str]:
    """List the findings, those about agreement first."""
    methods = [
        m
        for m in comparison["label"].values[1:].tolist()
        if comparison["status"].sel({"label": m}) != "failed"
    ]
    beyond = [sentence for key, words in BEYOND.items() for sentence in _beyond(rows, key, *words)]
    return [
        *_agreement(comparison, methods, setting),
        *_leaks(comparison, methods, setting),
        *beyond,
        *_truth(rows),
        *_status(comparison),
    ]


def caveats(comparison: xr.Dataset, setting: Setting) -> list[str]:
    """List what the reader has to know before believing any number of the comparison."""
    found = []
    reference = comparison.sel({"label": REFERENCE})
    for name, edge in setting.edges.items():
        at = reference.sel(edge=name)
        mean, sd = float(at["off_region_mean"]), float(at["off_region_sd"])
        if abs(mean) > OFF_REGION_SD * sd:
            found.append(
                f"BS of {name} finds {mean:.3g} ± {sd:.2g} counts per pixel where {edge.element} is absent "
                f"(more than {OFF_REGION_SD:g} standard deviations from 0): its background is no power law."
            )
        ceiling = float(at["map_noise_ceiling"])
        if ceiling < CLEAR_CEILING:
            found.append(
                f"The BS map of {name} is mostly noise (ceiling {ceiling:.2f}, below {CLEAR_CEILING:g}); it "
                "cannot rank methods pixel by pixel."
            )
        low, high = edge.integrate_eV
        if edge.element != "C" and low <= CARBON_K_EV + 2 and high >= CARBON_K_EV:
            found.append(
                f"The window of {name} contains the C K edge: carbon contamination looks like {edge.element}."
            )
    return [*found, *_noise_caveat(comparison)]


def _noise_caveat(comparison: xr.Dataset) -> list[str]:
    chi2 = float(comparison["reconstruction_chi2"].min())
    if not chi2 < UNCALIBRATED_CHI2:
        return []
    return [
        f"The chi-square of the reconstruction is {chi2:.2g} per channel, below {UNCALIBRATED_CHI2:g}: "
        "channels share noise, so that 1 is not the level of pure noise and this criterion cannot judge."
    ]


def _agreement(comparison: xr.Dataset, methods: Sequence[str], setting: Setting) -> list[str]:
    limit = CRITERIA["agreement"].green
    tables = {method: agreement_table(comparison.sel({"label": method}), setting) for method in methods}
    places = dict.fromkeys(place for table in tables.values() for place in table)
    found = []
    for place in places:
        edge, where = place.split(", ", 1)
        what = f"BS {'profile' if setting.profiles else 'map'} of {setting.edges[edge].element}"
        what += f" ({edge}, {where})" if setting.profiles else f" ({edge})"
        scores = {method: table[place] for method, table in tables.items() if place in table}
        ceiling = next(iter(scores.values()))[1]
        good = [method for method, (r, _) in scores.items() if r >= limit * ceiling]
        bad = [f"{method} (r = {r:.2f})" for method, (r, _) in scores.items() if r < limit * ceiling]
        rule = f"r at least {limit:g} of the noise ceiling {ceiling:.2f}"
        if good:
            verb = "follow" if len(good) > 1 else "follows"
            found.append(f"{_listed(good)} {verb} the {what} within its noise ({rule}).")
        if bad:
            verb = "depart" if len(bad) > 1 else "departs"
            found.append(f"{_listed(bad)} {verb} from the {what} ({rule} is wanted).")
    return found


def _leaks(comparison: xr.Dataset, methods: Sequence[str], setting: Setting) -> list[str]:
    limit = CRITERIA["cross_talk"].green
    places: dict[str, list[str]] = {}
    ownerless = []
    for method in methods:
        one = comparison.sel({"label": method})
        for (element, endmember), value in leaks(one, setting).items():
            if value > limit:
                name = component_name(one, endmember)
                places.setdefault(element, []).append(f"the component {name} of {method} ({value:.0%})")
        missing = [edge for edge in setting.edges if int(one["owner"].sel(edge=edge)) < 0]
        ownerless += [f"No component of {method} shows the edge {edge}." for edge in missing]
    shared = [
        f"The {element} edge is also in {_listed(where)} (limit {limit:.0%} of its strength in its own "
        f"component): the material contains {element}, or the method does not separate it."
        for element, where in places.items()
    ]
    return [*shared, *ownerless]


def _beyond(rows: list[Row], key: str, plural: str, singular: str) -> list[str]:
    beyond = {m: row for m, row in rows_of(rows, key).items() if row["light"] in ("amber", "red")}
    if not beyond:
        return []
    names = [f"{method} ({_unbracketed(row['text'])})" for method, row in beyond.items()]
    limit = CRITERIA[key].form(CRITERIA[key].green)
    return [f"{_listed(names)} {plural if len(names) > 1 else singular} (limit {limit})."]


def _truth(rows: list[Row]) -> list[str]:
    known = {m: row for m, row in rows_of(rows, "truth_maps").items() if row["value"] is not None}
    if not known:
        return []
    order = sorted(known, key=lambda method: known[method]["value"])
    values = _listed([f"{method} {known[method]['text']}" for method in order])
    return [
        f"Against the simulated truth, the worst map of each method is off by NMSE {values} "
        f"(green up to {CRITERIA['truth_maps'].green:g}, amber up to {CRITERIA['truth_maps'].amber:g})."
    ]


def _status(comparison: xr.Dataset) -> list[str]:
    states: Mapping[str, str] = {
        str(m): str(s) for m, s in zip(comparison["label"].values, comparison["status"].values, strict=True)
    }
    found = []
    for method, status in states.items():
        message = str(comparison["message"].sel({"label": method}).item()) or "no reason was given"
        if status == "failed":
            found.append(f"{method} gave no result: {message}")
        elif status == "not converged":
            found.append(f"{method} had not converged when it stopped: {message}")
    return found


def _unbracketed(text: str) -> str:
    return text.replace(" (", ", ").replace(")", "")


def _listed(names: Sequence[str]) -> str:
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
