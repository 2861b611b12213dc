"""Section on run time and memory."""

import xarray as xr

from eelsunmix.report.content import (
    Block,
    Figure,
    Notice,
    Row,
    Section,
    Table,
    cell,
    figure_cell,
)
from eelsunmix.report.figures.cost import cost_bars
from eelsunmix.report.formatting import DASH, duration, integer, number
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.timing import FAST_SECONDS, PAPER_PIXELS, judged_seconds
from eelsunmix.words import RECOMMENDED

COST = "Wall time and peak memory of every rule of this sample, as measured by Snakemake."
MAPPING = (
    "Time to map the abundances alone with the fitted model, without start-up, reading, refit, residuals "
    "and writing: the fastest of a few repeats on the first rows of the image. Last column: what an image "
    "of 64 × 64 pixels takes at this speed{networks}."
)
NETWORKS = "; of trained networks ✔ if that is less than {limit}, which the paper expects of them, else ▲"
NOT_TIMED = (
    " The recommended result is mapped while its candidates are compared, not on its own: its time is that "
    "of its rule, above."
)
_MODELS_OF_NETWORKS = "_networks."
"""How the names of their models begin."""


def section(inputs: Inputs) -> Section:
    """Run time and memory of every rule, and what the mapping alone takes."""
    blocks: list[Block] = [Notice("No benchmark was recorded.")]
    if inputs.benchmarks:
        bars = cost_bars(inputs.benchmarks)
        blocks = [Figure(name="cost-bars", caption=COST, variants={(): bars}), _cost_table(inputs)]
    if rows := _mapping_rows(inputs):
        columns = ("method", "pixels", "time", "pixels per second", "64 × 64 pixels")
        networks = NETWORKS.format(limit=duration(FAST_SECONDS)) * any(map(_is_network, inputs.maps.values()))
        caption = MAPPING.format(networks=networks) + NOT_TIMED * (RECOMMENDED in inputs.working)
        blocks.append(Table(caption=caption, columns=columns, rows=rows, css="small lights"))
    return Section(name="cost", title="Run time and memory", blocks=tuple(blocks))


def _is_network(store: xr.Dataset) -> bool:
    return str(store.attrs.get("model", "")).startswith(_MODELS_OF_NETWORKS)


def _cost_table(inputs: Inputs) -> Table:
    columns = {
        "wall time": ("seconds", duration),
        "CPU time": ("cpu_seconds", duration),
        "threads": ("threads", integer),
        "peak memory (MB)": ("max_rss_mb", number),
    }
    known = {
        title: (key, form)
        for title, (key, form) in columns.items()
        if any(entry.get(key) is not None for entry in inputs.benchmarks)
    }
    rows = tuple(
        Row(
            cells=(
                cell(str(entry["rule"])),
                *(figure_cell(form(entry.get(key))) for key, form in known.values()),
            )
        )
        for entry in inputs.benchmarks
    )
    return Table(caption="The same in numbers.", columns=("rule", *known), rows=rows, css="small")


def _mapping_rows(inputs: Inputs) -> tuple[Row, ...]:
    """Return the time of the mapping of every method that has one."""
    rows = []
    for method in inputs.working:
        if method == RECOMMENDED:
            rows.append(Row(method=method, cells=(cell(method), *(figure_cell(DASH) for _ in range(4)))))
            continue
        attrs = inputs.maps[method].attrs
        seconds, pixels = attrs.get("abundance_seconds"), attrs.get("abundance_pixels")
        if seconds and pixels:
            numbers = (integer(pixels), duration(seconds), integer(round(pixels / seconds)))
            network = _is_network(inputs.maps[method])
            judged = judged_seconds(seconds / pixels * PAPER_PIXELS, network=network)
            rows.append(Row(method=method, cells=(cell(method), *map(figure_cell, numbers), judged)))
    return tuple(rows)
