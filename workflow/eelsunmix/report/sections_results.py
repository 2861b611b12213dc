"""Sections on what the methods found: endmembers, maps, profiles, residuals, ground truth."""

from collections.abc import Sequence

import numpy as np

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
from eelsunmix.report.figures_endmembers import (
    DISPLAYS,
    angles,
    cross_talk,
    endmember_spectra,
    group_names,
    members_of,
)
from eelsunmix.report.figures_maps import COMMON, OWN, RETURNED, chi2_maps, component_grid, element_grid
from eelsunmix.report.figures_profiles import element_profiles, true_abundance_profiles, true_endmembers
from eelsunmix.report.figures_spectra import mean_residuals
from eelsunmix.report.formatting import DASH, number, percent, tidy, value
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.style import REFERENCE

TRUTH_SCORES = (
    ("truth_sad", "SAD", "spectral angle (rad); small for any EELS spectra, since all share the background"),
    ("truth_sad_whitened", "whitened SAD", "spectral angle after division by the Poisson noise (rad)"),
    ("truth_sad_edge", "edge SAD", "spectral angle after background subtraction (rad)"),
    ("truth_nmse", "NMSE", "squared error of the abundance map, relative to its square"),
    ("truth_nmse_scale_free", "scale-free NMSE", "the same after the best common factor"),
)
PROFILE_SCORES = {
    "profile_correlation": "r",
    "profile_scale": "scale",
    "profile_error": "error / peak",
    "profile_reduced_chi2": "χ²",
    "fwhm_nm": "FWHM",
    "left_10_90_nm": "left 10–90",
    "right_10_90_nm": "right 10–90",
    "asymmetry": "asymmetry",
}


def endmembers(inputs: Inputs) -> Section:
    """Endmember spectra of all methods by matched component, and their cross-talk."""
    blocks: list[Block] = [*_failed(inputs)]
    if inputs.working:
        blocks.append(_spectra(inputs))
        if inputs.edges:
            blocks.append(_cross_talk(inputs))
        if len(inputs.working) > 1:
            blocks.append(_angles(inputs))
    intro = "Components of all methods are matched to each other by the angle between their noise-weighted spectra."
    return Section(name="endmembers", title="Endmember spectra", intro=intro, blocks=tuple(blocks))


def maps(inputs: Inputs) -> Section:
    """Element maps of all methods."""
    intro = (
        "All methods are brought to one unit, the counts of an edge: the endmembers are fitted to the corrected counts, "
        "and the net counts of each endmember at the edge are added up with these weights. No arbitrary factor is left."
    )
    blocks: list[Block] = [*_failed(inputs)]
    if inputs.edges:
        blocks += [_grid(inputs), *_map_scores(inputs)]
    else:
        blocks.append(
            Notice("No edge is named in the configuration: there are no element counts to compare.")
        )
    if inputs.working:
        blocks.append(_components(inputs))
    return Section(name="maps", title="Element maps", intro=intro, blocks=tuple(blocks))


def profiles(inputs: Inputs) -> Section:
    """Profiles against the reference."""
    if not inputs.profiles or not inputs.edges:
        notice = Notice("No profile is named in the configuration.")
        return Section(name="profiles", title="Profiles", blocks=(notice,))
    blocks = (_geometry(inputs), _profiles(inputs), *_profile_scores(inputs))
    return Section(name="profiles", title="Profiles", blocks=blocks)


def residuals(inputs: Inputs) -> Section:
    """What the methods leave unexplained."""
    stores = {method: inputs.maps[method] for method in inputs.working}
    if not stores:
        return Section(
            name="residuals", title="Residuals", blocks=(Notice("No method gave a result.", "error"),)
        )
    caption = (
        "Reduced χ² of each pixel, common scale. 1 is noise alone; structure shows where the endmembers do not suffice. "
        + inputs.view.remark
    )
    chi2 = Figure(name="chi2", caption=caption.strip(), variants={(): chi2_maps(stores, inputs.view)})
    pairs = {m: (s["mean_residual"].values, s["mean_residual_sd"].values) for m, s in stores.items()}
    figure = mean_residuals(pairs, inputs.energy, inputs.edges, inputs.styles, inputs.energy_title)
    n_pixels = inputs.pca.attrs.get("n_valid_pixels", DASH)
    caption = (
        f"Residual spectrum averaged over {n_pixels} pixels, in units of its expected standard deviation; grey: ±2 σ. "
        "Structure at an edge means that a component is missing or wrong; spikes mean bad channels."
    )
    mean = Figure(name="mean-residual", caption=caption, variants={(): figure})
    return Section(name="residuals", title="Residuals", blocks=(chi2, mean))


def truth(inputs: Inputs) -> Section | None:
    """Scores against the truth of a simulated sample."""
    if not inputs.has_truth:
        return None
    blocks = _truth_scores(inputs)
    if inputs.working and "true_endmember_spectrum" in inputs.raw:
        blocks.append(_truth_spectra(inputs))
    if inputs.working and inputs.profiles:
        blocks.append(_truth_profiles(inputs))
    intro = "The sample is simulated: what every method should have found is known."
    return Section(name="truth", title="Ground truth", intro=intro, blocks=tuple(blocks))


def _failed(inputs: Inputs) -> list[Block]:
    return [Notice(reason, "error", title=f"{method} failed") for method, reason in inputs.failures.items()]


def _spectra(inputs: Inputs) -> Figure:
    variants = {
        (i,): endmember_spectra(
            inputs.comparison,
            inputs.fits,
            inputs.working,
            edges=inputs.edges,
            styles=inputs.styles,
            display=display,
            title=inputs.energy_title,
        )
        for i, display in enumerate(DISPLAYS)
    }
    caption = (
        "Endmember spectra of all methods, one panel per matched component, named after the elements whose edges it "
        "owns. Look for edges of other elements in a spectrum: the method has not separated them. "
        "Flattened spectra are multiplied by the third power of the axis, so that weak edges show."
    )
    control = Control("Scale", tuple(DISPLAYS))
    return Figure(name="spectra", caption=caption, variants=variants, controls=(control,))


def _cross_talk(inputs: Inputs) -> Figure:
    edges = list(inputs.edges)
    caption = (
        "Cross-talk: net counts of each endmember at each edge, divided by those of the endmember that owns the edge "
        "(1). Zero elsewhere in a column means a clean separation; negative values mean that the spectrum dips there."
    )
    variants = {(): cross_talk(inputs.comparison, inputs.working, edges)}
    return Figure(name="cross-talk", caption=caption, variants=variants)


def _angles(inputs: Inputs) -> Figure:
    values = inputs.comparison["sad_between"].sel({"method": inputs.working})
    values = values.sel(other_method=inputs.working) if "other_method" in values.coords else values
    caption = "Mean noise-weighted spectral angle (rad) between the matched endmembers of two methods; 0 is the same."
    return Figure(
        name="angles",
        caption=caption,
        variants={(): angles(np.asarray(values.values, float), inputs.working)},
    )


def _components(inputs: Inputs) -> Figure:
    members = members_of(inputs.comparison, inputs.working)
    names = group_names(inputs.comparison, members)
    stores = {method: inputs.maps[method] for method in inputs.working}
    caption = (
        "Abundance of every component as its method returns it, each on its own scale; columns are the matched "
        "components. Abundances of different methods are not in the same unit. " + inputs.view.remark
    )
    figure = component_grid(stores, members, names, inputs.view)
    return Figure(name="component-maps", caption=caption.strip(), variants={(): figure})


def _grid(inputs: Inputs) -> Figure:
    edges = list(inputs.edges)
    choices = [edges, *([edge] for edge in edges)] if len(edges) > 1 else [edges]
    scales = (COMMON, OWN, RETURNED)
    variants = {
        (i, j): element_grid(
            inputs.comparison,
            inputs.maps,
            edges=choice,
            scale=scale,
            view=inputs.view,
            failures=inputs.failures,
        )
        for i, choice in enumerate(choices)
        for j, scale in enumerate(scales)
    }
    names = [edge.replace("_", " ") for edge in edges]
    controls = (
        Control("Edge", ("all", *names) if len(edges) > 1 else tuple(names)),
        Control("Colours", scales),
    )
    caption = (
        "Element maps in counts of the edge, one row per method; zooming one map zooms all. On the common scale equal "
        "colours mean equal counts within an edge. As returned: the abundance of the component that owns the edge. "
        "Colours span 96 % of the values of all methods on the common scale, 99 % on their own. "
        + inputs.view.remark
    )
    return Figure(name="element-maps", caption=caption.strip(), variants=variants, controls=controls)


def _map_scores(inputs: Inputs) -> list[Block]:
    store = inputs.comparison
    caption = (
        "Maps against BS. r cannot exceed the noise ceiling, which is what two equally noisy measurements of the same "
        "map would reach: differences above it mean nothing. Scale: the factor that brings the map to BS, ideally 1. "
        "Off region: mean counts where the element is said to be absent, ideally 0."
    )
    tables: list[Block] = [Text(caption)]
    for edge in inputs.edges:
        rows = []
        for method in inputs.labels:
            one = store.sel({"method": method, "edge": edge})
            numbers = [
                number(one[name].item()) for name in ("map_correlation", "map_scale", "off_region_mean")
            ]
            rows.append(_row(inputs, method, [*numbers, percent(one["negative_fraction"].item())]))
        ceiling = number(store["map_noise_ceiling"].sel(edge=edge).item())
        heading = f"{_spaced(edge)}: noise ceiling of r {ceiling}"
        tables.append(_scores(heading, ("r", "scale", "off region", "negative pixels"), rows))
    return tables


def _scores(heading: str, columns: Sequence[str], rows: Sequence[Row]) -> Table:
    names = ("method", *columns)
    return Table(caption="", heading=heading, columns=names, rows=tuple(rows), css="small wide", half=True)


def _spaced(edge: str) -> str:
    return edge.replace("_", " ")


def _geometry(inputs: Inputs) -> Table:
    rows = []
    for name, band in inputs.profiles.items():
        unit = str(band.get("units", inputs.view.unit))
        width = f"{tidy(band['width_nm'], 4)} nm" if band.get("width_nm") is not None else DASH
        start = f"{tidy(band['start_nm'], 4)} nm" if band.get("start_nm") is not None else DASH
        pixels = band.get("n_pixels") or value(band.get("pixels"))
        texts = (name, f"{value(band.get('along'))} ({unit})", width, str(pixels), start)
        rows.append(Row(cells=tuple(cell(text) for text in texts)))
    return Table(
        caption="The profiles. Counts are summed over the width.",
        columns=("profile", "runs along", "width", "pixels summed", "starts at"),
        rows=tuple(rows),
        css="small",
    )


def _profiles(inputs: Inputs) -> Figure:
    edges, names = list(inputs.edges), list(inputs.profiles)
    choices: list[Sequence[str]] = [edges, *([edge] for edge in edges)] if len(edges) > 1 else [edges]
    variants = {
        (i, j, k): element_profiles(
            inputs.comparison,
            edges=choice,
            profile=name,
            scaled=bool(k),
            styles=inputs.styles,
            methods=inputs.working,
            unit=inputs.view.unit,
        )
        for i, choice in enumerate(choices)
        for j, name in enumerate(names)
        for k in range(2)
    }
    titles = tuple(edge.replace("_", " ") for edge in edges)
    controls = (
        Control("Edge", ("all", *titles) if len(edges) > 1 else titles),
        Control("Profile", tuple(names)),
        Control("Methods", ("in counts", "scaled to BS")),
    )
    caption = (
        "Counts of each edge along the profile, summed over its width: BS with its standard deviation (grey band) and "
        "all methods in the same counts. Scaled to BS: each method times the factor in the table below. Differences "
        "inside the band mean nothing."
    )
    return Figure(name="element-profiles", caption=caption, variants=variants, controls=controls)


def _profile_scores(inputs: Inputs) -> list[Block]:
    unit = inputs.view.unit
    caption = (
        "Profiles against BS: correlation r (compare with the noise ceiling), factor to BS, rms error after scaling "
        "divided by the peak, reduced χ²; and the shape of the main peak: full width at half maximum, widths of both "
        f"flanks between 10 % and 90 %, all in {unit}, and asymmetry (right − left) / (right + left)."
    )
    tables: list[Block] = [Text(caption)]
    for edge in inputs.edges:
        for profile in inputs.profiles:
            place = {"edge": edge, "profile": profile}
            ceiling = number(inputs.comparison["profile_noise_ceiling"].sel(place).item())
            heading = f"{_spaced(edge)}, {profile}: noise ceiling of r {ceiling}"
            rows = [_profile_row(inputs, method, place) for method in inputs.labels]
            tables.append(_scores(heading, tuple(PROFILE_SCORES.values()), rows))
    return tables


def _profile_row(inputs: Inputs, method: str, place: dict[str, str]) -> Row:
    one = inputs.comparison.sel({"method": method, **place})
    return _row(inputs, method, [number(one[name].item()) for name in PROFILE_SCORES])


def _row(inputs: Inputs, method: str, numbers: Sequence[str]) -> Row:
    style = inputs.styles[method]
    name = cell(method, colour=style["color"], dash=style["dash"])
    if method in inputs.failures:
        numbers = [DASH] * len(numbers)
    return Row(method=method, cells=(name, *(figure_cell(text) for text in numbers)))


def _truth_scores(inputs: Inputs) -> list[Block]:
    store = inputs.comparison
    known = [entry for entry in TRUTH_SCORES if entry[0] in store]
    tables: list[Block] = [Text(*(f"{title}: {text}." for _, title, text in known))]
    for name in map(str, store["true_endmember"].values):
        rows = []
        for method in inputs.methods:
            one = store.sel({"method": method, "true_endmember": name})
            rows.append(_row(inputs, method, [number(one[key].item()) for key, _, _ in known]))
        tables.append(_scores(name, tuple(title for _, title, _ in known), rows))
    return tables


def _truth_spectra(inputs: Inputs) -> Figure:
    figure = true_endmembers(
        inputs.raw, inputs.comparison, inputs.fits, inputs.working, inputs.styles, inputs.energy_title
    )
    caption = (
        "True endmember spectra (broad grey line) and the matched ones of all methods, all at unit area."
    )
    return Figure(name="true-spectra", caption=caption, variants={(): figure})


def _truth_profiles(inputs: Inputs) -> Figure:
    names = list(inputs.profiles)
    variants = {
        (i,): true_abundance_profiles(
            inputs.comparison, name, inputs.working, inputs.styles, inputs.view.unit
        )
        for i, name in enumerate(names)
    }
    caption = (
        "Abundance of each true endmember along the profile, averaged over its width (broad grey line), and the "
        f"abundances of the matched components. The shading of {REFERENCE} does not apply here: it has no abundances."
    )
    control = Control("Profile", tuple(names))
    return Figure(name="true-profiles", caption=caption, variants=variants, controls=(control,))
