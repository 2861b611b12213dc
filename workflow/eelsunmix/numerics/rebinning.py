"""Spectra on other channels: counts are shared out, none is lost or gained."""

from collections.abc import Callable
from typing import Any

import numpy as np

from eelsunmix.energy.channels import channel_bounds
from eelsunmix.errors import MethodFailedError
from eelsunmix.typing import Floats
from eelsunmix.words import axes_in_words


def rebinned(spectra: Floats, energy: Floats, new_energy: Floats) -> Floats:
    """Share counts out to new channels, by monotone interpolation of their sum up to each border.

    Parameters
    ----------
    spectra : ndarray, shape (spectrum, channel)
        Counts per channel; those without negative values stay so.
    energy, new_energy : ndarray
        Centres of the channels; the new ones may reach half a channel beyond the old ones.
    """
    from scipy.interpolate import PchipInterpolator

    return _shared_out(PchipInterpolator, spectra, energy, new_energy)


def rebinned_deviation(deviations: Floats, energy: Floats, new_energy: Floats) -> Floats:
    """Share standard deviations out as `rebinned` does counts: of independent channels, variances add up."""
    return np.sqrt(np.maximum(rebinned(deviations**2, energy, new_energy), 0.0))


def rebinning_matrix(energy: Floats, new_energy: Floats) -> Floats:
    """Matrix that shares the counts of any spectrum out, shape (channel, new channel): ``spectrum @ matrix``.

    The interpolation is a cubic spline, linear in the counts; `rebinned`, which keeps them from becoming
    negative, is not.

    Raises
    ------
    MethodFailedError
        The new channels reach more than half a channel beyond the old ones.

    Examples
    --------
    >>> matrix = rebinning_matrix(np.array([1.0, 3.0, 5.0, 7.0]), np.array([2.0, 6.0]))
    >>> np.array([1.0, 2.0, 3.0, 5.0]) @ matrix
    array([3., 8.])
    """
    from scipy.interpolate import CubicSpline

    half = channel_bounds(energy) - np.append(energy, energy[-1])
    if new_energy[0] < energy[0] + half[0] or new_energy[-1] > energy[-1] + half[-1]:
        raise MethodFailedError(
            f"the model needs all of {axes_in_words(new_energy, energy)}; fit again on the axis of the image"
        )
    return _shared_out(CubicSpline, np.eye(len(energy)), energy, new_energy)


def _shared_out(
    interpolator: Callable[..., Any], spectra: Floats, energy: Floats, new_energy: Floats
) -> Floats:
    borders = channel_bounds(energy)
    wide = np.concatenate([[2 * borders[0] - borders[1]], borders, [2 * borders[-1] - borders[-2]]])
    wide[[0, -1]] += np.array([-1, 1]) * np.ptp(new_energy) / max(len(new_energy) - 1, 1)
    density = np.pad(spectra / np.diff(borders), ((0, 0), (1, 1)), mode="edge")
    summed = np.cumsum(density * np.diff(wide), axis=1)
    whole = interpolator(wide, np.pad(summed, ((0, 0), (1, 0))), axis=1)
    found: Floats = np.diff(whole(channel_bounds(new_energy)), axis=1)
    return found
