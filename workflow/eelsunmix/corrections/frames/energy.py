"""The shift of the energy axis of each frame against the other frames."""

import numpy as np

from eelsunmix.corrections.frames.parabola import extremum
from eelsunmix.typing import Floats

FARTHEST_EV = 20.0
"""Shifts that are looked for: farther off lie other edges."""
FACTORS = 4
"""Polynomial factors on the spectrum: dose, thickness and background change from frame to frame."""
LEFT = 0.5
"""Part of the misfit that is left where a shift is undone; what a change of the sample makes stays."""
EVIDENCE = 25.0
"""Fall of the misfit, over what is left of it for a channel."""


def energy_shifts(spectra: Floats, variance_to_mean: float, energy_ev: Floats) -> Floats:
    """Find by how many channels the features of each frame lie higher than in the other frames.

    Whole channels are tried, then the minimum of the parabola through the best three is taken. A shift is
    known where undoing it takes away half of the misfit, or where there is none beyond the noise.

    Parameters
    ----------
    spectra : ndarray, shape (frame, channel)
        Sums of counts.
    variance_to_mean : float
        Of the counts.
    energy_ev : ndarray, shape (channel,)

    Returns
    -------
    ndarray, shape (frame,)
        NaN where the shift is not known.
    """
    n_channels = spectra.shape[1]
    reach = min(int(FARTHEST_EV / float(np.mean(np.diff(energy_ev)))), n_channels // 8)
    if reach < 1:
        return np.full(len(spectra), np.nan)
    shares = spectra / np.maximum(spectra.sum(axis=1, keepdims=True), 1e-300)
    found = []
    for frame, spectrum in enumerate(spectra):
        others = np.median(np.delete(shares, frame, axis=0), axis=0)
        found.append(_shift(spectrum / variance_to_mean, others, reach))
    return np.array(found)


def _shift(spectrum: Floats, reference: Floats, reach: int) -> float:
    kept = slice(reach, spectrum.size - reach)
    inside = spectrum[kept]
    weight = 1 / np.sqrt(np.maximum(inside, 1.0))
    misfit = np.array(
        [_misfit(inside, np.roll(reference, step)[kept], weight) for step in range(-reach, reach + 1)]
    )
    freedom = max(inside.size - FACTORS, 1)
    best = int(np.argmin(misfit))
    if best in (0, misfit.size - 1):
        return np.nan
    left = misfit[best] / misfit[reach] if misfit[reach] > 0 else 1.0
    gained = (misfit[reach] - misfit[best]) / max(misfit[best] / freedom, 1.0)
    is_in_place = abs(best - reach) == 0 or gained < EVIDENCE
    if not is_in_place and left > LEFT:
        return np.nan
    return best - reach + extremum(misfit[best - 1 : best + 2])


def _misfit(spectrum: Floats, reference: Floats, weight: Floats) -> float:
    """Sum of squares, in units of the noise, beyond the reference times a smooth factor."""
    factors = np.polynomial.legendre.legvander(np.linspace(-1, 1, spectrum.size), FACTORS - 1)
    design = np.linalg.qr((reference * weight)[:, None] * factors)[0]
    left = weight * spectrum
    left = left - design @ (design.T @ left)
    return float(left @ left)
