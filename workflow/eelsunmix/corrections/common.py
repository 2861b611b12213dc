"""What correction steps share: which channels an edge protects, interpolation, entries of the log."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.energy.units import channel_energies
from eelsunmix.errors import InputError
from eelsunmix.plain import plain_values

BEYOND_ONSET = 2.5
"""The second white line of a pair comes up to 22 eV after the onset (Ru M3, M2), 17 eV for La M5, M4."""


def check_image(image: xr.DataArray) -> None:
    """Refuse an array that is not a spectrum image with a usable energy axis."""
    if image.ndim < 3:
        raise InputError(f"a spectrum image needs dims (y, x, energy), found {image.dims}")
    if not image.size:
        raise InputError(f"the image has the shape {image.shape}: there are no counts to correct")
    if image.dtype.kind not in "uif":
        raise InputError(f"the image has values of type {image.dtype}: counts need to be real numbers")
    if image.dims[-1] not in image.coords:
        raise InputError(f"the spectral axis {image.dims[-1]!r} has no coordinate: assign energies to it")
    if not (np.diff(channel_energies(image)) > 0).all():
        raise InputError(f"the coordinate {image.dims[-1]!r} must increase from channel to channel")


def near_edges(energy_ev: np.ndarray, edges: Mapping[str, Any], reach_ev: float) -> np.ndarray:
    """Channels from `reach_ev` before the onset of an edge to `BEYOND_ONSET` times that after it."""
    near = np.zeros(energy_ev.shape, bool)
    for onset in (_onset(edge) for edge in edges.values()):
        near |= (energy_ev >= onset - reach_ev) & (energy_ev <= onset + BEYOND_ONSET * reach_ev)
    return near


def record(step: str, applied: bool, summary: str, **numbers: Any) -> dict[str, Any]:
    """One entry of the log of corrections, of plain Python types only; None for what is not a number."""
    return {"step": step, "applied": bool(applied), "summary": summary} | {
        key: plain_values(value, finite=True) for key, value in numbers.items()
    }


def interpolate_channels(spectra: np.ndarray, bad: np.ndarray) -> np.ndarray:
    """Replace bad channels by straight lines between their good neighbours.

    Parameters
    ----------
    spectra : ndarray, shape (..., channel)
    bad : ndarray of bool, shape (channel,)
        Not all True. At the ends of the axis the nearest good channel is repeated.

    Returns
    -------
    ndarray, shape (..., channel)
        A copy in float64, or `spectra` itself where nothing is bad.

    Examples
    --------
    >>> interpolate_channels(np.array([1.0, 9.0, 3.0]), np.array([False, True, False]))
    array([1., 2., 3.])
    """
    if not bad.any():
        return spectra
    good, wanted = np.flatnonzero(~bad), np.flatnonzero(bad)
    right = np.clip(np.searchsorted(good, wanted), 0, good.size - 1)
    left = np.where(wanted < good[right], np.maximum(right - 1, 0), right)
    first, last = good[left], good[right]
    weight = np.where(last > first, (wanted - first) / np.maximum(last - first, 1), 0.0).clip(0, 1)
    result = spectra.astype(float)
    result[..., wanted] = result[..., first] * (1 - weight) + result[..., last] * weight
    return result


def _onset(edge: Any) -> float:
    return float(edge["onset_eV"] if isinstance(edge, Mapping) else edge.onset_eV)
