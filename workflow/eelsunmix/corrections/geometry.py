"""Options of crop, bin and mask, and windows on the axes of an image."""

from collections.abc import Iterable, Mapping
from typing import Literal

import numpy as np
import xarray as xr
from pydantic import Field

from eelsunmix.errors import InputError
from eelsunmix.options import Interval, NotNegative, Options


class CropOptions(Options):
    """Part of the image to keep.

    Parameters
    ----------
    energy_eV, x_nm, y_nm : tuple of float, optional
        Lowest and highest centre of the channels or pixels to keep.
    """

    energy_eV: Interval | None = None
    x_nm: Interval | None = None
    y_nm: Interval | None = None


class BinOptions(Options):
    """Numbers of neighbours summed along each axis; what is left over at the end is dropped."""

    x: int = Field(1, ge=1)
    y: int = Field(1, ge=1)
    energy: int = Field(1, ge=1)


class MaskOptions(Options):
    """Pixels to leave out.

    Parameters
    ----------
    min_counts : float, optional
        Pixels with fewer counts over all channels are masked.
    outside_nm : dict, optional
        ``{"x": (low, high), "y": (low, high)}``: pixels outside the rectangle are masked.
    """

    min_counts: NotNegative | None = None
    outside_nm: Mapping[Literal["x", "y"], Interval] | None = None


def points_within(axis: np.ndarray, window: tuple[float, float], *, key: str, unit: str) -> slice:
    """Slice of an increasing axis within a window.

    Raises
    ------
    InputError
        The window leaves the axis by more than one step, or no point lies in it.

    Examples
    --------
    >>> points_within(np.array([0.0, 1.0, 2.0, 3.0]), (0.5, 2.0), key="crop", unit="nm")
    slice(1, 3, None)
    """
    low, high = window
    step = float(np.diff(axis).mean()) if axis.size > 1 else 1.0
    first, last = np.searchsorted(axis, [low - 1e-6 * step, high + 1e-6 * step])
    if low < axis[0] - step or high > axis[-1] + step or first >= last:
        raise InputError(
            f"{key}: the window {low:g} to {high:g} {unit} is not on the axis, which goes from {axis[0]:g} "
            f"to {axis[-1]:g} {unit} in steps of {step:g}: change the window"
        )
    return slice(int(first), int(last))


def pixels_within(image: xr.DataArray, axis: str, window: tuple[float, float], key: str) -> slice:
    """Slice of the pixels of an axis whose centres, in nm, lie within a window."""
    coordinate = image.coords[axis]
    unit = coordinate.attrs.get("units", "px")
    if unit != "nm":
        raise InputError(f"{key}: the axis {axis} is in {unit}, not in nm: give the size of a pixel first")
    return points_within(coordinate.to_numpy().astype(float), window, key=key, unit="nm")


def size_in_words(sizes: Iterable[int]) -> str:
    """Write sizes as "9 x 7 x 60"."""
    return " x ".join(str(size) for size in sizes)
