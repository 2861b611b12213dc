"""Section on what was done to the counts before the analysis."""

import numpy as np

from eelsunmix.report.content import (
    Block,
    Figure,
    Row,
    Section,
    Table,
    cell,
    figure_cell,
)
from eelsunmix.report.figures.maps import single_map
from eelsunmix.report.figures.spectra import channel_curve
from eelsunmix.report.figures.style import HALF_WIDTH
from eelsunmix.report.formatting import DASH, integer, number
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.texts import one_style

SPIKES_LISTED = 12
CORRECTIONS = "Corrections in the order in which they are applied."
DARK = (
    "Pattern subtracted from every pixel, in counts per channel. Zero within the masks around the "
    "edges, where a pattern cannot be told from the signal."
)
GAIN = (
    "Gain: every channel was divided by this curve; bad channels replaced by straight lines: {n_bad}. "
    "Look for structure at an edge: there the gain cannot be told from the signal."
)
SPIKES = "Spikes replaced in the raw image ({shown}; corrected.zarr lists every one), in counts."
SHIFT = "Energy shift of each pixel, added to its axis before resampling."


def section(inputs: Inputs) -> Section:
    """Show what was done to the counts before the analysis."""
    rows = tuple(
        Row(
            cells=(
                cell(str(step.get("step", DASH)).replace("_", " ")),
                cell("✔ applied" if step.get("applied") else "not\u00a0applied"),
                cell(one_style(step.get("summary", ""))),
            )
        )
        for step in inputs.corrected.attrs.get("corrections", [])
    )
    table = Table(caption=CORRECTIONS, columns=("step", "applied", "what it did"), rows=rows)
    blocks = (table, *_dark(inputs), *_gain(inputs), *_spikes(inputs), *_shift(inputs))
    return Section(name="corrections", title="Corrections", blocks=blocks)


def _dark(inputs: Inputs) -> list[Block]:
    dark = np.asarray(inputs.corrected["dark"].values if "dark" in inputs.corrected else 0.0, dtype=float)
    if not dark.any():
        return []
    none = np.zeros(dark.size, dtype=bool)
    titles = {"title": inputs.energy_title, "what": "dark (counts)"}
    curve = channel_curve(inputs.raw_energy, dark, none, inputs.edges, **titles)
    return [Figure(name="dark", caption=DARK, variants={(): curve})]


def _gain(inputs: Inputs) -> list[Block]:
    if "gain" not in inputs.corrected:
        return []
    gain = np.asarray(inputs.corrected["gain"].values, dtype=float)
    bad = np.asarray(inputs.corrected["bad_channel"].values, dtype=bool)
    if bool((gain == 1).all()) and not bad.any():
        return []
    titles = {"title": inputs.energy_title, "what": "gain (divisor)"}
    figure = channel_curve(inputs.raw_energy, gain, bad, inputs.edges, **titles)
    caption = GAIN.format(n_bad=integer(bad.sum()))
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
    return [Table(caption=SPIKES.format(shown=shown), columns=columns, rows=rows)]


def _shift(inputs: Inputs) -> list[Block]:
    if "energy_shift" not in inputs.corrected:
        return []
    figure = single_map(inputs.corrected["energy_shift"], inputs.view, inputs.energy_unit, width=HALF_WIDTH)
    caption = inputs.remarked(SHIFT)
    return [Figure(name="energy-shift", caption=caption, variants={(): figure}, half=True)]
