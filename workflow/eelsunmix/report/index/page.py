"""Assemble the page of all samples."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from eelsunmix.report.figures.encoding import script_hash
from eelsunmix.report.figures.style import LIGHTS
from eelsunmix.report.index.rows import COLUMNS, Missing, Row, row_of, row_without_result
from eelsunmix.storage import read_record, sealed_page
from eelsunmix.storage.whole_files import write_page
from eelsunmix.words import numbered

WORDS = {"green": "good", "amber": "look closer", "red": "do not use yet", "failed": "no result"}
"""Light of a sample -> what it means."""


def write_index(
    path: str | os.PathLike[str],
    verdicts: Iterable[str | os.PathLike[str]],
    *,
    missing: Sequence[Missing] = (),
    skipped: Sequence[str] = (),
    benchmark: bool = False,
    made_with: Mapping[str, Any] | None = None,
) -> Path:
    """Write the page of all samples, which works offline and allows no other script than its own.

    Parameters
    ----------
    path : path-like
        The page, in the folder of the pages of the samples; replaced as a whole.
    verdicts : iterable of path-like
        ``verdict.json`` of each sample that has a result.
    missing : sequence of Missing
        Samples without a result, and why.
    skipped : sequence of str
        One line about each sample that was left out.
    benchmark : bool
        Whether the page of the benchmark lies beside it.
    made_with : mapping, optional
        Recipe of the page, for its seal.

    Returns
    -------
    Path

    Raises
    ------
    StoreError
        If a verdict is missing or damaged.
    """
    read = {os.fspath(place): read_record(place) for place in verdicts}
    rows = [row_of(content, Path(place), Path(path).parent) for place, (content, _) in read.items()]
    rows += [row_without_result(one, Path(path).parent) for one in missing]
    text = _text(rows, skipped=skipped, benchmark=benchmark)
    seals = {place: manifest.seal for place, (_, manifest) in read.items()}
    return write_page(Path(path), sealed_page(text, path, seals=seals, settings=made_with))


def _text(rows: Sequence[Row], *, skipped: Sequence[str], benchmark: bool) -> str:
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    script = _asset("index", "index.js")
    lights = Counter(row.light for row in rows)
    # Only our own files are marked as safe; all else is escaped.
    return environment.from_string(_asset("index", "index.html")).render(
        rows=rows,
        columns=COLUMNS,
        lights=LIGHTS,
        words=WORDS,
        facts=[
            ("samples", str(len(rows))),
            *((WORDS[one], str(lights[one])) for one in WORDS if lights[one]),
        ],
        choices=[one for one in WORDS if lights[one]],
        failed=[row for row in rows if row.light == "failed"],
        skipped=skipped,
        benchmark=benchmark,
        count=numbered(len(rows), "sample"),
        policy=f"default-src 'none'; script-src {script_hash(script)}; style-src 'unsafe-inline'; "
        "img-src data:; base-uri 'none'; form-action 'none'",
        css=Markup(_asset("report.css") + _asset("index", "index.css")),  # noqa: S704
        script=Markup(script),  # noqa: S704
    )


def _asset(*names: str) -> str:
    return files("eelsunmix.report").joinpath(*names).read_text(encoding="utf-8")
