"""Calibration of the energy axis: from the file or the configuration, turned round where it descends."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from eelsunmix.errors import InputError, in_brief
from eelsunmix.image import SPECTRAL_DIMS
from eelsunmix.io.axes import EXAMPLE, HIGHEST_EV, NARROWEST_EV, EnergyAxis, check_increasing, file_values
from eelsunmix.io.signals import FileAxis
from eelsunmix.units import ENERGIES, electronvolts_per

UNEVEN_STEPS = 0.01
"""Part of a channel by which energies may leave a straight line; more than the rounding of float32."""


@dataclass(frozen=True)
class SpectralAxis:
    """Increasing energies, whether the file has them the other way round, and what the user should know."""

    coordinate: xr.Variable
    is_reversed: bool = False
    notes: tuple[str, ...] = ()


def energy_axis(
    axis: FileAxis, dim: str, given: EnergyAxis, origin: dict[str, str], path: Path
) -> SpectralAxis:
    """Settle the spectral coordinate in its unit; record in `origin` where its numbers came from.

    Parameters
    ----------
    axis : FileAxis
        As in the file, in any unit of energy.
    dim : {"energy_loss", "energy"}
        Name of the spectral dim, which settles the unit: eV or keV.
    given : EnergyAxis
        What the configuration says; it holds for the axis after it was turned round.
    origin : dict
        Gains the entries ``{dim}.offset`` and ``{dim}.dispersion``.
    path : Path
        For the messages.

    Raises
    ------
    InputError
        A number is missing, not finite or implausible, the unit is none of energy, energies neither rise
        nor fall throughout, a dispersion alone is given for energies that are not evenly spaced, or the
        resolution of a detector of X-rays for energy losses.
    """
    unit = SPECTRAL_DIMS[dim]
    if dim != "energy" and given.resolution_eV is not None:
        raise InputError(
            f"{path}: axes.energy.resolution_eV is that of a detector of X-rays, but the image is of energy "
            "losses; leave it out"
        )
    known = _energies_of_file(axis, given, path)
    is_reversed = known is not None and known.size > 1 and bool((np.diff(known) < 0).all())
    notes = []
    if known is not None and is_reversed:
        notes.append(_reversal(known))
        known = known[::-1]
    if known is not None and given.in_ev("dispersion") is not None and not _is_even(known):
        notes.append(_straightening(known, given, path))
    values = _energies(known, axis.size, given) / ENERGIES[unit]
    for key in ("offset", "dispersion"):
        origin[f"{dim}.{key}"] = "file" if given.in_ev(key) is None else "configuration"
    check_increasing(values, dim, unit, path)
    _check_plausible(values * ENERGIES[unit], axis, path)
    attrs: dict[str, str | float] = {"units": unit}
    if dim == "energy" and given.resolution_eV is not None:
        attrs["resolution_eV"] = given.resolution_eV
    return SpectralAxis(xr.Variable(dim, values, attrs), is_reversed, tuple(notes))


def _energies_of_file(axis: FileAxis, given: EnergyAxis, path: Path) -> np.ndarray | None:
    """Return the energies in eV in the order of the file; None where it has none and none are needed."""
    factor, values = electronvolts_per(axis.units), file_values(axis)
    if factor is not None and values is not None and np.isfinite(values[[0, -1]]).all():
        return factor * values
    missing = [key for key in ("offset", "dispersion") if given.in_ev(key) is None]
    if missing and factor is None and axis.units:
        raise InputError(
            f"{path}: {in_brief(axis.units)} of the energy axis is no unit of energy; write {EXAMPLE}"
        )
    if missing:
        raise InputError(f"{path}: has no {missing[0]} of the energy axis; write {EXAMPLE}")
    return None


def _energies(known: np.ndarray | None, size: int, given: EnergyAxis) -> np.ndarray:
    offset, dispersion = given.in_ev("offset"), given.in_ev("dispersion")
    if dispersion is not None:
        first = known[0] if offset is None and known is not None else offset
        return np.asarray(first) + dispersion * np.arange(size)
    values = np.asarray(known)
    # A shift, so that uneven steps and the calibration of the file stay as they are.
    return values if offset is None else values + (offset - values[0])


def _is_even(energies: np.ndarray) -> bool:
    line = np.linspace(energies[0], energies[-1], energies.size)
    return bool(
        np.abs(energies - line).max() <= UNEVEN_STEPS * abs(line[-1] - line[0]) / max(1, line.size - 1)
    )


def _reversal(energies: np.ndarray) -> str:
    return (
        f"the energies of the file descend, from {energies[0]:g} to {energies[-1]:g} eV: every spectrum was "
        "turned round, so that they increase; see that the edges lie where you expect them"
    )


def _straightening(energies: np.ndarray, given: EnergyAxis, path: Path) -> str:
    steps = np.diff(energies)
    uneven = (
        f"the energies of the file are not evenly spaced (steps of {steps.min():g} to {steps.max():g} eV)"
    )
    if given.in_ev("offset") is None:
        raise InputError(
            f"{path}: {uneven}, so a dispersion alone says nothing of them; write "
            "axes: {energy: {offset_eV: ...}} to shift them, "
            "or offset_eV and dispersion_eV to replace them by a straight line"
        )
    return (
        f"{uneven}; they were replaced by the straight line of axes.energy. To keep their steps and shift "
        "them, leave dispersion_eV out"
    )


def _check_plausible(energies: np.ndarray, axis: FileAxis, path: Path) -> None:
    highest, narrowest = float(np.abs(energies).max()), float(np.diff(energies).min(initial=np.inf))
    wrong = f"the unit {in_brief(axis.units)} seems wrong: write {EXAMPLE}"
    if highest > HIGHEST_EV:
        raise InputError(
            f"{path}: its energies reach {highest:g} eV, more than any electron microscope has; {wrong}"
        )
    if narrowest < NARROWEST_EV:
        raise InputError(
            f"{path}: its channels are {narrowest:g} eV wide, less than any spectrometer has; {wrong}"
        )
