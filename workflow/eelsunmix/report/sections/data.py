"""Section on the image: total counts, mean spectrum, check of the counts, metadata."""

from typing import Any

import numpy as np

from eelsunmix.report.content import (
    Block,
    Control,
    Figure,
    Notice,
    Section,
    Table,
    pairs,
)
from eelsunmix.report.figures.maps import single_map
from eelsunmix.report.figures.spectra import mean_spectrum
from eelsunmix.report.figures.style import HALF_WIDTH, WIDTH
from eelsunmix.report.formatting import interval, number, percent, tidy
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.source import further_metadata, source_table
from eelsunmix.report.texts import sentence, value
from eelsunmix.words import numbered

LONG = 0.35
"""Maps flatter than this get a line of the page for themselves."""
ORIGINS = {
    "file": "from the file",
    "configuration": "from the configuration",
    "simulation": "from the simulation",
    "assumed": "assumed: the file says nothing",
}
TOTAL_COUNTS = (
    "Counts of each pixel summed over all channels, after the corrections. Grey pixels are not "
    "used. Look for drift, steps, charging and bad scan lines."
)
COUNTS_CHECK = (
    "Are the counts really counts? For a counting detector variance / mean is 1; all standard deviations "
    "use the counts per electron given here."
)
NO_SAMPLE = (
    "{number} ({share}) hold no sample. They are left out of learning, their abundances are zero, and maps "
    "outline them. If there is sample, write vacuum: none, or the least counts of a pixel with sample."
)
MEAN_SPECTRUM = (
    "Mean spectrum of {n_pixels} pixels before and after the corrections; dotted lines mark the edge "
    "onsets. Look for steps, spikes and edges that you did not expect."
)
AXES_NAMES = {"dims": "order of the axes"}
AXES = "Where the calibration of each axis comes from."


def section(inputs: Inputs) -> Section:
    """Show the image: total counts, mean spectrum, counts check, metadata."""
    warnings = [Notice(sentence(text), "warning") for text in inputs.counts_check.get("warnings", [])]
    warnings += [Notice(sentence(text)) for text in inputs.counts_check.get("notes", [])]
    tables = [source_table(inputs), _axes_table(inputs)]
    total = _total_counts(inputs)
    check = _check_table(inputs)
    first: list[Block] = [total, check, _mean_spectrum(inputs)]
    if not total.half:
        first, tables = [total, _mean_spectrum(inputs)], [check, *tables]
    first = [*_no_sample(inputs), *first]
    return Section(name="data", title="Data", blocks=(*first, *warnings, *tables, *further_metadata(inputs)))


def _total_counts(inputs: Inputs) -> Figure:
    half = inputs.view.aspect > LONG
    width = HALF_WIDTH if half else WIDTH
    figure = single_map(inputs.corrected["total_counts"], inputs.view, "counts", width=width)
    caption = inputs.remarked(TOTAL_COUNTS)
    return Figure(name="total-counts", caption=caption, variants={(): figure}, half=half)


def _no_sample(inputs: Inputs) -> list[Block]:
    """Say how many pixels hold no sample, where there are any."""
    vacuum = inputs.corrected["vacuum"]
    found, valid = int(vacuum.sum()), int(inputs.pca.attrs["n_valid_pixels"])
    text = NO_SAMPLE.format(number=numbered(found, "pixel"), share=percent(found / max(valid, 1)))
    return [Notice(text)] if found else []


def _mean_spectrum(inputs: Inputs) -> Figure:
    raw, corrected = inputs.raw["mean_spectrum"], inputs.corrected["mean_spectrum"]
    variants = {
        (i,): mean_spectrum(raw, corrected, inputs.edges, logarithmic=bool(i), title=inputs.energy_title)
        for i in range(2)
    }
    caption = MEAN_SPECTRUM.format(n_pixels=inputs.n_pixels)
    control = Control("Counts axis", ("linear", "logarithmic"))
    return Figure(name="mean-spectrum", caption=caption, variants=variants, controls=(control,))


def _check_table(inputs: Inputs) -> Table:
    check, energy = inputs.counts_check, inputs.energy
    shape = " × ".join(str(n) for n in inputs.counts.shape)
    rows = [
        ("size", f"{shape} ({', '.join(map(str, inputs.counts.dims))})"),
        ("pixels used", inputs.n_pixels),
        ("pixel", _pixel(inputs)),
        ("spectral range", interval((energy[0], energy[-1]), inputs.energy_unit)),
        ("channel", f"{tidy(np.diff(energy).mean(), 5)} {inputs.energy_unit}"),
        ("mean counts per pixel", number(inputs.mean_counts, 4)),
        ("variance / mean, single channels", number(check.get("variance_to_mean"))),
        *_wide(check),
        ("counts per electron used", _from(check)),
        ("constant offset of every channel (counts)", number(check.get("constant_counts"))),
        ("correlation of neighbouring channels", number(check.get("neighbour_correlation"))),
        ("negative values", percent(check.get("negative_fraction"))),
        ("saturated values", percent(check.get("saturated_fraction"))),
    ]
    return pairs(COUNTS_CHECK, rows)


def _wide(check: dict[str, Any]) -> list[tuple[str, str]]:
    """Name the ratio that is used: where channels share noise, single ones show too little of it."""
    ratio = check.get("variance_to_mean_wide")
    return [] if ratio is None else [("variance / mean, wide windows", number(ratio))]


def _pixel(inputs: Inputs) -> str:
    steps = [tidy(inputs.view.step[axis] / inputs.view.factor, 4) for axis in "xy"]
    return f"{' × '.join(dict.fromkeys(steps))} {inputs.view.unit}"


def _from(check: dict[str, Any]) -> str:
    origin = check.get("counts_per_electron_from")
    return number(check.get("counts_per_electron")) + (f" ({origin})" if origin else "")


def _axis_name(name: Any) -> str:
    return AXES_NAMES.get(str(name), str(name).replace("_", " ").replace(".", ", "))


def _axes_table(inputs: Inputs) -> Table:
    origin = dict(inputs.raw.attrs.get("origin_of_axes", {}))
    rows = [
        (_axis_name(name), ORIGINS.get(str(source), value(source))) for name, source in sorted(origin.items())
    ]
    if rows and len({source for _, source in rows}) == 1:
        rows = [("all axes", rows[0][1])]
    return pairs(AXES, rows or [("axes", "not recorded")])
