"""Options of crop, bin and mask, and windows on the axes of an image."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from eelsunmix.errors import InputError

Window = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class CropOptions:
    """Part of the image to keep.

    Parameters
    ----------
    energy_eV, x_nm, y_nm : tuple of float, optional
        Lowest and highest centre of the channels or pixels to keep.
    """

    energy_eV: Window | None = None
    x_nm: Window | None = None
    y_nm: Window | None = None

    def __post_init__(self) -> None:
        for key, window in vars(self).items():
            _check_window(window, f"corrections.crop.{key}")


@dataclass(frozen=True, kw_only=True)
class BinOptions:
    """Numbers of neighbours summed along each axis; what is left over at the end is dropped."""

    x: int = 1
    y: int = 1
    energy: int = 1

    def __post_init__(self) -> None:
        for key, number in vars(self).items():
            if not isinstance(number, int) or number < 1:
                raise ValueError(
                    f"corrections.bin.{key} must be a whole number of at least 1, not {number!r}"
                )


@dataclass(frozen=True, kw_only=True)
class MaskOptions:
    """Pixels to leave out.

    Parameters
    ----------
    min_counts : float, optional
        Pixels with fewer counts over all channels are masked (vacuum).
    outside_nm : dict, optional
        ``{"x": (low, high), "y": (low, high)}``: pixels outside the rectangle are masked.
    """

    min_counts: float | None = None
    outside_nm: Mapping[str, Window] | None = None

    def __post_init__(self) -> None:
        if self.min_counts is not None and not 0 <= self.min_counts < math.inf:
            raise ValueError(f"corrections.mask.min_counts must be 0 or more, not {self.min_counts}")
        for axis, window in (self.outside_nm or {}).items():
            if axis not in ("x", "y"):
                raise ValueError(f"corrections.mask.outside_nm has the axes x and y, not {axis!r}")
            _check_window(window, f"corrections.mask.outside_nm.{axis}")


def points_within(axis: np.ndarray, window: Window, *, key: str, unit: str) -> slice:
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


def _check_window(window: Window | None, key: str) -> None:
    if window is not None and not (len(window) == 2 and -math.inf < window[0] < window[1] < math.inf):
        raise ValueError(f"{key} needs two increasing numbers, not {window!r}")


def pixels_within(image: xr.DataArray, axis: str, window: Window, key: str) -> slice:
    """Slice of the pixels of an axis whose centres, in nm, lie within a window."""
    coordinate = image.coords[axis]
    unit = coordinate.attrs.get("units", "px")
    if unit != "nm":
        raise InputError(f"{key}: the axis {axis} is in {unit}, not in nm: give the size of a pixel first")
    return points_within(coordinate.to_numpy().astype(float), window, key=key, unit="nm")


def size_in_words(sizes: Iterable[int]) -> str:
    """Write sizes as "9 x 7 x 60"."""
    return " x ".join(str(size) for size in sizes)
