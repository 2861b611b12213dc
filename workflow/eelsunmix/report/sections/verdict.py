"""The verdict, and the facts below the title."""

from typing import Any

from eelsunmix.report.content import Block, Cell, Notice, Row, Section, Table, Text, cell, figure_cell
from eelsunmix.report.figures.style import LIGHTS
from eelsunmix.report.formatting import DASH, duration, interval, number, tidy
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.sections import captions

Entry = dict[str, Any]
_LONGEST = 40
"""Characters in a cell of the table of lights."""

CHOSEN_BY = {
    "user": "given by the user",
    "marchenko_pastur": "eigenvalues above noise",
    "parallel_analysis": "by parallel analysis",
    "elbow": "elbow of the scree plot",
}


def verdict(inputs: Inputs) -> Section:
    """One row per method, one column per criterion, and what follows from it in sentences."""
    entries: list[Entry] = list(inputs.comparison.attrs.get("verdict", []))
    blocks: list[Block] = failures(inputs)
    if entries:
        blocks.append(_lights(inputs, entries))
    blocks.append(Text(*map(str, inputs.comparison.attrs.get("sentences", []))))
    if entries:
        blocks.append(_thresholds(entries))
    return Section(name="verdict", title="Verdict", intro=captions.VERDICT, blocks=tuple(blocks))


def failures(inputs: Inputs) -> list[Block]:
    """Return one notice per failed method."""
    return [Notice(reason, "error", title=f"{method} failed") for method, reason in inputs.failures.items()]


def key_facts(inputs: Inputs) -> list[tuple[str, str]]:
    """Return what stands below the title of the page."""
    channels = interval((inputs.energy[0], inputs.energy[-1]), inputs.energy_unit)
    seconds = [float(entry["seconds"]) for entry in inputs.benchmarks if entry.get("seconds") is not None]
    return [
        ("image", _image_size(inputs)),
        ("channels", f"{inputs.energy.size}, {channels}"),
        ("counts per pixel", number(float(inputs.corrected["mean_spectrum"].sum()))),
        ("components", f"{inputs.n_endmembers} ({_chosen_by(inputs)})"),
        ("edges", ", ".join(edge.replace("_", " ") for edge in inputs.edges) or DASH),
        ("methods", ", ".join(inputs.methods) or DASH),
        ("computing time", duration(sum(seconds)) if seconds else DASH),
    ]


def _image_size(inputs: Inputs) -> str:
    dims = [str(dim) for dim in inputs.counts.dims[:-1]]
    pixels = f"{' × '.join(str(inputs.counts.sizes[dim]) for dim in dims)} pixels ({' × '.join(dims)})"
    extent = " × ".join(tidy(inputs.view.extent(axis), 4) for axis in "yx")
    return pixels if inputs.view.unit == "px" else f"{pixels}, {extent} {inputs.view.unit}"


def _chosen_by(inputs: Inputs) -> str:
    chosen = str(inputs.rank.attrs.get("chosen", "chosen"))
    return CHOSEN_BY.get(chosen, chosen.replace("_", " "))


def _lights(inputs: Inputs, entries: list[Entry]) -> Table:
    criteria = _judged(entries)
    by_place = {(str(entry["method"]), str(entry["criterion"])): entry for entry in entries}
    explained = {str(entry["criterion"]): str(entry.get("explanation", "")) for entry in reversed(entries)}
    rows = []
    for label in inputs.labels:
        found = [by_place.get((label, criterion)) for criterion in criteria]
        if any(entry is not None and entry.get("light") != "grey" for entry in found):
            rows.append(Row(method=label, cells=(_name(inputs, label), *map(_light, found))))
    return Table(
        caption=captions.LIGHTS + _not_judged(entries) + captions.NO_EDGES * (not inputs.edges),
        columns=("method", *criteria),
        titles=("", *(explained[criterion] for criterion in criteria)),
        rows=tuple(rows),
        css="lights",
    )


def _judged(entries: list[Entry]) -> list[str]:
    """Return the criteria of which something is known for some method."""
    return list(dict.fromkeys(str(entry["criterion"]) for entry in entries if entry.get("light") != "grey"))


def _not_judged(entries: list[Entry]) -> str:
    """Name the criteria of which nothing is known for any method."""
    names = dict.fromkeys(str(entry["criterion"]) for entry in entries)
    missing = [name for name in names if name not in _judged(entries)]
    return f" Not known for this sample: {', '.join(missing)}." if missing else ""


def _name(inputs: Inputs, label: str) -> Cell:
    style = inputs.styles[label]
    return cell(label, colour=style["color"], dash=style["dash"])


def _light(entry: Entry | None) -> Cell:
    if entry is None:
        return cell(LIGHTS["grey"], light="grey")
    light = str(entry.get("light", "grey"))
    symbol = LIGHTS.get(light, LIGHTS["grey"])
    text = str(entry.get("text") or number(entry.get("value")))
    text, title = text.replace(" %", "\u00a0%"), str(entry.get("explanation", ""))
    if len(text) > _LONGEST:
        # The sentences below the table give the reason in full.
        text, title = text.partition(": ")[0], text
    shown = symbol if text in (DASH, "") else f"{symbol}\u00a0{text}"
    return cell(shown, light=light, title=title)


def _thresholds(entries: list[Entry]) -> Table:
    first: dict[str, Entry] = {}
    judged = _judged(entries)
    for entry in entries:
        if str(entry["criterion"]) in judged:
            first.setdefault(str(entry["criterion"]), entry)
    rows = tuple(
        Row(cells=(cell(name), *_limits(entry), cell(str(entry.get("explanation", "")))))
        for name, entry in first.items()
    )
    return Table(
        caption=captions.LIMITS,
        columns=(
            "criterion",
            f"{LIGHTS['green']} good",
            f"{LIGHTS['amber']} look closer",
            "what it measures",
        ),
        rows=rows,
        css="small",
    )


def _limits(entry: Entry) -> tuple[Cell, Cell]:
    green, amber = entry.get("green"), entry.get("amber")
    if green is None:
        return figure_cell(DASH), figure_cell(DASH)
    form = _percent if entry.get("percent") else tidy
    if amber is None:
        return figure_cell(f"≤ {form(green)}"), figure_cell("above")
    sign = "≥" if float(green) > float(amber) else "≤"
    return figure_cell(f"{sign} {form(green)}"), figure_cell(f"{sign} {form(amber)}")


def _percent(limit: float) -> str:
    return f"{tidy(100 * float(limit), 3)} %"
