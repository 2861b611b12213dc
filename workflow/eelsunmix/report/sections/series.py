"""Section on the frames of a series."""

import numpy as np
import xarray as xr

from eelsunmix.report.content import Block, Control, Figure, Row, Section, Table, cell, figure_cell
from eelsunmix.report.figures.series import (
    SHIFTED,
    frame_view,
    maps_of_frames,
    profiles_of_frames,
    shifts_of_frames,
    shown_frames,
    trend,
)
from eelsunmix.report.figures.style import REFERENCE
from eelsunmix.report.first.choice import chosen_label
from eelsunmix.report.formatting import percent
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.texts import frame_of_all

SERIES = (
    "Every frame of the series; the sections before and after show one of them. Drag the slider, or use the "
    "arrow keys."
)
TREND = (
    "Means over all pixels of each frame: total counts, and counts of each edge by {label}. What all of them "
    "do alike is beam current or drift; what one does alone is the sample, or damage to it."
)
SHIFTS = (
    "By how much each frame lies off the others: its features in energy, what is seen in y and x. Gaps: not "
    "known, since something else differs more, or nothing stands out."
)
TABLE = "Counts of a mean pixel over their median (of frames that have any), and the shifts, frame by frame."
LONGEST_TABLE = 40
"""Frames of a series that still get a table; of longer ones the plots tell."""
MAPS = "Total counts, counts of each edge by {label}. Equal colours mean equal counts in all frames.{factor}"
AVERAGED = " For display only, {factor} × {factor} pixels are averaged; the stores hold all."
SPREAD = " Shown are {n} of {all} frames, evenly spread."
PROFILES = "Counts of each edge along {profile}: BS, and {label}; the same scales in all frames."


def section(inputs: Inputs) -> Section | None:
    """Show the frames of a series; nothing for a single image."""
    total = inputs.corrected["total_counts"]
    if total.sizes.get("frame", 1) < 2:
        return None
    label = chosen_label(inputs)
    frames = shown_frames(total.sizes["frame"])
    options = tuple(frame_of_all(total, frame) for frame in frames)
    control = Control("Frame", options, slider=True)
    maps = _maps(inputs, label)
    blocks: list[Block] = [_frames(inputs, maps, frames, control, label)]
    if inputs.profiles and inputs.edges and label != REFERENCE:
        blocks.append(_profiles(inputs, frames, control, label))
    blocks += [
        Figure(name="trend", caption=TREND.format(label=label), variants={(): trend(maps)}),
        Figure(name="shifts", caption=SHIFTS, variants={(): shifts_of_frames(inputs.corrected)}),
        *_table(inputs.corrected),
    ]
    return Section(name="series", title="Series", intro=SERIES, blocks=tuple(blocks))


def _table(corrected: xr.Dataset) -> list[Table]:
    spectra = corrected["frame_spectrum"]
    if spectra.sizes["frame"] > LONGEST_TABLE:
        return []
    counts = spectra.sum([spectra.dims[-1]]).to_numpy()
    usual = np.median(counts[counts > 0]) if np.any(counts > 0) else 1.0
    shifts = [corrected[name] for name in SHIFTED]
    rows = [
        Row(
            cells=(
                cell(frame_of_all(spectra, frame)),
                figure_cell(percent(counts[frame] / usual)),
                *(figure_cell(_signed(float(shift[frame]))) for shift in shifts),
            )
        )
        for frame in range(counts.size)
    ]
    units = [f"{name} ({shift.attrs['units']})" for name, shift in zip(SHIFTED.values(), shifts, strict=True)]
    return [Table(caption=TABLE, columns=("frame", "counts", *units), rows=tuple(rows))]


def _signed(shift: float) -> str:
    return f"{shift:+z.2f}".replace("-", "−") if np.isfinite(shift) else "not known"


def _maps(inputs: Inputs, label: str) -> dict[str, xr.DataArray]:
    found = {"total counts": inputs.corrected["total_counts"]}
    for edge in inputs.edges:
        found[edge.replace("_", " ")] = inputs.comparison["element_map"].sel({"label": label, "edge": edge})
    return found


def _frames(
    inputs: Inputs, maps: dict[str, xr.DataArray], frames: list[int], control: Control, label: str
) -> Figure:
    view = frame_view(maps, frames)
    factor = AVERAGED.format(factor=view.factor) if view.factor > 1 else ""
    caption = MAPS.format(label=label, factor=factor)
    n_frames = inputs.corrected.sizes["frame"]
    caption += SPREAD.format(n=len(frames), all=n_frames) if len(frames) < n_frames else ""
    variants = {(i,): figure for i, figure in enumerate(maps_of_frames(maps, frames, view))}
    return Figure(name="frames", caption=caption, variants=variants, controls=(control,))


def _profiles(inputs: Inputs, frames: list[int], control: Control, label: str) -> Figure:
    profile = next(iter(inputs.profiles))
    figures = profiles_of_frames(
        inputs.comparison,
        frames,
        edges=list(inputs.edges),
        profile=profile,
        label=label,
        styles=inputs.styles,
        unit=inputs.view.unit,
    )
    variants = {(i,): figure for i, figure in enumerate(figures)}
    caption = PROFILES.format(profile=profile, label=label)
    return Figure(name="frame-profiles", caption=caption, variants=variants, controls=(control,))
