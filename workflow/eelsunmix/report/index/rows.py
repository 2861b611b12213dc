"""One row of the page of all samples, from the verdict of a sample or from what is known of its failure."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from eelsunmix.report.formatting import decimals, integer, number, percent

COLUMNS = (
    ("sample", "sample", ""),
    (
        "light",
        "light",
        "of the recommended maps: look closer where there is a warning, or a light that is not green",
    ),
    ("use", "use", "the method whose maps the page recommends"),
    ("elements", "elements", "each with the light of its map against background subtraction"),
    ("pixels", "pixels", "with counts"),
    ("counts_per_pixel", "counts per pixel", "mean over the pixels, all channels"),
    ("endmembers", "n", "number of endmembers"),
    ("chi_square", "χ²", "per channel, of the recommended method; 1 is counting noise"),
    ("agreement", "agreement", "correlation with background subtraction over its noise ceiling, worst edge"),
    ("cross_talk", "cross-talk", "largest edge in a component that is not its own"),
)
"""Name, heading and explanation of each column."""
_FORMS = {
    "pixels": integer,
    "counts_per_pixel": number,
    "endmembers": integer,
    "chi_square": decimals,
    "agreement": decimals,
    "cross_talk": percent,
}
_RANK = {"failed": 0, "red": 1, "amber": 2, "green": 3}
_CRITERIA = {"chi_square": "reconstruction", "agreement": "agreement", "cross_talk": "cross_talk"}
"""Number -> the criterion whose light it has."""


@dataclass(frozen=True, kw_only=True)
class Missing:
    """A sample without a result that is as asked for.

    Parameters
    ----------
    sample : str
    reason : str
    log : str
        Path of the log that says more; empty if there is none.
    """

    sample: str
    reason: str
    log: str = ""


@dataclass(frozen=True, kw_only=True)
class Number:
    """A cell: what is shown, by what it is sorted (empty: last), and its light."""

    text: str
    value: str = ""
    light: str = ""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A sample as the table shows it; `link` leads to its page, or to its log where it has no result."""

    sample: str
    link: str
    light: str
    rank: int
    note: str
    title: str = ""
    use: str = ""
    picture: Mapping[str, Any] | None = None
    elements: tuple[Mapping[str, Any], ...] = ()
    numbers: tuple[Number, ...] = ()


def row_of(verdict: Mapping[str, Any], place: Path, folder: Path) -> Row:
    """Return the row of a sample.

    Parameters
    ----------
    verdict : mapping
        As docs/data-model.md describes it.
    place : Path
        Where the verdict lies.
    folder : Path
        Of the page that shows the row.
    """
    recommended = verdict["recommended"]
    label, method = recommended["label"], recommended["method"]
    title = "" if verdict["title"] == verdict["sample"] else verdict["title"]
    return Row(
        sample=verdict["sample"],
        title=title,
        link=_address(place.parent / verdict["page"], folder),
        light=verdict["light"],
        rank=_RANK[verdict["light"]],
        use=label if label == method else f"{label}: {method}",
        note=_note(verdict),
        picture=verdict["thumbnail"],
        elements=tuple(verdict["elements"]),
        numbers=tuple(_numbers(verdict)),
    )


def row_without_result(missing: Missing, folder: Path) -> Row:
    """Return the row of a sample without a result, which leads to the log."""
    link = _address(Path(missing.log), folder) if missing.log else ""
    return Row(sample=missing.sample, link=link, light="failed", rank=_RANK["failed"], note=missing.reason)


def _note(verdict: Mapping[str, Any]) -> str:
    """Return the sentence that one has to know first: what forbids use, what not to believe, what to mind."""
    said = sorted(
        (one for one in verdict["sentences"] if one["kind"] in ("void", "doubt")),
        key=lambda one: one["kind"] != "void",
    )
    return f"{said[0]['title']}: {said[0]['text']}" if said else ""


def _numbers(verdict: Mapping[str, Any]) -> list[Number]:
    label = verdict["recommended"]["label"]
    criteria: Mapping[str, Any] = next(
        (one["criteria"] for one in verdict["methods"] if one["label"] == label), {}
    )
    numbers = verdict["numbers"]
    return [
        Number(
            text=form(numbers[name]),
            value="" if numbers[name] is None else repr(numbers[name]),
            light=_light(criteria, _CRITERIA.get(name, "")),
        )
        for name, form in _FORMS.items()
    ]


def _light(criteria: Mapping[str, Any], criterion: str) -> str:
    light = str(criteria.get(criterion, {}).get("light", ""))
    return "" if light == "grey" else light


def _address(path: Path, folder: Path) -> str:
    """Return a link from a page in a folder, for any name of a file."""
    return quote(os.path.relpath(path, folder))
