"""What the texts of a page call lines of X-rays: they are written for edges, in one place each."""

import re
from dataclasses import fields, is_dataclass, replace
from typing import Any

from eelsunmix.report.content import Code, Section, Table, Text

AS_THEY_ARE = ("corrections", "components", "cost", "provenance", "citation")
"""Sections on settings and on eigenvalues, whose edges are others."""
_WORDS = (
    (r"dotted lines mark the edge onsets", "dotted lines mark the named ones"),
    (r"\b([Aa])n (?=edges?\b)", r"\1 "),
    (r"(?<!anchor: )\b([Ee])dge(s?)\b(?! of noise)", lambda found: _line(*found.groups())),
)
_TEXTS = frozenset(
    (
        *("intro", "lines", "text", "note", "title", "titles", "caption", "heading", "label", "columns"),
        *("blocks", "rows", "cells", "facts", "figures", "controls", "items"),
    )
)
"""Fields of the parts of a page that hold prose, or further parts."""


def in_words_of_lines(part: Any) -> Any:
    """Replace edges by lines in a text, or in all prose of a part of a page.

    Examples
    --------
    >>> in_words_of_lines("Edges of all elements and anchor: edges; an edge that stands out.")
    'Lines of all elements and anchor: edges; a line that stands out.'
    """
    if isinstance(part, str):
        for pattern, words in _WORDS:
            part = re.sub(pattern, words, part)
        return part
    if isinstance(part, tuple):
        return tuple(in_words_of_lines(one) for one in part)
    if isinstance(part, Text):
        return Text(*in_words_of_lines(part.lines))
    if is_dataclass(part) and not isinstance(part, type):
        if _stays(part):
            return part
        names = [one.name for one in fields(part) if one.name in _TEXTS]
        return replace(part, **{name: in_words_of_lines(getattr(part, name)) for name in names})
    return part


def _stays(part: Any) -> bool:
    """Whether a part holds what files and configurations say."""
    if isinstance(part, Section):
        return part.name in AS_THEY_ARE
    return isinstance(part, Code) or (isinstance(part, Table) and part.css == "pairs")


def _line(first: str, plural: str) -> str:
    return ("Line" if first == "E" else "line") + plural
