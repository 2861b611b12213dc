"""Widths and asymmetry of the highest peak of a profile."""

from dataclasses import dataclass

import numpy as np

from eelsunmix.typing import Floats

NEAR, AGAIN = 2.0, 0.7
"""A profile that is above this part of its peak again within so many widths of it is no single peak."""


@dataclass(frozen=True, kw_only=True)
class PeakShape:
    """Lengths in the unit of the positions; NaN where the profile ends before the level is reached.

    Attributes
    ----------
    fwhm : float
        Full width at half maximum; NaN where the profile oscillates, so that this would be the width of one
        oscillation.
    left_10_90, right_10_90 : float
        Distance between 10 and 90 % of the maximum on either flank.
    asymmetry : float
        (right - left) / (right + left): negative when the left flank is the wider one.
    """

    fwhm: float
    left_10_90: float
    right_10_90: float
    asymmetry: float


def peak_shape(position: Floats, values: Floats) -> PeakShape:
    """Measure the highest peak of a profile from zero, going outwards from its maximum.

    Parameters
    ----------
    position, values : ndarray, shape (position,)
        Increasing positions; points that are NaN in either are left out.

    Examples
    --------
    >>> peak_shape(np.arange(5.0), np.array([0.0, 1.0, 2.0, 1.0, 0.0])).fwhm
    2.0
    """
    used = np.isfinite(position) & np.isfinite(values)
    position, values = position[used], values[used]
    if values.size < 3 or not values.max() > 0:
        return PeakShape(fwhm=np.nan, left_10_90=np.nan, right_10_90=np.nan, asymmetry=np.nan)
    peak = int(values.argmax())
    relative = values / values[peak]
    left = {level: _crossing(position[peak::-1], relative[peak::-1], level) for level in (0.1, 0.5, 0.9)}
    right = {level: _crossing(position[peak:], relative[peak:], level) for level in (0.1, 0.5, 0.9)}
    rise, fall = left[0.9] - left[0.1], right[0.1] - right[0.9]
    total = rise + fall
    return PeakShape(
        fwhm=np.nan if _rises_again(position, relative, left[0.5], right[0.5]) else right[0.5] - left[0.5],
        left_10_90=rise,
        right_10_90=fall,
        asymmetry=(fall - rise) / total if total > 0 else np.nan,
    )


def _rises_again(position: Floats, relative: Floats, left: float, right: float) -> bool:
    """Whether, nearer than `NEAR` widths from its flanks, the profile is as high as the peak nearly is."""
    width = right - left
    outside = (position < left) | (position > right)
    near = (position > left - NEAR * width) & (position < right + NEAR * width)
    return bool((relative[outside & near] > AGAIN).any())


def _crossing(position: Floats, relative: Floats, level: float) -> float:
    """Where a flank, given from the peak outwards, first falls below the level."""
    below = np.flatnonzero(relative < level)
    if not below.size:
        return np.nan
    after = below[0]
    part = (relative[after - 1] - level) / (relative[after - 1] - relative[after])
    return float(position[after - 1] + part * (position[after] - position[after - 1]))
