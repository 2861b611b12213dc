"""Amounts by constrained least squares, and how well a solution describes the counts."""

import numpy as np
from scipy.special import xlogy

from eelsunmix.numerics.abundances import fully_constrained
from eelsunmix.recommendation.data import Data
from eelsunmix.recommendation.solution import Solution
from eelsunmix.typing import Brightness, Floats


def misfit(solution: Solution, data: Data) -> float:
    """Poisson deviance of the counts per pixel and channel: about one, less where there is hardly a count."""
    floor = 0.05 * data.weight**2 + np.finfo(float).tiny
    fitted = np.maximum(solution.amounts @ solution.endmembers, floor)
    counts = np.maximum(data.spectra, 0.0)
    logarithm = xlogy(counts, counts / fitted)
    return float(2 * np.mean(logarithm - counts + fitted) / data.variance_to_mean)


def mapped_linearly(spectra: Floats, endmembers: Floats, weight: Floats, brightness: Brightness) -> Floats:
    """Amounts by constrained least squares: shares that sum to one, times the brightness if that varies.

    Parameters
    ----------
    spectra : ndarray, shape (pixel, channel)
    endmembers : ndarray, shape (endmember, channel)
    weight : ndarray, shape (channel,)
        Standard deviation of each channel.
    brightness : {"constant", "variable"}

    Returns
    -------
    ndarray, shape (pixel, endmember)
    """
    if brightness != "variable":
        return fully_constrained(spectra, endmembers, channel_weight=weight)
    # Averages of pixels with no count may add up to nothing or less: these have no amount.
    totals = np.maximum(spectra.sum(axis=1, keepdims=True), 0.0)
    shapes = np.divide(spectra, totals, out=np.zeros_like(spectra), where=totals > 0)
    of_endmembers = endmembers.sum(axis=1)
    parts = fully_constrained(shapes, endmembers / of_endmembers[:, None], channel_weight=weight)
    amounts: Floats = totals * parts / of_endmembers
    return amounts
