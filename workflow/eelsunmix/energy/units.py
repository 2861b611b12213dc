"""Energies of a labelled axis in eV, whatever its unit."""

import numpy as np
import xarray as xr

from eelsunmix.errors import InputError
from eelsunmix.image import SPECTRAL_DIMS
from eelsunmix.typing import Floats
from eelsunmix.units import electronvolts_per


def in_electronvolts(axis: xr.DataArray | Floats) -> Floats:
    """Return the energies of an axis in eV.

    Parameters
    ----------
    axis : DataArray or ndarray, shape (channel,)
        A DataArray says its unit; energy losses are in eV where it does not. A plain array is in eV.

    Raises
    ------
    InputError
        The unit is none of energy.
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
