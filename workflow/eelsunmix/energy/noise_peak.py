"""The peak at zero energy in spectra of X-rays: noise of the detector, not photons."""

import numpy as np

from eelsunmix.typing import Floats

END_EV = 100.0
"""Below the K lines of beryllium (108 eV) and all other lines but that of lithium."""
SHARE = 0.1
"""Part of the counts from which on the peak weighs like a material."""


def weighty_noise_peak(energies_eV: Floats, mean_spectrum: Floats) -> float | None:
    """Return the part of the counts that lies below 100 eV; None where it is too small to matter.

    Parameters
    ----------
    energies_eV, mean_spectrum : ndarray, shape (channel,)

    Examples
    --------
    >>> weighty_noise_peak(np.array([-20.0, 0.0, 20.0, 1740.0]), np.array([1.0, 4.0, 1.0, 2.0]))
    0.75
    """
    counts = np.maximum(np.nan_to_num(mean_spectrum), 0.0)
    total = float(counts.sum())
    share = float(counts[energies_eV < END_EV].sum()) / total if total > 0 else 0.0
    return share if share > SHARE else None
