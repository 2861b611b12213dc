"""Non-local means on score maps, and the guard that puts back what was too significant to be noise.

Scores of a weighted PCA are a handful of maps with white noise of known variance: averaging pixels that are
the same within that noise removes it without mixing different pixels. Everything works on one frame.
"""

from collections.abc import Iterator

import numpy as np
import scipy
from numpy.typing import NDArray

from eelsunmix.typing import Bools

AnyFloats = NDArray[np.floating]

GUARD_WINDOWS = ((1, 1), (2, 2), (3, 3), (5, 1), (1, 5))
"""Rows x columns over which the removed signal is averaged before it is tested."""
GUARD_REACH = 3
"""Pixels that the test of a pixel looks away: half of the largest window, and one for the neighbours."""


def nonlocal_means(
    scores: AnyFloats,
    variance: AnyFloats,
    valid: Bools,
    *,
    n_compared: int,
    strength: float = 0.4,
    window: int = 13,
    patch: int = 3,
    centre: AnyFloats | None = None,
) -> NDArray[np.float32]:
    """Average each pixel's scores over the pixels whose neighbourhoods look the same.

    Parameters
    ----------
    scores : ndarray, shape (y, x, component)
        Score over its noise standard deviation, up to the factor of the pixel in `variance`.
    variance : ndarray, shape (y, x)
        Variance of the noise of all scores of a pixel (relative counts); positive where valid.
    valid : ndarray of bool, shape (y, x)
        Other pixels are neither changed nor used.
    n_compared : int
        Leading components that decide which pixels are alike; all components are averaged.
    strength : float
        h of the reference: 0.4 keeps features of 2 x 2 pixels, 0.7 smooths more.
    window, patch : int
        Side of the area searched and of the neighbourhoods compared, in pixels, odd.
    centre : ndarray, shape (component,), optional
        Of the scores, where these are those of a part; their medians by default.

    Returns
    -------
    ndarray of float32, shape (y, x, component)

    References
    ----------
    Buades, Coll, Morel, Multiscale Model. Simul. 4 (2005) 490, section 5; the noise is subtracted from the
    distance of patches as in Buades, Coll, Morel, IPOL 1 (2011) 208, equation 3.
    """
    if centre is None:
        centre = np.median(scores[valid], axis=0) if valid.any() else np.zeros(scores.shape[-1])
    # Means do not depend on the origin; a central one leaves float32 more digits.
    centred = np.where(valid[..., None], scores - centre, 0)
    maps = np.ascontiguousarray(np.moveaxis(centred, -1, 0), dtype=np.float32)  # each map in one piece
    spread = np.where(valid, variance, 1).astype(np.float32)
    used = valid.astype(np.float32)
    total, weight = maps * used, used.copy()
    for here, there in shifts(valid.shape, window):
        distance = _patch_distance(maps[:n_compared], spread, used, here, there, patch)
        excess = np.maximum(distance - 2 * n_compared, 0) / (2 * strength**2 * n_compared)
        alike = np.exp(-excess) * used[here] * used[there]
        weight[here] += alike
        weight[there] += alike
        for average, values in zip(total, maps, strict=True):
            average[here] += alike * values[there]
            average[there] += alike * values[here]
    smooth = np.moveaxis(total / np.where(valid, weight, 1), 0, -1) + centre
    return np.where(valid[..., None], smooth, scores).astype(np.float32)


def shifts(shape: tuple[int, ...], window: int) -> Iterator[tuple[tuple[slice, ...], tuple[slice, ...]]]:
    """Pairs of equal regions of a map, displaced by every vector of half the window; no pair comes twice.

    Examples
    --------
    >>> len(list(shifts((20, 30), 13))), len(list(shifts((2, 21), 13)))
    (84, 19)
    """
    reach = window // 2
    for dy in range(min(reach, shape[0] - 1) + 1):
        across = min(reach, shape[1] - 1)
        for dx in range(-across if dy else 1, across + 1):
            left, right = max(0, -dx), max(0, dx)
            here = slice(0, shape[0] - dy), slice(left, shape[1] - right)
            there = slice(dy, shape[0]), slice(right, shape[1] - left)
            yield here, there


def significant_loss(
    scores: AnyFloats, smooth: AnyFloats, variance: AnyFloats, valid: Bools, *, probability: float
) -> Bools:
    """Find where the signal that was smoothed away is more than noise.

    Parameters
    ----------
    scores, smooth : ndarray, shape (y, x, component)
        Before and after, in noise standard deviations as for `nonlocal_means`.
    variance : ndarray, shape (y, x)
        Variance of the noise of a pixel.
    valid : ndarray of bool, shape (y, x)
        Pixels that take part.
    probability : float
        False alarms per pixel and window.

    Returns
    -------
    ndarray of bool, shape (y, x)
        Pixels in or next to a window of `GUARD_WINDOWS` that fails a chi-square test.
    """
    spread = np.sqrt(np.where(valid, variance, 1))[..., None]
    removed = np.where(valid[..., None], (scores - smooth) / spread, 0)
    limit = scipy.special.chdtri(scores.shape[-1], probability)
    found = np.zeros(valid.shape, dtype=bool)
    for sides in GUARD_WINDOWS:
        pixels = _window_sum(valid.astype(np.float64), sides)
        sums = _window_sum(removed, (*sides, 1))
        # A mean over n pixels has variance 1 / n: n * mean^2 = sum^2 / n.
        found |= np.sum(sums**2, axis=-1) > limit * np.maximum(pixels, 1)
    return scipy.ndimage.binary_dilation(found, np.ones((3, 3))) & valid


def _patch_distance(
    maps: AnyFloats,
    spread: AnyFloats,
    used: AnyFloats,
    here: tuple[slice, ...],
    there: tuple[slice, ...],
    patch: int,
) -> AnyFloats:
    """Mean over the patch of the squared difference of two pixels; 2 per component if only noise differs."""
    distance = np.zeros_like(spread[here])
    for values in maps:
        distance += np.square(values[here] - values[there])
    both = used[here] * used[there]
    distance *= 2 * both / (spread[here] + spread[there])
    pixels = _window_sum(both, (patch, patch))
    return _window_sum(distance, (patch, patch)) / np.maximum(pixels, 1)


def _window_sum(values: AnyFloats, sides: tuple[int, ...]) -> AnyFloats:
    return scipy.ndimage.uniform_filter(values, sides, mode="constant") * np.prod(sides).astype(values.dtype)
