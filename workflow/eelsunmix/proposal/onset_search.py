"""Edges that a spectrum shows, whatever they are: the strongest is taken into the model, then the next."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy

from eelsunmix.background.onset_scan import Line, Spectrum, edge_shapes
from eelsunmix.proposal.usable import LEFT_OUT_EV, beside, falling
from eelsunmix.typing import Floats

HALF_EV, STEP_EV = 75.0, 30.0
"""Stretches of the spectrum that are fitted at a time, and how far apart their middles lie."""
CURVATURE = 3
"""Polynomial factors on the power law."""
BEFORE_EV, AFTER_EV = 14.0, 12.0
"""An onset nearer to the ends of the axis cannot be seen."""
EVIDENCE, OF_HALF = 90.0, 25.0
"""Of both halves of the pixels together and of each: fall of chi-square, over what is left per freedom."""
HIDDEN_BEFORE_EV, HIDDEN_AFTER_EV = 18.0, 32.0
"""Around an edge, what rises is taken for its fine structure."""
SHARP, SHARP_EV = 25.0, (22.0, 16.0)
"""Evidence that a rise has within so many eV before and after it; slow bends of a background have none."""
SHARP_SHAPES, SLOW_SHAPES = slice(0, 4), slice(4, None)
"""Of `edge_shapes`: a step, white lines and a rise within 5 eV; rises within tens of eV."""
MOST, FEWEST_BINS = 15, 40
"""Edges looked for in one spectrum."""


@dataclass(frozen=True, kw_only=True)
class Rise:
    """An edge without a name.

    Parameters
    ----------
    onset_eV, sd_eV : float
    evidence : float
        In units of what the fit leaves, see `EVIDENCE`.
    slowness : float
        From -1, where a step and white lines explain it and slow rises do not, to 1, the other way round.
    """

    onset_eV: float
    sd_eV: float
    evidence: float
    slowness: float = 0.0


def find_rises(halves: Sequence[Spectrum], known: Sequence[Rise] = ()) -> list[Rise]:
    """Find all edges of a spectrum that both halves of its pixels show.

    Parameters
    ----------
    halves : sequence of Spectrum
        Of one binning; one half where there is a single pixel.
    known : sequence of Rise
        Edges that are there anyway.

    Returns
    -------
    list of Rise
        The new ones, the strongest first.
    """
    found: list[Rise] = []
    bends: list[Rise] = []
    halves = [falling(half) for half in halves]
    first = max((half.energy[0] for half in halves if half.energy.size), default=np.inf)
    halves = [half.between(first, np.inf) for half in halves]
    energy = halves[0].energy
    if energy.size < FEWEST_BINS:
        return []
    middles = np.arange(energy[0] + BEFORE_EV, energy[-1] - AFTER_EV + STEP_EV, STEP_EV)
    curves: dict[float, tuple[Floats, Floats]] = {}
    while len(found) < MOST:
        for middle in middles:
            if middle not in curves:
                curves[float(middle)] = _evidence(halves, float(middle), [*known, *found])
        best = _best(curves, [*known, *found, *bends])
        if best is None:
            return found
        if _sharpness(halves, best.onset_eV, [*known, *found]) < SHARP:
            bends.append(best)
            continue
        found.append(replace(best, slowness=_slowness(halves, best.onset_eV, [*known, *found])))
        reach = HALF_EV + HIDDEN_AFTER_EV + STEP_EV
        curves = {middle: curve for middle, curve in curves.items() if abs(middle - best.onset_eV) > reach}
    return found


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


def _slowness(halves: Sequence[Spectrum], onset: float, known: Sequence[Rise]) -> float:
    """Compare what slow rises explain with what a step and white lines do."""
    onsets = onset + np.arange(-12.0, 4.0)
    slow, sharp = (
        float(np.sum([_of_half(half, onset, onsets, known, part) for half in halves], axis=0).max())
        for part in (SLOW_SHAPES, SHARP_SHAPES)
    )
    return (slow - sharp) / max(slow, sharp, 1.0)


def _of_half(
    half: Spectrum, middle: float, onsets: Floats, known: Sequence[Rise], part: slice = slice(None)
) -> Floats:
    near = beside(
        half.between(max(middle - HALF_EV, 0.45 * middle), middle + HALF_EV), [one.onset_eV for one in known]
    )
    if onsets.size == 0 or near.energy.size < 8 * CURVATURE or not (near.counts > 0).all():
        return np.zeros(onsets.size)
    weight = 1 / np.sqrt(near.variance)
    x = np.log(near.energy / middle)
    slope = np.polyfit(x, np.log(near.counts), 1, w=near.counts * weight)
    scale = np.exp(np.polyval(slope, x)) * weight
    basis = np.linalg.qr(scale[:, None] * np.vander(x / np.abs(x).max(), CURVATURE))[0]
    target = _without(basis, near.counts * weight)
    fixed = _without(basis, scale[:, None] * _of_known(near.energy, known))
    alone = _chi2(fixed, target)
    shapes = [
        _without(basis, scale[:, None] * _shapes(near.energy, float(onset))[:, part]) for onset in onsets
    ]
    chi2 = np.array([_chi2(np.hstack([fixed, one]), target) for one in shapes])
    freedom = max(near.energy.size - CURVATURE - 4, 1)
    return np.asarray(np.maximum(alone - chi2, 0) / max(chi2.min() / freedom, 1.0))


def _shapes(energy: Floats, onset: float) -> Floats:
    """Shapes of an edge that nothing is known of."""
    return edge_shapes(energy, Line(onset_eV=onset))


def _of_known(energy: Floats, known: Sequence[Rise]) -> Floats:
    """Shapes of edges that are in the model, shape (bin, shape)."""
    inside = [one for one in known if energy[0] - LEFT_OUT_EV[1] < one.onset_eV < energy[-1]]
    return np.hstack([np.zeros((energy.size, 0)), *(_shapes(energy, one.onset_eV) for one in inside)])


def _chi2(columns: Floats, target: Floats) -> float:
    if columns.shape[1] == 0:
        return float(target @ target)
    try:
        return float(scipy.optimize.nnls(columns, target, maxiter=50 * columns.shape[1])[1] ** 2)
    except RuntimeError:  # it went round in a circle, which rounding can cause
        return float(2 * scipy.optimize.lsq_linear(columns, target, (0, np.inf)).cost)


def _without(basis: Floats, columns: Floats) -> Floats:
    """Take the background out of columns, so that its free factors need no non-negativity."""
    return np.asarray(columns - basis @ (basis.T @ columns))
