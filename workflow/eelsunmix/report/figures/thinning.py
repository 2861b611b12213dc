"""Lines of more points than can be seen: their envelope is drawn, and the page stays small."""

from dataclasses import replace
from typing import Any

import numpy as np

from eelsunmix.report.content import Figure
from eelsunmix.report.figures.style import WIDTH
from eelsunmix.typing import Indices

MOST_POINTS = 4 * WIDTH
"""Points of a line: four for each px, so that there is something to zoom into."""

REMARK = (
    "Of the {n} points of a line, the lowest and the highest of every {width} neighbours are drawn; the "
    "stores hold all."
)


def thinned(figure: Figure) -> Figure:
    """Return a figure whose lines have no more than `MOST_POINTS` points, and say so in its caption.

    Examples
    --------
    >>> line = {"type": "scatter", "x": np.arange(10**6), "y": np.sin(np.arange(10**6))}
    >>> figure = thinned(Figure(name="a", caption="A.", variants={(): {"data": [line]}}))
    >>> figure.variants[()]["data"][0]["y"].size, figure.caption[:34]
    (4320, 'A. Of the 1000000 points of a line')
    """
    sizes = [_n_points(trace) for variant in figure.variants.values() for trace in variant["data"]]
    longest = max(sizes, default=0)
    if longest <= MOST_POINTS:
        return figure
    variants = {
        key: {**variant, "data": [_thinned(trace) for trace in variant["data"]]}
        for key, variant in figure.variants.items()
    }
    remark = REMARK.format(n=longest, width=_neighbours(longest))
    return replace(figure, variants=variants, caption=f"{figure.caption} {remark}")


def envelope(values: np.ndarray) -> Indices:
    """Return the places of the lowest and the highest of neighbouring values, in order; a gap stays one.

    Parameters
    ----------
    values : ndarray, shape (point,)
        NaN where there is none.
    """
    width = _neighbours(values.size)
    rows = np.full((-(-values.size // width), width), np.nan)
    rows.ravel()[: values.size] = values
    known = np.isfinite(rows)
    lowest = np.where(known, rows, np.inf).argmin(axis=1)
    highest = np.where(known, rows, -np.inf).argmax(axis=1)
    places = np.sort(np.stack([lowest, highest], axis=1), axis=1) + width * np.arange(len(rows))[:, None]
    flat: Indices = places.ravel()
    return flat


def _neighbours(n_points: int) -> int:
    return -(-2 * n_points // MOST_POINTS)


def _n_points(trace: dict[str, Any]) -> int:
    """Points of a line of numbers; 0 of everything else."""
    y = trace.get("y")
    is_line = trace.get("type") == "scatter" and isinstance(y, np.ndarray) and y.ndim == 1
    return y.size if is_line and y.dtype.kind in "fiu" else 0  # type: ignore[union-attr]


def _thinned(trace: dict[str, Any]) -> dict[str, Any]:
    size = _n_points(trace)
    if size <= MOST_POINTS:
        return trace
    places = envelope(trace["y"])
    return {
        key: value[places] if isinstance(value, np.ndarray) and value.shape[:1] == (size,) else value
        for key, value in trace.items()
    }
