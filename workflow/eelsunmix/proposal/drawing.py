"""The windows of a proposal on the mean spectrum, as one page that needs no network."""

import html
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from eelsunmix.edges import Edge
from eelsunmix.proposal.proposing import Proposal
from eelsunmix.typing import Floats

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MOST_POINTS = 4000
_CAPTION = "light, where backgrounds are fitted; dark, where counts are summed"

_LINES = (
    "The number beside an edge is its score: the probability of its name among all edges of the table, "
    "from 0 to 1. From 0.75 on it is taken without doubt; names below 0.5 are comments of the configuration.",
    "Counts are drawn on a logarithmic axis, so that weak edges at high losses can be seen; a power law is "
    "nearly straight on it.",
    "Windows of two edges may overlap: the background before an edge is fitted to what the edge before it "
    "leaves, while those counts are summed for that one too. No count is summed for two edges.",
)
"""Whoever opens the page for the first time asks these."""


def windows_page(title: str, proposal: Proposal) -> str:
    """Draw a proposal: fit windows light, integration windows dark, onsets as lines.

    Returns
    -------
    str
        A page, with the library that draws in it.
    """
    marked = [(f"{name} {chance:.2f}", edge) for name, chance, edge in proposal.drawn]
    spectrum = (proposal.energies, proposal.mean_spectrum)
    return page_of_edges(title, spectrum, marked, is_loss=proposal.x_rays is None, said=_LINES)


def page_of_edges(
    title: str,
    spectrum: tuple[Floats, Floats],
    marked: Sequence[tuple[str, Edge]],
    *,
    is_loss: bool,
    said: Sequence[str],
) -> str:
    """Draw labelled edges on a spectrum.

    Parameters
    ----------
    title : str
    spectrum : tuple of ndarray, each of shape (channel,)
        Energies in eV and mean counts.
    marked : sequence of (str, Edge)
        What stands at each onset, and the edge.
    is_loss : bool
        Whether the axis is of energy losses.
    said : sequence of str
        Paragraphs below the figure.
    """
    import plotly.graph_objects as go

    step = max(1, spectrum[0].size // MOST_POINTS)
    energies, counts = spectrum[0][::step], spectrum[1][::step]
    figure = go.Figure(go.Scatter(x=energies, y=np.where(counts > 0, counts, np.nan), line={"color": "#333"}))
    for number, (label, edge) in enumerate(marked):
        colour = COLOURS[number % len(COLOURS)]
        for window in filter(None, (edge.fit_eV, edge.fit_above_eV)):
            figure.add_vrect(*window, fillcolor=colour, opacity=0.15, line_width=0)
        figure.add_vrect(*edge.integrate_eV, fillcolor=colour, opacity=0.35, line_width=0)
        figure.add_vline(edge.onset_eV, line={"color": colour, "dash": "dot"}, annotation_text=label)
    figure.update_layout(
        title=f"{title}: {_CAPTION}",
        xaxis_title="energy loss / eV" if is_loss else "energy / eV",
        yaxis_title="mean counts per pixel",
        yaxis_type="log",
        showlegend=False,
        template="plotly_white",
    )
    page = str(figure.to_html(include_plotlyjs=True, full_html=True, div_id="windows"))
    texts = "".join(
        f"<p style='font-family: sans-serif; max-width: 60em'>{html.escape(line)}</p>" for line in said
    )
    body, end, rest = page.rpartition("</body>")
    return body + texts + end + rest


def is_windows_page(path: Path) -> bool:
    """Whether what stands at a path is such a page, which may be replaced."""
    return path.is_file() and not path.is_symlink() and _CAPTION.encode() in path.read_bytes()
