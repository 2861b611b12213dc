"""Sentences on frames that differ from the others."""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from eelsunmix.image import step_of
from eelsunmix.typing import Bools, Floats, Indices
from eelsunmix.words import frame_in_words, numbered

SHOWN = 5
"""Frames that a sentence names."""

DOSE = (
    "{n} with {more} counts than those beside: {frames}. Beam current, exposure or shutter: abundances are "
    "shares and hardly change, counts of edges do; leave the frame out if it was cut short."
)
EMPTY = (
    "{n} without counts: {frames}. There is nothing to map there; leave such frames out, or record the file "
    "again if it was cut short."
)
ENERGY = (
    "The energy axis of {n} is shifted against that of the other frames: {frames}. Windows of edges then "
    "miss them, and components hold the shift: align frame by frame (corrections.align, by: frame)."
)
PLACE = (
    "The image is shifted in {n} against the other frames: {frames}. Maps and profiles show each frame where "
    "it was measured; nothing is moved back. Align the frames before the import if pixels are to be compared."
)


def dose_words(counts: xr.DataArray, which: Bools, more: str) -> str:
    """Name the frames with more, or fewer, counts than those beside them; empty where there are none."""
    values, places = counts.to_numpy(), np.flatnonzero(which)
    shares = [values[i] / np.median(_beside(values, int(i))) for i in places]
    said = _listed(counts, places, [f" has {100 * share:.0f} %" for share in shares])
    return DOSE.format(n=numbered(places.size, "frame"), frames=said, more=more) if places.size else ""


def _beside(counts: Floats, frame: int) -> Floats:
    """Return the counts of the nearest two frames of either side that have any."""
    full = np.flatnonzero(counts > 0)
    near: Floats = counts[np.concatenate([full[full < frame][-2:], full[full > frame][:2]])]
    return near


def empty_words(counts: xr.DataArray) -> str:
    """Name the frames without counts; empty where there are none."""
    places = np.flatnonzero(counts.to_numpy() <= 0)
    said = _listed(counts, places, [""] * places.size)
    return EMPTY.format(n=numbered(places.size, "frame"), frames=said) if places.size else ""


def energy_words(shift: xr.DataArray, step: float) -> str:
    """Name the frames whose energy axis is shifted by a channel or more."""
    values, unit = shift.to_numpy(), shift.attrs["units"]
    places = np.flatnonzero(np.abs(np.nan_to_num(values)) >= step)
    said = _listed(shift, places, [f" by {values[i]:+.3g} {unit}" for i in places])
    return ENERGY.format(n=numbered(places.size, "frame"), frames=said) if places.size else ""


def place_words(found: xr.Dataset, image: xr.DataArray) -> str:
    """Name the frames whose image is shifted by a pixel or more."""
    axes = {axis: found[f"frame_shift_{axis}"] for axis in ("y", "x")}
    far = [np.abs(np.nan_to_num(shift)) >= step_of(image, axis) for axis, shift in axes.items()]
    places = np.flatnonzero(np.any(far, axis=0))
    said = [_by_axes(axes, int(i)) for i in places]
    listed = _listed(found["frame_shift_y"], places, said)
    return PLACE.format(n=numbered(places.size, "frame"), frames=listed) if places.size else ""


def _by_axes(axes: Mapping[str, xr.DataArray], frame: int) -> str:
    parts = [
        f"{float(shift[frame]):+.3g} {shift.attrs['units']} along {axis}" for axis, shift in axes.items()
    ]
    return f" by {' and '.join(parts)}"


def _listed(like: xr.DataArray, places: Indices, said: list[str]) -> str:
    listed = [f"{frame_in_words(like, int(i))}{text}" for i, text in zip(places, said, strict=True)][:SHOWN]
    more = f" and {places.size - SHOWN} more" if places.size > SHOWN else ""
    return ", ".join(listed) + more
