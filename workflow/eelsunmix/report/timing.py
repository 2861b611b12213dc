"""When a mapping is fast: the paper's expectation, as the pages judge it."""

from eelsunmix.report.content import Cell, figure_cell
from eelsunmix.report.figures.style import LIGHTS
from eelsunmix.report.formatting import duration

FAST_SECONDS = 0.1
"""What the paper expects a trained network to take for an image of `PAPER_PIXELS`."""
PAPER_PIXELS = 64 * 64


def judged_seconds(seconds: float, *, network: bool = True) -> Cell:
    """Return the time that an image of `PAPER_PIXELS` takes; of a network with the light that it deserves."""
    if not network:
        return figure_cell(duration(seconds))
    light = "green" if seconds < FAST_SECONDS else "amber"
    return figure_cell(f"{LIGHTS[light]}\u00a0{duration(seconds)}", light=light)
