"""Cells of a table of lights: what the verdict says of one criterion."""

import re
from typing import Any

from eelsunmix.report.content import Cell, cell
from eelsunmix.report.figures.style import LIGHTS
from eelsunmix.report.formatting import DASH, in_words, number
from eelsunmix.report.texts import one_style

_LONGEST = 40
"""Characters in a cell of the table of lights."""
_NUMBER = re.compile(r"(factor )?([-−\d.e+]+(?:[ \u00a0]%)?)(?: of the peak, ([^()]*?))?(?: \((.*)\))?")
"""A value as the verdict writes it: ``factor 1.06 (edge)``, ``10 % of the peak, ... (edge, profile)``."""
Entry = dict[str, Any]


def light_cell(entry: Entry | None) -> Cell:
    """Return the cell of a judged criterion: its light, its value, and what that belongs to."""
    if entry is None:
        return cell(LIGHTS["grey"], light="grey")
    light = str(entry.get("light", "grey"))
    symbol = LIGHTS.get(light, LIGHTS["grey"])
    text = one_style(entry.get("text") or number(entry.get("value")))
    title = str(entry.get("explanation", ""))
    text, note = _split(text)
    if len(text) > _LONGEST:
        # The sentences below the table give the reason in full.
        text, title = text.partition(": ")[0], text
    shown = symbol if text in (DASH, "") else f"{symbol}\u00a0{text}"
    return cell(shown, light=light, title=title, note=with_breaks(note))


def with_breaks(name: str) -> str:
    """Let long names break after their underscores."""
    return re.sub(r"\w{8,}", lambda long: long[0].replace("_", "_\u200b"), name)


def _split(text: str) -> tuple[str, str]:
    """Separate a number from what it belongs to: the edge, the component, its chi-square.

    Examples
    --------
    >>> _split("10 % of the peak, chi 2.7 (Ru_M23, all_rows)"), _split("factor 1.06 (Co_L23)")
    (('10 %', 'chi 2.7; Ru M23, all rows'), ('×1.06', 'Co L23'))
    >>> _split("1 of 9 impossible")
    ('1 of 9 impossible', '')
    """
    found = _NUMBER.fullmatch(text)
    if found is None:
        return text, ""
    factor, value, further, place = found.groups()
    return ("×" if factor else "") + value, "; ".join(filter(None, (further, in_words(place or ""))))
