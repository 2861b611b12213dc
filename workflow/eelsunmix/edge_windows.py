"""Where the windows of an edge lie by default: between the edges around it and the ends of the axis."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eelsunmix.typing import Floats

GAP_EV = 6.0
"""From the end of the fit window to the onset: onsets lie some eV off, by chemistry and calibration."""
FIT_PART, FIT_EV, FIT_CHANNELS = 0.085, (30.0, 80.0), 12
"""Width of the fit window: part of the onset, its limits, and channels that it should have at least."""
FEWEST_FIT_EV, FEWEST_FIT_CHANNELS = 12.0, 5
RECOVERY_EV, SHORTEST_RECOVERY_EV = 28.0, 14.0
"""After another edge, until its fine structure has decayed; and what is taken where there is less room."""
BEFORE_ONSET_EV, AFTER_DELAYED_EV = 3.0, 4.0
"""Where the integration begins, before an onset; after that of an edge that rises slowly."""
SIGNAL_PART, SIGNAL_EV = 0.09, 40.0
"""Length of the integration window after the onset: part of the onset, and the least."""
DELAYED_PART = 0.38
"""The part of edges that rise slowly."""
FEWEST_SIGNAL_EV, FEWEST_SIGNAL_CHANNELS = 10.0, 3
BEFORE_NEXT_EV = 4.0

Window = tuple[float, float]


class NoRoomError(ValueError):
    """There is no room for a window; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Span:
    """Energies within which windows may lie, and the width of a channel, in eV."""

    low: float
    high: float
    channel: float


@dataclass(frozen=True, kw_only=True)
class Neighbour:
    """Another edge: its element, the onsets of its first and of its last line in eV."""

    element: str
    first_eV: float
    last_eV: float


def span_of(bounds: Floats) -> Span:
    """Take what windows may use of an axis, of which the limits of the channels are given in eV.

    The first and the last channel of a detector are often not filled.
    """
    channel = float(np.median(np.diff(bounds)))
    return Span(
        low=max(float(bounds[0]) + channel, channel), high=float(bounds[-1]) - channel, channel=channel
    )


def fit_window(onset: float, signal_begins: float, span: Span, others: Sequence[Neighbour]) -> Window:
    """Window before an onset, after the fine structure of the edge before it.

    Raises
    ------
    NoRoomError
    """
    end = min(onset - max(GAP_EV, 1.2 * span.channel), signal_begins)
    width = max(float(np.clip(FIT_PART * onset, *FIT_EV)), FIT_CHANNELS * span.channel)
    fewest = max(FEWEST_FIT_EV, FEWEST_FIT_CHANNELS * span.channel)
    # Half an onset below it lie plasmons and the zero-loss peak.
    bounds = [(end - width, ""), (onset / 2, "the zero-loss peak is near")]
    bounds += [(span.low, f"the axis begins at {span.low:.0f} eV")]
    for one in others:
        if one.first_eV < onset:
            recovered = max(
                one.last_eV + SHORTEST_RECOVERY_EV, min(one.last_eV + RECOVERY_EV, end - 2 * fewest)
            )
            bounds.append((recovered, f"{one.element} rises at {one.first_eV:g} eV"))
    start, why = max(bounds)
    if end - start < fewest:
        raise NoRoomError(
            f"no room to fit a background before {onset:g} eV, since {why}; "
            "write fit_eV by hand, or leave this edge out"
        )
    return _whole(start, end)


def signal_window(
    onset: float, span: Span, others: Sequence[Neighbour], *, delayed: bool, fit_ends: float = 0.0
) -> Window:
    """Window from just before an onset to the next one.

    Raises
    ------
    NoRoomError
    """
    length = max(SIGNAL_EV, (DELAYED_PART if delayed else SIGNAL_PART) * onset)
    bounds = [(onset + length, ""), (span.high, f"the axis ends at {span.high:.0f} eV")]
    bounds += [
        (one.first_eV - max(BEFORE_NEXT_EV, span.channel), f"{one.element} rises at {one.first_eV:g} eV")
        for one in others
        if one.first_eV >= onset
    ]
    first = onset + AFTER_DELAYED_EV if delayed else onset - BEFORE_ONSET_EV
    start = max(first, fit_ends, span.low)
    end, why = min(bounds)
    if end - max(start, onset) < max(FEWEST_SIGNAL_EV, FEWEST_SIGNAL_CHANNELS * span.channel):
        raise NoRoomError(
            f"no room to sum its counts from {onset:g} eV on, since {why or 'the fit ends late'}; "
            "write integrate_eV by hand, or leave this edge out"
        )
    return _whole(start, end)


def _whole(start: float, end: float) -> Window:
    """Whole eV, inwards."""
    return float(np.ceil(start)), float(np.floor(end))
