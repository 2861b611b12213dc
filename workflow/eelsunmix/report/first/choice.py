"""Whose maps the first screen shows, of which elements, and which three make its composite."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from eelsunmix.comparison.names import component_name
from eelsunmix.comparison.thresholds import CRITERIA, WORST_FIRST
from eelsunmix.comparison.words import listed
from eelsunmix.report.figures.style import REFERENCE
from eelsunmix.report.first.rare import is_rare
from eelsunmix.report.inputs import Inputs
from eelsunmix.stage_warnings import marked_or_all, reference_problems
from eelsunmix.words import RECOMMENDED

COMPOSITE_OF = 3
"""Maps that a composite of red, green and blue can hold."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A map of the first screen.

    Parameters
    ----------
    name : str
        Element, or component where no edge is named.
    source : str
        Label of the method, or of background subtraction where the method has nothing of the element.
    edge : str
        Edge that stands for the element; empty for a component.
    number : int
        Of the component.
    values : DataArray, dims (navigation)
    deviation : DataArray, dims (navigation), optional
        By the noise of the counts alone.
    unit : str
    """

    name: str
    source: str
    values: xr.DataArray
    edge: str = ""
    number: int = -1
    deviation: xr.DataArray | None = None
    unit: str = "counts"

    @property
    def title(self) -> str:
        """Name, and the rest of that of its edge."""
        return f"{self.name} {self.edge.replace('_', ' ').removeprefix(self.name).strip()}".strip()

    def scale_end(self, image: NDArray[Any]) -> float:
        """Where the colours of its picture end if few pixels hold nearly all; else NaN, for a quantile."""
        rare = is_rare(self.values.to_numpy(), self.deviation)
        return float(np.nanmax(image)) if rare else float("nan")


def chosen_label(inputs: Inputs) -> str:
    """Return the recommended result, else the method with the best lights; the reference if all failed."""
    if RECOMMENDED in inputs.working:
        return RECOMMENDED
    return min(inputs.working, key=lambda label: lights_of(inputs, label), default=REFERENCE)


def red_lights(inputs: Inputs, label: str) -> dict[str, str]:
    """Return criterion, and value and limit, of the red lights of a label."""
    rows: Sequence[Mapping[str, Any]] = inputs.comparison.attrs.get("verdict", [])
    limits = {one.title: f", {one.red_from}" for one in CRITERIA.values()}
    return {
        str(row["criterion"]): f"{row.get('text') or row.get('value')}{limits.get(row['criterion'], '')}"
        for row in rows
        if row.get("method") == label and row.get("light") == "red"
    }


def outputs_of(criteria: Sequence[str]) -> str:
    """Say what of a method criteria, by their titles, speak about.

    Examples
    --------
    >>> outputs_of(["misfit to BS", "background shape"]), outputs_of(["convergence"])
    ('counts, shares and spectra', 'results')
    """
    outputs = {one.title: one.outputs for one in CRITERIA.values()}
    found = [output for title in criteria for output in outputs.get(title, ("results",))]
    return listed(list(dict.fromkeys(found)))


def lights_of(inputs: Inputs, label: str) -> tuple[int, int]:
    """Return how many red and how many amber lights a label has."""
    rows: Sequence[Mapping[str, Any]] = inputs.comparison.attrs.get("verdict", [])
    lights = [row.get("light") for row in rows if row.get("method") == label]
    return lights.count("red"), lights.count("amber")


def has_better_lights(inputs: Inputs, one: str, other: str) -> bool:
    """Whether, where both are judged, a label has no light worse than the other label, and one better."""
    rows: Sequence[Mapping[str, Any]] = inputs.comparison.attrs.get("verdict", [])
    lights = {
        label: {str(row["criterion"]): WORST_FIRST.index(row["light"]) for row in rows if _judges(row, label)}
        for label in (one, other)
    }
    both = lights[one].keys() & lights[other].keys()
    better_by = [lights[one][name] - lights[other][name] for name in both]
    return bool(better_by) and min(better_by) >= 0 and max(better_by) > 0


def _judges(row: Mapping[str, Any], label: str) -> bool:
    return row.get("method") == label and row.get("light") in WORST_FIRST


def shown_maps(inputs: Inputs, label: str) -> list[Shown]:
    """Return one map for each element; for each component where no edge is named."""
    if inputs.edges:
        return [_of_element(inputs, label, *one) for one in _edge_of_elements(inputs)]
    return [] if label == REFERENCE else _of_components(inputs, label)


def _edge_of_elements(inputs: Inputs) -> Iterator[tuple[str, str]]:
    """Element and the edge that stands for it: a sound reference, another sound edge, any."""
    failed = reference_problems(inputs.bs)
    for element, names in edges_of_elements(inputs).items():
        own = {name: inputs.edges[name] for name in names}
        marked = marked_or_all({name: bool(one.get("reference")) for name, one in own.items()})
        sound = [name for name in (*marked, *own) if name not in failed]
        yield element, (sound or marked)[0]


def edges_of_elements(inputs: Inputs) -> dict[str, list[str]]:
    """Return the edges of each element, in their order."""
    found: dict[str, list[str]] = {}
    for name, one in inputs.edges.items():
        found.setdefault(str(one.get("element") or name), []).append(name)
    return found


def _of_element(inputs: Inputs, label: str, element: str, edge: str) -> Shown:
    at = inputs.comparison.sel(edge=edge)
    found = at["element_map"].sel({"label": label})
    if not bool((found > 0).any()):
        label = REFERENCE
    one = at.sel({"label": label})
    return Shown(
        name=element,
        source=label,
        edge=edge,
        values=one["element_map"],
        deviation=one["element_map_sd"],
    )


def _of_components(inputs: Inputs, label: str) -> list[Shown]:
    store = inputs.maps[label]
    one = inputs.comparison.sel({"label": label})
    # Those of recommended are its errors on twins, beside which those of the counts are in the refit.
    noise = "refit_abundance_sd" if label == RECOMMENDED else "abundance_sd"
    abundance, deviation = store["abundance"], store.get(noise)
    return [
        Shown(
            name=component_name(one, number).capitalize(),
            source=label,
            number=number,
            values=abundance.isel(endmember=number),
            deviation=None if deviation is None else deviation.isel(endmember=number),
            unit="share" if "thickness_weighted_abundance" in store else "abundance",
        )
        for number in range(abundance.sizes["endmember"])
    ]


def composite_of(maps: Sequence[Shown]) -> list[Shown]:
    """Choose up to three maps that are least alike, in their order; the clearest is one of them."""
    if len(maps) <= COMPOSITE_OF:
        return list(maps)
    flat = np.array([np.nan_to_num(one.values.to_numpy().astype(float)).ravel() for one in maps])
    alike = np.nan_to_num(np.corrcoef(flat))
    chosen = [int(np.argmax([_clarity(one) for one in maps]))]
    while len(chosen) < COMPOSITE_OF:
        likeness = alike[:, chosen].max(axis=1)
        likeness[chosen] = np.inf
        chosen.append(int(np.argmin(likeness)))
    return [maps[number] for number in sorted(chosen)]


def _clarity(one: Shown) -> float:
    """How far the map varies beyond its noise."""
    spread = float(one.values.std())
    noise = float(one.deviation.compute().median()) if one.deviation is not None else 0.0
    return spread / noise if np.isfinite(noise) and noise > 0 else spread
