"""The phase map on the page, and how much of the area each phase has."""

from collections.abc import Sequence

import xarray as xr

from eelsunmix.report.content import Block, Control, Figure, Row, Table, cell, figure_cell
from eelsunmix.report.figures.grid import is_flat
from eelsunmix.report.figures.phases import Phase, confidence_map, phase_map
from eelsunmix.report.formatting import percent
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.materials import SURE_PROBABILITY, Materials, areas_of
from eelsunmix.words import RECOMMENDED

PHASES = (
    "Phase map of {method}: the colour is that of the component with the largest share of the pixel; the "
    "paler, the less sure that it is the largest. Full colour: the probability that it exceeds the next one "
    "is 1; nearly white: 0.5. It follows from the shares and their standard deviations{of}. A pixel of two "
    "materials in equal parts is pale too, however many counts it has."
)
TAKEN_TOGETHER = (
    " Possible materials: the shares of components that show the same edges are added; what goes from one of "
    "them to another leaves the sum as it is."
)
OF_RECOMMENDED = " (errors on simulated images, and what other sets of components give)"
OF_METHOD = " by the noise of the counts, not from what other sets of components give"
AREA = "Share of the pixels with sample. Sure: the largest with a probability of {sure} or more.{doubt}{sum}"
SUM = " Components taken together may be the largest where none of them is: areas do not add up."
DOUBT = (
    " Few are: other shares fit as well, or pixels hold two materials in equal parts. Where a component lies "
    "may be surer than its share."
)
FEW = 0.05
"""Part of the pixels that are sure below which the page says why."""


def phase_blocks(inputs: Inputs, phases: Sequence[Phase], materials: Materials) -> list[Block]:
    """Return the phase map and its table, in which the phases that may be one material also stand as one."""
    method = inputs.comparison.attrs["phase_method"]
    caption = PHASES.format(method=method, of=OF_RECOMMENDED if method == RECOMMENDED else OF_METHOD)
    choices = [
        ("phases", phase_map(inputs.one_frame, phases, inputs.view)),
        ("probability alone", confidence_map(inputs.one_frame, inputs.view)),
    ]
    rows = _rows(inputs.comparison, phases)
    maps, drawn = materials.maps, materials.phases
    if maps is not None:
        one_frame = maps.isel(frame=inputs.view.frame) if "frame" in maps.dims else maps
        choices.insert(1, ("possible materials", phase_map(one_frame, drawn, inputs.view)))
        rows += _rows(maps, drawn[: len(materials.found)])
        caption += TAKEN_TOGETHER
    figure = Figure(
        name="phase-map",
        caption=inputs.remarked(caption),
        variants={(place,): drawing for place, (_, drawing) in enumerate(choices)},
        controls=(Control("Show", tuple(name for name, _ in choices)),),
        half=not is_flat(inputs.view),
    )
    return [figure, _areas(inputs, rows, summed=maps is not None)]


def _rows(maps: xr.Dataset, phases: Sequence[Phase]) -> list[Row]:
    """Return the area of each phase, and how much of it is sure."""
    found = []
    for one in phases:
        area, sure = areas_of(maps, one.number)
        numbers = [figure_cell(percent(part)) for part in (area, sure, area - sure)]
        found.append(Row(cells=(cell(one.name, colour=one.colour), *numbers)))
    return found


def _areas(inputs: Inputs, rows: Sequence[Row], *, summed: bool) -> Table:
    sure = inputs.comparison["phase_confidence"].to_numpy() >= SURE_PROBABILITY
    known = inputs.comparison["phase"].to_numpy() >= 0
    of_recommended = inputs.comparison.attrs["phase_method"] == RECOMMENDED
    few = bool(of_recommended and known.any() and (known & sure).sum() < FEW * known.sum())
    sure_from = f"{100 * SURE_PROBABILITY:.0f} %"
    return Table(
        caption=AREA.format(sure=sure_from, doubt=DOUBT * few, sum=SUM * summed),
        columns=("phase", "area", "sure", "unsure"),
        rows=tuple(rows),
        css="small wide",
        half=True,
    )
