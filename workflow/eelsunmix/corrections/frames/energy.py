"""The shift of the energy axis of each frame against the other frames."""

import numpy as np

from eelsunmix.corrections.frames.parabola import extremum
from eelsunmix.corrections.shifts import interpolated
from eelsunmix.typing import Floats

FARTHEST_EV = 20.0
"""Shifts that are looked for: farther off lie other edges."""
CORE_EV, X_RAYS_EV = 50.0, 1000.0
"""Axes that begin and end below these hold plasmons. Those of another thickness pass for shifted ones, unless
the peak at zero is compared with them."""
FACTORS = 4
"""Polynomial factors on the spectrum: dose, thickness and background change from frame to frame."""
LEFT = 0.5
"""Part of the misfit beyond the noise that is left where a shift is undone; what the sample changes stays."""
EVIDENCE, SIGMAS = 25.0, 3.0
"""Rise of the misfit that tells two steps apart, over what is left of it for a channel, and beyond so many
standard deviations of what the noise of the reference makes of it."""
ROUNDS = 4
"""The first reference is blurred by the shifts themselves. Each round undoes half of what is left of them: of
two frames, either is shifted by all that lies between them, and there they meet."""
NEAR, NEAR_EV = 3, 1.0
"""Channels, or the energy, up to which steps need not be told apart: edges are not sharper."""


def energy_shifts(spectra: Floats, variance_to_mean: float, energy_ev: Floats) -> Floats:
    """Find by how many channels the features of each frame lie higher than in the other frames.

    Whole channels are tried, then the minimum of the parabola through the best three is taken. A shift is
    known where a feature tells it from those farther off, and none is named that is not told from zero or
    leaves more than half of the misfit beyond the noise.

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
    step = float(np.mean(np.diff(energy_ev)))
    reach = _reach(energy_ev, step)
    near = min(max(NEAR, int(NEAR_EV / step)), reach // 2)
    shifts, full = np.full(len(spectra), np.nan), spectra.sum(axis=1) > 0
    if reach > 0 and full.sum() > 1:
        shifts[full] = _shifts_of_full(spectra[full] / variance_to_mean, reach, near)
    return shifts


def _shifts_of_full(electrons: Floats, reach: int, near: int) -> Floats:
    """Find the shifts of frames that all have counts."""
    n_frames, n_channels = electrons.shape
    dose = electrons.sum(axis=1)
    shifts, undone = np.empty(n_frames), np.zeros(n_frames)
    for _ in range(ROUNDS):
        shares = interpolated(electrons / dose[:, None], np.arange(n_channels), undone)
        for frame in range(n_frames):
            others = np.arange(n_frames) != frame
            noise = _noise_of_median(dose[others]) * dose[frame]
            median = np.median(shares[others], axis=0)
            shifts[frame] = _shift(electrons[frame], median, noise=noise, reach=reach, near=near)
        undone = (undone + np.nan_to_num(_about_their_median(shifts))) / 2
    return shifts


def _reach(energy_ev: Floats, step: float) -> int:
    """Channels by which spectra are shifted at most; so many at either end are not compared."""
    reach = min(int(FARTHEST_EV / step), energy_ev.size // 8)
    is_low_loss = energy_ev[0] < CORE_EV and energy_ev[-1] < X_RAYS_EV
    return min(reach, int(np.sum(energy_ev < 0)) // 2) if is_low_loss else reach


def _about_their_median(shifts: Floats) -> Floats:
    known = np.isfinite(shifts)
    return shifts - np.median(shifts[known]) if 2 * known.sum() > shifts.size else shifts


def _noise_of_median(dose: Floats) -> float:
    """Variance of the median of the frames' shares, over the share."""
    of_median = 1.0 if dose.size < 3 else np.pi / 2
    return of_median / (dose.size * float(np.mean(np.sqrt(dose))) ** 2)


def _shift(spectrum: Floats, reference: Floats, *, noise: float, reach: int, near: int) -> float:
    """Find the shift of a spectrum; `noise`: variance of the reference over that of the spectrum."""
    misfit, freedom = _misfits(spectrum, reference, reach)
    best = int(np.argmin(misfit))
    rise = (misfit - misfit[best]) / max(misfit[best] / freedom, 1.0)
    is_told = rise >= EVIDENCE + SIGMAS * np.sqrt(8 * freedom * noise)
    distance = np.abs(np.arange(misfit.size) - best)
    if best in (0, misfit.size - 1) or not is_told[distance > near].all():
        return np.nan
    shift = best - reach + extremum(misfit[best - 1 : best + 2])
    beyond = np.maximum(misfit - freedom * (1 + noise), 0.0)
    is_shift = is_told[reach] and beyond[best] <= LEFT * beyond[reach]
    return shift if is_shift or abs(shift) < 1 else np.nan


def _misfits(spectrum: Floats, reference: Floats, reach: int) -> tuple[Floats, int]:
    """Sum squares, over the noise, beyond the reference times a smooth factor, at each step; with freedom."""
    inside = spectrum[reach : spectrum.size - reach]
    weight = 1 / np.maximum(inside, 1.0)
    factors = np.polynomial.legendre.legvander(np.linspace(-1, 1, inside.size), FACTORS - 1).T
    moved = np.lib.stride_tricks.sliding_window_view(reference, inside.size)[::-1]
    pairs = (factors[:, None] * factors * weight).reshape(-1, inside.size)
    normal = (moved**2 @ pairs.T).reshape(len(moved), FACTORS, FACTORS)
    along = moved @ (factors * weight * inside).T
    fitted = np.einsum("si,sij,sj->s", along, np.linalg.pinv(normal, hermitian=True), along)
    return float(weight @ inside**2) - fitted, max(inside.size - FACTORS, 1)
