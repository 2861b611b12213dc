"""The phase map on the page, and how much of the area each phase has."""

import numpy as np

from eelsunmix.report.content import Block, Control, Figure, Row, Table, cell, figure_cell
from eelsunmix.report.figures.grid import is_flat
from eelsunmix.report.figures.phases import Phase, confidence_map, phase_map, phases_of
from eelsunmix.report.formatting import percent
from eelsunmix.report.inputs import Inputs
from eelsunmix.words import RECOMMENDED

SURE_PROBABILITY = 0.95
"""Probability from which a pixel counts as sure."""
PHASES = (
    "Phase map of {method}: the colour is that of the component with the largest share of the pixel; the "
    "paler, the less sure that it is the largest. Full colour: the probability that it exceeds the next one "
    "is 1; nearly white: 0.5. It follows from the shares and their standard deviations{of}. A pixel of two "
    "materials in equal parts is pale too, however many counts it has."
)
OF_RECOMMENDED = " (errors on simulated images, and what other sets of components give)"
OF_METHOD = " by the noise of the counts, not from what other sets of components give"
AREA = "Share of the pixels with sample. Sure: the largest with a probability of {sure} or more.{doubt}"
DOUBT = (
    " Few are: other shares fit as well, or pixels hold two materials in equal parts. Where a component lies "
    "may be surer than its share."
)
FEW = 0.05
"""Part of the pixels that are sure below which the page says why."""


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
        half=not is_flat(inputs.view),
    )
    return [figure, _areas(inputs, phases)]


def _areas(inputs: Inputs, phases: list[Phase]) -> Table:
    phase = inputs.comparison["phase"].to_numpy()
    sure = inputs.comparison["phase_confidence"].to_numpy() >= SURE_PROBABILITY
    known = phase >= 0
    size = max(int(known.sum()), 1)
    of_recommended = inputs.comparison.attrs["phase_method"] == RECOMMENDED
    few = bool(of_recommended and known.any() and np.count_nonzero(known & sure) < FEW * size)
    rows = []
    for one in phases:
        own = phase == one.number
        parts = (own, own & sure, own & ~sure)
        numbers = [figure_cell(percent(np.count_nonzero(part) / size)) for part in parts]
        rows.append(Row(cells=(cell(one.name, colour=one.colour), *numbers)))
    return Table(
        caption=AREA.format(sure=f"{100 * SURE_PROBABILITY:.0f} %", doubt=DOUBT * few),
        columns=("phase", "area", "sure", "unsure"),
        rows=tuple(rows),
        css="small wide",
        half=True,
    )
