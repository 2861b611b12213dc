"""Plot of the mean residual spectra."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from eelsunmix.report.figures.layout import axis_key, axis_name, balanced, line_panels
from eelsunmix.report.figures.spectra import NAME, Edges, edge_marks, panel_title
from eelsunmix.report.figures.style import GREY, axis, band, base_layout, line
from eelsunmix.report.texts import plain

SMALLEST, MARGIN = 2.5, 1.08
"""Standard deviations that are shown at least, so that the band of two is seen; and room beside the lines."""
PART_OF_NAME = 0.15
"""Of the height of a panel, free for the name of the method."""


def mean_residuals(
    residuals: Mapping[str, tuple[np.ndarray, np.ndarray]],
    energy: np.ndarray,
    edges: Edges,
    styles: Mapping[str, Mapping[str, Any]],
    title: str,
) -> dict[str, Any]:
    """Draw the mean residual spectrum of each method in units of its expected standard deviation.

    Parameters
    ----------
    residuals : mapping
        Method -> mean residual and its standard deviation, both of shape (channel,), in counts.
    energy : ndarray, shape (channel,)
    edges : mapping
    styles : mapping
        Method -> line style.
    title : str
        Title of the spectral axis.
    """
    panels = line_panels(len(residuals), columns=balanced(len(residuals)), panel_height=150, top=70)
    layout = base_layout(0, showlegend=False, shapes=[], annotations=[]) | panels.layout(scale_height=False)
    data: list[dict[str, Any]] = []
    sizes = {m: mean / np.where(sd > 0, sd, np.nan) for m, (mean, sd) in residuals.items()}
    reach, room = _reach(list(sizes.values())), NAME / panels.panel_width
    for i, (method, sigmas) in enumerate(sizes.items()):
        axes = {"xaxis": axis_name("x", i), "yaxis": axis_name("y", i)}
        data += band(energy[[0, -1]], [-2, -2], [2, 2], colour="rgba(107,116,128,0.18)", name="±2 σ", **axes)
        hover = "%{x:.5g}: %{y:.3g} σ<extra>" + plain(method) + "</extra>"
        data.append(
            line(energy, sigmas, plain(method), dict(styles[method], width=1.1), hovertemplate=hover, **axes)
        )
        layout |= _residual_axes(i, panels, title, reach)
        shapes, texts = edge_marks(edges, energy, panel=i, named=panels.place(i)[0] == 0, room=room)
        layout["shapes"] += shapes
        layout["annotations"] += texts
        layout["annotations"].append(panel_title(f"<b>{plain(method)}</b>", i))
    return {"data": data, "layout": layout}


def _reach(sizes: Sequence[np.ndarray]) -> list[float]:
    """Range of the axis of all panels: a range found for the first of those that match cuts off others."""
    known = np.concatenate([[-SMALLEST, SMALLEST], *(one[np.isfinite(one)] for one in sizes)])
    low, high = MARGIN * float(known.min()), MARGIN * float(known.max())
    return [low, high + PART_OF_NAME * (high - low)]


def _residual_axes(i: int, panels: Any, title: str, reach: list[float]) -> dict[str, Any]:
    first = panels.place(i)[1] == 0
    x = axis(title if panels.is_lowest(i) else "", domain=panels.domain_x(i), anchor=axis_name("y", i))
    y = axis("residual (σ of the mean)" if first else "", domain=panels.domain_y(i), anchor=axis_name("x", i))
    line_at_zero = {"zeroline": True, "zerolinecolor": GREY, "range": reach}
    return {
        axis_key("x", i): {**x, **({"matches": "x"} if i else {})},
        axis_key("y", i): {**y, **line_at_zero, **({"matches": "y"} if i else {})},
    }
