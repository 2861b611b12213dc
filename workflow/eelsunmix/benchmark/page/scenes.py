"""Sections of the benchmark's page with its numbers: scenes, times, first images."""

import numpy as np

from eelsunmix.benchmark.criteria import DEAD_SHARE, SAME_ANGLE
from eelsunmix.benchmark.page import captions
from eelsunmix.benchmark.page.figures import (
    OF_UNIT_AREA,
    SCORE_TITLES,
    by_method,
    label_styles,
    score_panels,
    shown_maps,
    spectra_panels,
)
from eelsunmix.benchmark.results import ORACLE, Place, Results
from eelsunmix.report.content import (
    Block,
    Cell,
    Control,
    Figure,
    Row,
    Section,
    Table,
    cell,
    figure_cell,
)
from eelsunmix.report.formatting import DASH, duration, integer, percent, plus_minus
from eelsunmix.report.timing import FAST_SECONDS, judged_seconds

_SCORES = tuple(SCORE_TITLES)


def of_scene(results: Results, scene: str) -> Section:
    """Figures 4 and 5 and the numbers of one scene."""
    doses = sorted(
        (counts for counts in results.doses if (scene, counts) in results.places),
        key=lambda counts: (counts != results.middle, counts),
    )
    n_images = _number_of_images(results, scene)
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
            cells += [_map_cell(results, place, label)]
        rows.append(Row(method=label, cells=tuple(cells)))
    caption = captions.TIMES.format(counts=integer(counts), limit=duration(FAST_SECONDS))
    table = Table(caption=caption, columns=tuple(columns), rows=tuple(rows), css="small lights")
    return Section(name="times", title="Execution times", blocks=(table,))


def examples(results: Results) -> Section:
    """Endmembers and maps of the first image."""
    blocks: list[Block] = []
    displays = tuple(OF_UNIT_AREA)
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


def _scores(
    results: Results,
    scene: str,
    doses: list[float],
    name: str,
    scores: tuple[str, str],
    caption: str,
    n_images: str,
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


def _number_of_images(results: Results, scene: str) -> str:
    """Say how many images are behind a mean; a range where some methods ran on fewer or failed on some."""
    runs = [run for (name, _, _), run in results.runs.items() if name == scene]
    numbers = {int(np.sum(run["status"].to_numpy() != "failed")) for run in runs} - {0} or {0}
    return str(max(numbers)) if len(numbers) == 1 else f"{min(numbers)} to {max(numbers)}"


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
    caption = captions.TABLE.format(dead=percent(DEAD_SHARE), same=percent(SAME_ANGLE))
    return Table(caption=caption, heading=heading, columns=columns, rows=tuple(rows), css="small")


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


def _map_cell(results: Results, place: Place, label: str) -> Cell:
    """Return the time of a mapping, judged if it is one with a fitted model."""
    seconds = _median(results, place, label, "map_seconds")
    if not results.is_unmixing(label) or not np.isfinite(seconds):
        return figure_cell(duration(seconds))
    return judged_seconds(seconds)


def _median(results: Results, place: Place, label: str, name: str) -> float:
    values = np.asarray(results.per_run(place, label, name), dtype=float)
    values = values[np.isfinite(values)]
    return float(np.median(values)) if len(values) else float("nan")
