"""Sections of the benchmark's page."""

from collections.abc import Mapping, Sequence
from typing import Any

from eelsunmix.benchmark.page import captions
from eelsunmix.benchmark.page.figures import (
    label_styles,
    method_title,
    methods_of,
)
from eelsunmix.benchmark.results import Results
from eelsunmix.report.content import (
    Block,
    Cell,
    Code,
    Fact,
    Notice,
    Row,
    Section,
    Table,
    Text,
    cell,
    figure_cell,
    pairs,
)
from eelsunmix.report.formatting import integer, plus_minus
from eelsunmix.report.texts import as_yaml


def ranking(results: Results) -> Section:
    """Order the methods by the error of their maps, scene by scene, and say where one failed."""
    counts = results.middle
    places = [place for place in results.places if place[1] == counts]
    found = [results.ranking(place, "nmse") for place in places]
    styles = label_styles(results)
    columns = ("", *(f"scene {scene}" for scene, _ in places))
    rows = tuple(
        Row(cells=(figure_cell(str(rank + 1)), *(_ranked(one, rank, styles) for one in found)))
        for rank in range(max(map(len, found), default=0))
    )
    caption = captions.RANKING.format(counts=integer(counts))
    table = Table(caption=caption, columns=columns, rows=rows, css="small")
    return Section(name="ranking", title="Ranking", intro=captions.INTRO, blocks=(*failures(results), table))


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


def provenance(
    settings: Mapping[str, Any], seals: Mapping[str, str], versions: Mapping[str, str], command: str
) -> Section:
    """Where every number comes from and how to get it again."""
    opening = (
        "from eelsunmix.storage import open_store\n\n"
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


def key_facts(results: Results) -> list[Fact]:
    """Return what stands below the title of the page."""
    images = max(run.sizes["replicate"] for run in results.runs.values())
    size = next(iter(results.runs.values())).attrs["scene"]["size"]
    return [
        Fact("scenes", ", ".join(results.scenes)),
        Fact("images of each", f"{images}, {size} × {size} pixels"),
        Fact("counts", ", ".join(integer(counts) for counts in results.doses)),
        Fact("methods", ", ".join(map(method_title, methods_of(results)))),
    ]


def _ranked(
    found: Sequence[tuple[str, float, float]], rank: int, styles: Mapping[str, Mapping[str, Any]]
) -> Cell:
    """Return a method with its error; nothing below the last one."""
    if rank >= len(found):
        return cell("")
    label, mean, deviation = found[rank]
    style = styles[label]
    return cell(f"{label}: {plus_minus(mean, deviation)}", colour=style["color"], dash=style["dash"])
