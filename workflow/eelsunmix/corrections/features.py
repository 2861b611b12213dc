"""Edges and lines that the data show, whether anybody has named them or not."""

import numpy as np
import scipy

SCALES = (1.0, 1.5, 2.0, 3.0, 4.5, 6.5)
"""Widths, in channels (sd), of the lines that are looked for."""
SIGNIFICANCE = 5.0
"""Robust standard deviations of the filtered pattern from which structure is a line: white noise
loses 0.5 % of its channels."""
TAIL = 0.2
"""Part of the largest response nearby below which a response is the tail of the filter itself."""
BACKGROUND_DEGREE = 4
BACKGROUND_WIDTHS = 60
"""Widths of a line over which the curvature of the background may change: some 20 independent values."""
NOISE_CHANNELS = 151
"""Channels over which the size of the pattern may change."""


def find_features(spectra: np.ndarray, window: int) -> np.ndarray:
    """Channels in or beside an edge or a line.

    A pattern of the detector changes from each channel to the next at random; a line or an onset is as wide
    as the resolution of the spectrometer, so neighbouring channels rise together. The second derivative of
    the logarithm, smoothed over the width of a line, adds them up and averages the pattern out [1]_; where
    it leaves the distribution of the other channels, there is a line.

    Parameters
    ----------
    spectra : ndarray, shape (group, channel)
        Mean spectra; positive where they are to be judged.
    window : int
        Channels of the filter by which a pattern is told from the spectrum: half of it is taken along on
        either side.

    Returns
    -------
    ndarray of bool, shape (channel,)

    References
    ----------
    .. [1] Mariscotti, Nucl. Instrum. Methods 50 (1967) 309, eqs. 3 to 6.
    """
    logarithm = np.log(np.maximum(spectra, 1e-12))
    noise = _local_noise(logarithm)
    found = np.zeros(spectra.shape[1], bool)
    for scale in SCALES:
        distance = np.abs(_standardised(_curvature(logarithm, scale), scale, noise))
        highest = scipy.ndimage.maximum_filter1d(distance, 2 * int(3 * scale) + 1, axis=1)
        found |= (distance > np.maximum(TAIL * highest, SIGNIFICANCE)).any(axis=0)
    # without anything found there is nothing to widen
    return np.asarray(scipy.ndimage.binary_dilation(found, iterations=window // 2)) if found.any() else found


def _curvature(logarithm: np.ndarray, scale: float) -> np.ndarray:
    """Second derivative after a Gaussian of `scale` channels."""
    rim = min(int(3 * scale) + 1, logarithm.shape[1] - 1)
    channel = np.linspace(-1, 1, logarithm.shape[1])
    polynomial = np.polynomial.chebyshev.chebfit(channel, logarithm.T, BACKGROUND_DEGREE)
    flat = logarithm - np.polynomial.chebyshev.chebval(channel, polynomial)
    # flat on the whole and turned about its ends, the background has no kink there that looks like a line
    padded = np.pad(flat, ((0, 0), (rim, rim)), mode="reflect", reflect_type="odd")
    return np.asarray(
        scipy.ndimage.gaussian_filter1d(padded, scale, axis=1, order=2, truncate=3.0)[:, rim:-rim]
    )


def _standardised(curvature: np.ndarray, scale: float, noise: np.ndarray) -> np.ndarray:
    """Distance from the local median in robust standard deviations of a pattern of the local size."""
    size = min(int(BACKGROUND_WIDTHS * scale), curvature.shape[1])
    centred = (curvature - scipy.ndimage.median_filter(curvature, (1, size), mode="mirror")) / noise
    spread = 1.4826 * np.median(np.abs(centred), axis=1, keepdims=True)
    return np.asarray(centred / np.maximum(spread, 1e-12))


def _local_noise(logarithm: np.ndarray) -> np.ndarray:
    """Size of the changes from channel to channel, relative to that of the whole spectrum."""
    change = np.abs(np.diff(logarithm, n=2, axis=1, prepend=logarithm[:, :1], append=logarithm[:, -1:]))
    local = scipy.ndimage.median_filter(change, (1, min(NOISE_CHANNELS, change.shape[1])), mode="mirror")
    typical = np.median(change, axis=1, keepdims=True)
    return np.asarray(np.clip(local / np.maximum(typical, 1e-12), 0.2, 5.0))
