"""Spikes that come again at the same energy: narrow lines of single atoms, or a channel that flickers."""

import numpy as np
import scipy

from eelsunmix.corrections.spike_shape import event_numbers
from eelsunmix.corrections.spikes import Spikes

WIDTH, SURROUNDINGS = 5, 81
"""Channels over which the events of one line are scattered, and those in which others are counted."""
PROBABILITY = 1e-6
"""That events at random energies gather anywhere on the axis of a clean image."""


def recurring(spikes: Spikes, n_channels: int) -> np.ndarray:
    """Spikes whose events gather at an energy more than events at random would.

    Cosmic rays and X-rays meet any channel; those that make more of a mark where counts are few are compared
    with their surroundings, not with the whole axis alone.

    Parameters
    ----------
    spikes : Spikes
        In the order of the image.
    n_channels : int

    Returns
    -------
    ndarray of bool, shape (spike,)
        The same for all voxels of an event.
    """
    event = event_numbers(spikes.position)
    if not event.size or n_channels <= SURROUNDINGS:
        return np.zeros(event.size, bool)
    order = np.lexsort((spikes.found, event))
    peak = spikes.position[order[np.append(np.diff(event[order]) > 0, True)], -1]
    number = np.bincount(peak, minlength=n_channels).astype(float)
    gathered = _moving_sum(number, WIDTH)
    near = _moving_sum(number, SURROUNDINGS) - gathered
    rest = max(peak.size - float(gathered.max()), 0.0) / (n_channels - WIDTH)
    expected = WIDTH * np.maximum(np.maximum(near / (SURROUNDINGS - WIDTH), rest), 1 / n_channels)
    unlikely = scipy.special.pdtrc(gathered - 1, expected) < PROBABILITY / n_channels
    there = scipy.ndimage.binary_dilation(unlikely & (gathered > 1), iterations=WIDTH // 2)
    return np.asarray(there[peak][event])


def _moving_sum(values: np.ndarray, size: int) -> np.ndarray:
    return np.asarray(scipy.ndimage.uniform_filter1d(values, size, mode="reflect")) * size
