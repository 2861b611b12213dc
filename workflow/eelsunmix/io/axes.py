"""Calibration of the axes: from the file or the configuration, checked, with the origin of each number."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
import xarray as xr
from pydantic import AfterValidator, Field, model_validator

from eelsunmix.errors import InputError, in_brief
from eelsunmix.image import SPECTRAL_DIMS
from eelsunmix.io.signals import FileAxis
from eelsunmix.options import LISTED, BrokenRuleError, Options, Positive
from eelsunmix.units import ENERGIES, UNCALIBRATED, nanometres_per

HIGHEST_EV = 1e6
"""No electron microscope reaches this voltage, let alone a loss of it."""
NARROWEST_EV = 1e-6
"""A thousandth of the best resolution of electrons; narrower channels are a wrong unit or damage."""
PIXEL_NM = (1e-6, 1e6)
"""Least and largest size of a pixel; beyond, a number is a typing error or damage."""
UNEVEN_PIXELS = 0.01
"""Part of a pixel by which steps may differ; more than the rounding of float32."""
EXAMPLE = "axes: {energy: {offset_eV: ..., dispersion_eV: ...}} (or offset_keV, dispersion_keV)"


def _check_dims(dims: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(dims)) != len(dims) or len(set(dims) & set(SPECTRAL_DIMS)) != 1:
        raise ValueError(f"needs frame, y, x and one of energy_loss or energy, each once; found {list(dims)}")
    return dims


Dim = Literal["frame", "y", "x", "energy_loss", "energy"]
Numbers = Annotated[tuple[float, ...], LISTED]
Dims = Annotated[tuple[Dim, ...], LISTED, AfterValidator(_check_dims)]


class EnergyAxis(Options):
    """What the file lacks or gets wrong of the energy axis; in eV or, for EDS, in keV.

    Parameters
    ----------
    offset_eV, offset_keV : float, optional
        Energy of the centre of the first channel, the lowest one. Alone it shifts the axis of the file.
    dispersion_eV, dispersion_keV : float, optional
        Width of a channel, above 0. A file whose energies descend is turned round first.
    resolution_eV : float, optional
        Of X-rays: full width at half maximum of the detector at Mn Ka, by which windows of lines are chosen;
        130 eV where it is not given.
    """

    offset_eV: float | None = None
    dispersion_eV: Positive | None = None
    offset_keV: float | None = None
    dispersion_keV: Positive | None = None
    resolution_eV: Positive | None = None

    @model_validator(mode="after")
    def _one_unit(self) -> Self:
        for key in ("offset", "dispersion"):
            if getattr(self, f"{key}_eV") is not None and getattr(self, f"{key}_keV") is not None:
                raise BrokenRuleError(f"{key}_keV", f"stands beside {key}_eV; give one of them, not both")
            if abs(self.in_ev(key) or 0.0) > HIGHEST_EV:
                given = f"{key}_eV" if getattr(self, f"{key}_keV") is None else f"{key}_keV"
                found = f"{getattr(self, given):g}"
                raise BrokenRuleError(given, f"is {found}: no electron microscope reaches {HIGHEST_EV:g} eV")
        if (self.in_ev("dispersion") or 1.0) < NARROWEST_EV:
            given = "dispersion_eV" if self.dispersion_keV is None else "dispersion_keV"
            raise BrokenRuleError(
                given, f"is {getattr(self, given):g}: no spectrometer has channels so narrow"
            )
        return self

    def in_ev(self, key: str) -> float | None:
        """Return offset or dispersion in eV, or None where it was not given."""
        kilo = getattr(self, f"{key}_keV")
        return getattr(self, f"{key}_eV") if kilo is None else kilo * ENERGIES["keV"]


class FrameAxis(Options):
    """What tells the frames of a series apart, where the file does not say it.

    Parameters
    ----------
    values : list of float
        One number for each frame, in the order of the file: its tilt, time or dose.
    unit : str
        Of the numbers, for example deg, s or e/nm2.
    quantity : str, optional
        What they are, for example tilt.
    """

    values: Numbers
    unit: str = Field(min_length=1)
    quantity: str = ""


class AxesOptions(Options):
    """Axes that the file lacks or gets wrong; everything given here wins over the file.

    Parameters
    ----------
    dims : tuple of str, optional
        Dims in the order of the file's array, of "frame", "y", "x" and one of "energy_loss" (EELS) or
        "energy" (EDS). Needed for bare arrays.
    energy : EnergyAxis, optional
        Energy calibration.
    pixel_nm : float, optional
        Pixel size along y and x, from 1e-6 to 1e6; other values are refused as typing errors.
    frame : FrameAxis, optional
        Tilt, time or dose of the frames of a series.
    """

    dims: Dims | None = None
    energy: EnergyAxis | None = None
    pixel_nm: Annotated[float, Field(ge=PIXEL_NM[0], le=PIXEL_NM[1])] | None = None
    frame: FrameAxis | None = None


def pixel_axes(
    axes: dict[str, FileAxis], options: AxesOptions, origin: dict[str, str], path: Path
) -> dict[str, xr.Variable]:
    """Return `y` and `x` in nm, or in px where the file does not calibrate both, or evenly."""
    present = {dim: axes.get(dim, FileAxis(size=1)) for dim in ("y", "x")}
    factor = _nanometres(axes, path) if options.pixel_nm is None else None
    coords = {}
    for dim, axis in present.items():
        if options.pixel_nm is not None:
            values, source = options.pixel_nm * np.arange(axis.size), "configuration"
        elif factor is None or dim not in axes:
            values, source = np.arange(float(axis.size)), "assumed"
        else:
            values, source = factor[dim] * np.asarray(file_values(axis)), "file"
        unit = "px" if options.pixel_nm is None and factor is None else "nm"
        check_increasing(values, dim, unit, path)
        coords[dim] = xr.Variable(dim, values + 0.0, {"units": unit})
        origin[dim] = source
    return coords


def _nanometres(axes: dict[str, FileAxis], path: Path) -> dict[str, float] | None:
    """Return nm per unit of y and x, or None where the file does not calibrate both."""
    found: dict[str, FileAxis] = {dim: axes[dim] for dim in ("y", "x") if dim in axes}
    factor: dict[str, float | None] = {dim: nanometres_per(axis.units) for dim, axis in found.items()}
    for dim, axis in found.items():
        if factor[dim] is None and axis.units.casefold() not in UNCALIBRATED:
            raise InputError(
                f"{path}: the unit {in_brief(axis.units)} of the axis {dim} is not a length; "
                "write axes: {pixel_nm: ...}"
            )
    known = {
        dim: size for dim, size in factor.items() if size is not None and file_values(found[dim]) is not None
    }
    if not found or len(known) < len(found) or _doubts(found, known):
        return None
    return known


def doubts_of_pixels(axes: dict[str, FileAxis], options: AxesOptions) -> list[str]:
    """Say why the pixels of the file count as uncalibrated: of a size no microscope has, or uneven."""
    if options.pixel_nm is not None:
        return []
    found: dict[str, FileAxis] = {dim: axes[dim] for dim in ("y", "x") if dim in axes}
    sizes: dict[str, float | None] = {dim: nanometres_per(axis.units) for dim, axis in found.items()}
    return _doubts(found, sizes)


def _doubts(axes: dict[str, FileAxis], sizes: Mapping[str, float | None]) -> list[str]:
    """Name each axis in doubt; those that do not increase are refused anyway."""
    said = []
    for dim, axis in axes.items():
        steps = _steps(axis) * (sizes[dim] or 0.0)
        least, most = (float(steps.min()), float(steps.max())) if steps.size else (0.0, 0.0)
        if not 0 < least <= most < math.inf:
            continue
        if most < PIXEL_NM[0] or most > PIXEL_NM[1]:
            said.append(
                f"the file says a pixel of {most:.3g} nm along {dim}, which no microscope has: places are in "
                "pixels; write axes: {pixel_nm: ...}"
            )
        elif np.ptp(steps) > UNEVEN_PIXELS * np.median(steps):
            said.append(
                f"the pixels along {dim} are not evenly spaced (steps of {least:.3g} to {most:.3g} nm): "
                "places are in pixels; if they are even in truth, write axes: {pixel_nm: ...}"
            )
    return said


def _steps(axis: FileAxis) -> np.ndarray:
    return np.array([axis.scale or 0.0]) if axis.values is None else np.diff(axis.values)


def file_values(axis: FileAxis) -> np.ndarray | None:
    """Return the coordinates of an axis in the unit of the file; None where it gives none."""
    if axis.values is not None:
        return axis.values
    if axis.offset is None or axis.scale is None:
        return None
    if not (math.isfinite(axis.offset) and math.isfinite(axis.scale)):
        return np.full(axis.size, np.nan)
    return axis.offset + axis.scale * np.arange(axis.size)


def check_increasing(values: np.ndarray, dim: str, unit: str, path: Path) -> None:
    """Raise InputError where a coordinate is not finite or does not increase."""
    wrong = np.flatnonzero(~np.isfinite(values))
    if wrong.size:
        raise InputError(f"{path}: {dim} is {values[wrong[0]]} at index {wrong[0]}; write {_override(dim)}")
    steps = np.diff(values)
    wrong = np.flatnonzero(steps <= 0)
    if wrong.size:
        raise InputError(
            f"{path}: {dim} must increase, but its step after index {wrong[0]} is "
            f"{steps[wrong[0]]:g} {unit}; write {_override(dim)}"
        )


def _override(dim: str) -> str:
    return EXAMPLE if dim in SPECTRAL_DIMS else "axes: {pixel_nm: ...}"
