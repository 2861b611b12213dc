"""What tells the frames of a series apart: given, from the file, or their numbers."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import xarray as xr

from eelsunmix.errors import InputError, in_brief
from eelsunmix.io.axes import FrameAxis, file_values
from eelsunmix.io.signals import FileAxis


def frame_axis(
    axis: FileAxis, given: FrameAxis | None, origin: dict[str, str], path: Path
) -> tuple[xr.Variable, tuple[str, ...]]:
    """Return the coordinate of the frames, and what the user should know of it.

    It is the given one, that of the file where it tells the frames apart, or their numbers.

    Parameters
    ----------
    axis : FileAxis
        As in the file.
    given : FrameAxis, optional
        What the configuration says.
    origin : dict
        Gains the entry ``frame``.
    path : Path
        For the message.

    Raises
    ------
    InputError
        If not every frame has a value.
    """
    origin["frame"] = "configuration" if given else "file"
    if given is not None:
        if len(given.values) != axis.size:
            raise InputError(
                f"{path}: axes.frame.values has {len(given.values)} numbers for {axis.size} frames; "
                "write one for each frame, in the order of the file"
            )
        return _labelled(replace(axis, name=given.quantity, units=given.unit), np.array(given.values)), ()
    values = file_values(axis) if axis.units else None
    if values is not None and _tell_frames_apart(values):
        return _labelled(axis, values), ()
    origin["frame"] = "assumed"
    numbers = xr.Variable("frame", np.arange(float(axis.size)), {"units": "frame"})
    return numbers, () if values is None else (_doubt(axis, values),)


def _labelled(axis: FileAxis, values: np.ndarray) -> xr.Variable:
    name = {"long_name": axis.name} if axis.name and axis.name != "frame" else {}
    return xr.Variable("frame", values, {"units": axis.units, **name})


def _tell_frames_apart(values: np.ndarray) -> bool:
    """Whether values are finite and rise or fall throughout, as times, doses and tilts do."""
    steps = np.diff(values)
    return bool(np.isfinite(values).all() and ((steps > 0).all() or (steps < 0).all()))


def _doubt(axis: FileAxis, values: np.ndarray) -> str:
    return (
        f"the frames of the file, {in_brief([float(value) for value in values[:4]])} {in_brief(axis.units)}, "
        "neither rise nor fall throughout: they are numbered; write axes: {frame: {values: [...], unit: ...}}"
    )
