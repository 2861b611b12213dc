"""The extremum between samples."""

import numpy as np

from eelsunmix.typing import Floats


def extremum(three: Floats) -> float:
    """Place of the extremum of the parabola through three values, the middle one the most extreme.

    In steps from the middle.

    Examples
    --------
    >>> extremum(np.array([1.0, 4.0, 3.0]))
    0.25
    """
    curvature = three[0] - 2 * three[1] + three[2]
    return float(np.clip((three[0] - three[2]) / (2 * curvature), -0.5, 0.5)) if curvature else 0.0
