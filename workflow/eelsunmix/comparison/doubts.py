"""Components that are no material of their own: a few pixels, or another slope.

Those of a drift of the energy axis are named where their number is estimated (`eelsunmix.rank`).
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

import numpy as np
import xarray as xr

from eelsunmix.comparison.agreement import FEWEST_POINTS
from eelsunmix.comparison.components import Components
from eelsunmix.comparison.names import background_name, component_name
from eelsunmix.comparison.setting import Setting
from eelsunmix.comparison.words import listed
from eelsunmix.execution.map_stacks import PIXELS
from eelsunmix.typing import Floats, Indices
from eelsunmix.words import BACKGROUND

FEW_PIXELS, FEW_PART = (1, 5), 0.01
"""A component lives in a few pixels if this part of them, but one at least and five at most, hold half of the
squared deviations of its abundance from the median."""
BANDS, DEGREE = 40, 2
"""Bands of channels in which spectra are compared; degree of a smooth ratio, in the logarithm of energy."""
SMOOTH, SAME_EDGE, OTHER_SLOPE = 0.9, 0.75, 0.05
"""Components differ in slope alone if a smooth ratio explains so much of the variance, each edge of one is at
least so much of that of the other, and the exponents differ by so much."""

FEW = (
    "Few pixels alone hold {components}: PIXELS. A cosmic ray or a hot pixel, or a rare phase: look at the "
    "spectra there. If it is no material, lower corrections.spikes.sigma, or leave them out with "
    "corrections.mask.outside_nm where they lie at a margin, and ask for one component less."
)
THICKNESS = (
    "The same edges, and another slope of the spectrum alone, have {components}: thickness? Rather two "
    "thicknesses of one material than two materials: ask for one component less, or read their sum."
)

ALIKE = (
    "Called alike are {components}: component_names gives the name to one of them, and another has it from "
    "its edges or from you. Give each a name of its own."
)


def short_profiles(setting: Setting) -> list[str]:
    """Say which profiles are too short to be compared, what is compared instead, and what was meant."""
    sizes, said = setting.total_counts.sizes, []
    instead = "the other profiles" if setting.judging_profiles else "the maps"
    for name, profile in setting.profiles.items():
        n_points, across = sizes[profile.along], {"x": "y", "y": "x"}[profile.along]
        if name not in setting.judging_profiles:
            meant = f" Did you mean profiles.{name}: {{along: {across}}}?" * (sizes[across] > n_points)
            said.append(
                f"The profile {name} runs along {profile.along}, where the image has {n_points} "
                f"pixel{'s' * (n_points > 1)}: fewer than {FEWEST_POINTS} positions are too few to judge by, "
                f"so {instead} are compared with BS.{meant}"
            )
    return said


def component_warnings(
    comparison: xr.Dataset, components: Sequence[Components], setting: Setting
) -> list[str]:
    """Say which components are no materials of their own, and what to do about it.

    Parameters
    ----------
    comparison : Dataset
        With ``endmember_label``, ``endmember_name`` and ``cross_talk``.
    components : sequence of Components
    setting : Setting
    """
    return [
        *_by_method(_in_few_pixels(comparison, components)),
        *_by_method(_of_one_slope(comparison, components, setting)),
        *_by_method(_called_alike(comparison, components, setting)),
    ]


def _by_method(found: Iterable[tuple[str, str, str]]) -> list[str]:
    """Join the findings (component, method, what is wrong) of several methods that say the same."""
    groups: dict[str, list[str]] = {}
    for component, method, text in found:
        groups.setdefault(text, []).append(f"{component} of {method}")
    return [text.format(components=listed(names)) for text, names in groups.items()]


def _in_few_pixels(
    comparison: xr.Dataset, components: Sequence[Components]
) -> Iterator[tuple[str, str, str]]:
    maps = [(one.label, one.refit) for one in components if one.refit is not None]
    for label, refit in maps:
        for k in range(refit.sizes["endmember"]):
            pixels = few_pixels(refit.isel(endmember=k))
            if pixels:
                name = component_name(comparison.sel({"label": label}), k)
                yield (_component(name), label, FEW.replace("PIXELS", listed(pixels)))


def few_pixels(abundance: xr.DataArray) -> list[str]:
    """Return the places of the pixels that hold most of an abundance; none if they are many."""
    values = abundance.to_numpy().ravel()
    known = values[np.isfinite(values)]
    if not known.size:
        return []
    most, middle = int(np.clip(FEW_PART * known.size, *FEW_PIXELS)), float(np.median(known))
    order, powers, total = _strongest(values, middle, most)
    if not powers.sum() > 0.5 * total:
        return []
    strong = sorted(order[powers > 0.1 * powers[0]])
    places = np.transpose(np.unravel_index(strong, abundance.shape))
    return ["(" + ", ".join(f"{d} {i}" for d, i in zip(abundance.dims, p, strict=True)) + ")" for p in places]


def _strongest(values: Floats, middle: float, most: int) -> tuple[Indices, Floats, float]:
    """Find the squares of the deviations from the middle that are largest, and the sum of all."""
    order, powers, total = np.empty(0, dtype=np.intp), np.empty(0), 0.0
    for first in range(0, values.size, PIXELS):
        power = np.nan_to_num(values[first : first + PIXELS].astype(float) - middle, posinf=0, neginf=0) ** 2
        best = np.argsort(power)[::-1][:most]
        total += float(power.sum())
        order, powers = np.concatenate([order, best + first]), np.concatenate([powers, power[best]])
    kept = np.argsort(powers)[::-1][:most]
    return order[kept], powers[kept], total


def _of_one_slope(
    comparison: xr.Dataset, components: Sequence[Components], setting: Setting
) -> Iterator[tuple[str, str, str]]:
    for one in filter(lambda one: len(one.spectra), components):
        at = comparison.sel({"label": one.label})
        talk, shown = at["cross_talk"].to_numpy(), at["endmember_label"].to_numpy()
        for i, j in combinations(range(len(one.spectra)), 2):
            slope = slope_between(one.spectra[i], one.spectra[j], setting)
            if (
                abs(slope) > OTHER_SLOPE
                and shown[i] != background_name(setting)
                and _same_edges(talk[i], talk[j])
            ):
                yield (_components(at, (i, j)), one.label, THICKNESS)


def _called_alike(
    comparison: xr.Dataset, components: Sequence[Components], setting: Setting
) -> Iterator[tuple[str, str, str]]:
    """Find the user's names that two components have: of two elements, or one that another is named after."""
    given = {name for element, name in setting.component_names.items() if element != BACKGROUND}
    for one in components:
        at = comparison.sel({"label": one.label})
        shown = at["endmember_label"].to_numpy()[: len(one.spectra)]
        for name in sorted(given):
            found = np.flatnonzero(shown == name).tolist()
            if len(found) > 1:
                yield (_components(at, found), one.label, ALIKE)


def _components(at: xr.Dataset, endmembers: Sequence[int]) -> str:
    return f"components {listed([component_name(at, endmember) for endmember in endmembers])}"


def _component(name: str) -> str:
    """Without edges the name says what it is."""
    return name if name.startswith("component ") else f"component {name}"


def _same_edges(first: Floats, second: Floats) -> bool:
    """Whether two components show all edges alike, at equal total counts."""
    known = np.isfinite(first) & np.isfinite(second)
    low, high = np.minimum(first, second)[known], np.maximum(first, second)[known]
    return bool(known.any() and (low > SAME_EDGE * high).all())


def slope_between(first: Floats, second: Floats, setting: Setting) -> float:
    """Difference of the exponents of two spectra whose ratio is smooth; zero where it is not.

    Channels at or below zero energy loss, which no power law knows, have no part in it.
    """
    used = np.flatnonzero(setting.energy.to_numpy() > 0)
    if used.size <= DEGREE + 1:
        return 0.0
    channels = np.array_split(used, min(BANDS, used.size))
    bands = np.array([[spectrum[part].sum() for part in channels] for spectrum in (first, second)])
    if not (bands > 0).all():
        return 0.0
    energy = np.log([float(setting.energy[part].mean()) for part in channels])
    ratio, weight = np.log(bands[0] / bands[1]), np.sqrt(bands[0] * bands[1] / bands.sum(axis=0))
    fitted = np.polyval(np.polyfit(energy, ratio, DEGREE, w=weight), energy)
    mean = np.average(ratio, weights=weight**2)
    explained = 1 - np.sum((weight * (ratio - fitted)) ** 2) / np.sum((weight * (ratio - mean)) ** 2)
    return float(-np.polyfit(energy, ratio, 1, w=weight)[0]) if explained > SMOOTH else 0.0
