"""What stands for the peak of a map."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

PEAK_QUANTILE = 0.995
"""Quantile of the values that is taken for their peak: few pixels of noise lie above it."""


def peak(values: NDArray[Any]) -> float:
    """Return the highest of the finite values but for a few outliers; NaN where there is none.

    Examples
    --------
    >>> peak(np.append(np.linspace(0.0, 100.0, 1001), np.nan)), peak(np.array([np.nan]))
    (99.5, nan)
    """
    finite = values[np.isfinite(values)]
    return float(np.quantile(finite, PEAK_QUANTILE)) if finite.size else float("nan")
