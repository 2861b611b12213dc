"""The onsets of the edges as the image shows them, with their uncertainties."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eelsunmix.background.group_spectra import GroupSums
from eelsunmix.background.onset_scan import Line, Scan, Spectrum, scan_onset
from eelsunmix.edge_table import TABLE, tabulated_edge
from eelsunmix.edges import Edge
from eelsunmix.typing import Floats

BIN_EV = 1.0
EVIDENCE = 100.0
"""In units of what the best fit leaves. Without an edge, a fixed pattern reaches 50, rarely 110."""
LIKELY = 12.0
"""Shifts that explain the spectrum nearly as well; an onset is measured where they lie close together."""
CLOSE_EV = 3.0
SAME_EV, FARTHEST_EV = 10.0, 100.0
"""Lines so near to each other are one edge; those so far from an edge do not matter to it."""
COMMON = ("C", "N", "O")
"""Elements that are in many specimens, named or not."""


@dataclass(frozen=True, kw_only=True)
class Onset:
    """The onset of an edge as the image shows it.

    Parameters
    ----------
    onset_eV, sd_eV : float
        Measured, and its standard deviation by counting, misfit and width of the bins.
    given_eV : float
        As configured.
    table_eV : float or None
    evidence : float
        How clear it is, see `EVIDENCE`.
    """

    onset_eV: float
    sd_eV: float
    given_eV: float
    table_eV: float | None
    evidence: float = EVIDENCE

    @property
    def shift(self) -> float:
        """Measured less given, in eV."""
        return self.onset_eV - self.given_eV


def measure_onsets(
    sums: GroupSums, energy: Floats, edges: Mapping[str, Edge], counts_per_electron: float
) -> dict[str, Onset]:
    """Measure the onset of each edge that rises clearly, in both halves of the pixels.

    Parameters
    ----------
    sums : GroupSums
        Whose parts are used.
    energy : ndarray, shape (channel,)
        In eV.
    edges : mapping of str to Edge
    counts_per_electron : float

    Returns
    -------
    dict of str to Onset
        Only edges whose onset could be measured.
    """
    found = {}
    parts = [spectra_of_halves(part, energy, counts_per_electron) for part in sums.parts]
    for name, edge in edges.items():
        line, others = _line(edge), _others(edge, edges)
        best = _first_clear(_scans(halves, line, others) for halves in parts)
        if onset := _onset(best, edge, float(energy[1] - energy[0])):
            found[name] = onset
    return found


def spectra_of_halves(counts: Floats, energy: Floats, counts_per_electron: float) -> list[Spectrum]:
    """Bin the spectra of the two halves of a part; a single pixel has no second half, one channel no edge."""
    if energy.size < 2:
        return []
    width = max(1, round(BIN_EV / (energy[1] - energy[0])))
    n_bins = energy.size // width
    centres = energy[: n_bins * width].reshape(n_bins, width).mean(axis=1)
    binned = counts[:, : n_bins * width].reshape(len(counts), n_bins, width).sum(axis=-1)
    return [
        Spectrum(
            energy=centres,
            counts=half,
            variance=counts_per_electron * np.maximum(half, counts_per_electron),
        )
        for half in binned
        if half.any()
    ]


def _scans(halves: Sequence[Spectrum], line: Line, others: Sequence[Line]) -> list[Scan]:
    """Look for an edge in both halves; empty where one of them shows none, so that the other is spared."""
    scans = []
    for half in halves:
        scans.append(scan_onset(half, line, others))
        if scans[-1].evidence < EVIDENCE:
            return []
    return scans


def _first_clear(scans: Iterable[Sequence[Scan]]) -> Sequence[Scan]:
    """Take the whole image if it tells the place of the edge, else the first of its parts that does."""
    return next((halves for halves in scans if halves and _is_clear(halves)), ())


def _is_clear(halves: Sequence[Scan]) -> bool:
    """Whether both halves show the edge at one place, and no other place is nearly as likely."""
    shift = halves[0].shift
    of_halves = shift[[scan.excess.argmin() for scan in halves]]
    best, likely = _likely(halves)
    # At the end of the search the best place may lie beyond.
    inside = shift[0] < of_halves.min() and of_halves.max() < shift[-1]
    near = np.ptp(of_halves) <= CLOSE_EV and np.abs(likely - best).max() <= CLOSE_EV
    return bool(inside and near)


def _likely(halves: Sequence[Scan]) -> tuple[float, Floats]:
    """Return the best shift of both halves together, and all that are nearly as likely."""
    excess = np.sum([scan.excess for scan in halves], axis=0)
    return float(halves[0].shift[excess.argmin()]), halves[0].shift[excess - excess.min() < LIKELY]


def _onset(halves: Sequence[Scan], edge: Edge, channel: float) -> Onset | None:
    if not halves:
        return None
    best, likely = _likely(halves)
    table = tabulated_edge(edge.element, edge.onset_eV)
    return Onset(
        onset_eV=edge.onset_eV + best,
        sd_eV=float(np.hypot(np.ptp(likely) / 4, max(channel, BIN_EV) / np.sqrt(12))),
        given_eV=edge.onset_eV,
        table_eV=table.onset_eV if table else None,
        evidence=min(scan.evidence for scan in halves),
    )


def _line(edge: Edge) -> Line:
    table = tabulated_edge(edge.element, edge.onset_eV)
    return Line(onset_eV=edge.onset_eV, splitting_eV=table.splitting if table else 0.0)


def _others(edge: Edge, edges: Mapping[str, Edge]) -> list[Line]:
    """Edges that may rise nearby: the other configured ones, all of their elements, and common ones."""
    table = tabulated_edge(edge.element, edge.onset_eV)
    # Onsets that follow an axis that is off move those of the table along.
    moved = edge.onset_eV - table.onset_eV if table else 0.0
    elements = {*COMMON, *(other.element for other in edges.values())}
    lines = [_line(other) for other in edges.values()]
    lines += [
        Line(onset_eV=one.onset_eV + moved, splitting_eV=one.splitting)
        for one in TABLE
        if one.element in elements and one.strong
    ]
    kept = [_line(edge)]
    for line in lines:
        distances = [abs(line.onset_eV - one.onset_eV) for one in kept]
        if distances[0] < FARTHEST_EV and min(distances) > SAME_EV:
            kept.append(line)
    return kept[1:]
