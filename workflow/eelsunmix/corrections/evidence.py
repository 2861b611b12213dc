"""What the steps of the detector rest on: statistics of the raw image, its energies, its noise, its edges."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.corrections.common import near_edges
from eelsunmix.corrections.statistics import Statistics, gather_statistics, spectral_groups
from eelsunmix.energy.units import channel_energies
from eelsunmix.noise import channel_variance_to_mean


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All that one pass over a raw image leaves.

    Parameters
    ----------
    statistics : Statistics
    energy_eV : ndarray, shape (channel,)
    variance_to_mean : float
        Of the counts of one channel.
    signal : str
        "EELS", "EDS", or "" where nobody says.
    edges : mapping
        Name -> edge (a mapping or object with `onset_eV`).
    """

    statistics: Statistics
    energy_eV: np.ndarray
    variance_to_mean: float
    signal: str
    edges: Mapping[str, Any]

    @property
    def n_channels(self) -> int:
        """Number of channels."""
        return self.energy_eV.size

    def near_edges(self, reach_ev: float) -> np.ndarray:
        """Channels from `reach_ev` before an onset to 2.5 times that beyond it, bool (channel,)."""
        return near_edges(self.energy_eV, self.edges, reach_ev)


def gather_evidence(image: xr.DataArray, sigma: float, edges: Mapping[str, Any]) -> Evidence:
    """Go once over a raw image with the coordinate `valid_pixel`; `sigma` is the distance of spikes."""
    return Evidence(
        statistics=gather_statistics(image, spectral_groups(image), sigma),
        energy_eV=channel_energies(image),
        variance_to_mean=channel_variance_to_mean(image),
        signal=str(image.attrs.get("signal", "")),
        edges=edges,
    )
