"""Section of the verdict: one row of lights per method, and the sentences that follow from them."""

from eelsunmix.report.content import Block, Cell, Row, Section, Table, Text, cell, figure_cell
from eelsunmix.report.figures.style import LIGHTS
from eelsunmix.report.formatting import DASH, tidy
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.lights import Entry, light_cell, with_breaks
from eelsunmix.report.parts import failures, warnings
from eelsunmix.report.texts import ended, one_style

VERDICT = (
    "Each method is judged criterion by criterion; no overall mark is given. Background subtraction "
    "(BS) is the reference, not the truth."
)
LEGEND = "✔ good, ▲ look closer, ✖ do not rely on it, – not judged. The limits are in the table below."
NO_EDGES = " No edge is named in the configuration, so nothing can be compared with BS."
ABSENT = "outside its region"
REGIONS = " “Outside its region” is judged once the configuration names a region where an element is absent."
LIMITS = "Limits behind the verdict and its sentences."


def section(inputs: Inputs) -> Section:
    """One row per method, one column per criterion, and what follows from it in sentences."""
    entries: list[Entry] = list(inputs.comparison.attrs.get("verdict", []))
    blocks: list[Block] = [*warnings(inputs), *failures(inputs)]
    if entries:
        blocks.append(_lights(inputs, entries))
    blocks.append(Text(*_sentences(inputs)))
    if entries:
        blocks.append(_thresholds(entries))
    return Section(name="verdict", title="Verdict", intro=VERDICT, blocks=tuple(blocks))


def _sentences(inputs: Inputs) -> list[str]:
    """Return the findings in words, without what the notices above them have said."""
    said = [text for _, text in inputs.warnings]
    found = []
    for text in map(str, inputs.comparison.attrs.get("sentences", [])):
        for notice in said:
            text = text.replace(f" {notice}", "")
        found.append(ended(one_style(text)))
    return found


def _lights(inputs: Inputs, entries: list[Entry]) -> Table:
    criteria = _judged(entries)
    by_place = {(str(entry["method"]), str(entry["criterion"])): entry for entry in entries}
    explained = {str(entry["criterion"]): str(entry.get("explanation", "")) for entry in reversed(entries)}
    rows = []
    for label in inputs.labels:
        found = [by_place.get((label, criterion)) for criterion in criteria]
        if any(entry is not None and entry.get("light") != "grey" for entry in found):
            rows.append(Row(method=label, cells=(_name(inputs, label), *map(light_cell, found))))
    return Table(
        caption=LEGEND + _not_judged(entries) + NO_EDGES * (not inputs.edges),
        columns=("method", *map(_breakable, criteria)),
        titles=("", *(explained[criterion] for criterion in criteria)),
        rows=tuple(rows),
        css="lights",
    )


def _breakable(heading: str) -> str:
    """Let long words of a heading break where they may, so that the table fits its page."""
    for word in ("con-vergence", "agree-ment", "recon-struction", "back-ground", "bina-risation"):
        heading = heading.replace(word.replace("-", ""), word.replace("-", "\u00ad"))
    return heading


def _judged(entries: list[Entry]) -> list[str]:
    """Return the criteria of which something is known for some method, if only that it is void."""
    return list(dict.fromkeys(str(entry["criterion"]) for entry in entries if _is_judged(entry)))


def _is_judged(entry: Entry) -> bool:
    return entry.get("light") != "grey" or str(entry.get("text", "")).startswith("void")


def _not_judged(entries: list[Entry]) -> str:
    """Name the criteria of which nothing is known for any method."""
    names = dict.fromkeys(str(entry["criterion"]) for entry in entries)
    missing = [name for name in names if name not in _judged(entries)]
    missing.sort(key=ABSENT.__eq__)
    listed = f" Not judged here: {', '.join(missing)}." if missing else ""
    return listed + REGIONS * (ABSENT in missing)


def _name(inputs: Inputs, label: str) -> Cell:
    style = inputs.styles[label]
    return cell(with_breaks(label), colour=style["color"], dash=style["dash"])


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
        caption=LIMITS,
        columns=(
            "criterion",
            f"{LIGHTS['green']} good",
            f"{LIGHTS['amber']} look closer",
            f"{LIGHTS['red']} do not rely on it",
            "what it measures",
        ),
        rows=rows,
        css="small criteria",
    )


def _limits(entry: Entry) -> tuple[Cell, Cell, Cell]:
    """Where each light begins, in their order."""
    green, amber = entry.get("green"), entry.get("amber")
    none = figure_cell(DASH)
    if green is None:
        return none, none, none
    form = _percent if entry.get("percent") else tidy
    if amber is None:
        return figure_cell(f"≤ {form(green)}" if green else form(green)), figure_cell("above"), none
    within, beyond = ("≥", "<") if float(green) > float(amber) else ("≤", ">")
    texts = (f"{within} {form(green)}", f"{within} {form(amber)}", f"{beyond} {form(amber)}")
    good, closer, bad = map(figure_cell, texts)
    return good, closer, bad


def _percent(limit: float) -> str:
    return f"{tidy(100 * float(limit), 3)} %"
