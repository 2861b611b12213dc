"""Section on the profiles against background subtraction."""

from typing import Any

import numpy as np

from eelsunmix.comparison.shape import peak_shape
from eelsunmix.comparison.words import listed
from eelsunmix.report.content import Block, Control, Figure, Notice, Row, Section, Table, Text, cell
from eelsunmix.report.figures.profiles import TRUE_LINES, element_profiles
from eelsunmix.report.figures.style import REFERENCE
from eelsunmix.report.first.choice import chosen_label
from eelsunmix.report.formatting import DASH, decimals, in_words, number, tidy
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.parts import edge_choices, score_row, score_table
from eelsunmix.report.places import averaged_over_planes
from eelsunmix.report.texts import value
from eelsunmix.stage_warnings import reference_problems

SCORES = {
    "profile_correlation": ("r", 3),
    "profile_scale": ("scale", 2),
    "profile_error": ("error", 3),
    "profile_reduced_chi2": ("χ²", 2),
    "fwhm": ("FWHM", 2),
    "left_10_90": ("left", 2),
    "right_10_90": ("right", 2),
    "asymmetry": ("asym.", 2),
}
"""Score -> heading and decimals."""
NONE = (
    "No profile is named in the configuration. profiles: {across: {along: x}} gives one along x, summed over "
    "the whole width; along: y one along y."
)
PROFILES = "The profiles. Counts are summed over the width."
ELEMENT_PROFILES = (
    "Counts of each edge along the profile, summed over its width: BS and all methods in the same counts, by "
    "their components that show the element{truth}. Bands are one standard deviation by the noise of the "
    "counts; networks have none. They do not hold what other endmembers would give, nor what abundances "
    "that are cut at zero add to a sum. Scaled to "
    "BS: each method as the tables below score it, with the negative counts that BS finds in components "
    "without the element, times the factor there. Differences inside the bands mean nothing."
)
PROFILE_SCORES = (
    "Profiles against BS: correlation r (compare with the noise ceiling), factor to BS, rms error after "
    "scaling divided by the peak, reduced χ², all of the curves that are drawn “scaled to BS”; and the shape "
    "of the main peak: full width at half maximum (not given where the profile oscillates), widths of the "
    "left and right flank between 10 % and 90 % (all in {unit}), and asymmetry "
    "(right − left) / (right + left)."
)


WIDTHS = (
    "Full width at half maximum ({label}). It is no surer than the spread over the methods, and may be less "
    "sure: they share the counts, their noise and the size of the probe. BS is another way to measure it."
)
OTHER_FLANK = 2.0
"""Ratio of the lengths of two flanks from which they are told."""
NO_SCALE = (
    " The file has no length scale, so lengths are in pixels: axes: {pixel_nm: ...} in the configuration, "
    "with the size of a pixel, gives nm."
)
TURNED = " Maps of this page show y to the right, and x downwards."
LATTICE = (
    "The lattice modulates {profile}, with a period of {period} {unit}: widths, flanks and asymmetry are "
    "those of the average over one period, for BS and all methods alike."
)


def section(inputs: Inputs) -> Section:
    """Profiles of every edge by every method, and their scores."""
    blocks: list[Block] = [Notice(NONE)]
    if inputs.profiles and inputs.edges:
        blocks = [*_widths(inputs), _geometry(inputs), _profiles(inputs), *_scores(inputs)]
    return Section(name="profiles", title="Profiles", blocks=tuple(blocks))


def _geometry(inputs: Inputs) -> Table:
    rows = tuple(_geometry_row(name, band) for name, band in inputs.profiles.items())
    columns = ("profile", "runs along", "width", "pixels summed", "starts at")
    caption = PROFILES + TURNED * inputs.view.rotated + NO_SCALE * (inputs.view.unit == "px")
    return Table(caption=caption, columns=columns, rows=rows, css="small")


def _geometry_row(name: str, band: dict[str, Any]) -> Row:
    pixels = str(band.get("n_pixels") or value(band.get("pixels")))
    unit = str(band.get("units", "nm"))
    first = next(iter(band.get("pixels") or [None]))
    in_px = {"width_nm": band.get("n_pixels"), "start_nm": first} if unit == "px" else {}
    lengths = [_length(in_px.get(key, band.get(key)), unit) for key in ("width_nm", "start_nm")]
    texts = (in_words(name), value(band.get("along")), lengths[0], pixels, lengths[1])
    return Row(cells=tuple(cell(text) for text in texts))


def _length(length: Any, unit: str) -> str:
    return DASH if length is None else f"{tidy(length, 4)} {unit}"


def _profiles(inputs: Inputs) -> Figure:
    control, choices = edge_choices(inputs)
    variants = {
        (i, j, k): element_profiles(
            inputs.one_frame,
            edges=choice,
            profile=name,
            scaled=bool(k),
            styles=inputs.styles,
            methods=inputs.working,
            unit=inputs.view.unit,
        )
        for i, choice in enumerate(choices)
        for j, name in enumerate(inputs.profiles)
        for k in range(2)
    }
    controls = (control, Control("Profile", tuple(map(in_words, inputs.profiles))), _scaling())
    truth = TRUE_LINES if inputs.has_true_maps else ""
    caption = ELEMENT_PROFILES.format(truth=truth)
    return Figure(name="element-profiles", caption=caption, variants=variants, controls=controls)


def _scaling() -> Control:
    return Control("Methods", ("in counts", "scaled to BS"))


def _scores(inputs: Inputs) -> list[Block]:
    periods = inputs.comparison["lattice_period"]
    seen = [
        LATTICE.format(
            profile=in_words(name), period=number(periods.sel(profile=name).item(), 2), unit=inputs.view.unit
        )
        for name in inputs.profiles
        if np.isfinite(periods.sel(profile=name).item())
    ]
    tables: list[Block] = [Text(" ".join([PROFILE_SCORES.format(unit=inputs.view.unit), *seen]))]
    failed = reference_problems(inputs.bs)
    for edge in inputs.edges:
        for profile in inputs.profiles:
            place = {"edge": edge, "profile": profile}
            ceiling = decimals(inputs.comparison["profile_noise_ceiling"].sel(place).item())
            bad = "BS failed; " * (edge in failed)
            heading = f"{in_words(edge)}, {in_words(profile)}: {bad}noise ceiling of r {ceiling}"
            rows = [_row(inputs, method, place) for method in inputs.labels]
            tables.append(score_table(heading, [title for title, _ in SCORES.values()], rows))
    return tables


def _widths(inputs: Inputs) -> list[Text]:
    """Say how wide the main peak of each edge is, and how far the methods agree on it."""
    label, failed = chosen_label(inputs), reference_problems(inputs.bs)
    told: dict[tuple[str, str], dict[str, str]] = {}
    for edge in inputs.edges:
        for profile in inputs.profiles:
            found = inputs.comparison["fwhm"].sel(edge=edge, profile=profile)
            own, bs = (float(found.sel({"label": one})) for one in (label, REFERENCE))
            if not np.isfinite(own) or label == REFERENCE:
                continue
            spread = _spread(found.sel({"label": inputs.working}).values)
            # Edges of one element may come from one component: that is no second measurement.
            truth = _true_width(inputs, edge, profile)
            width = f"{in_words(profile)}: {number(own)} {inputs.view.unit}{spread}{truth}."
            same = told.setdefault((str(inputs.edges[edge].get("element")), width), {})
            place = {"edge": edge, "profile": profile}
            same[in_words(edge)] = "" if edge in failed else _beside(own, bs) + _flanks(inputs, label, place)
    texts = [f"{listed([*edges])}, {width}{_of_each(edges)}" for (_, width), edges in told.items()]
    return [Text(WIDTHS.format(label=label)), Text(*texts)] if texts else []


def _true_width(inputs: Inputs, edge: str, profile: str) -> str:
    """Say how wide the peak is in truth; nothing where that is not known, or is no peak."""
    if not inputs.has_true_maps:
        return ""
    true = inputs.one_frame["true_element_profile"].sel(edge=edge, profile=profile)
    position = inputs.comparison["profile_position"].sel(profile=profile).to_numpy()
    width = peak_shape(position, averaged_over_planes(inputs, profile, true.to_numpy().astype(float))).fwhm
    return f"; truth {number(width)}" if np.isfinite(width) else ""


def _of_each(beside: dict[str, str]) -> str:
    """Say what BS finds, edge by edge where there are several."""
    if len(beside) == 1:
        return next(iter(beside.values()))
    return "".join(f" {edge}:{text}" for edge, text in beside.items() if text)


def _spread(others: np.ndarray) -> str:
    """Say from where to where the widths of all methods go.

    Examples
    --------
    >>> _spread(np.array([10.8, 11.3])), _spread(np.array([2.0]))
    ('; all methods 10.8 to 11.3', '')
    """
    low, high = (number(limit) for limit in (np.nanmin(others), np.nanmax(others)))
    return f"; all methods {low} to {high}" * (int(np.isfinite(others).sum()) > 1)


def _beside(own: float, bs: float) -> str:
    """Say by how much the width of BS differs; nothing where it has none.

    Examples
    --------
    >>> _beside(11.3, 9.71), _beside(2.0, np.nan)
    (' BS has 1.6 less (9.71).', '')
    """
    if not np.isfinite(bs):
        return ""
    return f" BS has {number(abs(own - bs), 2)} {'less' if bs < own else 'more'} ({number(bs)})."


def _flanks(inputs: Inputs, label: str, place: dict[str, str]) -> str:
    """Name the flanks that are much longer or shorter than those of BS: by a tail, perhaps."""
    position = inputs.comparison["profile_position"].sel(profile=place["profile"])
    told, pixel = [], float(np.abs(np.diff(position[:2]))[0])
    for side in ("left", "right"):
        lengths = inputs.comparison[f"{side}_10_90"].sel(place)
        own, bs = (float(lengths.sel({"label": one})) for one in (label, REFERENCE))
        if min(own, bs) > 0 and max(own / bs, bs / own) > OTHER_FLANK and abs(own - bs) > pixel:
            told.append(f"{side} flank is {number(own)} {inputs.view.unit} long, that of BS {number(bs)}")
    return f" Its {' and its '.join(told)}: one of the two may have a tail there." if told else ""


def _row(inputs: Inputs, method: str, place: dict[str, str]) -> Row:
    one = inputs.comparison.sel({"label": method, **place})
    return score_row(
        inputs, method, [decimals(one[name].item(), places) for name, (_, places) in SCORES.items()]
    )
