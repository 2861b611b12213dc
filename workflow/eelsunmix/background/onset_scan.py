"""Where an edge rises in a spectrum: its shapes tried at every shift, as columns of a least-squares fit."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from eelsunmix.typing import Floats

REACH_EV = 30.0
"""Largest shift looked for, to either side."""
MARGIN_EV = 30.0
"""Beyond the reach, so that the background before an edge and the edge itself are in the fit at any shift."""
BEFORE_EV, AFTER_EV = 12.0, 8.0
"""An onset nearer to the ends of the axis cannot be seen."""
CURVATURE = 3
"""Polynomial factors on the power law: it is none over 100 eV, and plural scattering bends it."""
NARROW_EV, BROAD_EV = 1.2, 2.5
"""Standard deviations of white lines."""
SECOND = 1.4
"""Largest height of the second line of a doublet relative to the first."""
DELAYS_EV = (5.0, 15.0, 40.0)
"""Of edges that rise slowly."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """Where an edge is expected.

    Parameters
    ----------
    onset_eV : float
    splitting_eV : float
        Distance of the second line of a doublet; 0 for a single edge.
    """

    onset_eV: float
    splitting_eV: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Spectrum:
    """A mean spectrum in bins of one width.

    Parameters
    ----------
    energy, counts, variance : ndarray, shape (bin,)
        Centres in eV, counts, and their variances.
    """

    energy: Floats
    counts: Floats
    variance: Floats

    def between(self, low: float, high: float) -> "Spectrum":
        """Return the bins whose centres lie between two energies."""
        inside = (self.energy >= low) & (self.energy <= high)
        return Spectrum(
            energy=self.energy[inside], counts=self.counts[inside], variance=self.variance[inside]
        )


@dataclass(frozen=True, kw_only=True)
class Scan:
    """How well an edge explains a spectrum at each shift, in units of what is left at the best one.

    Parameters
    ----------
    shift : ndarray, shape (shift,)
        In eV; empty where the axis is too short.
    excess : ndarray, shape (shift,)
        Rise of chi-square above its minimum, over its reduced minimum.
    evidence : float
        The same of the fit without the edge.
    """

    shift: Floats
    excess: Floats
    evidence: float


NOTHING = Scan(shift=np.empty(0), excess=np.empty(0), evidence=0.0)


def scan_onset(spectrum: Spectrum, line: Line, others: Sequence[Line] = ()) -> Scan:
    """Fit a curved power law and an edge at each shift of its onset; other edges shift with it.

    Parameters
    ----------
    spectrum : Spectrum
    line : Line
        The edge that is looked for.
    others : sequence of Line
        Edges that may lie in the same stretch of the spectrum.

    Returns
    -------
    Scan
        Its shifts are those at which the edge lies on the axis.
    """
    beyond = REACH_EV + MARGIN_EV
    # Far below an edge lie plasmons, the zero-loss peak and energies below 0: no power law there.
    near = spectrum.between(max(line.onset_eV - beyond, line.onset_eV / 3), line.onset_eV + beyond)
    shifts = _possible_shifts(near, line.onset_eV)
    usable = near.counts[np.isfinite(near.counts) & (near.counts > 0)]
    if shifts.size < 3 or usable.size < near.counts.size:
        return NOTHING
    weight = 1 / np.sqrt(near.variance)
    scale = _rough_background(near, line.onset_eV) * weight
    x = np.log(near.energy / line.onset_eV)
    basis = np.linalg.qr(scale[:, None] * np.vander(x / np.abs(x).max(), CURVATURE))[0]
    target = _without(basis, near.counts * weight)
    chi2 = np.array([_chi2(near, scale, basis, target, _shifted(line, others, s)) for s in shifts])
    reduced = max(chi2.min() / (near.energy.size - CURVATURE), 1.0)
    alone = min(_chi2(near, scale, basis, target, _shifted(None, others, s)) for s in shifts)
    return Scan(
        shift=shifts, excess=(chi2 - chi2.min()) / reduced, evidence=float((alone - chi2.min()) / reduced)
    )


def edge_shapes(energy: Floats, line: Line) -> Floats:
    """Shapes whose non-negative sums look like an edge: zero before its onset, shape (bin, shape).

    A step and white lines, broadened by the width of the bins, alone and with those of the second line of a
    doublet, and slow rises.
    """
    shapes = _line_shapes(energy, line.onset_eV)
    if line.splitting_eV:
        # Never the second line alone, or one edge could be taken for either of the two.
        second = _line_shapes(energy, line.onset_eV + line.splitting_eV)
        shapes += [one + SECOND * other for one, other in zip(shapes, second, strict=True)]
    above = np.clip(energy - line.onset_eV, 0, None)
    return np.array([*shapes, *(1 - np.exp(-above / delay) for delay in DELAYS_EV)]).T


def _line_shapes(energy: Floats, onset: float) -> list[Floats]:
    blur = max(0.8, 0.6 * (energy[1] - energy[0]))
    widths = np.hypot((NARROW_EV, BROAD_EV), blur)
    # Half of the height of a white line lies at the onset.
    peaks = [np.exp(-0.5 * ((energy - onset) / width - np.sqrt(2 * np.log(2))) ** 2) for width in widths]
    return [scipy.special.ndtr((energy - onset) / blur), *peaks]


def _possible_shifts(near: Spectrum, onset: float) -> Floats:
    if near.energy.size < 3 * CURVATURE:
        return np.empty(0)
    step = min(1.0, float(near.energy[1] - near.energy[0]))
    shifts = np.arange(-REACH_EV, REACH_EV + step / 2, step)
    on_axis = (onset + shifts >= near.energy[0] + BEFORE_EV) & (onset + shifts <= near.energy[-1] - AFTER_EV)
    return shifts[on_axis]


def _rough_background(near: Spectrum, onset: float) -> Floats:
    x, weight = np.log(near.energy / onset), near.counts / np.sqrt(near.variance)
    return np.exp(np.polyval(np.polyfit(x, np.log(near.counts), 1, w=weight), x))


def _shifted(line: Line | None, others: Sequence[Line], shift: float) -> list[Line]:
    lines = [*others, line] if line else others
    return [Line(onset_eV=one.onset_eV + shift, splitting_eV=one.splitting_eV) for one in lines]


def _chi2(near: Spectrum, scale: Floats, basis: Floats, target: Floats, lines: Sequence[Line]) -> float:
    seen = [edge_shapes(near.energy, one) for one in lines if one.onset_eV < near.energy[-1]]
    if not seen:
        return float(target @ target)
    columns = _without(basis, scale[:, None] * np.hstack(seen))
    return float(scipy.optimize.nnls(columns, target)[1] ** 2)


def _without(basis: Floats, columns: Floats) -> Floats:
    """Take the background out of columns, so that its free factors need no non-negativity."""
    return columns - basis @ (basis.T @ columns)
