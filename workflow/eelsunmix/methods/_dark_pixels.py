"""Dark pixels with a spectrum of their own, as those of a film on which bright particles lie."""

import numpy as np

from eelsunmix.methods._learning_set import LearningSet
from eelsunmix.numerics.equal_counts import DARK, EMPTY
from eelsunmix.numerics.features import has_features
from eelsunmix.typing import Bools, Floats, Indices

_LEVELS = np.geomspace(EMPTY, DARK, 6)
"""Parts of the typical counts between which dark pixels are looked at together."""

_BRIGHT = 0.3
"""Part of the typical counts from which on a pixel shows what the features of the sample are."""

_TAILS = (2.0, 4.0, 8.0, 16.0)
"""Logarithms by which the tail of stronger losses falls along the channels: vacuum has it too."""


def averages_of_dark_pixels(learning: LearningSet, counts: float) -> tuple[Floats, Floats]:
    """Average dark pixels that have features of their own, over as many as have typical counts together.

    The glow of a vacuum has the spectrum of the sample, falls off, or is constant, and is left out. One dark
    pixel brought to typical counts would be mostly noise, which some methods take for a material.

    Parameters
    ----------
    learning : LearningSet
    counts : float
        Typical counts of a pixel.

    Returns
    -------
    spectra : ndarray, shape (average, channel)
    weight : ndarray, shape (average,)
        As the weight of a pixel.
    """
    totals = learning.spectra.sum(axis=1)
    sample = learning.spectra[totals >= _BRIGHT * counts].sum(axis=0) / learning.counts_per_electron
    shapes = np.vstack([sample, np.exp(-np.outer(_TAILS, np.linspace(0, 1, len(sample))))])
    spectra, weights = [np.empty((0, learning.spectra.shape[1]))], list[float]()
    for low, high in zip(_LEVELS[:-1] * counts, _LEVELS[1:] * counts, strict=True):
        level = (totals >= low) & (totals < high)
        dark = learning.spectra[level].sum(axis=0) / learning.counts_per_electron
        if level.any() and has_features(dark, shapes):
            for pixels in _with_typical_counts(learning, level, totals, counts):
                spectra.append(learning.spectra[pixels].mean(axis=0)[None])
                weights.append(float(np.linalg.norm(learning.pixel_weight[pixels])) / len(pixels))
    return np.concatenate(spectra), np.array(weights)


def _with_typical_counts(learning: LearningSet, level: Bools, totals: Floats, counts: float) -> list[Indices]:
    """Pixels of a level in parcels of typical counts, alike in counts; the last few are left out."""
    found = np.flatnonzero(level)
    # The order must not depend on that of the pixels: those of the same counts go by their mean channel.
    place = learning.spectra[found] @ np.arange(learning.spectra.shape[1])
    found = found[np.lexsort((place, totals[found]))]
    number = np.floor(np.cumsum(totals[found]) / counts)
    return np.split(found, np.flatnonzero(np.diff(number)) + 1)[: int(number[-1])]
