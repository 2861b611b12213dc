"""Edges that rise slowly, told from bends of the background: M45 from Rb to Xe."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from eelsunmix.background.onset_scan import Spectrum
from eelsunmix.proposal.onset_search import with_slowness
from eelsunmix.proposal.rises import Reach, Rise, Stretch

REACH = Reach(half_eV=110.0, factors=5)
"""Over so much of a spectrum, a background of so many factors follows bends but no onset."""
ALONE_EV = 75.0
"""Nothing is told where another edge is so near."""
BEFORE_EV, AFTER_EV = 12.0, 4.0
"""Where the onset is looked for around a bend: slow rises are seen late."""
EVIDENCE, OF_HALF = 90.0, 25.0
"""Of both halves of the pixels together and of each."""
LEAST_HEIGHT, HEIGHT_AT_EV = 0.1, 40.0
"""Over the background, so far above the onset: a gain that waves by 1 % reaches 0.09."""
MOST_MISFIT = 2.0
"""Chi-square per freedom from which on the background waves in a way that the model does not follow."""


def slow_edges(halves: Sequence[Spectrum], bends: Sequence[Rise], known: Sequence[Rise]) -> list[Rise]:
    """Find edges that rise slowly among what may be bends of the background.

    Parameters
    ----------
    halves : sequence of Spectrum
        Of one binning.
    bends : sequence of Rise
    known : sequence of Rise
        Edges that are there.

    Returns
    -------
    list of Rise
        The clearest of each neighbourhood, the strongest first.
    """
    # Nearer to the end of the axis, a height would be extrapolated.
    last = halves[0].energy[-1] - HEIGHT_AT_EV
    alone = [bend for bend in bends if bend.onset_eV < last and _is_far(bend, known)]
    seen = [one for bend in alone if (one := _slow_edge(halves, bend, known))]
    edges: list[Rise] = []
    for one in sorted(seen, key=lambda one: -one.evidence):
        if _is_far(one, edges):
            edges.append(one)
    return [with_slowness(halves, one, known, REACH) for one in edges]


def _is_far(rise: Rise, others: Sequence[Rise]) -> bool:
    return all(abs(rise.onset_eV - other.onset_eV) >= ALONE_EV for other in others)


def _slow_edge(halves: Sequence[Spectrum], bend: Rise, known: Sequence[Rise]) -> Rise | None:
    """Find the onset near a bend, and judge it there."""
    onsets = np.arange(bend.onset_eV - BEFORE_EV, bend.onset_eV + AFTER_EV + 1)
    stretches = [Stretch(half, bend.onset_eV, known, REACH) for half in halves]
    misfits, curves = zip(*(one.misfit_and_evidence(onsets) for one in stretches), strict=True)
    best = int(np.sum(curves, axis=0).argmax())
    of_halves = [curve[best] for curve in curves]
    if min(of_halves) < OF_HALF or sum(of_halves) < EVIDENCE or max(misfits) > MOST_MISFIT:
        return None
    heights = [one.height(onsets[best], HEIGHT_AT_EV) for one in stretches]
    if np.mean(heights) < LEAST_HEIGHT:
        return None
    return replace(bend, onset_eV=float(onsets[best]), evidence=float(sum(of_halves)))
