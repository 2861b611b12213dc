"""Section on the background subtraction, the reference."""

from dataclasses import replace
from typing import Any

from eelsunmix.background.words import backgrounds_in_words
from eelsunmix.comparison.thresholds import OFF_REGION_SD
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
from eelsunmix.report.figures.profiles import TRUE_LINES, element_profiles
from eelsunmix.report.figures.style import LIGHTS, REFERENCE
from eelsunmix.report.formatting import DASH, in_words, interval, number, percent, plus_minus, tidy
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.texts import one_style

EXPONENTS = {
    "pixel": "fitted pixel by pixel",
    "local": "averaged over neighbouring pixels",
    "global": "the same for the whole image",
}
BACKGROUND = (
    "Before each edge {curves}; it is extrapolated and subtracted. The {shape} {exponent}; the amplitude is "
    "always fitted pixel by pixel. Net counts are signed and never clipped."
)
LINES = (
    "Under each line of X-rays lies the straight line through the mean counts of the windows on both sides, "
    "pixel by pixel: it is subtracted from the counts of the window between them. Net counts are signed and "
    "never clipped, and their standard deviations follow from the counts of the three windows alone."
)
EDGES = (
    "Windows and checks of each edge. Off region: mean net counts per pixel where the element is said to "
    "be absent, with its standard error; further than {sigma} σ from zero is flagged ✖: the windows then "
    "contain something other than the element."
)
ONSETS = (
    "Where each edge rises in the mean spectrum; what the configuration expects, typed by you or proposed "
    "when it was written, else by the table; and the table. Distances from the table that are alike mean a "
    "shifted axis, on a sloping line a wrong dispersion, on no line an axis that is not linear or an onset "
    "that is misplaced. Chemistry moves an edge by a few eV."
)
EDGES_UNTESTED = (
    "Windows of each edge. Negative pixels: half of them where the element is absent, fewer elsewhere. A "
    "region in which an element is known to be absent (regions in the configuration) would test the windows."
)
OFF_REGION = (
    "{names}: net counts differ from zero where the element is said to be absent. As many counts elsewhere "
    "prove nothing."
)
WINDOWS = (
    "Mean spectra of the pixels with low, middle and high net counts, the background fitted in the grey "
    "window and extrapolated, and the net counts in the blue one. Check that the line still follows the "
    "spectrum where the element is absent (left). The pixels are chosen by their own net counts: noise alone "
    "lowers the spectrum in the blue window on the left and raises it on the right, by about one standard "
    "deviation of a pixel, so a small step there is no proof of an edge."
)
LINE_WINDOWS = (
    "Mean spectra of the pixels with low, middle and high net counts, the background through the grey "
    "windows, and the net counts in the blue one. Check that no other line stands in a grey window. The "
    "pixels are chosen by their own net counts: noise alone lowers the spectrum in the blue window on the "
    "left and raises it on the right, by about one standard deviation of a pixel."
)
LINE_MAPS = (
    "Maps of the background subtraction, pixel by pixel: net counts, their standard deviation, the ratio of "
    "both, and the counts below the line."
)
LINE_PROFILES = (
    "Net counts along the profile, summed over its width, with their standard deviation (grey "
    "band){truth}. Where the element is absent they should be zero."
)
BACKGROUND_MAPS = (
    "Maps of the background subtraction, pixel by pixel: net counts, their standard deviation, the ratio "
    "of both, the exponent and the fit's reduced χ² (1 where the background fits to within the noise).{slope}"
)
SLOPE = (
    " Where the background is no single power law, the exponent is that of the power law of its slope in the "
    "fit window."
)
BACKGROUND_PROFILES = (
    "Net counts along the profile, summed over its width, with their standard deviation (grey "
    "band){truth}. Where the element is absent they should be zero: they are negative where the "
    "background is lower than the fit predicts, positive where it is higher."
)


def section(inputs: Inputs) -> Section:
    """Show the reference: windows, maps and the test where the element is absent, edge by edge."""
    title = "Background subtraction, the reference"
    if not inputs.edges:
        notice = Notice("No edge is named in the configuration.")
        return Section(name="background", title=title, blocks=(notice,))
    warnings = [Notice(str(text), "warning") for text in inputs.bs.attrs.get("warnings", [])]
    blocks: list[Block] = [_edge_table(inputs), *_axis(inputs), *_off_region_notice(inputs), *warnings]
    blocks += [_windows(inputs), _maps(inputs), *([_profiles(inputs)] if inputs.profiles else [])]
    return Section(name="background", title=title, intro=_intro(inputs), blocks=tuple(blocks))


def _intro(inputs: Inputs) -> str:
    """Say what was subtracted; of a sample that has edges and lines, of both."""
    said = [_curves_in_words(inputs)] if inputs.curves else []
    return " ".join([*said, LINES] if inputs.has_lines else said)


def _curves_in_words(inputs: Inputs) -> str:
    edges, origin = inputs.bs.attrs["edges"], str(inputs.bs.attrs.get("exponent_from", "pixel"))
    return BACKGROUND.format(
        curves=backgrounds_in_words(edges),
        shape="exponent is" if inputs.curves == ["power_law"] else "shape of the curve (exponent, shares) is",
        exponent=EXPONENTS.get(origin, origin),
    )


def _edge_table(inputs: Inputs) -> Table:
    unit = inputs.energy_unit
    kind, place = ("line", "energy") if inputs.has_lines else ("edge", "onset")
    columns = (kind, "element", f"{place} ({unit})", "background", "integration", "negative pixels")
    rows = tuple(_edge_row(inputs, edge, windows) for edge, windows in inputs.edges.items())
    if not any(_off_region(inputs, edge)[1] > 0 for edge in inputs.edges):
        short = tuple(replace(row, cells=row.cells[: len(columns)]) for row in rows)
        return Table(caption=EDGES_UNTESTED, columns=columns, rows=short)
    return Table(
        caption=EDGES.format(sigma=f"{OFF_REGION_SD:g}"),
        columns=(*columns, "off region (counts)", "off region (σ)"),
        rows=rows,
    )


def _axis(inputs: Inputs) -> list[Block]:
    """Say what the edges or lines tell of the energy axis."""
    known = inputs.bs.attrs.get("energy_axis", {})
    said = str(known.get("summary", ""))
    blocks: list[Block] = [Text(one_style(said.replace("_", " ")))] if said else []
    rows = tuple(_onset_row(edge, one) for edge, one in known.get("onsets", {}).items())
    columns = ("edge", "rises at (eV)", "configured (eV)", "table (eV)")
    return [*blocks, Table(caption=ONSETS, columns=columns, rows=rows)] if rows else blocks


def _onset_row(edge: str, known: dict[str, Any]) -> Row:
    rises = plus_minus(known["onset_eV"], known["onset_sd_eV"], digits=1)
    configured, table = (
        tidy(known[key]) if known.get(key) is not None else DASH for key in ("given_eV", "table_eV")
    )
    return Row(cells=(cell(edge.replace("_", " ")), *map(figure_cell, (rises, configured, table))))


def _edge_row(inputs: Inputs, edge: str, windows: dict[str, Any]) -> Row:
    mean, error, light, sigmas = _off_region(inputs, edge)
    negative = inputs.comparison["negative_fraction"].sel({"label": REFERENCE, "edge": edge}).item()
    fit, integrate, above = (
        interval(windows[key], inputs.energy_unit) if key in windows else DASH
        for key in ("fit", "integrate", "fit_above")
    )
    fit = f"{fit}, {above}" if "fit_above" in windows else fit
    return Row(
        cells=(
            cell(edge.replace("_", " ")),
            cell(str(windows.get("element", DASH))),
            figure_cell(tidy(windows.get("onset"))),
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
    light = "green" if abs(mean / error) <= OFF_REGION_SD else "red"
    return mean, error, light, f"{LIGHTS[light]} {number(mean / error, 2)}"


def _off_region_notice(inputs: Inputs) -> list[Block]:
    flagged = [edge.replace("_", " ") for edge in inputs.edges if _off_region(inputs, edge)[2] == "red"]
    return [Notice(OFF_REGION.format(names=", ".join(flagged)), "warning")] if flagged else []


def _edge_control(inputs: Inputs) -> Control:
    return Control(
        "Line" if inputs.has_lines else "Edge", tuple(edge.replace("_", " ") for edge in inputs.edges)
    )


def _windows(inputs: Inputs) -> Figure:
    variants = {
        (i,): windows_figure(inputs.bs, edge, windows, inputs.energy_title)
        for i, (edge, windows) in enumerate(inputs.edges.items())
    }
    controls = (_edge_control(inputs),)
    caption = LINE_WINDOWS if inputs.has_lines else WINDOWS
    return Figure(name="windows", caption=caption, variants=variants, controls=controls)


def _maps(inputs: Inputs) -> Figure:
    variants = {
        (i,): background_maps(inputs.bs, edge, inputs.view, is_line="fit_above" in windows)
        for i, (edge, windows) in enumerate(inputs.edges.items())
    }
    slope = "" if inputs.curves == ["power_law"] else SLOPE
    caption = inputs.remarked(BACKGROUND_MAPS.format(slope=slope) if inputs.curves else LINE_MAPS)
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
    truth = TRUE_LINES if inputs.has_true_maps else ""
    caption = (LINE_PROFILES if inputs.has_lines else BACKGROUND_PROFILES).format(truth=truth)
    control = (Control("Profile", tuple(map(in_words, names))),)
    return Figure(name="background-profiles", caption=caption, variants=variants, controls=control)
