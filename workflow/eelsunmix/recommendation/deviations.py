"""Standard deviations of the recommended result: what its method got wrong on the twins."""

from collections.abc import Sequence

import numpy as np
import scipy

from eelsunmix.typing import Bools, Floats

SIDE_PX, SIDE_CHANNELS = 5, 5
"""Errors are averaged over so many pixels along each side, and over so many channels."""
CLASSES = 16
"""Classes of pixels of about the same value, where the errors are those of a sample."""


def map_deviation(errors: Sequence[Floats], chosen: Bools) -> Floats:
    """Root mean square of errors over twins and neighbouring pixels, shape (navigation, endmember).

    Parameters
    ----------
    errors : sequence of ndarray, shape (pixel, endmember)
        Found minus true, for the chosen pixels.
    chosen : ndarray of bool, shape (navigation)
        At least two dims; the last two are y and x.
    """
    square = np.mean([error**2 for error in errors], axis=0)
    filled = np.zeros((*chosen.shape, square.shape[1]))
    filled[chosen] = square
    sides = [1] * (chosen.ndim - 2) + [SIDE_PX, SIDE_PX]
    number = scipy.ndimage.uniform_filter(chosen.astype(float), sides, mode="constant")
    total = scipy.ndimage.uniform_filter(filled, [*sides, 1], mode="constant")
    mean = np.divide(total, number[..., None], out=np.zeros_like(total), where=number[..., None] > 1e-9)
    return np.sqrt(np.maximum(mean, 0.0))


def deviation_by_value(errors: Sequence[Floats], values: Floats, wanted: Floats) -> Floats:
    """Root mean square of errors over twins and pixels of about the same value, shape of `wanted`.

    Parameters
    ----------
    errors : sequence of ndarray, shape (pixel, endmember)
    values : ndarray, shape (pixel, endmember)
        What was found in these pixels.
    wanted : ndarray, shape (other pixel, endmember)
        What was found in others.
    """
    square = np.mean([error**2 for error in errors], axis=0)
    found = np.empty_like(wanted)
    for column in range(values.shape[1]):
        order = np.argsort(values[:, column], kind="stable")
        parts = np.array_split(order, min(CLASSES, len(order)))
        middles = np.array([values[part, column].mean() for part in parts])
        sizes = np.sqrt([square[part, column].mean() for part in parts])
        found[:, column] = np.interp(wanted[:, column], middles, sizes)
    return found


def spectrum_deviation(errors: Sequence[Floats]) -> Floats:
    """Root mean square of errors over twins and neighbouring channels, shape (endmember, channel)."""
    square = np.mean([error**2 for error in errors], axis=0)
    smooth = scipy.ndimage.uniform_filter1d(
        square, min(SIDE_CHANNELS, square.shape[1]), axis=1, mode="nearest"
    )
    return np.sqrt(np.maximum(smooth, 0.0))
