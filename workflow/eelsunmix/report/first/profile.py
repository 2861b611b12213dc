"""The profile of the first screen as a vector drawing: the chosen method and background subtraction."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from eelsunmix.report.figures.style import REFERENCE
from eelsunmix.report.first.choice import Shown
from eelsunmix.report.formatting import number, tidy
from eelsunmix.report.inputs import Inputs

WIDTH, HEIGHT = 480, 250
STROKE = 1.7
"""Width of the lines."""
LEFT, RIGHT, TOP, BOTTOM = 44, 8, 10, 40
COLOURS = ("#c62828", "#1b7f3b", "#1f5fc4")
"""Of the curves: the red, green and blue of the composite, dark enough for lines."""
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Tick:
    """A mark on an axis: its place in the drawing, and its text."""

    at: float
    text: str


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One element along the profile, in the coordinates of the drawing.

    Parameters
    ----------
    name, colour : str
    line, band : str
        Points of the method's line, and of one standard deviation around it; empty where it has none.
    dots : list of (float, float)
        Background subtraction.
    peak : str
        Counts that are drawn as 100 %.
    deviation : float
        The largest one, in the unit of the drawing; zero where none is known.
    """

    name: str
    colour: str
    line: str
    band: str
    dots: list[tuple[float, float]]
    peak: str
    deviation: float


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """Everything that the template draws, and of how many pixels the profile is the sum; zero if unknown."""

    name: str
    n_pixels: int
    title: str
    curves: list[Curve]
    across: list[Tick]
    up: list[Tick]
    zero: float
    stroke: float = STROKE

    @property
    def hides_bands(self) -> bool:
        """Whether no band, pale as it is, reaches half a line's width beyond its line."""
        return max(curve.deviation for curve in self.curves) <= self.stroke


def drawing(inputs: Inputs, label: str, maps: Sequence[Shown]) -> Drawing | None:
    """Draw the widest profile, every element in parts of the peak that BS finds; None without a profile."""
    shown, name = [one for one in maps if one.edge], widest_profile(inputs)
    if not name or not shown:
        return None
    at = inputs.one_frame.sel(profile=name)
    position = at["profile_position"].to_numpy().astype(float)
    known = np.isfinite(position)
    if known.sum() < 2:
        return None
    parts = [_parts(at.sel(edge=one.edge), label, known) for one in shown]
    finite = np.concatenate([one[np.isfinite(one)] for part in parts for one in part[:2]] or [np.zeros(1)])
    low, high = min(0.0, float(finite.min(initial=0.0))), max(1.0, float(finite.max(initial=1.0)))
    axes = _Axes(position[known], low - 0.03 * (high - low), high + 0.03 * (high - low))
    return Drawing(
        name=name,
        n_pixels=_n_pixels(inputs, name),
        title=f"along {inputs.profiles[name].get('along', 'x')} ({inputs.view.unit})",
        curves=[
            _curve(one, axes, part, colour) for one, part, colour in zip(shown, parts, COLOURS, strict=False)
        ],
        across=axes.across(),
        up=[Tick(at=axes.y(level), text=f"{100 * level:.0f} %") for level in (0.0, 0.5, 1.0)],
        zero=axes.y(0.0),
    )


def widest_profile(inputs: Inputs) -> str:
    """Return the name of the profile that sums the most pixels; empty without profiles."""
    return max(inputs.profiles, key=lambda name: _n_pixels(inputs, name), default="")


def _n_pixels(inputs: Inputs, name: str) -> int:
    return int(inputs.profiles[name].get("n_pixels") or 0)


def _parts(at: xr.Dataset, label: str, known: NDArray[np.bool_]) -> tuple[Floats, Floats, Floats, float]:
    """Profiles of BS and of the method and its deviation, in parts of the peak of BS; and that peak."""
    bs, line, sd = (
        at[variable].sel({"label": one}).to_numpy().astype(float)[known]
        for variable, one in (
            ("element_profile", REFERENCE),
            ("element_profile", label),
            ("element_profile_sd", label),
        )
    )
    peak = float(np.nanmax(bs, initial=0.0))
    if not peak > 0:
        peak = float(np.nanmax(line, initial=0.0)) or 1.0
    return bs / peak, line / peak, sd / peak, peak


class _Axes:
    def __init__(self, position: Floats, low: float, high: float) -> None:
        self.position, self.low, self.high = position, low, high

    def x(self, value: float) -> float:
        first, last = self.position[0], self.position[-1]
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (value - first) / (last - first), 1)

    def y(self, value: float) -> float:
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (self.high - value) / (self.high - self.low), 1)

    def across(self) -> list[Tick]:
        first, last = sorted((float(self.position[0]), float(self.position[-1])))
        step = _step((last - first) / 5)
        values = np.arange(np.ceil(first / step - 1e-9), last / step + 1e-9) * step
        return [Tick(at=self.x(value), text=tidy(float(value), 4)) for value in values]

    def points(self, values: Floats) -> list[tuple[float, float]]:
        pairs = zip(self.position, values, strict=True)
        return [(self.x(x), self.y(y)) for x, y in pairs if np.isfinite(y)]


def _step(smallest: float) -> float:
    """Return 1, 2 or 5 times a power of ten, not below `smallest`."""
    power = 10.0 ** np.floor(np.log10(smallest))
    return float(next(step * power for step in (1, 2, 5, 10) if step * power >= smallest))


def _curve(one: Shown, axes: _Axes, part: tuple[Floats, Floats, Floats, float], colour: str) -> Curve:
    bs, line, sd, peak = part
    band = [*axes.points(line + sd), *reversed(axes.points(line - sd))] if np.isfinite(sd).any() else []
    return Curve(
        name=one.name,
        colour=colour,
        line=_polyline(axes.points(line)),
        band=_polyline(band),
        dots=axes.points(bs),
        peak=number(peak),
        deviation=axes.y(0.0) - axes.y(float(np.nanmax(sd, initial=0.0))),
    )


def _polyline(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in points)
