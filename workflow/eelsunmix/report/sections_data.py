"""Sections on the data: verdict, image, corrections."""

from typing import Any

import numpy as np

from eelsunmix.report.content import (
    Block,
    Cell,
    Control,
    Figure,
    Notice,
    Row,
    Section,
    Table,
    Text,
    cell,
    figure_cell,
    pairs,
)
from eelsunmix.report.figures_maps import single_map
from eelsunmix.report.figures_spectra import gain_curve, mean_spectrum
from eelsunmix.report.formatting import DASH, duration, integer, interval, number, percent, tidy, value
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.style import LIGHTS, REFERENCE

HALF = 500
SPIKES_LISTED = 12


def verdict(inputs: Inputs) -> Section:
    """One row per method, one column per criterion, and what follows from it in sentences."""
    entries = list(inputs.comparison.attrs.get("verdict", []))
    blocks: list[Block] = [_failure(method, reason) for method, reason in inputs.failures.items()]
    blocks.append(Text(*inputs.comparison.attrs.get("sentences", [])))
    if entries:
        blocks += [_lights(inputs, entries), _thresholds(entries)]
    intro = (
        "Each method is judged criterion by criterion; no overall mark is given. "
        "Background subtraction (BS) is the reference, not the truth."
    )
    return Section(name="verdict", title="Verdict", intro=intro, blocks=tuple(blocks))


def data(inputs: Inputs) -> Section:
    """The image: total counts, mean spectrum, counts check, metadata."""
    return Section(
        name="data",
        title="Data",
        blocks=(
            _total_counts(inputs),
            _counts_check(inputs),
            _mean_spectrum(inputs),
            *(Notice(text, "warning") for text in _check(inputs).get("warnings", [])),
            _axes_table(inputs),
            _source_table(inputs),
        ),
    )


def corrections(inputs: Inputs) -> Section:
    """What was done to the counts before the analysis."""
    steps = list(inputs.corrected.attrs.get("corrections", []))
    rows = tuple(
        Row(
            cells=(
                cell(str(step.get("step", DASH))),
                cell("applied" if step.get("applied") else "not applied"),
                cell(str(step.get("summary", ""))),
            )
        )
        for step in steps
    )
    table = Table(
        caption="Corrections in the order in which they were applied.",
        columns=("step", "", "what it did"),
        rows=rows,
    )
    return Section(
        name="corrections",
        title="Corrections",
        blocks=(table, *_gain(inputs), *_spikes(inputs), *_shift(inputs)),
    )


def _failure(method: str, reason: str) -> Notice:
    return Notice(reason, "error", title=f"{method} failed")


def _lights(inputs: Inputs, entries: list[dict[str, Any]]) -> Table:
    criteria = list(dict.fromkeys(str(entry["criterion"]) for entry in entries))
    by_place = {(str(entry["method"]), str(entry["criterion"])): entry for entry in entries}
    rows = [
        Row(
            method=label,
            cells=(_name(inputs, label), *(_light(by_place.get((label, c))) for c in criteria)),
        )
        for label in inputs.labels
        if label != REFERENCE or any(method == REFERENCE for method, _ in by_place)
    ]
    explained = {
        c: str(next(e for e in entries if e["criterion"] == c).get("explanation", "")) for c in criteria
    }
    return Table(
        caption=f"Verdict by method and criterion: {LIGHTS['green']} good, {LIGHTS['amber']} look closer, "
        f"{LIGHTS['red']} do not rely on it, {LIGHTS['grey']} not judged. The limits stand in the next table.",
        columns=("method", *criteria),
        titles=("", *(explained[c] for c in criteria)),
        rows=tuple(rows),
        css="lights",
    )


def _name(inputs: Inputs, label: str) -> Cell:
    style = inputs.styles[label]
    return cell(label, colour=style["color"], dash=style["dash"])


def _light(entry: dict[str, Any] | None) -> Cell:
    if entry is None:
        return cell(LIGHTS["grey"], light="grey")
    light = str(entry.get("light", "grey"))
    text = str(entry.get("text") or number(entry.get("value")))
    return cell(
        f"{LIGHTS.get(light, LIGHTS['grey'])} {text}", light=light, title=str(entry.get("explanation", ""))
    )


def _thresholds(entries: list[dict[str, Any]]) -> Table:
    first: dict[str, dict[str, Any]] = {}
    for entry in entries:
        first.setdefault(str(entry["criterion"]), entry)
    rows = tuple(
        Row(cells=(cell(name), *_limits(entry), cell(str(entry.get("explanation", "")))))
        for name, entry in first.items()
    )
    return Table(
        caption="Limits behind the verdict.",
        columns=(
            "criterion",
            f"{LIGHTS['green']} good",
            f"{LIGHTS['amber']} look closer",
            "what it measures",
        ),
        rows=rows,
        css="small",
    )


def _limits(entry: dict[str, Any]) -> tuple[Cell, Cell]:
    green, amber = entry.get("green"), entry.get("amber")
    if green is None or amber is None:
        return cell(DASH), cell(DASH)
    sign = "≥" if float(green) > float(amber) else "≤"
    return cell(f"{sign} {tidy(green)}"), cell(f"{sign} {tidy(amber)}")


def _total_counts(inputs: Inputs) -> Figure:
    figure = single_map(inputs.corrected["total_counts"], inputs.view, "counts", width=HALF)
    caption = (
        "Counts of each pixel summed over all channels, after the corrections. Grey pixels take part in nothing. "
        "Look for drift, steps, charging and bad scan lines."
    )
    return Figure(name="total-counts", caption=_remarked(inputs, caption), variants={(): figure}, half=True)


def _remarked(inputs: Inputs, caption: str) -> str:
    return f"{caption} {inputs.view.remark}".strip()


def _mean_spectrum(inputs: Inputs) -> Figure:
    raw, corrected = inputs.raw["mean_spectrum"], inputs.corrected["mean_spectrum"]
    variants = {
        (i,): mean_spectrum(raw, corrected, inputs.edges, logarithmic=bool(i), title=inputs.energy_title)
        for i in range(2)
    }
    n_pixels = inputs.pca.attrs.get("n_valid_pixels")
    caption = (
        f"Mean spectrum of {integer(n_pixels)} pixels before and after the corrections; dotted lines mark the edge "
        "onsets. Look for steps, spikes and edges that nobody asked for."
    )
    control = Control("Counts axis", ("linear", "logarithmic"))
    return Figure(name="mean-spectrum", caption=caption, variants=variants, controls=(control,))


def _check(inputs: Inputs) -> dict[str, Any]:
    return dict(inputs.raw.attrs.get("counts_check", {}))


def _counts_check(inputs: Inputs) -> Table:
    check, counts = _check(inputs), inputs.counts
    energy = inputs.energy
    shape = " × ".join(str(n) for n in counts.shape)
    rows = [
        ("size", f"{shape} ({', '.join(map(str, counts.dims))})"),
        ("pixels used", integer(inputs.pca.attrs.get("n_valid_pixels"))),
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
    caption = (
        "Are the counts counts? A counting detector gives 1; standard deviations use the factor printed here."
    )
    return pairs(caption, rows)


def _pixel(inputs: Inputs) -> str:
    steps = [tidy(inputs.view.step[axis] / inputs.view.factor, 4) for axis in "xy"]
    return f"{' × '.join(dict.fromkeys(steps))} {inputs.view.unit}"


def _from(check: dict[str, Any]) -> str:
    origin = check.get("counts_per_electron_from")
    return number(check.get("counts_per_electron")) + (f" ({origin})" if origin else "")


def _axes_table(inputs: Inputs) -> Table:
    origin = inputs.raw.attrs.get("origin_of_axes", {})
    rows = [(str(name), f"from {value(source)}") for name, source in sorted(dict(origin).items())]
    return pairs("Where the calibration of each axis comes from.", rows or [("axes", "not recorded")])


def _source_table(inputs: Inputs) -> Table:
    source, metadata = dict(inputs.raw.attrs.get("source", {})), dict(inputs.raw.attrs.get("metadata", {}))
    rows = [(str(key), value(item)) for key, item in [*source.items(), *metadata.items()]]
    return pairs(
        "The file, and what it says of microscope and detector.", rows or [("source", "not recorded")]
    )


def _gain(inputs: Inputs) -> list[Block]:
    if "gain" not in inputs.corrected:
        return []
    gain = np.asarray(inputs.corrected["gain"].values, dtype=float)
    bad = np.asarray(inputs.corrected["bad_channel"].values, dtype=bool)
    if bool((gain == 1).all()) and not bad.any():
        return [Notice("The gain is 1 in every channel and no channel was replaced.")]
    energy = np.asarray(inputs.raw["counts"][inputs.raw["counts"].dims[-1]].values, dtype=float)
    figure = gain_curve(energy, gain, bad, inputs.edges, inputs.energy_title)
    caption = (
        f"Gain: each channel was divided by this curve. {integer(bad.sum())} channels were replaced by interpolation. "
        "Look for structure at an edge: there the gain cannot be told from the signal."
    )
    return [Figure(name="gain", caption=caption, variants={(): figure})]


def _spikes(inputs: Inputs) -> list[Block]:
    if "spike_found" not in inputs.corrected or inputs.corrected.sizes.get("spike", 0) == 0:
        return [Notice("No spike was replaced.")]
    store = inputs.corrected
    total = store.sizes["spike"]
    position, found = store["spike_position"].values, store["spike_found"].values
    replaced = store["spike_replaced"].values
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
    shown = (
        f"the {len(largest)} largest of {integer(total)}" if total > len(largest) else f"all {integer(total)}"
    )
    caption = f"Spikes replaced in the raw image ({shown}; corrected.zarr lists every one), in counts."
    names = ", ".join(map(str, inputs.raw["counts"].dims))
    return [
        Table(caption=caption, columns=(f"index ({names})", "found", "replaced by"), rows=rows, css="narrow")
    ]


def _shift(inputs: Inputs) -> list[Block]:
    if "energy_shift" not in inputs.corrected:
        return []
    figure = single_map(inputs.corrected["energy_shift"], inputs.view, inputs.energy_unit, width=HALF)
    caption = "Energy shift of each pixel, added to its axis before resampling."
    return [Figure(name="energy-shift", caption=_remarked(inputs, caption), variants={(): figure}, half=True)]


def _channels(inputs: Inputs) -> str:
    return f"{inputs.energy.size}, {interval((inputs.energy[0], inputs.energy[-1]), inputs.energy_unit)}"


def key_facts(inputs: Inputs) -> list[tuple[str, str]]:
    """Return what stands below the title of the page."""
    counts = inputs.counts
    unit = inputs.view.unit
    extent = " × ".join(f"{number(inputs.view.extent(axis))}" for axis in "xy")
    seconds = [float(entry["seconds"]) for entry in inputs.benchmarks if entry.get("seconds") is not None]
    return [
        ("image", " × ".join(str(n) for n in counts.shape[:-1]) + f" px, {extent} {unit} (x × y)"),
        ("channels", _channels(inputs)),
        ("counts per pixel", number(float(inputs.corrected["mean_spectrum"].sum()))),
        ("components", f"{inputs.n_endmembers} ({inputs.rank.attrs.get('chosen', 'chosen')})"),
        ("edges", ", ".join(edge.replace("_", " ") for edge in inputs.edges) or DASH),
        ("methods", ", ".join(inputs.methods) or DASH),
        ("time of all rules", duration(sum(seconds)) if seconds else DASH),
    ]
