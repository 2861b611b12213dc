"""Sections of the benchmark's page."""

from collections.abc import Mapping
from typing import Any

from eelsunmix.benchmark.bars import Bar, bars
from eelsunmix.benchmark.claims import Claim, claims, sentences
from eelsunmix.benchmark.options import PEERS
from eelsunmix.benchmark.page import captions
from eelsunmix.benchmark.page.figures import (
    method_title,
    methods_of,
)
from eelsunmix.benchmark.results import Results
from eelsunmix.benchmark.scores import DEAD_SHARE, SAME_ANGLE
from eelsunmix.report.content import (
    Block,
    Code,
    Notice,
    Row,
    Section,
    Table,
    Text,
    cell,
    figure_cell,
    pairs,
)
from eelsunmix.report.figures.style import LIGHTS
from eelsunmix.report.formatting import integer, number, percent
from eelsunmix.report.sections.run import as_yaml

_LIGHT = {True: "green", False: "red", None: "grey"}


def judged(results: Results) -> Section:
    """Say which bars are met."""
    has_peer = any(label in PEERS for label in results.labels)
    caption = captions.BARS.format(
        peer=captions.PEER_RUN if has_peer else captions.PEER_ABSENT,
        dead=percent(DEAD_SHARE),
        same=percent(SAME_ANGLE),
    )
    columns = ("comparison", "scene", "counts", "images", "ours", "against", "ratio", "bar", "met")
    rows = tuple(map(_bar_row, bars(results)))
    table = Table(caption=caption, columns=columns, rows=rows, css="small lights")
    return Section(name="bars", title="Bars", intro=captions.INTRO, blocks=(*failures(results), table))


def failures(results: Results) -> list[Block]:
    """Return one notice for each method that failed somewhere, with the reason."""
    where: dict[tuple[str, str], list[str]] = {}
    for place in results.places:
        for label in results.labels:
            total = len(results.per_run(place, label, "status"))
            for reason, count in results.failures(place, label).items():
                case = f"{count} of {total} images of {place[0]} at {place[1]:g} counts"
                where.setdefault((label, reason), []).append(case)
    return [
        Notice(reason or "no reason was recorded", "error", title=f"{label} failed on {', '.join(cases)}")
        for (label, reason), cases in where.items()
    ]


def conclusions(results: Results) -> Section:
    """Test the paper's conclusions."""
    found = claims(results)
    lines = sentences(found) or ["Too few methods were run to test the paper's ranking."]
    columns = ("conclusion", "setting", "scene", "counts", "holds", "numbers")
    rows = tuple(map(_claim_row, found))
    table = Table(caption="The same case by case.", columns=columns, rows=rows, css="small lights")
    return Section(
        name="claims",
        title="The paper's conclusions",
        intro=captions.CLAIMS,
        blocks=(Text(*lines), table) if found else (Text(*lines),),
    )


def provenance(
    settings: Mapping[str, Any], seals: Mapping[str, str], versions: Mapping[str, str], command: str
) -> Section:
    """Where every number comes from and how to get it again."""
    opening = (
        "from eelsunmix.storage.store import open_store\n\n"
        "run = open_store('results/benchmark/SCENE/COUNTS/LABEL.zarr')\n"
        "run.nmse     # (replicate, endmember)"
    )
    blocks: tuple[Block, ...] = (
        Code(as_yaml(settings), "Effective settings, defaults included"),
        pairs("Seals of the stores.", list(seals.items())),
        pairs("Versions.", list(versions.items())),
        Code(command, "Make this page again"),
        Code(opening, "Open the results in Python"),
        Text("N. Brun, G. Lambert, L. Bocher, Eur. Phys. J. Appl. Phys. 99, 28 (2024)."),
    )
    return Section(name="provenance", title="Provenance", intro=captions.PROVENANCE, blocks=blocks)


def key_facts(results: Results) -> list[tuple[str, str]]:
    """Return what stands below the title of the page."""
    images = max(run.sizes["replicate"] for run in results.runs.values())
    size = next(iter(results.runs.values())).attrs["scene"]["size"]
    return [
        ("scenes", ", ".join(results.scenes)),
        ("images of each", f"{images}, {size} × {size} pixels"),
        ("counts", ", ".join(integer(counts) for counts in results.doses)),
        ("methods", ", ".join(map(method_title, methods_of(results)))),
    ]


def _claim_row(claim: Claim) -> Row:
    light = {True: "green", False: "red", None: "amber"}[claim.holds]
    said = {True: "yes", False: "no", None: "tie"}[claim.holds]
    cells = (cell(claim.text), cell(claim.setting), cell(claim.scene), figure_cell(integer(claim.counts)))
    return Row(cells=(*cells, cell(f"{LIGHTS[light]}\u00a0{said}", light=light), cell(claim.evidence)))


def _bar_row(bar: Bar) -> Row:
    light = _LIGHT[bar.met]
    said = {True: "yes", False: "no", None: "not judged"}[bar.met]
    numbers = (number(bar.ours), number(bar.theirs), number(bar.ratio), f"≤ {number(bar.limit)}")
    cells = [
        cell(bar.what),
        cell(bar.scene),
        figure_cell(integer(bar.counts)),
        figure_cell(str(bar.n_images)),
    ]
    return Row(cells=(*cells, *map(figure_cell, numbers), cell(f"{LIGHTS[light]}\u00a0{said}", light=light)))
