"""Sections on the image and on its corrections."""

from typing import Any

import numpy as np

from eelsunmix.report.content import (
    Block,
    Control,
    Figure,
    Notice,
    Row,
    Section,
    Table,
    cell,
    figure_cell,
    pairs,
)
from eelsunmix.report.figures.maps import single_map
from eelsunmix.report.figures.spectra import channel_curve, mean_spectrum
from eelsunmix.report.figures.style import WIDTH
from eelsunmix.report.formatting import DASH, integer, interval, number, percent, sentence, tidy, value
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.sections import captions
from eelsunmix.report.sections.source import further_metadata, source_table

HALF = 500
LONG = 0.35
"""Maps flatter than this get a line of the page for themselves."""
SPIKES_LISTED = 12
ORIGINS = {
    "file": "from the file",
    "configuration": "from the configuration",
    "simulation": "from the simulation",
    "assumed": "assumed: the file says nothing",
}


def data(inputs: Inputs) -> Section:
    """Show the image: total counts, mean spectrum, counts check, metadata."""
    warnings = [Notice(sentence(text), "warning") for text in inputs.counts_check.get("warnings", [])]
    tables = [source_table(inputs), _axes_table(inputs)]
    total = _total_counts(inputs)
    check = _check_table(inputs)
    first: list[Block] = [total, check, _mean_spectrum(inputs)]
    if not total.half:
        first, tables = [total, _mean_spectrum(inputs)], [check, *tables]
    return Section(name="data", title="Data", blocks=(*first, *warnings, *tables, *further_metadata(inputs)))


def corrections(inputs: Inputs) -> Section:
    """Show what was done to the counts before the analysis."""
    rows = tuple(
        Row(
            cells=(
                cell(str(step.get("step", DASH)).replace("_", " ")),
                cell("✔ applied" if step.get("applied") else "not\u00a0applied"),
                cell(str(step.get("summary", ""))),
            )
        )
        for step in inputs.corrected.attrs.get("corrections", [])
    )
    table = Table(caption=captions.CORRECTIONS, columns=("step", "", "what it did"), rows=rows)
    blocks = (table, *_dark(inputs), *_gain(inputs), *_spikes(inputs), *_shift(inputs))
    return Section(name="corrections", title="Corrections", blocks=blocks)


def _total_counts(inputs: Inputs) -> Figure:
    half = inputs.view.aspect > LONG
    width = HALF if half else WIDTH
    figure = single_map(inputs.corrected["total_counts"], inputs.view, "counts", width=width)
    caption = inputs.remarked(captions.TOTAL_COUNTS)
    return Figure(name="total-counts", caption=caption, variants={(): figure}, half=half)


def _mean_spectrum(inputs: Inputs) -> Figure:
    raw, corrected = inputs.raw["mean_spectrum"], inputs.corrected["mean_spectrum"]
    variants = {
        (i,): mean_spectrum(raw, corrected, inputs.edges, logarithmic=bool(i), title=inputs.energy_title)
        for i in range(2)
    }
    caption = captions.MEAN_SPECTRUM.format(n_pixels=inputs.n_pixels)
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
        ("mean counts per pixel", number(float(inputs.corrected["mean_spectrum"].sum()), 4)),
        ("variance / mean of the counts", number(check.get("variance_to_mean"))),
        ("counts per electron used", _from(check)),
        ("correlation of neighbouring channels", number(check.get("neighbour_correlation"))),
        ("negative values", percent(check.get("negative_fraction"))),
        ("saturated values", percent(check.get("saturated_fraction"))),
    ]
    return pairs(captions.COUNTS_CHECK, rows)


def _pixel(inputs: Inputs) -> str:
    steps = [tidy(inputs.view.step[axis] / inputs.view.factor, 4) for axis in "xy"]
    return f"{' × '.join(dict.fromkeys(steps))} {inputs.view.unit}"


def _from(check: dict[str, Any]) -> str:
    origin = check.get("counts_per_electron_from")
    return number(check.get("counts_per_electron")) + (f" ({origin})" if origin else "")


def _axes_table(inputs: Inputs) -> Table:
    origin = dict(inputs.raw.attrs.get("origin_of_axes", {}))
    rows = [(str(name), ORIGINS.get(str(source), value(source))) for name, source in sorted(origin.items())]
    if rows and len({source for _, source in rows}) == 1:
        rows = [("all axes", rows[0][1])]
    return pairs(captions.AXES, rows or [("axes", "not recorded")])


def _dark(inputs: Inputs) -> list[Block]:
    dark = np.asarray(inputs.corrected["dark"].values if "dark" in inputs.corrected else 0.0, dtype=float)
    if not dark.any():
        return []
    none = np.zeros(dark.size, dtype=bool)
    titles = {"title": inputs.energy_title, "what": "dark (counts)"}
    curve = channel_curve(inputs.raw_energy, dark, none, inputs.edges, **titles)
    return [Figure(name="dark", caption=captions.DARK, variants={(): curve})]


def _gain(inputs: Inputs) -> list[Block]:
    if "gain" not in inputs.corrected:
        return []
    gain = np.asarray(inputs.corrected["gain"].values, dtype=float)
    bad = np.asarray(inputs.corrected["bad_channel"].values, dtype=bool)
    if bool((gain == 1).all()) and not bad.any():
        return []
    titles = {"title": inputs.energy_title, "what": "gain (divisor)"}
    figure = channel_curve(inputs.raw_energy, gain, bad, inputs.edges, **titles)
    caption = captions.GAIN.format(n_bad=integer(bad.sum()))
    return [Figure(name="gain", caption=caption, variants={(): figure})]


def _spikes(inputs: Inputs) -> list[Block]:
    store = inputs.corrected
    total = store.sizes.get("spike", 0)
    if total == 0:
        return []
    position, found, replaced = (store[f"spike_{name}"].values for name in ("position", "found", "replaced"))
    largest = np.argsort(replaced - found)[:SPIKES_LISTED].tolist()
    rows = tuple(
        Row(
            cells=(
                cell(", ".join(str(int(i)) for i in position[k])),
                figure_cell(number(found[k], 4)),
                figure_cell(number(replaced[k], 4)),
            )
        )
        for k in largest
    )
    shown = f"the {len(largest)} largest of {integer(total)}" if total > len(largest) else f"all {total}"
    names = ", ".join(map(str, inputs.raw["counts"].dims))
    columns = (f"index ({names})", "found", "replaced by")
    return [Table(caption=captions.SPIKES.format(shown=shown), columns=columns, rows=rows)]


def _shift(inputs: Inputs) -> list[Block]:
    if "energy_shift" not in inputs.corrected:
        return []
    figure = single_map(inputs.corrected["energy_shift"], inputs.view, inputs.energy_unit, width=HALF)
    caption = inputs.remarked(captions.SHIFT)
    return [Figure(name="energy-shift", caption=caption, variants={(): figure}, half=True)]
