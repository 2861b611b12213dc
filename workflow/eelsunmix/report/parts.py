"""Parts that several sections share: rows of scores, the choice of an edge, notices of failures."""

import re
from collections.abc import Sequence

from eelsunmix.report.content import (
    Block,
    Control,
    Notice,
    Row,
    Table,
    cell,
    figure_cell,
)
from eelsunmix.report.formatting import DASH
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.number_words import answered
from eelsunmix.report.texts import one_style, sentence


def edge_choices(inputs: Inputs) -> tuple[Control, list[list[str]]]:
    """Return the control that chooses all edges or one, and the edges of each of its options."""
    edges = list(inputs.edges)
    names = [edge.replace("_", " ") for edge in edges]
    if len(edges) == 1:
        return Control("Edge", tuple(names)), [edges]
    return Control("Edge", ("all", *names)), [edges, *([edge] for edge in edges)]


def score_row(inputs: Inputs, method: str, numbers: Sequence[str]) -> Row:
    """Return a row of numbers of a method, dashes where it failed."""
    style = inputs.styles[method]
    name = cell(method, colour=style["color"], dash=style["dash"])
    shown = [DASH] * len(numbers) if method in inputs.failures else numbers
    return Row(method=method, cells=(name, *(figure_cell(text) for text in shown)))


def score_table(heading: str, columns: Sequence[str], rows: Sequence[Row]) -> Table:
    """Return a table of scores by method that shares its line with the next one."""
    names = ("method", *columns)
    return Table(caption="", heading=heading, columns=names, rows=tuple(rows), css="small wide", half=True)


def warnings(inputs: Inputs) -> list[Block]:
    """Return what the stages warn of; a wrong axis and failed references are errors, each in one of them."""
    found: list[Block] = []
    failed: dict[str, list[str]] = {}
    for place, text in inputs.warnings:
        if place.startswith(("The energy axis", "The reference")):
            failed.setdefault(place, []).append(sentence(text))
        else:
            found.append(Notice(sentence(answered(inputs, text)), "warning", title=one_style(place)))
    return [*(Notice(_once(texts), "error", title=place) for place, texts in failed.items()), *found]


def _once(texts: Sequence[str]) -> str:
    """Join texts and say each sentence once: reasons may share the advice, which then comes last."""
    parts = [part for text in texts for part in re.split(r"(?<=[.?!]) (?=[A-Z])", text)]
    last = {part: place for place, part in enumerate(parts)}
    return " ".join(sorted(last, key=lambda part: last[part]))


def failures(inputs: Inputs) -> list[Block]:
    """Return one notice per failed method."""
    return [Notice(reason, "error", title=f"{method} failed") for method, reason in inputs.failures.items()]
