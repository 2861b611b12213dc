"""What the docstrings of the options say: the one source of the reference and of the schema."""

import inspect
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

_ENTRY = re.compile(r"(?P<names>\w+(?:, \w+)*)(?: : (?P<kind>.*))?")
_SECTION = re.compile(r"^(\w[\w ]*)\n-{3,}\n", flags=re.MULTILINE)


@dataclass(frozen=True)
class Entry:
    """One entry of a section "Parameters".

    Parameters
    ----------
    kind : str
        What stands behind the colon.
    text : str
        The description, in one line.
    """

    kind: str
    text: str


@cache
def summary(kind: Any) -> str:
    """Everything before the first section, in one line."""
    return _one_line(_SECTION.split(inspect.getdoc(kind) or "")[0])


@cache
def parameters(kind: Any) -> dict[str, Entry]:
    """Entries of the section "Parameters", by name; those for several names are given to each of them."""
    parts = _SECTION.split(inspect.getdoc(kind) or "")
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    entries: dict[str, Entry] = {}
    for block in re.split(r"\n(?=\S)", sections.get("Parameters", "").strip("\n")):
        head, _, body = block.partition("\n")
        if match := _ENTRY.fullmatch(head.strip()):
            entry = Entry(match["kind"] or "", _one_line(body))
            entries |= dict.fromkeys(match["names"].split(", "), entry)
    return entries


def _one_line(text: str) -> str:
    """Prose without line breaks, marks of citation and the double quotes of reStructuredText."""
    return re.sub(r"\s*\[\d\]_", "", " ".join(text.split())).replace("``", "`")
