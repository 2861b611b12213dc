"""Sections on the background subtraction and on the number of components."""

from dataclasses import replace
from typing import Any

from eelsunmix.report.content import (
    Block,
    Control,
    Figure,
    Notice,
    Row,
    Section,
    Table,
    Text,
    cell,
    figure_cell,
)
from eelsunmix.report.figures.background import background_maps, windows_figure
from eelsunmix.report.figures.grid import columns_for
from eelsunmix.report.figures.profiles import element_profiles
from eelsunmix.report.figures.rank import loadings, score_maps, scree
from eelsunmix.report.figures.style import LIGHTS, REFERENCE
from eelsunmix.report.formatting import DASH, interval, number, percent, plus_minus, sentence, tidy
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.sections import captions

SUSPICIOUS_SIGMA = 3
"""An off-region mean further from zero than this many standard errors is flagged."""
FIRST = 30
EXPONENTS = {
    "pixel": "of each pixel",
    "local": "averaged over neighbouring pixels",
    "global": "of the whole image",
}
ESTIMATORS = {
    "marchenko_pastur": "eigenvalues above the edge of noise (Marchenko-Pastur, calibrated on the tail)",
    "parallel_analysis": "eigenvalues above those of simulated pure noise",
    "elbow": "elbow of the scree plot, as HyperSpy places it (known to be fragile)",
    "user": "number given in the configuration",
}


def background(inputs: Inputs) -> Section:
    """Show the reference: windows, maps and the test where the element is absent, edge by edge."""
    title = "Background subtraction, the reference"
    if not inputs.edges:
        notice = Notice("No edge is named in the configuration.")
        return Section(name="background", title=title, blocks=(notice,))
    origin = str(inputs.bs.attrs.get("exponent_from", "pixel"))
    intro = captions.BACKGROUND.format(exponent=EXPONENTS.get(origin, origin))
    warnings = [Notice(str(text), "warning") for text in inputs.bs.attrs.get("warnings", [])]
    blocks: list[Block] = [_edge_table(inputs), *_off_region_notice(inputs), *warnings]
    blocks += [_windows(inputs), _maps(inputs), *([_profiles(inputs)] if inputs.profiles else [])]
    return Section(name="background", title=title, intro=intro, blocks=tuple(blocks))


def components(inputs: Inputs) -> Section:
    """Show the evidence for the number of components, the estimates and the choice."""
    chosen = f"{inputs.n_endmembers} components were used: {inputs.rank.attrs.get('reason', DASH)}"
    warnings = [Notice(sentence(text), "warning") for text in inputs.rank.attrs.get("warnings", [])]
    blocks: list[Block] = [Text(chosen), *warnings, _estimates(inputs)]
    blocks += [_scree(inputs), _scores(inputs), _loadings(inputs)]
    return Section(name="components", title="How many components", blocks=tuple(blocks))


def _edge_table(inputs: Inputs) -> Table:
    unit = inputs.energy_unit
    columns = ("edge", "element", f"onset ({unit})", "background fit", "integration", "negative pixels")
    rows = tuple(_edge_row(inputs, edge, windows) for edge, windows in inputs.edges.items())
    if not any(_off_region(inputs, edge)[1] > 0 for edge in inputs.edges):
        short = tuple(replace(row, cells=row.cells[: len(columns)]) for row in rows)
        return Table(caption=captions.EDGES_UNTESTED, columns=columns, rows=short)
    return Table(
        caption=captions.EDGES.format(sigma=SUSPICIOUS_SIGMA),
        columns=(*columns, "off region (counts)", "off region (σ)"),
        rows=rows,
    )


def _edge_row(inputs: Inputs, edge: str, windows: dict[str, Any]) -> Row:
    mean, error, light, sigmas = _off_region(inputs, edge)
    negative = inputs.comparison["negative_fraction"].sel({"label": REFERENCE, "edge": edge}).item()
    fit, integrate = (
        interval(windows[key], inputs.energy_unit) if key in windows else DASH
        for key in ("fit_eV", "integrate_eV")
    )
    return Row(
        cells=(
            cell(edge.replace("_", " ")),
            cell(str(windows.get("element", DASH))),
            figure_cell(tidy(windows.get("onset_eV"))),
            figure_cell(fit),
            figure_cell(integrate),
            figure_cell(percent(negative)),
            figure_cell(plus_minus(mean, error)),
            figure_cell(sigmas, light=light),
        )
    )


def _off_region(inputs: Inputs, edge: str) -> tuple[float, float, str, str]:
    """Mean and standard error in counts, the light, and the mean in standard errors."""
    mean = float(inputs.bs["off_region_mean"].sel(edge=edge))
    error = float(inputs.bs["off_region_sd"].sel(edge=edge))
    if not error > 0:
        return mean, error, "grey", DASH
    light = "green" if abs(mean / error) <= SUSPICIOUS_SIGMA else "red"
    return mean, error, light, f"{LIGHTS[light]} {number(mean / error, 2)}"


def _off_region_notice(inputs: Inputs) -> list[Block]:
    flagged = [edge.replace("_", " ") for edge in inputs.edges if _off_region(inputs, edge)[2] == "red"]
    return [Notice(captions.OFF_REGION.format(names=", ".join(flagged)), "warning")] if flagged else []


def _edge_control(inputs: Inputs) -> Control:
    return Control("Edge", tuple(edge.replace("_", " ") for edge in inputs.edges))


def _windows(inputs: Inputs) -> Figure:
    variants = {
        (i,): windows_figure(inputs.bs, edge, windows, inputs.energy_title)
        for i, (edge, windows) in enumerate(inputs.edges.items())
    }
    controls = (_edge_control(inputs),)
    return Figure(name="windows", caption=captions.WINDOWS, variants=variants, controls=controls)


def _maps(inputs: Inputs) -> Figure:
    variants = {(i,): background_maps(inputs.bs, edge, inputs.view) for i, edge in enumerate(inputs.edges)}
    caption = inputs.remarked(captions.BACKGROUND_MAPS)
    controls = (_edge_control(inputs),)
    return Figure(name="background-maps", caption=caption, variants=variants, controls=controls)


def _profiles(inputs: Inputs) -> Figure:
    names = list(inputs.profiles)
    variants = {
        (i,): element_profiles(
            inputs.one_frame,
            edges=list(inputs.edges),
            profile=name,
            scaled=False,
            styles=inputs.styles,
            methods=[],
            unit=inputs.view.unit,
        )
        for i, name in enumerate(names)
    }
    truth = ", and the truth (broad grey line)" if inputs.has_truth else ""
    caption = captions.BACKGROUND_PROFILES.format(truth=truth)
    control = (Control("Profile", tuple(names)),)
    return Figure(name="background-profiles", caption=caption, variants=variants, controls=control)


def _estimates(inputs: Inputs) -> Table:
    attrs = inputs.rank.attrs
    estimates = zip(inputs.rank["estimator"].values, inputs.rank["estimate"].values, strict=True)
    rows = []
    for name, count in estimates:
        mark = f"{LIGHTS['green']} " if str(name) == str(attrs.get("chosen", "")) else ""
        shown = cell(mark + str(name).replace("_", " "))
        rows.append(Row(cells=(shown, figure_cell(str(int(count))), cell(ESTIMATORS.get(str(name), "")))))
    caption = captions.ESTIMATES.format(
        level=number(attrs.get("noise_level")),
        edge=number(attrs.get("noise_edge")),
        rank=attrs.get("signal_rank", DASH),
    )
    return Table(caption=caption, columns=("estimate", "components", "how"), rows=tuple(rows))


def _scree(inputs: Inputs) -> Figure:
    n = inputs.pca.sizes["index"]
    counts = (min(FIRST, n), n)
    variants = {(i,): scree(inputs.pca, inputs.rank, count=count) for i, count in enumerate(counts)}
    control = Control("Show", (f"first {counts[0]}", f"all {n}"))
    return Figure(name="scree", caption=captions.SCREE, variants=variants, controls=(control,))


def _shown(inputs: Inputs) -> int:
    return min(inputs.n_endmembers + 2, inputs.pca.sizes["component"])


def _scores(inputs: Inputs) -> Figure:
    figure = score_maps(inputs.pca, inputs.view, count=_shown(inputs), chosen=inputs.n_endmembers)
    return Figure(name="scores", caption=inputs.remarked(captions.SCORES), variants={(): figure})


def _loadings(inputs: Inputs) -> Figure:
    count = _shown(inputs)
    figure = loadings(
        inputs.pca,
        count=count,
        chosen=inputs.n_endmembers,
        columns=columns_for(count, inputs.view),
        title=inputs.energy_title,
    )
    return Figure(name="loadings", caption=captions.LOADINGS, variants={(): figure})
