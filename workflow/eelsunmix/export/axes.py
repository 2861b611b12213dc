"""Axes of exported arrays: name, unit, and scale and offset where the steps are even."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from eelsunmix.typing import Floats

UNEVEN = 1e-4
"""Largest difference of a step from the mean one, in steps, at which an axis still counts as even."""


@dataclass(frozen=True, kw_only=True)
class Axis:
    """The axis of a dim.

    Parameters
    ----------
    name, unit : str
        The unit is empty for numbers of entries.
    values : ndarray
        Of each entry.
    """

    name: str
    unit: str
    values: Floats

    @property
    def size(self) -> int:
        """Number of entries."""
        return len(self.values)

    @property
    def offset(self) -> float:
        """Value of the first entry."""
        return float(self.values[0])

    @property
    def scale(self) -> float:
        """Mean step; 1 where there is a single entry."""
        return float(self.values[-1] - self.values[0]) / (self.size - 1) if self.size > 1 else 1.0

    @property
    def is_even(self) -> bool:
        """Whether offset and scale say all."""
        straight = self.offset + self.scale * np.arange(self.size)
        return self.scale != 0 and bool(np.all(np.abs(self.values - straight) <= UNEVEN * abs(self.scale)))


def axis_of(array: xr.DataArray | xr.Dataset, dim: str) -> Axis:
    """Return the axis of a dim; numbers from 0 where the dim has no numeric coordinate."""
    if dim in array.coords and array[dim].dtype.kind in "fiu":
        found = array[dim]
        return Axis(name=dim, unit=str(found.attrs.get("units", "")), values=found.values.astype(float))
    return Axis(name=dim, unit="", values=np.arange(float(array.sizes[dim])))


def frame_names(array: xr.Dataset | xr.DataArray) -> tuple[str, ...]:
    """Say which frame each is: by its number, its time or its tilt."""
    axis = axis_of(array, "frame")
    unit = "" if axis.unit == "frame" else f" {axis.unit}"
    return tuple(f"frame {value:g}{unit}".rstrip() for value in axis.values)
