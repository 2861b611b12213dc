"""Section that says of each map by how much it is likely off, and what that is made of."""

import numpy as np

from eelsunmix.report.content import Cell, Row, Section, Table, Text, cell, figure_cell
from eelsunmix.report.figures.style import REFERENCE
from eelsunmix.report.first.choice import chosen_label, shown_maps
from eelsunmix.report.first.map_errors import (
    MISFIT,
    NOISE,
    OTHERS,
    PARTS,
    PATTERN,
    SPECTRUM,
    TWINS,
    MapError,
    map_errors,
    rough,
)
from eelsunmix.report.first.presence import ALL_NOISE, FAILED, NOT_FOUND
from eelsunmix.report.formatting import DASH, decimals
from eelsunmix.report.inputs import Inputs

TITLE = "How sure is each map"
INTRO = (
    "A map is likely off by the largest of the parts beside it, all of them parts of its peak. They are "
    "different errors of the same counts, not to be added: simulated images have noise too."
)
EXPLAINED = {
    NOISE: "median standard deviation by the noise of the counts, where the map is above half of its peak; "
    "averaging pixels lowers it",
    SPECTRUM: "standard deviation, by the noise of BS, of the net counts in the spectrum that the map is "
    "made with: it scales the whole map, and is large where an edge is hardly there",
    TWINS: "root mean square error of all maps of this result on images simulated from it, whose truth is "
    "known (twins), for a map of this size; it holds noise, what the method gets wrong there, and what "
    "averages over neighbours blur; weak regions are off by more of their own counts. Such images hold "
    "what this result says, and noise: a material that it has not found, or a background that bends with "
    "thickness, is not in them",
    MISFIT: "what noise does not explain of the difference from background subtraction, in the shape of a "
    "profile or map or by a factor between them, whichever is more",
    PATTERN: "what a fixed pattern of the detector, which cannot be told from the spectrum at an edge, does "
    "to the net counts; one that adds counts does the same to every pixel",
}
LIMITS = "the section of components has the limits of BS"
WITHOUT = {
    NOT_FOUND: "neither BS nor the spectrum of a component shows the element beyond noise, so that the "
    f"map has no peak, and stands for none of it; {LIMITS}",
    ALL_NOISE: f"the highest values of the map of BS may be chance; {LIMITS}",
    FAILED: "the map of BS is drawn with a background that is wrong",
}
SHARES = (
    "Other spectra allow: only if you use shares (abundances) instead of counts. Other sets of spectra "
    "describe the image just as well; with them the abundance of the component that owns the edge is so many "
    "times as large, and its map differs by so much of the peak."
)
SHARES_OF_COMPONENTS = (
    "Other spectra allow: other sets of spectra describe the image just as well, and with them shares differ "
    "by so much of the peak. It is half of the way to the farther end of what they allow, with the errors on "
    "simulated images, where the map is above half of its peak. No edge is named that could narrow it."
)


def section(inputs: Inputs) -> Section:
    """Tabulate the errors of the maps that the page shows first."""
    found = map_errors(inputs, shown_maps(inputs, chosen_label(inputs)))
    parts = [part for part in PARTS if any(part in one.parts for one in found)]
    shares = {one.shown.name: _shares(inputs, one) for one in found}
    further = [f"{OTHERS}, as a share"] if any(shares.values()) else []
    without = {one.no_peak for one in found}
    rows = tuple(
        Row(
            cells=(
                *_first(one),
                *(_part(one, part) for part in parts),
                *(cell(shares[one.shown.name] or DASH) for _ in further),
            )
        )
        for one in found
    )
    table = Table(caption="", columns=("map", "likely off by", *parts, *further), rows=rows)
    told = [f"{part[:1].upper()}{part[1:]}: {EXPLAINED[part]}." for part in parts]
    told += [
        f"{reason[:1].upper()}{reason[1:]}: {WITHOUT[reason]}." for reason in WITHOUT if reason in without
    ]
    more = SHARES if any(one.shown.edge for one in found) else SHARES_OF_COMPONENTS
    blocks = (table, Text(*told, *([more] if further else [])))
    return Section(name="errors", title=TITLE, intro=INTRO, blocks=blocks if rows else ())


def _first(one: MapError) -> tuple[Cell, Cell]:
    by = " by BS" if one.shown.source == REFERENCE else ""
    return cell(one.shown.title + by), cell(one.said or DASH)


def _part(one: MapError, part: str) -> Cell:
    return figure_cell(rough(one.parts.get(part)))


def _shares(inputs: Inputs, error: MapError) -> str:
    """Say how far other spectra change the abundance that a map is made of; nothing if that is unknown."""
    one = error.shown
    if not one.edge and np.isfinite(error.allowed):
        return f"± {rough(error.allowed)}"
    if error.no_peak or not one.edge or one.source == REFERENCE or "scale_low" not in inputs.comparison:
        return ""
    at = inputs.comparison.sel({"label": one.source, "edge": one.edge})
    low, high, shape = (float(at[name]) for name in ("scale_low", "scale_high", "shape_error"))
    if np.isnan(low):
        return ""
    return f"{decimals(low, 2)} to {decimals(high, 2)} times, ± {rough(shape)}"
