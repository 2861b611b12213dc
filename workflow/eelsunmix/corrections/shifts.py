"""Shift of one spectrum against another, found by correlation and refined by least squares."""

import numpy as np


def estimate_shifts(spectra: np.ndarray, reference: np.ndarray, window: tuple[int, int, int]) -> np.ndarray:
    """Shift of each spectrum against a reference, in channels; positive towards higher channels.

    The whole channel of the best correlation first, then its fraction by one step of least squares on the
    reference, a constant, and the derivative of the reference [1]_ (three rounds).

    Parameters
    ----------
    spectra : ndarray, shape (pixel, channel)
    reference : ndarray, shape (channel,)
    window : tuple of int
        First channel, one past the last, and the largest shift; the window plus the shift lies on the axis.

    References
    ----------
    .. [1] Lucas, Kanade, Proc. IJCAI (1981) 674, eq. 6.
    """
    first, last, reach = window
    steps = np.arange(-reach, reach + 1)
    template = reference[first:last] - reference[first:last].mean()
    likeness = np.stack([_correlation(spectra[:, first + s : last + s], template) for s in steps])
    shift = steps[np.argmax(likeness, axis=0)].astype(float)
    slope = np.gradient(reference)[first:last]
    design = np.stack([reference[first:last], np.ones(last - first), slope], axis=1)
    solve = np.linalg.pinv(design)
    channels = np.arange(first, last)
    for _ in range(3):
        amount = interpolated(spectra, channels, shift) @ solve.T
        with np.errstate(divide="ignore", invalid="ignore"):
            # moving the reference up by d adds -d times its slope
            change = np.nan_to_num(-amount[:, 2] / amount[:, 0], posinf=0.0, neginf=0.0)
        shift = shift + np.clip(change, -0.5, 0.5)
    return np.clip(shift, -reach - 1, reach + 1)


def interpolated(spectra: np.ndarray, channels: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Values of each spectrum at ``channels + shift`` by linear interpolation, the ends repeated."""
    place = np.clip(channels + shift[:, None], 0, spectra.shape[1] - 1)
    below = np.minimum(place.astype(int), spectra.shape[1] - 2)
    part = place - below
    rows = np.arange(len(spectra))[:, None]
    return spectra[rows, below] * (1 - part) + spectra[rows, below + 1] * part


def _correlation(windows: np.ndarray, template: np.ndarray) -> np.ndarray:
    centred = windows - windows.mean(axis=1, keepdims=True)
    norm = np.sqrt((centred**2).sum(axis=1))
    return (centred @ template) / np.maximum(norm, 1e-300)
