"""The phase map on the page, how much of the area each phase has, and which edges are seen there."""

from collections.abc import Mapping, Sequence

import numpy as np

from eelsunmix.comparison.words import listed
from eelsunmix.report.areas import Sighting, sighting
from eelsunmix.report.content import Block, Control, Figure, Row, Table, Text, cell, figure_cell
from eelsunmix.report.figures.phases import Phase, confidence_map, phase_map, phases_of
from eelsunmix.report.formatting import DASH, in_words, number, percent, plus_minus
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.systematics import systematic_counts
from eelsunmix.stage_warnings import reference_problems
from eelsunmix.words import RECOMMENDED

SURE = 0.95
"""Probability from which a pixel counts as sure."""
PHASES = (
    "Phase map of {method}: the colour is that of the component with the largest share of the pixel; the "
    "paler, the less sure that it is the largest. Full colour: the probability that it exceeds the next one "
    "is 1; nearly white: 0.5. It follows from the shares and their standard deviations{of}. A pixel of two "
    "materials in equal parts is pale too, however many counts it has."
)
OF_RECOMMENDED = " (errors on simulated images, and what other sets of components give)"
OF_METHOD = " by the noise of the counts, not from what other sets of components give"
SEEN = (
    "Which edges background subtraction (BS) sees where each component is the largest: mean net counts of "
    "the pixels, in per cent of BS in its strongest pixels, and in counts ± 1 standard deviation by noise. "
    "Not seen: below 3 standard deviations, with the limit (95 %, one-sided). {systematic}Where BS lies "
    "farther below zero, its background is biased, and the limit is as large as that. Pixels at a boundary "
    "hold some of the neighbour."
)
SYSTEMATIC = (
    "Both hold what is added to every pixel, too, by a fixed pattern or a biased background: {each} counts. "
)
ALIKE = (
    "{names} show the same edges ({edges}): they may be one material, in another thickness, orientation or "
    "bonding. Their cards say how they differ."
)
AREA = "Share of the pixels with sample. Sure: the largest with a probability of {sure} or more."


def phase_blocks(inputs: Inputs) -> list[Block]:
    """Return the phase map and its table; nothing where no method gives shares."""
    if "phase" not in inputs.comparison:
        return []
    phases = phases_of(inputs.comparison, inputs.working)
    method = inputs.comparison.attrs["phase_method"]
    caption = PHASES.format(method=method, of=OF_RECOMMENDED if method == RECOMMENDED else OF_METHOD)
    figure = Figure(
        name="phase-map",
        caption=inputs.remarked(caption),
        variants={
            (0,): phase_map(inputs.one_frame, phases, inputs.view),
            (1,): confidence_map(inputs.one_frame, inputs.view),
        },
        controls=(Control("Show", ("phases", "probability alone")),),
        half=True,
    )
    return [figure, _areas(inputs, phases), *_seen(inputs, phases)]


def _areas(inputs: Inputs, phases: list[Phase]) -> Table:
    phase = inputs.comparison["phase"].to_numpy()
    sure = inputs.comparison["phase_confidence"].to_numpy() >= SURE
    size = max(int((phase >= 0).sum()), 1)
    rows = []
    for one in phases:
        own = phase == one.number
        parts = (own, own & sure, own & ~sure)
        numbers = [figure_cell(percent(np.count_nonzero(part) / size)) for part in parts]
        rows.append(Row(cells=(cell(one.name, colour=one.colour), *numbers)))
    return Table(
        caption=AREA.format(sure=f"{100 * SURE:.0f} %"),
        columns=("phase", "area", "sure", "unsure"),
        rows=tuple(rows),
        css="small wide",
        half=True,
    )


def _seen(inputs: Inputs, phases: Sequence[Phase]) -> list[Block]:
    """Tabulate which edges BS sees in the pixels of each phase, and say which phases show the same ones."""
    if not inputs.edges:
        return []
    failed = reference_problems(inputs.bs)
    biases = {edge: systematic_counts(inputs, edge) for edge in inputs.edges if edge not in failed}
    found = {edge: _sightings(inputs, edge, phases, bias) for edge, bias in biases.items()}
    each = listed([f"{in_words(edge)} ±\u00a0{number(bias, 2)}" for edge, bias in biases.items() if bias])
    rows = []
    for place, one in enumerate(phases):
        words = [
            _in_words(found[edge][place]) if edge in found else (DASH, "BS failed") for edge in inputs.edges
        ]
        cells = (figure_cell(text, note=note) for text, note in words)
        rows.append(Row(cells=(cell(one.name, colour=one.colour), *cells)))
    table = Table(
        caption=SEEN.format(systematic=SYSTEMATIC.format(each=each) if each else ""),
        columns=("where it is the largest", *map(in_words, inputs.edges)),
        rows=tuple(rows),
        css="small",
    )
    alike = _alike(found, phases)
    return [table, *([Text(*alike)] if alike else [])]


def _sightings(inputs: Inputs, edge: str, phases: Sequence[Phase], bias: float) -> list[Sighting]:
    phase = inputs.comparison["phase"]
    store = inputs.bs[["net_counts", "net_counts_sd", "independent_sd", "common_sd"]].sel(edge=edge)
    maps, numbers = store.transpose(*phase.dims, ...).load(), phase.to_numpy()
    return [sighting(maps, numbers == one.number, bias) for one in phases]


def _alike(found: Mapping[str, Sequence[Sighting]], phases: Sequence[Phase]) -> list[str]:
    """Say which phases show the same edges: a reader takes them for as many materials."""
    names: dict[tuple[str, ...], list[str]] = {}
    for place, one in enumerate(phases):
        edges = tuple(edge for edge, sightings in found.items() if sightings[place].is_seen)
        names.setdefault(edges, []).append(one.name)
    return [
        ALIKE.format(names=listed(own), edges=listed([in_words(edge) for edge in edges]))
        for edges, own in names.items()
        if edges and len(own) > 1
    ]


def _in_words(found: Sighting) -> tuple[str, str]:
    """Return how much of the highest counts there is, and the counts; or that none is seen, and the limit."""
    if not found.sd > 0:
        return DASH, "no pixel"
    if found.is_seen:
        counts = f"{plus_minus(found.net, found.sd)} counts"
        return _part(found, found.net) or counts, counts
    limit = _part(found, found.limit) or f"{number(found.limit, 2)} counts"
    return "not seen", f"limit {limit}: BS biased" if found.is_biased else f"< {limit}"


def _part(found: Sighting, counts: float) -> str:
    """Write counts as per cent of the highest ones; nothing where these are unknown.

    Examples
    --------
    >>> _part(Sighting(net=90.0, sd=20.0, peak=200.0), 90.0), _part(Sighting(net=1.0, sd=1.0, peak=0.0), 1.0)
    ('45 %', '')
    """
    part = found.part(counts)
    return f"{number(100 * part, 2)} %" if np.isfinite(part) else ""
