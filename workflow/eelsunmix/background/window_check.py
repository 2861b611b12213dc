"""Whether the windows of the edges lie on the energy axis of an image."""

from collections.abc import Mapping

import xarray as xr

from eelsunmix.background.line_check import line_warnings
from eelsunmix.background.onset_check import (
    misplaced_windows,
    on_fine_structure,
    strange_onsets,
    unusual_names,
)
from eelsunmix.edge_choice import is_of_x_rays, resolution
from eelsunmix.edges import Edge
from eelsunmix.energy.channels import channel_bounds, window_channels
from eelsunmix.energy.units import in_electronvolts
from eelsunmix.errors import InputError
from eelsunmix.typing import Floats

FEWEST_FIT_CHANNELS = 4
FEW_FIT_CHANNELS = 10
FEWEST_LINE_CHANNELS = 2


def check_windows(edges: Mapping[str, Edge], energy: xr.DataArray | Floats) -> list[str]:
    """Check that every window lies on the energy axis and holds enough channels.

    Parameters
    ----------
    edges : mapping of str to Edge
    energy : DataArray or ndarray, shape (channel,)
        Centres of the channels; a DataArray says its unit (eV or keV), a plain array is in eV.

    Returns
    -------
    list of str
        Warnings: fit windows of few channels, windows across the onset of an edge or on its fine structure,
        onsets far from their windows or from all edges of their elements.

    Raises
    ------
    InputError
        Naming the key of the first window that cannot be used.
    """
    energies = in_electronvolts(energy)
    warnings = []
    for name, edge in edges.items():
        fewest = FEWEST_LINE_CHANNELS if edge.is_line else FEWEST_FIT_CHANNELS
        n_fit = _check_window(f"edges.{name}.fit_eV", edge.fit_eV, energies, fewest)
        _check_window(f"edges.{name}.integrate_eV", edge.integrate_eV, energies, 1)
        if edge.fit_above_eV:
            _check_window(f"edges.{name}.fit_above_eV", edge.fit_above_eV, energies, FEWEST_LINE_CHANNELS)
            continue
        if n_fit < FEW_FIT_CHANNELS:
            warnings.append(
                f"edges.{name}.fit_eV: {n_fit} channels; the exponent is uncertain below {FEW_FIT_CHANNELS}, "
                "widen it"
            )
    warnings += misplaced_windows(edges)
    if is_of_x_rays(energy):
        return warnings + line_warnings(edges, resolution(energy))
    return warnings + on_fine_structure(edges) + strange_onsets(edges) + unusual_names(edges)


def _check_window(key: str, window: tuple[float, float], energies: Floats, fewest: int) -> int:
    if energies.size < 2:
        raise InputError(f"{key}: the energy axis has {energies.size} channel; backgrounds need a spectrum")
    first, stop = window_channels(window, energies)
    bounds = channel_bounds(energies)
    step = energies[1] - energies[0]
    # A window may overhang the axis by a channel: nobody types the last eV of a calibration.
    outside = window[0] < bounds[0] - step or window[1] > bounds[-1] + step
    axis = f"on the axis {energies[0]:g}-{energies[-1]:g} eV of {step:g} eV per channel"
    fault = ""
    if outside:
        fault = f"does not lie wholly {axis}; move it onto the axis"
    elif stop - first < fewest:
        n_channels = f"{stop - first} channel{'' if stop - first == 1 else 's'}"
        fault = f"has {n_channels} (at least {fewest} needed) {axis}; widen it"
    elif bounds[first] <= 0:
        fault = f"begins at {bounds[first]:g} eV {axis}, where a power law has no value; move it above 0 eV"
    if fault:
        raise InputError(f"{key}: window {window[0]:g}-{window[1]:g} eV {fault}")
    return stop - first
