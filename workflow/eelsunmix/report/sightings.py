"""Which edges background subtraction (BS) sees where each component is the largest."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

import numpy as np
import xarray as xr

from eelsunmix.comparison.thresholds import CRITERIA
from eelsunmix.comparison.words import listed
from eelsunmix.report.areas import MAPS, SURE_SD, Sighting, Systematic, sightings
from eelsunmix.report.content import Row, Table, cell, figure_cell
from eelsunmix.report.figures.phases import Phase
from eelsunmix.report.figures.style import REFERENCE
from eelsunmix.report.first.choice import chosen_label
from eelsunmix.report.formatting import DASH, in_words, number, plus_minus
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.peaks import peak_of
from eelsunmix.report.systematics import systematic_of
from eelsunmix.report.texts import one_style
from eelsunmix.stage_warnings import reference_problems
from eelsunmix.words import numbered

Found = Mapping[str, Sequence[Sighting]]
"""What BS sees of each edge that it did not fail at, in the pixels of each phase."""
SEEN = (
    "Which edges background subtraction (BS) sees where each component is the largest: mean net counts of "
    "the pixels, in per cent of the peak (99.5 % quantile of the map that the page shows first, its highest "
    "value if few pixels hold nearly all of it; if that is more than noise), and in counts ± 1 standard "
    "deviation by noise. Not seen: below 3 standard deviations, "
    "with the limit (95 %, one-sided). {systematic}Where BS lies farther below zero, its background is "
    "biased, and the limit is as large as that. Pixels hold some of other components: names go by the "
    "spectra of the cards. Where components overlap, noise chooses some of the pixels, and limits are "
    "somewhat too low.{frames}"
)
MIXED_IN = (
    "BS sees {edge} ({seen} of the peak) where {component} is the largest, whose spectrum does not show it: "
    "all components of these pixels together account for {others}."
)
MOST_UNSEEN = 4
"""Edges that the sentence on what BS does not see names."""
STRONG = 0.1
"""Part of the highest counts from which an edge is of the material, no tail of a neighbour."""
SYSTEMATIC = (
    "The 3 standard deviations and the limit also hold what is in all pixels alike: {each}; the ± does not. "
)
FRAMES = " Of all frames together."


def sighting_table(inputs: Inputs, phases: Sequence[Phase], found: Found) -> Table:
    """Tabulate which edges BS sees in the pixels of each phase."""
    each = "; ".join(filter(None, (_alike_in_all(edge, own[0].systematic) for edge, own in found.items())))
    rows = []
    for place, one in enumerate(phases):
        words = [
            _in_words(found[edge][place]) if edge in found else (DASH, "BS failed") for edge in inputs.edges
        ]
        cells = (figure_cell(text, note=note) for text, note in words)
        rows.append(Row(cells=(cell(one.name, colour=one.colour), *cells)))
    return Table(
        caption=SEEN.format(
            systematic=SYSTEMATIC.format(each=each) if each else "",
            frames=FRAMES * ("frame" in inputs.comparison["phase"].dims),
        ),
        columns=("where it is the largest", *map(in_words, inputs.edges)),
        rows=tuple(rows),
        css="small",
    )


def _alike_in_all(edge: str, known: Systematic) -> str:
    """Say what is in all pixels alike of an edge; nothing where nothing is known."""
    spread = f"±\u00a0{number(known.sd, 2)}" if known.sd else ""
    if not known.offset:
        return f"{in_words(edge)} {spread} counts of a fixed pattern" if spread else ""
    side = "low" if known.offset < 0 else "high"
    counts = f"{number(abs(known.offset), 2)} {spread}"
    return f"BS of {in_words(edge)} is {counts} counts too {side} where it is absent"


def seen_in(inputs: Inputs, phases: Sequence[Phase]) -> dict[str, list[Sighting]]:
    """Return what BS sees of each edge that it did not fail at, in the pixels of each phase."""
    failed = reference_problems(inputs.bs)
    return {edge: _sightings(inputs, edge, phases) for edge in inputs.edges if edge not in failed}


def _sightings(inputs: Inputs, edge: str, phases: Sequence[Phase]) -> list[Sighting]:
    phase = inputs.comparison["phase"]
    return sightings_of(inputs, edge, (phase == one.number for one in phases))


def sightings_of(inputs: Inputs, edge: str, areas: Iterable[xr.DataArray]) -> list[Sighting]:
    """Return what BS sees of an edge in areas, each a map of bool."""
    store = inputs.bs[list(MAPS)].sel(edge=edge).load()
    masks = (one.transpose(*store["net_counts"].dims).to_numpy() for one in areas)
    return sightings(store, masks, systematic_of(inputs, edge), peak=peak_of(inputs, edge))


def unseen(inputs: Inputs, found: Found, phases: Sequence[Phase], known: Container[str] = ()) -> list[str]:
    """Say of each edge where BS does not see it: the limit there, and what the map shown first has there.

    Nothing of the edges in `known`.
    """
    texts = []
    for edge, own in ((edge, one) for edge, one in found.items() if edge not in known):
        hidden = [place for place, one in enumerate(own) if not np.isnan(one.net) and not one.is_seen]
        if hidden:
            texts.append(
                f"{in_words(edge)} where {_hidden(inputs, edge, own, phases, hidden)} is the largest"
            )
    more = [numbered(len(texts) - MOST_UNSEEN, "further edge")] if len(texts) > MOST_UNSEEN else []
    return [f"BS does not see {'; '.join([*texts[:MOST_UNSEEN], *more])}."] if texts else []


def _hidden(
    inputs: Inputs, edge: str, own: Sequence[Sighting], phases: Sequence[Phase], hidden: Sequence[int]
) -> str:
    """Name phases in which BS does not see an edge, each with the limit and what the map has there."""
    mapped = _mapped(inputs, edge, [phases[place].number for place in hidden])
    told: list[str] = []
    for place in hidden:
        limit = part_of(own[place], own[place].limit) or f"{number(own[place].limit, 2)} counts"
        counts = mapped.get(phases[place].number)
        there = "" if counts is None else part_of(own[place], counts) or f"{number(counts, 2)} counts"
        if not told:
            limit = f"limit {limit}" + " of the peak" * bool(own[place].peak > 0)
            there = f"{chosen_label(inputs)} has {there}" * bool(there)
        limit += ", as BS is biased" * own[place].is_biased
        told.append(f"{phases[place].name} ({'; '.join(filter(None, (limit, there)))})")
    return listed(told, "or")


def mixed_in(inputs: Inputs, found: Found, phases: Sequence[Phase]) -> Iterator[str]:
    """Name the edges that BS sees where a component is the largest though its spectrum shows none of them.

    The pixels hold other components too: the map of the element says what all of them account for.
    """
    at = inputs.comparison.sel({"label": str(inputs.comparison.attrs["phase_method"])})
    numbers = at["phase"]
    for edge, own in found.items():
        column = at.sel(edge=edge)
        names = ("cross_talk", "endmember_net_counts", "endmember_net_counts_sd")
        talk, net, sd = (column[name].to_numpy() for name in names)
        without = (talk <= CRITERIA["cross_talk"].green) & ~(net > SURE_SD * sd)
        element_map = at["element_map"].sel(edge=edge)
        for one, sighting in zip(phases, own, strict=True):
            strong = sighting.is_seen and sighting.part(sighting.net) >= STRONG
            mean = float(element_map.where(numbers == one.number).mean())
            if strong and without[one.number] and np.isfinite(mean):
                yield one_style(
                    MIXED_IN.format(
                        edge=in_words(edge),
                        component=one.name,
                        seen=part_of(sighting, sighting.net),
                        others=part_of(sighting, mean),
                    )
                )


def _mapped(inputs: Inputs, edge: str, numbers: Sequence[int]) -> dict[int, float]:
    """Return the mean counts of the map shown first in these phases; nothing if that is the map of BS."""
    label, phase = chosen_label(inputs), inputs.comparison["phase"]
    if label == REFERENCE:
        return {}
    shown = inputs.comparison["element_map"].sel({"label": label, "edge": edge})
    means = {one: float(shown.where(phase == one).mean()) for one in numbers}
    return {one: mean for one, mean in means.items() if np.isfinite(mean)}


def _in_words(found: Sighting) -> tuple[str, str]:
    """Return how much of the highest counts there is, and the counts; or that none is seen, and the limit."""
    if np.isnan(found.net):
        return DASH, "no pixel"
    if found.is_seen:
        counts = f"{plus_minus(found.net, found.sd)} counts"
        return part_of(found, found.net) or counts, counts + slight(found)
    limit = part_of(found, found.limit) or f"{number(found.limit, 2)} counts"
    return "not seen", f"limit {limit}: BS biased" if found.is_biased else f"< {limit}"


def slight(found: Sighting) -> str:
    """Say that counts are as few as a background leaves that is hardly off; nothing where they are more.

    Examples
    --------
    >>> slight(Sighting(net=9.0, sd=1.0, peak=200.0, background=1000.0))
    '; 0.90 % of the background, which may be off by as much'
    """
    if np.isnan(found.of_background):
        return ""
    return f"; {number(100 * found.of_background, 2)} % of the background, which may be off by as much"


def part_of(found: Sighting, counts: float) -> str:
    """Write counts as per cent of the highest ones; nothing where these are unknown.

    Examples
    --------
    >>> [part_of(Sighting(net=90.0, sd=20.0, peak=peak), 90.0) for peak in (200.0, 0.0)]
    ['45 %', '']
    """
    part = found.part(counts)
    return f"{number(100 * part, 2)} %" if np.isfinite(part) else ""
