"""Edges that a spectrum shows, whatever they are: the strongest is taken into the model, then the next."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from eelsunmix.background.onset_scan import Spectrum
from eelsunmix.proposal.rises import SHARP_SHAPES, SLOW_SHAPES, Reach, Rise, Stretch
from eelsunmix.typing import Floats

REACH, STEP_EV = Reach(half_eV=75.0, factors=3), 30.0
"""Stretches of the spectrum that are fitted at a time, and how far apart their middles lie."""
BEFORE_EV, AFTER_EV = 14.0, 12.0
"""An onset nearer to the ends of the axis cannot be seen."""
EVIDENCE, OF_HALF = 90.0, 25.0
"""Of both halves of the pixels together and of each: fall of chi-square, over what is left per freedom."""
HIDDEN_BEFORE_EV, HIDDEN_AFTER_EV = 18.0, 32.0
"""Around an edge, what rises is taken for its fine structure."""
SHARP, SHARP_EV = 25.0, (22.0, 16.0)
"""Evidence that a rise has within so many eV before and after it; slow bends of a background have none."""
MOST, FEWEST_BINS = 15, 40
"""Edges looked for in one spectrum."""


def find_rises(halves: Sequence[Spectrum], known: Sequence[Rise] = ()) -> tuple[list[Rise], list[Rise]]:
    """Find all edges of a spectrum that both halves of its pixels show.

    Parameters
    ----------
    halves : sequence of Spectrum
        Of one binning and one axis; one half where there is a single pixel.
    known : sequence of Rise
        Edges that are there anyway.

    Returns
    -------
    found : list of Rise
        The new ones, the strongest first.
    bends : list of Rise
        What may be bends of the background, or edges that rise slowly.
    """
    found: list[Rise] = []
    bends: list[Rise] = []
    energy = halves[0].energy
    if energy.size < FEWEST_BINS:
        return [], []
    middles = np.arange(energy[0] + BEFORE_EV, energy[-1] - AFTER_EV + STEP_EV, STEP_EV)
    curves: dict[float, tuple[Floats, Floats]] = {}
    while len(found) < MOST:
        for middle in middles:
            if middle not in curves:
                curves[float(middle)] = _evidence(halves, float(middle), [*known, *found])
        best = _best(curves, [*known, *found, *bends])
        if best is None:
            return found, bends
        if _sharpness(halves, best.onset_eV, [*known, *found]) < SHARP:
            bends.append(best)
            continue
        found.append(with_slowness(halves, best, [*known, *found]))
        reach = REACH.half_eV + HIDDEN_AFTER_EV + STEP_EV
        curves = {middle: curve for middle, curve in curves.items() if abs(middle - best.onset_eV) > reach}
    return found, bends


def without_fine_structure(rises: Sequence[Rise]) -> list[Rise]:
    """Leave out what rises soon after a stronger edge: second lines are found first where they are higher."""
    return [
        one
        for one in rises
        if not any(
            0 < one.onset_eV - other.onset_eV < HIDDEN_AFTER_EV and other.evidence > 0.3 * one.evidence
            for other in rises
        )
    ]


def _best(curves: dict[float, tuple[Floats, Floats]], known: Sequence[Rise]) -> Rise | None:
    onsets = np.concatenate([onset for onset, _ in curves.values()])
    evidence = np.concatenate([value for _, value in curves.values()])
    for one in known:
        hidden = (onsets > one.onset_eV - HIDDEN_BEFORE_EV) & (onsets < one.onset_eV + HIDDEN_AFTER_EV)
        evidence = np.where(hidden, 0.0, evidence)
    if not evidence.size or evidence.max() < EVIDENCE:
        return None
    best = int(evidence.argmax())
    near = np.abs(onsets - onsets[best]) < HIDDEN_BEFORE_EV
    likely = onsets[near & (evidence > evidence[best] - max(12.0, 0.02 * evidence[best]))]
    return Rise(
        onset_eV=float(onsets[best]), sd_eV=float(np.ptp(likely) / 4 + 0.5), evidence=float(evidence[best])
    )


def _evidence(halves: Sequence[Spectrum], middle: float, known: Sequence[Rise]) -> tuple[Floats, Floats]:
    """Evidence of an edge at each onset around the middle of a stretch; 0 where a half shows none."""
    energy = halves[0].energy
    step = float(energy[1] - energy[0])
    onsets = np.arange(middle - STEP_EV / 2, middle + STEP_EV / 2, max(1.0, step))
    onsets = onsets[(onsets > energy[0] + BEFORE_EV) & (onsets < energy[-1] - AFTER_EV)]
    curves = [_of_half(half, middle, onsets, known) for half in halves]
    lowest = np.min(curves, axis=0)
    return onsets, np.where(lowest >= (OF_HALF if len(halves) > 1 else 0.0), np.sum(curves, axis=0), 0.0)


def _sharpness(halves: Sequence[Spectrum], onset: float, known: Sequence[Rise]) -> float:
    """Evidence of an edge within some eV of its onset."""
    onsets = onset + np.arange(-3.0, 4.0)
    low, high = onset - SHARP_EV[0], onset + SHARP_EV[1]
    return float(
        np.max(np.sum([_of_half(half.between(low, high), onset, onsets, known) for half in halves], axis=0))
    )


def with_slowness(
    halves: Sequence[Spectrum], rise: Rise, known: Sequence[Rise], reach: Reach = REACH
) -> Rise:
    """Compare what slow rises explain with what a step and white lines do."""
    onsets = rise.onset_eV + np.arange(-12.0, 4.0)
    stretches = [Stretch(half, rise.onset_eV, known, reach) for half in halves]
    slow, sharp = (
        float(np.sum([one.misfit_and_evidence(onsets, part)[1] for one in stretches], axis=0).max())
        for part in (SLOW_SHAPES, SHARP_SHAPES)
    )
    return replace(rise, slowness=(slow - sharp) / max(slow, sharp, 1.0))


def _of_half(half: Spectrum, middle: float, onsets: Floats, known: Sequence[Rise]) -> Floats:
    return Stretch(half, middle, known, REACH).misfit_and_evidence(onsets)[1]
