"""The parts of a spectrum in which edges can be looked for."""

from collections.abc import Sequence

import numpy as np
import scipy

from eelsunmix.background.onset_scan import Spectrum

LOWEST_EV = 35.0
"""Below lie plasmons and the zero-loss peak."""
RISING_EV = 40.0
"""Spectra fall but for their edges; where one rises from its first channel on, that part is not used."""
LEFT_OUT_EV = (10.0, 30.0)
"""Around an edge that is in the model, what is not fitted: no shape of ours follows its fine structure."""


def beside(spectrum: Spectrum, onsets: Sequence[float]) -> Spectrum:
    """Leave out the fine structure of edges at some onsets."""
    kept = np.ones(spectrum.energy.size, bool)
    for onset in onsets:
        kept &= (spectrum.energy < onset - LEFT_OUT_EV[0]) | (spectrum.energy > onset + LEFT_OUT_EV[1])
    return Spectrum(
        energy=spectrum.energy[kept], counts=spectrum.counts[kept], variance=spectrum.variance[kept]
    )


def falling_halves(halves: Sequence[Spectrum]) -> Sequence[Spectrum]:
    """Leave out of both halves of the pixels what `_falling` leaves out of one."""
    falling = [_falling(half) for half in halves]
    first = max((half.energy[0] for half in falling if half.energy.size), default=np.inf)
    return [half.between(first, np.inf) for half in falling]


def _falling(half: Spectrum) -> Spectrum:
    """Leave out a first part that rises, and what lies near the zero-loss peak."""
    usable = half.between(LOWEST_EV, np.inf)
    start = usable.between(LOWEST_EV, usable.energy[0] + RISING_EV) if usable.energy.size else usable
    if start.energy.size < 3:
        return usable
    smooth = scipy.ndimage.uniform_filter1d(start.counts, 5, mode="nearest")
    highest = int(smooth.argmax())
    # An edge at the very beginning is a rise too: only one that began with the axis is taken for none.
    rises = highest < smooth.size - 3 and smooth[highest] > smooth[0] + 5 * np.sqrt(start.variance[0])
    return usable.between(float(start.energy[highest]), np.inf) if rises else usable
