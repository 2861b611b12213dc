"""Where the lines of X-rays peak: what an image says of its energy axis."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.background.lines import LineWindow
from eelsunmix.background.words import off_their_energies
from eelsunmix.edges import Edge
from eelsunmix.energy.units import in_electronvolts
from eelsunmix.typing import Floats

CLEAR = 20.0
"""Standard deviations of the net counts from which the energy of a line says something."""
PART_OF_WINDOW = 0.2
_STEPS = 30


def line_energies(
    spectrum: Floats,
    axis: xr.DataArray | Floats,
    edges: Mapping[str, Edge],
    *,
    counts_per_electron: float = 1.0,
) -> dict[str, float]:
    """Measure the energies in eV of the lines that stand out of a spectrum.

    The mean energy of the net counts under a bell as wide as a fifth of the window, moved until it stays
    where it is: an end of the window, or a neighbour beyond it, does not pull it.

    Parameters
    ----------
    spectrum : ndarray, shape (channel,)
    axis : DataArray or ndarray, shape (channel,)
        In eV where it has no unit.
    edges : mapping of str to Edge
        Those that are lines are measured.
    counts_per_electron : float

    References
    ----------
    .. [1] Fukunaga, Hostetler, IEEE Trans. Inf. Theory 21 (1975) 32: mean shift.
    """
    found = {}
    for name, edge in edges.items():
        if edge.is_line:
            window = LineWindow(line=edge)
            net, deviation = window.net_counts(spectrum[None], axis)
            if net[0] > CLEAR * deviation[0] * np.sqrt(counts_per_electron):
                found[name] = _peak(window, spectrum, axis)
    return found


def _peak(window: LineWindow, spectrum: Floats, axis: xr.DataArray | Floats) -> float:
    channels, net = window.net_spectra(spectrum[None], axis)
    energies, place = in_electronvolts(axis)[channels], window.line.onset_eV
    width = PART_OF_WINDOW * np.ptp(window.line.integrate_eV)
    for _ in range(_STEPS):
        weights = net[0].clip(0) * np.exp(-(((energies - place) / width) ** 2) / 2)
        place = float(weights @ energies / weights.sum())
    return place


def describe_lines(energies: Mapping[str, float], edges: Mapping[str, Edge]) -> dict[str, Any]:
    """Gather what was measured, as plain values for the store."""
    lines = {
        name: {"energy_eV": energy, "given_eV": edges[name].onset_eV} for name, energy in energies.items()
    }
    return {"lines": lines, "summary": _summary(lines)}


def _summary(lines: Mapping[str, Mapping[str, float]]) -> str:
    if not lines:
        return "The energy axis was not checked: no line stands out clearly."
    each = ", ".join(f"{name} at {one['energy_eV']:.0f} eV" for name, one in lines.items())
    return f"The lines peak {off_their_energies(lines)} ({each})."
