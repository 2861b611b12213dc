"""Channels of the energy axis: their limits, and those that lie in a window."""

import numpy as np

from eelsunmix.typing import Floats


def channel_bounds(energies: Floats) -> Floats:
    """Limits of the channels whose centres are given, shape (channel + 1,)."""
    middles = (energies[1:] + energies[:-1]) / 2
    return np.concatenate([[2 * energies[0] - middles[0]], middles, [2 * energies[-1] - middles[-1]]])


def window_channels(window: tuple[float, float], energies: Floats) -> tuple[int, int]:
    """Return the first channel whose centre lies in the window and the one after the last."""
    slack = 1e-6 * (
        energies[1] - energies[0]
    )  # a window that ends on a centre includes it, whatever the rounding
    first = int(np.searchsorted(energies, window[0] - slack, side="left"))
    stop = int(np.searchsorted(energies, window[1] + slack, side="right"))
    return first, max(first, stop)
