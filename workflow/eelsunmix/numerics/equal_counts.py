"""Spectra brought to the same total counts."""

import numpy as np

from eelsunmix.typing import Floats

DARK, EMPTY = 0.2, 0.02
"""Parts of typical counts: a pixel below the first is mostly noise beside others; below the second, empty."""


def with_equal_counts(spectra: Floats, counts: float, *, least: float = DARK) -> Floats:
    """Scale spectra, shape (..., channel), to the same total counts; those below `least` stay darker."""
    totals = np.maximum(spectra.sum(axis=-1, keepdims=True), least * counts)
    return spectra * (counts / totals)
