"""The energy axis: its units, its channels, and the windows on it."""

import numpy as np
import xarray as xr

from eelsunmix.errors import InputError
from eelsunmix.image import SPECTRAL_DIMS
from eelsunmix.typing import Floats

ELECTRONVOLTS = {"ev": 1.0, "kev": 1e3}
"""Units of energy, lower case, in eV."""


def electronvolts_per(unit: str) -> float | None:
    """Return the size of a unit of energy in eV, however it is spelt; None for what is no unit of energy.

    Examples
    --------
    >>> electronvolts_per("KeV"), electronvolts_per(" eV"), electronvolts_per("nm")
    (1000.0, 1.0, None)
    """
    return ELECTRONVOLTS.get(unit.strip().casefold())


def in_electronvolts(axis: xr.DataArray | Floats) -> Floats:
    """Return the energies of an axis in eV.

    Parameters
    ----------
    axis : DataArray or ndarray, shape (channel,)
        A DataArray says its unit; energy losses are in eV where it does not. A plain array is in eV.

    Raises
    ------
    InputError
        The unit is neither eV nor keV.
    """
    values = np.asarray(axis, dtype=float)
    if not isinstance(axis, xr.DataArray):
        return values
    unit = axis.attrs.get("units", SPECTRAL_DIMS["energy_loss"] if axis.name == "energy_loss" else None)
    factor = electronvolts_per(str(unit))
    if factor is None:
        raise InputError(
            f"{axis.name or 'energy axis'}: units must be eV or keV, not {unit!r}; "
            "give axes.energy in the configuration"
        )
    return values * factor


def channel_energies(image: xr.DataArray) -> Floats:
    """Centres of the channels of an image in eV, energy last, shape (channel,)."""
    return in_electronvolts(image.coords[image.dims[-1]])


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


def axes_in_words(energy: Floats, image_energy: Floats) -> str:
    """Name the energies of a model and of an image that does not suit it.

    Examples
    --------
    >>> axes_in_words(np.array([200.0, 210.0]), np.array([300.0, 310.0, 320.0]))
    '200 to 210 (2 channels), the image has 300 to 320 (3 channels)'
    """
    mine, theirs = (f"{axis[0]:g} to {axis[-1]:g} ({len(axis)} channels)" for axis in (energy, image_energy))
    return f"{mine}, the image has {theirs}"
