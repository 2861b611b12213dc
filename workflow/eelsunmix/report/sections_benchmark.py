"""Sections of the benchmark's page."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from eelsunmix.benchmark.bars import Bar, bars
from eelsunmix.benchmark.claims import Claim, claims, sentences
from eelsunmix.benchmark.options import PEERS
from eelsunmix.benchmark.results import ORACLE, Place, Results
from eelsunmix.benchmark.scores import DEAD_SHARE, SAME_ANGLE
from eelsunmix.report import captions_benchmark as captions
from eelsunmix.report.content import (
    Block,
    Cell,
    Code,
    Control,
    Figure,
    Notice,
    Row,
    Section,
    Table,
    Text,
    cell,
    figure_cell,
    pairs,
)
from eelsunmix.report.figures_benchmark import (
    SCORE_TITLES,
    by_method,
    label_styles,
    method_title,
    methods_of,
    score_panels,
    shown_maps,
    spectra_panels,
)
from eelsunmix.report.figures_endmembers import FLATTENED, LOGARITHMIC, UNIT_AREA
from eelsunmix.report.formatting import DASH, duration, integer, number, percent, plus_minus
from eelsunmix.report.sections_run import as_yaml
from eelsunmix.report.style import LIGHTS

_LIGHT = {True: "green", False: "red", None: "grey"}
_SCORES = tuple(SCORE_TITLES)


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


def of_scene(results: Results, scene: str) -> Section:
    """Figures 4 and 5 and the numbers of one scene."""
    doses = sorted(
        (counts for counts in results.doses if (scene, counts) in results.places),
        key=lambda counts: (counts != results.middle, counts),
    )
    n_images = max(run.sizes["replicate"] for key, run in results.runs.items() if key[0] == scene)
    blocks: list[Block] = [
        _scores(results, scene, doses, "maps", ("nmse", "nmse_scale_free"), captions.MAPS, n_images),
        _scores(results, scene, doses, "spectra", ("sad", "sad_whitened"), captions.SPECTRA_ERRORS, n_images),
        *(_table(results, (scene, counts)) for counts in doses),
    ]
    names = ", ".join(results.endmembers(scene))
    return Section(name=f"scene-{scene}", title=f"Scene {scene}: {names}", blocks=tuple(blocks))


def times(results: Results) -> Section:
    """Table 3 of the paper, one column per scene."""
    counts = results.middle
    places = [place for place in results.places if place[1] == counts]
    columns = ["method"]
    for scene, _ in places:
        columns += [f"{scene}: fit", f"{scene}: map"]
    rows = []
    for label in by_method(results):
        cells = [_name(results, label)]
        for place in places:
            cells += [figure_cell(duration(_median(results, place, label, "seconds")))]
            cells += [figure_cell(duration(_median(results, place, label, "map_seconds")))]
        rows.append(Row(method=label, cells=tuple(cells)))
    caption = captions.TIMES.format(counts=integer(counts))
    table = Table(caption=caption, columns=tuple(columns), rows=tuple(rows), css="small")
    return Section(name="times", title="Execution times", blocks=(table,))


def examples(results: Results) -> Section:
    """Endmembers and maps of the first image."""
    blocks: list[Block] = []
    displays = (FLATTENED, UNIT_AREA, LOGARITHMIC)
    styles = label_styles(results)
    for scene in results.scenes:
        place = (scene, results.middle)
        variants = {(i,): spectra_panels(results, place, one, styles) for i, one in enumerate(displays)}
        caption = f"{scene}, {results.middle:g} counts. {captions.SPECTRA}"
        control = (Control("Display", displays),)
        blocks.append(Figure(name=f"spectra-{scene}", caption=caption, variants=variants, controls=control))
        if (grid := shown_maps(results, place)) is not None:
            caption = f"{scene}. {captions.SHOWN.format(counts=integer(results.middle))}"
            blocks.append(Figure(name=f"maps-{scene}", caption=caption, variants={(): grid}))
    return Section(name="examples", title="Endmembers and maps", blocks=tuple(blocks))


def provenance(
    settings: Mapping[str, Any], seals: Mapping[str, str], versions: Mapping[str, str], command: str
) -> Section:
    """Where every number comes from and how to get it again."""
    opening = (
        "from eelsunmix.store import open_store\n\n"
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


def _scores(
    results: Results,
    scene: str,
    doses: list[float],
    name: str,
    scores: tuple[str, str],
    caption: str,
    n_images: int,
) -> Figure:
    variants = {
        (i, j): score_panels(results, (scene, counts), score)
        for i, score in enumerate(scores)
        for j, counts in enumerate(doses)
    }
    controls = (
        Control("Measure", tuple(SCORE_TITLES[score] for score in scores)),
        Control("Counts in the first channel", tuple(f"{counts:g}" for counts in doses)),
    )
    return Figure(
        name=f"errors-{name}-{scene}",
        caption=caption.format(n=n_images),
        variants=variants,
        controls=controls,
    )


def _table(results: Results, place: Place) -> Table:
    columns = (
        "method",
        *(SCORE_TITLES[score] for score in _SCORES),
        "dead",
        "duplicated",
        "unconverged",
        "failed",
    )
    rows = [
        Row(method=label, cells=(_name(results, label), *_numbers(results, place, label)))
        for label in by_method(results)
    ]
    if results.get(place, ORACLE) is not None:
        limit = results.mean(place, ORACLE, "cramer_rao_nmse")
        blank = [figure_cell(DASH)] * 4
        oracle = [figure_cell(plus_minus(*results.mean(place, ORACLE, score))) for score in _SCORES[:2]]
        rows.append(Row(cells=(cell("oracle"), *oracle, *[figure_cell(DASH)] * 2, *blank)))
        rows.append(
            Row(
                cells=(
                    cell("Cramér-Rao limit"),
                    figure_cell(plus_minus(*limit)),
                    *[figure_cell(DASH)] * 3,
                    *blank,
                )
            )
        )
    heading = f"{place[0]}, {place[1]:g} counts in the first channel"
    return Table(caption=captions.TABLE, heading=heading, columns=columns, rows=tuple(rows), css="small")


def _numbers(results: Results, place: Place, label: str) -> list[Cell]:
    cells = [figure_cell(plus_minus(*results.mean(place, label, score))) for score in _SCORES]
    status = results.per_run(place, label, "status")
    if not len(status):
        return [*cells, *[figure_cell(DASH)] * 4]
    faults = [int(results.per_run(place, label, name).sum()) for name in ("n_dead", "n_duplicated")]
    faults += [int(np.sum(status == text)) for text in ("not converged", "failed")]
    return [*cells, *(figure_cell(str(fault), light="red" if fault else "") for fault in faults)]


def _name(results: Results, label: str) -> Cell:
    style = label_styles(results)[label]
    return cell(label, title=results.setting(label), colour=style["color"], dash=style["dash"])


def _median(results: Results, place: Place, label: str, name: str) -> float:
    values = np.asarray(results.per_run(place, label, name), dtype=float)
    values = values[np.isfinite(values)]
    return float(np.median(values)) if len(values) else float("nan")
