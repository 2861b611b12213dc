"""Components that may be one material: which they are, how much they are together, and where each lies."""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import xarray as xr

from eelsunmix.comparison.shares import NOWHERE, largest_shares, merged_shares
from eelsunmix.comparison.thresholds import CRITERIA
from eelsunmix.comparison.words import listed
from eelsunmix.execution.map_stacks import PIXELS
from eelsunmix.report.areas import SURE_SD, Sighting
from eelsunmix.report.figures.phases import Phase, phases_of
from eelsunmix.report.first.map_errors import rough
from eelsunmix.report.formatting import in_words, percent
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.places import places_along
from eelsunmix.report.sightings import STRONG, Found, seen_in, unseen
from eelsunmix.report.texts import one_style
from eelsunmix.typing import Bools, Floats, Indices

MOST_RATIO = 2.0
"""Ratio of counts up to which two components may be one material."""
SURE_PROBABILITY = 0.95
"""Probability from which a pixel counts as sure."""
ALIKE = (
    "{names} show the same edges ({edges}; by BS where they are the largest, to within a factor of "
    "{most:g}): they may be one material, in another thickness, orientation or bonding."
)
TOGETHER = (
    "Together they are the largest in {area} of the area ({sure} with a probability of {least} or more)."
)
SAME_RATIO = "The ratio of these edges is the same to within {spread}, as of one composition."
SAME_IN_PIXELS = (
    "The ratio of these edges is the same to within {spread} in their pixels (BS), but differs by {spectra} "
    "between their spectra. Pixels hold other components too, and other spectra fit as well: one composition "
    "is possible, but not proven."
)
OTHER_RATIO = "But the ratio of these edges differs by {spread}, as of other compositions."
TWO_SIDED = 1.96
"""Standard deviations within which 95 % of a normal distribution lie."""
MOST_SPREAD = 0.25
"""Up to this difference the ratio of two edges is called the same: thickness changes it by as much."""
ALL = "These are all components of the image."


@dataclass(frozen=True, kw_only=True)
class Material:
    """Two or more phases that show the same edges about as strongly.

    Parameters
    ----------
    phases : tuple of Phase
    edges : tuple of str
    same_within : float
        Difference of the ratio of two of the edges, as a part, that noise leaves possible (95 %, two-sided);
        NaN for a single edge.
    differs_by : float
        The largest difference beyond three standard deviations; NaN without one.
    in_spectra : float
        By how much the same ratio differs between the spectra; NaN for a single edge.
    """

    phases: tuple[Phase, ...]
    edges: tuple[str, ...]
    same_within: float = float("nan")
    differs_by: float = float("nan")
    in_spectra: float = float("nan")

    @property
    def name(self) -> str:
        """How they are called as one phase."""
        return f"{listed([one.short for one in self.phases])} together"


@dataclass(frozen=True, kw_only=True)
class Materials:
    """What may be one material each, and the phase map in which each of them is one phase.

    Parameters
    ----------
    found : tuple of Material
    maps : Dataset, dims (navigation), or None
        ``phase`` and ``phase_confidence`` as in the comparison, the materials first; None where nothing is
        left beside a material, whose share is one everywhere, or where there is none.
    phases : tuple of Phase
        Of this map.
    """

    found: tuple[Material, ...] = ()
    maps: xr.Dataset | None = None
    phases: tuple[Phase, ...] = ()


def materials_of(inputs: Inputs, seen: Found, phases: Sequence[Phase]) -> Materials:
    """Return phases that show the same edges as strongly: a reader takes them for as many materials.

    Parameters
    ----------
    inputs : Inputs
    seen : mapping of str to sequence of Sighting
        What BS sees of each edge in the pixels of each phase.
    phases : sequence of Phase
    """
    talk = inputs.comparison["cross_talk"].sel({"label": str(inputs.comparison.attrs["phase_method"])})
    absent = {edge: talk.sel(edge=edge).to_numpy() <= CRITERIA["cross_talk"].green for edge in seen}
    found = [replace(one, in_spectra=_in_spectra(talk, one)) for one in alike(seen, phases, absent)]
    if not found or len(found[0].phases) == len(phases):
        return Materials(found=tuple(found))
    maps, drawn = _merged(inputs, phases, found)
    return Materials(found=tuple(found), maps=maps, phases=tuple(drawn))


def alike(seen: Found, phases: Sequence[Phase], absent: Mapping[str, Bools]) -> list[Material]:
    """Group the phases by the edges that they show; of a group, no edge differs by `MOST_RATIO` or more.

    Parameters
    ----------
    seen, phases
        As of `materials_of`.
    absent : mapping of str to ndarray of bool, shape (endmember,)
        Whether the spectrum of a component does not show an edge, which BS may see in its pixels.
    """
    groups: dict[tuple[str, ...], list[int]] = {}
    for place, phase in enumerate(phases):
        own = {edge: one[place] for edge, one in seen.items() if not absent[edge][phase.number]}
        edges = tuple(edge for edge, one in own.items() if one.is_seen and one.part(one.net) >= STRONG)
        groups.setdefault(edges, []).append(place)
    found = []
    for edges, places in groups.items():
        if edges and len(places) > 1 and all(_ratio(seen[edge], places) < MOST_RATIO for edge in edges):
            members = tuple(phases[place] for place in places)
            same_within, differs_by = _ratios_of_pixels(seen, edges, places)
            found.append(
                Material(phases=members, edges=edges, same_within=same_within, differs_by=differs_by)
            )
    return found


def _ratio(found: Sequence[Sighting], places: Sequence[int]) -> float:
    """Return the most counts of some areas over the least."""
    counts = [found[place].net for place in places]
    return max(counts) / min(counts)


def _ratios_of_pixels(seen: Found, edges: Sequence[str], places: Sequence[int]) -> tuple[float, float]:
    """Return how much the ratio of the counts of two edges may differ at most, and does so beyond noise.

    What BS finds where the element is absent is taken out of the counts first.
    """
    possible, sure = [float("nan")], [float("nan")]
    for one, other in combinations(edges, 2):
        found = [[seen[edge][place] for place in places] for edge in (one, other)]
        net = np.array([[each.net - each.systematic.offset for each in row] for row in found])
        if (net <= 0).any():
            possible.append(float("inf"))
            continue
        relative = np.array([[each.total_sd for each in row] for row in found]) / net
        ratio, variance = np.log(net[0] / net[1]), (relative**2).sum(axis=0)
        low, high = ratio.argmin(), ratio.argmax()
        apart, sd = ratio[high] - ratio[low], np.sqrt(variance[low] + variance[high])
        possible.append(float(np.expm1(apart + TWO_SIDED * sd)))
        sure += [float(np.expm1(apart))] * bool(apart > SURE_SD * sd)
    return float(np.fmax.reduce(possible)), float(np.fmax.reduce(sure))


def _in_spectra(talk: xr.DataArray, material: Material) -> float:
    """Return by how much the ratio of two of its edges differs at most between the spectra of its phases."""
    if len(material.edges) < 2:
        return float("nan")
    numbers = [one.number for one in material.phases]
    strengths = [np.log(talk.sel(edge=edge).to_numpy()[numbers]) for edge in material.edges]
    return max(float(np.expm1(np.ptp(one - other))) for one, other in combinations(strengths, 2))


def _merged(
    inputs: Inputs, phases: Sequence[Phase], materials: Sequence[Material]
) -> tuple[xr.Dataset, list[Phase]]:
    """Return the phase map in which the phases of a material are one, and its phases."""
    taken = [one for material in materials for one in material.phases]
    alone = [one for one in phases if one not in taken]
    groups = [*(material.phases for material in materials), *((one,) for one in alone)]
    names = [one.name for one in materials] + [one.name for one in alone]
    like = inputs.comparison["phase"]
    store = inputs.maps[str(inputs.comparison.attrs["phase_method"])]
    deviation = "abundance_sd" if "abundance_sd" in store else "refit_abundance_sd"
    known = like.to_numpy() != NOWHERE
    shares, deviations = (
        store[name].transpose(*like.dims, "endmember").to_numpy()[known] for name in ("abundance", deviation)
    )
    phase, confidence = np.full(like.shape, NOWHERE), np.full(like.shape, np.nan)
    numbers = [[one.number for one in group] for group in groups]
    phase[known], confidence[known] = _largest(shares, deviations, numbers)
    maps = xr.Dataset({"phase": like.copy(data=phase), "phase_confidence": like.copy(data=confidence)})
    drawn = [replace(group[0], number=number, name=names[number]) for number, group in enumerate(groups)]
    return maps, drawn


def _largest(shares: Floats, deviations: Floats, groups: Sequence[Sequence[int]]) -> tuple[Indices, Floats]:
    """Find the largest group of each pixel and its probability, some pixels at a time."""
    phase, confidence = np.empty(len(shares), dtype=np.int64), np.empty(len(shares))
    for start in range(0, len(shares), PIXELS):
        part = slice(start, start + PIXELS)
        sums, their_sd = merged_shares(shares[part].astype(float), deviations[part].astype(float), groups)
        phase[part], confidence[part] = largest_shares(sums, their_sd)
    return phase, confidence


def said_of(inputs: Inputs, materials: Materials) -> Iterator[str]:
    """Say which phases may be one material, how much of the area it has, and where each of them lies."""
    for number, material in enumerate(materials.found):
        told = [
            ALIKE.format(
                names=listed([one.name for one in material.phases]),
                edges=listed([in_words(edge) for edge in material.edges]),
                most=MOST_RATIO,
            ),
            _ratios(material),
            ALL if materials.maps is None else _together(materials.maps, number),
            places_along(inputs, material.phases),
        ]
        yield one_style(" ".join(filter(None, told)))


def _ratios(material: Material) -> str:
    """Say whether the ratio of the edges is the same; nothing of a single edge, or if noise hides it."""
    if material.same_within <= MOST_SPREAD:
        words = SAME_IN_PIXELS if material.in_spectra > MOST_SPREAD else SAME_RATIO
        return words.format(spread=rough(material.same_within), spectra=rough(material.in_spectra))
    return OTHER_RATIO.format(spread=rough(material.differs_by)) if material.differs_by > MOST_SPREAD else ""


def _together(maps: xr.Dataset, number: int) -> str:
    area, sure = areas_of(maps, number)
    return TOGETHER.format(area=percent(area), sure=percent(sure), least=f"{100 * SURE_PROBABILITY:.0f} %")


def areas_of(maps: xr.Dataset, number: int) -> tuple[float, float]:
    """Return the part of the pixels with a phase that are this one, and that are it for sure."""
    phase, confidence = maps["phase"].to_numpy(), maps["phase_confidence"].to_numpy()
    own, size = phase == number, max(int((phase >= 0).sum()), 1)
    sure = own & (confidence >= SURE_PROBABILITY)
    return int(own.sum()) / size, int(sure.sum()) / size


def in_short(inputs: Inputs, known: Container[str] = ()) -> list[str]:
    """Say which edges BS does not see in which components, and which of these may be one material.

    Nothing of what it does not see of the edges in `known`.
    """
    if not inputs.edges or "phase" not in inputs.comparison:
        return []
    phases = phases_of(inputs.comparison, inputs.working)
    seen = seen_in(inputs, phases)
    return [
        *map(one_style, unseen(inputs, seen, phases, known)),
        *said_of(inputs, materials_of(inputs, seen, phases)),
    ]
