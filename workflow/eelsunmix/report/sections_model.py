"""Sections on the background subtraction and on the number of components."""

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
from eelsunmix.report.figures_background import background_maps, windows_figure
from eelsunmix.report.figures_grid import columns_for
from eelsunmix.report.figures_rank import loadings, score_maps, scree
from eelsunmix.report.formatting import DASH, interval, number, percent, plus_minus, tidy
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.style import REFERENCE

SUSPICIOUS_SIGMA = 3
"""An off-region mean further from zero than this many standard errors is flagged."""
FIRST = 30
ESTIMATORS = {
    "marchenko_pastur": "eigenvalues above the edge of noise (Marchenko-Pastur, calibrated on the tail)",
    "parallel_analysis": "eigenvalues above those of simulated pure noise",
    "elbow": "elbow of the scree plot, as HyperSpy places it (known to be fragile)",
    "user": "number given in the configuration",
}


def background(inputs: Inputs) -> Section:
    """The reference: windows, maps and the test where the element is absent, edge by edge."""
    edges = list(inputs.edges)
    if not edges:
        return Section(
            name="background",
            title="Background subtraction, the reference",
            blocks=(Notice("No edge is named in the configuration.", "warning"),),
        )
    origin = inputs.bs.attrs.get("exponent_from", "pixel")
    exponent = {"pixel": "of each pixel", "local": "averaged over neighbours", "global": "of the whole image"}
    intro = (
        "A power law is fitted to the counts below each edge by Poisson maximum likelihood, extrapolated and "
        f"subtracted. The exponent is that {exponent.get(str(origin), str(origin))}; the amplitude is always that "
        "of the pixel. Net counts are signed and never clipped."
    )
    blocks = (_edge_table(inputs), *_off_region_notices(inputs), _windows(inputs), _maps(inputs))
    return Section(
        name="background", title="Background subtraction, the reference", intro=intro, blocks=blocks
    )


def components(inputs: Inputs) -> Section:
    """How many components there are: evidence, estimates, choice."""
    rank = inputs.rank
    chosen = f"{inputs.n_endmembers} components were used. {rank.attrs.get('reason', '')}"
    warnings = [Notice(str(text), "warning") for text in rank.attrs.get("warnings", [])]
    return Section(
        name="components",
        title="How many components",
        blocks=(
            Text(chosen),
            *warnings,
            _estimates(inputs),
            _scree(inputs),
            _scores(inputs),
            _loadings(inputs),
        ),
    )


def _edge_table(inputs: Inputs) -> Table:
    rows = []
    negative = inputs.comparison["negative_fraction"].sel({"method": REFERENCE})
    for edge, windows in inputs.edges.items():
        mean, error, light, sigmas = _off_region(inputs, edge)
        rows.append(
            Row(
                cells=(
                    cell(edge.replace("_", " ")),
                    cell(str(windows.get("element", DASH))),
                    figure_cell(tidy(windows.get("onset_eV"))),
                    cell(_window(windows, "fit_eV", inputs)),
                    cell(_window(windows, "integrate_eV", inputs)),
                    figure_cell(percent(negative.sel(edge=edge).item())),
                    cell(plus_minus(mean, error), numeric=True),
                    cell(sigmas, light=light, numeric=True),
                )
            )
        )
    unit = inputs.energy_unit
    columns = ("edge", "element", f"onset ({unit})", "background fit", "integration", "negative pixels")
    caption = (
        "Windows and checks of each edge. Off region: mean net counts per pixel where the element is said to be "
        f"absent, with its standard error; further than {SUSPICIOUS_SIGMA} σ from zero is flagged ✖: the windows "
        "then see something else than the element."
    )
    return Table(
        caption=caption, columns=(*columns, "off region (counts)", "off region (σ)"), rows=tuple(rows)
    )


def _window(windows: dict[str, Any], key: str, inputs: Inputs) -> str:
    return interval(windows[key], inputs.energy_unit) if key in windows else DASH


def _off_region(inputs: Inputs, edge: str) -> tuple[float, float, str, str]:
    mean = float(inputs.bs["off_region_mean"].sel(edge=edge))
    error = float(inputs.bs["off_region_sd"].sel(edge=edge))
    if not error > 0:
        return mean, error, "grey", "no such region" if mean != mean else DASH
    sigmas = mean / error
    good = abs(sigmas) <= SUSPICIOUS_SIGMA
    return mean, error, "green" if good else "red", f"{'✔' if good else '✖'} {number(sigmas, 2)}"


def _off_region_notices(inputs: Inputs) -> list[Block]:
    flagged = [edge for edge in inputs.edges if _off_region(inputs, edge)[2] == "red"]
    if not flagged:
        return []
    names = ", ".join(edge.replace("_", " ") for edge in flagged)
    text = f"{names}: net counts differ from zero where the element is said to be absent. Do not read them as element."
    return [Notice(text, "warning")]


def _windows(inputs: Inputs) -> Figure:
    edges = list(inputs.edges)
    variants = {
        (i,): windows_figure(inputs.bs, edge, inputs.edges[edge], inputs.energy_title)
        for i, edge in enumerate(edges)
    }
    caption = (
        "Mean spectra of the pixels with low, middle and high net counts, the background fitted in the grey window "
        "and extrapolated, and the net counts in the blue one. Look whether the line still follows the spectrum "
        "where the element is absent (left)."
    )
    control = Control("Edge", tuple(edge.replace("_", " ") for edge in edges))
    return Figure(name="windows", caption=caption, variants=variants, controls=(control,))


def _maps(inputs: Inputs) -> Figure:
    edges = list(inputs.edges)
    variants = {(i,): background_maps(inputs.bs, edge, inputs.view) for i, edge in enumerate(edges)}
    caption = (
        "Maps of the background subtraction, one pixel each: net counts, their standard deviation, the ratio of both, "
        "the exponent and the fit's reduced χ² (1 where the power law fits to within the noise). "
        + inputs.view.remark
    )
    control = Control("Edge", tuple(edge.replace("_", " ") for edge in edges))
    return Figure(name="background-maps", caption=caption.strip(), variants=variants, controls=(control,))


def _estimates(inputs: Inputs) -> Table:
    chosen = str(inputs.rank.attrs.get("chosen", ""))
    estimates = zip(inputs.rank["estimator"].values, inputs.rank["estimate"].values, strict=True)
    rows = tuple(
        Row(
            cells=(
                cell(f"{'✔ ' if str(name) == chosen else ''}{str(name).replace('_', ' ')}"),
                figure_cell(str(int(count))),
                cell(ESTIMATORS.get(str(name), "")),
            )
        )
        for name, count in estimates
    )
    level, edge = inputs.rank.attrs.get("noise_level"), inputs.rank.attrs.get("noise_edge")
    caption = (
        f"Estimates of the number of components; ✔ marks the one used. Noise level of the tail {number(level)}, "
        f"edge of noise {number(edge)} (1 for ideal counting), signal above it in "
        f"{inputs.rank.attrs.get('signal_rank', DASH)} eigenvalues."
    )
    return Table(caption=caption, columns=("estimate", "components", "how"), rows=rows)


def _scree(inputs: Inputs) -> Figure:
    n = inputs.pca.sizes["index"]
    counts = (min(FIRST, n), n)
    variants = {(i,): scree(inputs.pca, inputs.rank, count=count) for i, count in enumerate(counts)}
    caption = (
        "Eigenvalues of the Poisson-weighted data. Components above the edge of noise carry structure; those below "
        "cannot be told from noise. A slow tail above the dashed line points to correlated noise or drift."
    )
    control = Control("Show", (f"first {counts[0]}", f"all {n}"))
    return Figure(name="scree", caption=caption, variants=variants, controls=(control,))


def _shown(inputs: Inputs) -> int:
    return inputs.n_endmembers + 2


def _scores(inputs: Inputs) -> Figure:
    figure = score_maps(inputs.pca, inputs.view, count=_shown(inputs), chosen=inputs.n_endmembers)
    caption = (
        "Score maps of the components used and of the next two, each on its own scale around zero. "
        f"Structure or noise? {inputs.view.remark}"
    )
    return Figure(name="scores", caption=caption.strip(), variants={(): figure})


def _loadings(inputs: Inputs) -> Figure:
    count = min(_shown(inputs), inputs.pca.sizes["component"])
    figure = loadings(
        inputs.pca,
        count=count,
        chosen=inputs.n_endmembers,
        columns=columns_for(count, inputs.view),
        title=inputs.energy_title,
    )
    caption = (
        "Loadings of the same components, in counts. They are no spectra of materials: signs are arbitrary."
    )
    return Figure(name="loadings", caption=caption, variants={(): figure})
