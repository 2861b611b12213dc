"""How maps are shown: which way up, how finely, with which axes; the same for all maps of a page."""

import math
from dataclasses import dataclass

import numpy as np
import xarray as xr

from eelsunmix.report.texts import frame_of_all

TURN_ABOVE = 1.5
"""Images taller than this many times their width are shown transposed, their y axis running to the right."""


@dataclass(frozen=True, kw_only=True)
class MapView:
    """The display of the maps of one image.

    Parameters
    ----------
    frame : int, optional
        Frame shown of a series.
    frame_name : str
        Its number and tilt, time or dose; empty for a single image.
    rotated : bool
        Whether y runs to the right.
    factor : int
        Pixels averaged along each axis for display.
    origin, step, size : dict
        By ``"x"`` and ``"y"``: centre of the first displayed pixel and its width (in `unit`), their number.
    unit : str
        Unit of both axes.
    outline : tuple of ndarray, optional
        Line around the pixels without sample: positions across and down.
    """

    frame: int | None
    frame_name: str
    rotated: bool
    factor: int
    origin: dict[str, float]
    step: dict[str, float]
    size: dict[str, int]
    unit: str
    outline: tuple[np.ndarray, np.ndarray] | None = None

    @property
    def across(self) -> str:
        """Name of the axis that runs to the right."""
        return "y" if self.rotated else "x"

    @property
    def down(self) -> str:
        """Name of the axis that runs downwards."""
        return "x" if self.rotated else "y"

    @property
    def aspect(self) -> float:
        """Height of the displayed map divided by its width."""
        return self.extent(self.down) / self.extent(self.across)

    def extent(self, axis: str) -> float:
        """Length of an axis in `unit`."""
        return self.size[axis] * abs(self.step[axis])

    def image(self, values: xr.DataArray) -> np.ndarray:
        """Return a map as shown, float32 of shape (down, across), NaN where there is no value."""
        if "frame" in values.dims:
            values = values.isel(frame=self.frame)
        order = (self.down, self.across)
        array = np.asarray(values.transpose(*order).values, dtype=np.float32)
        return average(array, self.factor)

    @property
    def remark(self) -> str:
        """What the reader has to know about the display, for captions; often nothing."""
        remarks = []
        if self.frame_name:
            remarks.append(f"Frame {self.frame_name} is shown; the stores hold all.")
        if self.rotated:
            remarks.append("Shown transposed: y runs to the right, x downwards.")
        if self.factor > 1:
            remarks.append(
                f"For display only, {self.factor} × {self.factor} pixels are averaged; the stores hold all."
            )
        if self.outline is not None:
            remarks.append("A line surrounds pixels without sample.")
        return " ".join(remarks)


def view_of(example: xr.DataArray, *, n_maps: int, budget: int) -> MapView:
    """Decide how the maps of an image are shown.

    Parameters
    ----------
    example : DataArray, dims (y, x) or (frame, y, x)
        A map with coordinates.
    n_maps : int
        Maps on the page.
    budget : int
        Pixels that all maps together may have.
    """
    n_y, n_x = example.sizes["y"], example.sizes["x"]
    factor = _factor(n_y, n_x, budget / n_maps)
    step = _steps(example)
    n_frames = example.sizes.get("frame", 0)
    return MapView(
        frame=n_frames // 2 if n_frames else None,
        frame_name=frame_of_all(example, n_frames // 2) if n_frames > 1 else "",
        rotated=n_y * abs(step["y"]) > TURN_ABOVE * n_x * abs(step["x"]),
        factor=factor,
        origin={axis: _first(example, axis) + (factor - 1) * step[axis] / 2 for axis in "xy"},
        step={axis: step[axis] * factor for axis in "xy"},
        size={axis: -(-example.sizes[axis] // factor) for axis in "xy"},
        unit=_unit(example),
    )


def _factor(n_y: int, n_x: int, pixels: float) -> int:
    """Pixels averaged along each axis so that no more than about so many are left.

    Examples
    --------
    >>> _factor(100, 100, 2500), _factor(1, 10_000, 100), _factor(10_000, 2, 100)
    (2, 100, 100)
    """
    factor = max(1, math.ceil(math.sqrt(n_y * n_x / pixels)))
    thin, long = sorted((n_y, n_x))
    if factor > thin:  # the thin side has one pixel then
        factor = math.ceil(long / pixels)
    return factor


def average(array: np.ndarray, factor: int) -> np.ndarray:
    """Average blocks of `factor` x `factor` pixels, leaving out NaN; smaller blocks at the far borders."""
    if factor == 1:
        return array
    known = np.isfinite(array)
    rows, columns = (np.arange(0, n, factor) for n in array.shape)

    def block_sum(values: np.ndarray) -> np.ndarray:
        return np.add.reduceat(np.add.reduceat(values, rows, axis=0), columns, axis=1)

    count = block_sum(known.astype(np.float32))
    total = block_sum(np.where(known, array, 0))
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)


def limits(
    images: list[np.ndarray], *, symmetric: bool = False, clipped: float = 0.005
) -> tuple[float, float]:
    """Return the limits of a colour scale: quantiles of all images together.

    Parameters
    ----------
    images : list of ndarray
    clipped : float
        Fraction of the values beyond each limit.
    symmetric : bool
        Whether zero lies in the middle, for diverging colours.
    """
    values = np.concatenate([image[np.isfinite(image)].ravel() for image in images] or [np.zeros(0)])
    if values.size == 0:
        return 0.0, 1.0
    low, high = (float(q) for q in np.quantile(values, (clipped, 1 - clipped)))
    if symmetric:
        high = max(abs(low), abs(high)) or 1.0
        return -high, high
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def nice_length(longest: float) -> float:
    """Return the largest of 1, 2, 5 times a power of ten that is not longer than `longest`.

    Examples
    --------
    >>> nice_length(7.3), nice_length(0.31)
    (5.0, 0.2)
    """
    power = 10.0 ** math.floor(math.log10(longest))
    return max(m * power for m in (1.0, 2.0, 5.0) if m * power <= longest * (1 + 1e-9))


def _first(example: xr.DataArray, axis: str) -> float:
    return float(example[axis].values[0]) if axis in example.coords else 0.0


def _unit(example: xr.DataArray) -> str:
    """Return the unit of the places; that of a single pixel does not tell its size."""
    known = "x" in example.coords and max(example.sizes[axis] for axis in "xy") > 1
    return str(example["x"].attrs.get("units", "px")) if known else "px"


def _steps(example: xr.DataArray) -> dict[str, float]:
    """Pixel sizes; an axis of a single pixel takes that of the other axis."""
    steps = {}
    for axis in "xy":
        if example.sizes[axis] > 1:
            known = axis in example.coords
            steps[axis] = float(example[axis].values[1] - example[axis].values[0]) if known else 1.0
    fallback = next(iter(steps.values()), 1.0)
    return {axis: steps.get(axis, fallback) for axis in "xy"}
