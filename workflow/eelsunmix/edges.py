"""Edges, and their windows on the energy axis."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.energy import channel_bounds, in_electronvolts, window_channels
from eelsunmix.errors import InputError
from eelsunmix.typing import Floats

FEWEST_FIT_CHANNELS = 4
FEW_FIT_CHANNELS = 10


@dataclass(frozen=True, kw_only=True)
class Edge:
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

    element: str
    onset_eV: float
    fit_eV: tuple[float, float]
    integrate_eV: tuple[float, float]
    reference: bool = False

    def __post_init__(self) -> None:
        if not (isinstance(self.element, str) and self.element.isalpha() and len(self.element) <= 2):
            raise ValueError(f"element must be a symbol such as Ru, not {self.element!r}")
        if not (is_number(self.onset_eV) and self.onset_eV > 0):
            raise ValueError(f"onset_eV must be a positive number, not {self.onset_eV!r}")
        for name in ("fit_eV", "integrate_eV"):
            object.__setattr__(self, name, increasing_pair(name, getattr(self, name)))
            if getattr(self, name)[0] <= 0:
                raise ValueError(f"{name} must start above 0 eV, not at {getattr(self, name)[0]:g}")
        if self.fit_eV[1] > self.integrate_eV[0]:
            end, start = self.fit_eV[1], self.integrate_eV[0]
            raise ValueError(f"fit_eV must end before integrate_eV begins, but {end:g} > {start:g}")


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


def increasing_pair(name: str, value: Any) -> tuple[float, float]:
    """Check a window ``[low, high]``."""
    if isinstance(value, str) or not hasattr(value, "__len__") or len(value) != 2:
        raise ValueError(f"{name} must be two numbers [low, high], not {value!r}")
    if not all(map(is_number, value)) or value[0] >= value[1]:
        raise ValueError(f"{name} must be two increasing numbers [low, high], not {list(value)!r}")
    return (float(value[0]), float(value[1]))


def is_number(value: Any) -> bool:
    """Whether a value is a finite real number."""
    is_real = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    return bool(is_real and np.isfinite(value))
