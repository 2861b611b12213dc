"""Spectra brought to the same total counts."""

import numpy as np

from eelsunmix.typing import Floats

DARK = 0.2
"""Pixels with less than this part of the typical counts are not made brighter than that."""


def with_equal_counts(spectra: Floats, counts: float) -> Floats:
    """Scale spectra, shape (..., channel), to the same total counts; dark ones stay darker."""
    totals = np.maximum(spectra.sum(axis=-1, keepdims=True), DARK * counts)
    return spectra * (counts / totals)
