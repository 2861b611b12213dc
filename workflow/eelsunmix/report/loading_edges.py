"""At which named edges the loading of a principal component changes more sharply than its noise does."""

import numpy as np
from scipy.ndimage import median_filter

from eelsunmix.report.inputs import Inputs
from eelsunmix.typing import Floats
from eelsunmix.units import electronvolts_per

BEFORE_EV, AFTER_EV = 3.0, 25.0
"""Around the onset, where white lines and steps are."""
BROAD_EV = 30.0
"""What is broader is no edge: a median over so much is taken away."""
SHARP = 6.0
"""Excess of the mean square there over that of noise, in its standard deviations. Noise alone reaches 3.9 in
480 tries (ten simulated scenes, five components after the last, three seeds) and in a measured image."""
BAD, LEAST = 2, 6
"""The largest channels are left out, as bad ones are single; and how many a mean square needs with them."""


def edges_in_loading(inputs: Inputs, component: int) -> list[str]:
    """Return the edges at which a loading changes sharply: it is no noise then.

    It may be of the specimen, or of a shift of the energy axis, which moves every edge.

    Parameters
    ----------
    inputs : Inputs
    component : int
        From 0.
    """
    if not inputs.edges or component >= inputs.pca.sizes["component"]:
        return []
    size = electronvolts_per(inputs.energy_unit) or 1.0
    loading = inputs.pca["loading"].to_numpy()[component].astype(float)
    mean = inputs.corrected["mean_spectrum"].to_numpy().astype(float)
    onsets = {name: one["onset"] * size for name, one in inputs.edges.items() if one.get("onset")}
    found = excess(loading, mean, inputs.energy * size, np.array(list(onsets.values())))
    return [name for name, value in zip(onsets, found, strict=True) if value > SHARP]


def excess(loading: Floats, mean: Floats, energy: Floats, onsets: Floats) -> Floats:
    """Return by how many standard deviations a loading is less smooth at each onset than noise is.

    Parameters
    ----------
    loading, mean, energy : ndarray, shape (channel,)
        In counts, in counts, and in eV.
    onsets : ndarray, shape (edge,)
        In eV.

    Returns
    -------
    ndarray, shape (edge,)
        NaN where there are too few channels.
    """
    whitened = loading / np.sqrt(np.maximum(mean, 1e-6 * mean.max()))
    n_broad = max(5, round(BROAD_EV / abs(float(np.median(np.diff(energy))))) | 1)
    sharp = whitened - median_filter(whitened, size=n_broad, mode="nearest")
    steps = np.diff(whitened)
    # By steps noise alone, by the rest also what is correlated over channels.
    noise = max(_spread(steps - np.median(steps)) / np.sqrt(2), _spread(sharp))
    found = np.full(len(onsets), np.nan)
    for place, onset in enumerate(onsets):
        inside = (energy >= onset - BEFORE_EV) & (energy <= onset + AFTER_EV)
        n = int(inside.sum())
        if n >= LEAST and noise > 0:
            squares = np.sort(sharp[inside] ** 2)[:-BAD]
            found[place] = (np.mean(squares) / noise**2 - 1) * np.sqrt(len(squares) / 2)
    return found


def _spread(values: Floats) -> float:
    """Return a standard deviation that few large values do not change."""
    return 1.4826 * float(np.median(np.abs(values)))
