"""Shifts that say nothing follow those of the pixels around them."""

import math

import numpy as np
import scipy

NEAREST = 1.0
"""Smallest neighbourhood: sd of its Gaussian in pixels."""
MIN_NEIGHBOURS = 3.0
"""Pixels with the feature that a neighbourhood must have, each counted with its weight."""


def follow_neighbours(shift: np.ndarray, deviation: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Draw shifts towards the mean of their neighbourhood, the more so the less certain they are.

    Neighbours are those of the same frame; of a series, a frame in which nothing is known follows the frames
    before and after it.

    The mean is weighted by inverse variances, and what is kept of a pixel's distance from it is the local
    variance of the true shifts over that plus the pixel's own [1]_: at a step of the drift all of it, in an
    image without drift nothing. Pixels that are not known take the mean; their neighbourhood is the smallest
    (1, 2, 4, ... pixels) that has enough that are.

    Parameters
    ----------
    shift, deviation : ndarray, shape (navigation)
        In the same unit.
    known : ndarray of bool, shape (navigation)
        Pixels whose shift was measured; at least one.

    Returns
    -------
    ndarray, shape (navigation)

    References
    ----------
    .. [1] Lee, IEEE Trans. Pattern Anal. Mach. Intell. 2 (1980) 165, eq. 8.
    """
    deviation = np.where(known, np.maximum(deviation, 1e-6), 1.0)
    shift = np.where(known, shift, 0.0)
    weight = known / deviation**2
    result = _between_frames(shift, weight)
    open_pixels, scale = np.ones(shift.shape, bool), NEAREST
    while open_pixels.any() and scale < 2 * max(shift.shape[-2:]):
        enough = open_pixels & (_sum_around(known.astype(float), scale) >= MIN_NEIGHBOURS)
        result[enough] = _shrunk(shift, deviation, known, scale)[enough]
        open_pixels, scale = open_pixels & ~enough, 2 * scale
    # without neighbours there is nothing to follow
    return np.where(open_pixels & known, shift, result)


def _between_frames(shift: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Mean of each frame, (navigation), interpolated between frames where nothing is known."""
    frames = (-1, math.prod(shift.shape[-2:]))
    total = weight.reshape(frames).sum(axis=1)
    known = np.flatnonzero(total)
    mean = (weight * shift).reshape(frames).sum(axis=1)[known] / total[known]
    whole = np.interp(np.arange(total.size), known, mean)
    return np.repeat(whole, frames[1]).reshape(shift.shape)


def _shrunk(shift: np.ndarray, deviation: np.ndarray, known: np.ndarray, scale: float) -> np.ndarray:
    weight, number = known / deviation**2, known.astype(float)
    mean = _ratio(_sum_around(weight * shift, scale), _sum_around(weight, scale))
    scatter = _ratio(_sum_around(weight * (shift - mean) ** 2, scale), _sum_around(weight, scale))
    noise = _ratio(_sum_around(number, scale), _sum_around(weight, scale))
    spread = np.maximum(scatter - noise, 0.0)
    return mean + np.where(known, spread / (spread + deviation**2), 0.0) * (shift - mean)


def _sum_around(values: np.ndarray, scale: float) -> np.ndarray:
    """Sum over the neighbourhood in a frame, the middle counted once, nothing beyond the image."""
    scales = [0.0] * (values.ndim - 2) + [scale, scale]
    density = scipy.ndimage.gaussian_filter(values, scales, mode="constant", truncate=3.0)
    return density * 2 * np.pi * scale**2


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return above / np.where(below > 0, below, np.inf)
