"""The brightness of an image relative to what a model calls one."""

import numpy as np

from eelsunmix.numerics.abundances import non_negative
from eelsunmix.typing import Floats


def mean_brightness(mean_spectrum: Floats, endmembers: Floats) -> float:
    """Sum of the abundances of a mean spectrum, without the constraint that they sum to one.

    Parameters
    ----------
    mean_spectrum : ndarray, shape (channel,)
        Counts.
    endmembers : ndarray, shape (endmember, channel)

    Returns
    -------
    float
        One where the image is as bright as the model's pixels of abundance one.
    """
    mean = np.asarray(mean_spectrum, dtype=float)
    floor = max(1e-3 * float(mean.max(initial=0.0)), np.finfo(float).tiny)
    weight = np.sqrt(np.maximum(mean, floor))
    return float(non_negative(mean[None], endmembers, channel_weight=weight).sum())
