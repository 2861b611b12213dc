"""Whether a sum of dark spectra has features that brighter spectra and a constant lack."""

import numpy as np

from eelsunmix.typing import Floats

OWN_SIGNIFICANCE, OWN_PART = 4.0, 0.3
"""Standard deviations, and part of the counts of a band of channels, that are beyond those of the sample."""

N_BANDS = 20
"""Bands of channels that are looked at."""


def has_features(dark: Floats, others: Floats) -> bool:
    """Whether a sum of spectra has, in a band of channels, much that others and a constant lack.

    Parameters
    ----------
    dark : ndarray, shape (channel,)
        Electrons.
    others : ndarray, shape (spectrum, channel)
        What it may have, as the sum of brighter pixels; of any scale.
    """
    from scipy.optimize import nnls

    bands = np.array_split(np.arange(len(dark)), min(N_BANDS, len(dark)))
    found = np.array([dark[band].sum() for band in bands])
    shapes = np.vstack([[spectrum[band].sum() for band in bands] for spectrum in others])
    shapes = np.vstack([shapes, [len(band) for band in bands]])
    scale = shapes.sum(axis=1, keepdims=True)
    shapes = shapes / np.where(scale > 0, scale, 1.0)
    # Counts below zero are noise of the read-out, which is not in the counts.
    sd = np.maximum(np.sqrt(np.maximum(found, 1.0)), -found.min())
    fitted = nnls((shapes / sd).T, found / sd)[0] @ shapes
    excess = found - fitted
    return bool(np.any((excess > OWN_SIGNIFICANCE * sd) & (excess > OWN_PART * found)))
