"""Edges, and their windows on the energy axis."""

from collections.abc import Mapping
from typing import Any, Self

import xarray as xr
from pydantic import Field, model_validator

from eelsunmix.energy import channel_bounds, in_electronvolts, window_channels
from eelsunmix.errors import InputError
from eelsunmix.options import BrokenRuleError, Options, Positive, PositiveInterval
from eelsunmix.typing import Floats

FEWEST_FIT_CHANNELS = 4
FEW_FIT_CHANNELS = 10


class Edge(Options):
    """One ionisation edge, where its background is fitted and where its counts are summed.

    Parameters
    ----------
    element : str
        Symbol of the element.
    onset_eV : float
        Onset of the edge.
    fit_eV : tuple of float
        Window before the edge in which the power law is fitted.
    integrate_eV : tuple of float
        Window after the onset in which the net counts are summed; may not overlap `fit_eV`.
    reference : bool
        Whether the maps of this edge are the reference for the element when methods are compared.
    """

    element: str = Field(pattern="^[A-Za-z]{1,2}$", examples=["Ru"])
    onset_eV: Positive
    fit_eV: PositiveInterval
    integrate_eV: PositiveInterval
    reference: bool = False

    @model_validator(mode="after")
    def _windows_do_not_overlap(self) -> Self:
        if self.fit_eV[1] > self.integrate_eV[0]:
            end, start = self.fit_eV[1], self.integrate_eV[0]
            raise BrokenRuleError("fit_eV", f"must end before integrate_eV begins, but {end:g} > {start:g}")
        return self


def as_edges(edges: Mapping[str, Edge | Mapping[str, Any]]) -> dict[str, Edge]:
    """Make edges of plain mappings; the element is the beginning of the name where it is not given.

    Examples
    --------
    >>> plain = {"onset_eV": 456, "fit_eV": [405, 450], "integrate_eV": [456, 486]}
    >>> as_edges({"Ti_L23": plain})["Ti_L23"].element
    'Ti'
    """
    return {
        name: edge if isinstance(edge, Edge) else Edge(**{"element": name.split("_")[0], **edge})
        for name, edge in edges.items()
    }


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
        Warnings, for fit windows of few channels.

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
    return warnings


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
