"""Whether the windows of the edges lie on the energy axis of an image."""

from collections.abc import Mapping

import xarray as xr

from eelsunmix.edges import Edge
from eelsunmix.energy.channels import channel_bounds, window_channels
from eelsunmix.energy.units import in_electronvolts
from eelsunmix.errors import InputError
from eelsunmix.typing import Floats

FEWEST_FIT_CHANNELS = 4
FEW_FIT_CHANNELS = 10
ONSET_TOLERANCE_EV = 5.0
"""An onset may lie so far outside the windows: onsets are tabulated and read off to a few eV."""


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
        Warnings: fit windows of few channels or across the onset of an edge, onsets far from their windows.

    Raises
    ------
    InputError
        Naming the key of the first window that cannot be used.
    """
    energies = in_electronvolts(energy)
    warnings = []
    for name, edge in edges.items():
        n_fit = _check_window(f"edges.{name}.fit_eV", edge.fit_eV, energies, FEWEST_FIT_CHANNELS)
        _check_window(f"edges.{name}.integrate_eV", edge.integrate_eV, energies, 1)
        if n_fit < FEW_FIT_CHANNELS:
            warnings.append(
                f"edges.{name}.fit_eV: {n_fit} channels; the exponent is uncertain below {FEW_FIT_CHANNELS}"
            )
    return warnings + _misplaced(edges)


def _misplaced(edges: Mapping[str, Edge]) -> list[str]:
    warnings = []
    for name, edge in edges.items():
        if _onset_in_fit(edge, edge):
            warnings.append(
                f"edges.{name}.fit_eV: the fit window {_written(edge.fit_eV)} holds the onset of the edge "
                f"itself, {edge.onset_eV:g} eV; end it some eV before the onset"
            )
        elif _away_from_windows(edge):
            reach = _written((edge.fit_eV[1], edge.integrate_eV[1]))
            warnings.append(
                f"edges.{name}.onset_eV: the onset {edge.onset_eV:g} eV is not between the fit window and "
                f"the end of the integration window ({reach}); correct the onset or move the windows"
            )
        warnings += [
            f"edges.{name}.fit_eV: the fit window {_written(edge.fit_eV)} lies across the onset of {other} "
            f"at {one.onset_eV:g} eV, which bends the background; begin it after that edge or end it before"
            for other, one in edges.items()
            if one.onset_eV != edge.onset_eV and _onset_in_fit(one, edge)
        ]
    return warnings


def _onset_in_fit(onset_of: Edge, edge: Edge) -> bool:
    return edge.fit_eV[0] < onset_of.onset_eV < edge.fit_eV[1]


def _away_from_windows(edge: Edge) -> bool:
    before, after = edge.fit_eV[1] - edge.onset_eV, edge.onset_eV - edge.integrate_eV[1]
    return max(before, after) > ONSET_TOLERANCE_EV


def _written(window: tuple[float, float]) -> str:
    return f"{window[0]:g}-{window[1]:g} eV"


def _check_window(key: str, window: tuple[float, float], energies: Floats, fewest: int) -> int:
    if energies.size < 2:
        raise InputError(f"{key}: the energy axis has {energies.size} channel; backgrounds need a spectrum")
    first, stop = window_channels(window, energies)
    bounds = channel_bounds(energies)
    step = energies[1] - energies[0]
    # A window may overhang the axis by a channel: nobody types the last eV of a calibration.
    outside = window[0] < bounds[0] - step or window[1] > bounds[-1] + step
    if outside or stop - first < fewest or bounds[first] <= 0:
        raise InputError(
            f"{key}: window {window[0]:g}-{window[1]:g} eV has {stop - first} channels "
            f"(at least {fewest} needed) on the axis "
            f"{energies[0]:g}-{energies[-1]:g} eV of {step:g} eV per channel; "
            "move it onto the axis or widen it"
        )
    return stop - first
