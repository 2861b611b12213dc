"""Whether an image holds a spectrum at all: offset and read-out noise alone have none."""

import numpy as np
import xarray as xr

from eelsunmix.pca.noise_eigenvalues import Noise
from eelsunmix.typing import Floats

PARTS = 10
"""Parts of the energy range whose means are compared."""

CHANCE = 1e-6
"""Probability that the mean spectrum of an offset is taken for one with a shape."""

OUTLIER = 8.0
"""Deviation of a channel, in robust standard deviations, that is a line and no noise."""


def holds_no_structure(pca: xr.Dataset, noise: Noise) -> bool:
    """Whether nothing is above the noise, but for a level that is the same in all channels.

    Parameters
    ----------
    pca : Dataset
        From `denoise`; its first component stands for the mean spectrum.
    noise : Noise
        The noise of its eigenvalues.
    """
    if noise.rank == 0:
        return True
    return noise.rank == 1 and _is_flat(pca["loading"][0].to_numpy().astype(float))


def _is_flat(spectrum: Floats) -> bool:
    """Whether channels differ at random: no part of the range above the others, and no channel."""
    from scipy import special

    live = spectrum[spectrum != 0]
    if live.size < 2 * PARTS:
        return False
    deviation = live - np.median(live)
    scatter = 1.4826 * float(np.median(np.abs(deviation)))
    if scatter <= np.finfo(np.float32).eps * float(np.abs(live).max()):
        return bool(np.all(np.abs(deviation) <= 1e-4 * np.abs(live).max()))
    parts = np.array_split(live, PARTS)
    between = sum(part.size * (part.mean() - live.mean()) ** 2 for part in parts) / (PARTS - 1)
    within = sum(float(np.sum((part - part.mean()) ** 2)) for part in parts) / (live.size - PARTS)
    chance = special.fdtrc(PARTS - 1, live.size - PARTS, between / max(within, np.finfo(float).tiny))
    return bool(chance > CHANCE and np.all(np.abs(deviation) < OUTLIER * scatter))
