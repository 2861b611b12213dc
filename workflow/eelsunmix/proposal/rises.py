"""A rise of a spectrum, and the fit of a stretch of the spectrum that tells whether there is one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from eelsunmix.background.onset_scan import Line, Spectrum, edge_shapes
from eelsunmix.proposal.usable import LEFT_OUT_EV, beside
from eelsunmix.typing import Floats

ALL_SHAPES, SHARP_SHAPES, SLOW_SHAPES = slice(None), slice(0, 4), slice(4, None)
"""Of `edge_shapes`: a step, white lines and a rise within 5 eV; rises within tens of eV."""


@dataclass(frozen=True, kw_only=True)
class Rise:
    """An edge without a name.

    Parameters
    ----------
    onset_eV, sd_eV : float
    evidence : float
        Fall of chi-square of both halves of the pixels together, over what is left per freedom.
    slowness : float
        From -1, where a step and white lines explain it and slow rises do not, to 1, the other way round.
    """

    onset_eV: float
    sd_eV: float
    evidence: float
    slowness: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Reach:
    """How much of a spectrum is fitted at a time, and with how many polynomial factors on the power law."""

    half_eV: float
    factors: int


class Stretch:
    """A stretch of a spectrum, with its background and the edges that are known taken out.

    Parameters
    ----------
    half : Spectrum
        Of half of the pixels.
    middle : float
        In eV.
    known : sequence of Rise
    reach : Reach
    """

    def __init__(self, half: Spectrum, middle: float, known: Sequence[Rise], reach: Reach) -> None:
        near = beside(
            half.between(max(middle - reach.half_eV, 0.45 * middle), middle + reach.half_eV),
            [one.onset_eV for one in known],
        )
        self.energy = near.energy
        self.is_usable = near.energy.size >= 8 * reach.factors and bool((near.counts > 0).all())
        if not self.is_usable:
            return
        weight = 1 / np.sqrt(near.variance)
        x = np.log(near.energy / middle)
        slope = np.polyfit(x, np.log(near.counts), 1, w=near.counts * weight)
        self._scale = np.exp(np.polyval(slope, x)) * weight
        self._basis = np.linalg.qr(self._scale[:, None] * np.vander(x / np.abs(x).max(), reach.factors))[0]
        self._target = self._without(near.counts * weight)
        self._known = self._columns(_of_known(near.energy, known))
        self._freedom = max(near.energy.size - reach.factors - 4, 1)

    def misfit_and_evidence(self, onsets: Floats, part: slice = ALL_SHAPES) -> tuple[float, Floats]:
        """Return chi-square per freedom at the best onset, and the evidence of an edge at each."""
        if onsets.size == 0 or not self.is_usable:
            return np.inf, np.zeros(onsets.size)
        chi2 = np.array([self._fitted(onset, part)[1] for onset in onsets])
        misfit = float(chi2.min()) / self._freedom
        alone = _nnls(self._known, self._target)[1]
        return misfit, np.asarray(np.maximum(alone - chi2, 0) / max(misfit, 1.0))

    def height(self, onset: float, above_eV: float) -> float:
        """Height of an edge so far above its onset, over that of the background."""
        heights = self._fitted(onset, ALL_SHAPES)[0][self._known.shape[1] :]
        return float(_shapes(onset + np.array([above_eV, above_eV + 1]), onset)[0] @ heights)

    def _fitted(self, onset: float, part: slice) -> tuple[Floats, float]:
        edge = self._columns(_shapes(self.energy, float(onset))[:, part])
        return _nnls(np.hstack([self._known, edge]), self._target)

    def _columns(self, shapes: Floats) -> Floats:
        return self._without(self._scale[:, None] * shapes)

    def _without(self, columns: Floats) -> Floats:
        """Take the background out of columns, so that its free factors need no non-negativity."""
        return np.asarray(columns - self._basis @ (self._basis.T @ columns))


def _shapes(energy: Floats, onset: float) -> Floats:
    """Shapes of an edge that nothing is known of."""
    return edge_shapes(energy, Line(onset_eV=onset))


def _of_known(energy: Floats, known: Sequence[Rise]) -> Floats:
    """Shapes of edges that are in the model, shape (bin, shape)."""
    inside = [one for one in known if energy[0] - LEFT_OUT_EV[1] < one.onset_eV < energy[-1]]
    return np.hstack([np.zeros((energy.size, 0)), *(_shapes(energy, one.onset_eV) for one in inside)])


def _nnls(columns: Floats, target: Floats) -> tuple[Floats, float]:
    """Return non-negative factors of the columns, and chi-square."""
    if columns.shape[1] == 0:
        return np.zeros(0), float(target @ target)
    try:
        factors, norm = scipy.optimize.nnls(columns, target, maxiter=50 * columns.shape[1])
        return factors, float(norm**2)
    except RuntimeError:  # it went round in a circle, which rounding can cause
        solved = scipy.optimize.lsq_linear(columns, target, (0, np.inf))
        return solved.x, float(2 * solved.cost)
