"""Which axis is which: settled by units, never by position."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import xarray as xr

from eelsunmix.errors import InputError
from eelsunmix.image import SPECTRAL_DIMS
from eelsunmix.io.axes import AxesOptions, EnergyAxis, doubts_of_pixels, pixel_axes
from eelsunmix.io.energy_axis import energy_axis
from eelsunmix.io.frame_axis import frame_axis
from eelsunmix.io.signals import FileAxis, Signal, describe

_UNNAMED_DIMS = {0: (), 1: ("x",), 2: ("y", "x"), 3: ("frame", "y", "x")}
"""Dims of the other axes by their number, in the order of the array, where the file does not name them."""

_NAMES = {"x": "x", "width": "x", "y": "y", "height": "y"}


@dataclass(frozen=True)
class Layout:
    """Dims of the file's array, dims and coordinates of the image, and where each number came from.

    `is_reversed` says that the file has its highest energy first; `notes` are sentences for the user.
    """

    file_dims: tuple[str, ...]
    dims: tuple[str, ...]
    coords: dict[str, xr.Variable]
    origin: dict[str, str] = field(default_factory=dict)
    is_reversed: bool = False
    notes: tuple[str, ...] = ()

    @property
    def signal(self) -> str:
        """Kind of spectroscopy: EELS or EDS."""
        return "EELS" if self.dims[-1] == "energy_loss" else "EDS"

    def label(self, data: Any) -> xr.DataArray:
        """Return the file's array as an image: dims named, missing ones inserted, energy last and rising."""
        image = xr.DataArray(data, dims=self.file_dims, name="counts")
        image = image.expand_dims([dim for dim in self.dims if dim not in self.file_dims])
        image = image.transpose(*self.dims)
        if self.is_reversed:
            image = image[..., ::-1]
        return image.assign_coords(self.coords)


def find_layout(signal: Signal, options: AxesOptions, path: Path) -> Layout:
    """Settle the axes of a signal.

    Parameters
    ----------
    signal : Signal
        As read from the file.
    options : AxesOptions
        What the configuration says.
    path : Path
        For the messages.

    Returns
    -------
    Layout
        Coordinates are float64: nm (or px) and eV (or keV), centres of pixels and channels.

    Raises
    ------
    InputError
        If the energy axis cannot be told from the units, or a coordinate is missing, not finite, or does
        not increase (energies may descend: they are turned round).
    """
    if options.dims is not None and len(options.dims) != len(signal.axes):
        raise InputError(
            f"{path}: axes.dims names {len(options.dims)} axes, but {describe(signal)} has another number"
        )
    file_dims = options.dims or _dims_from_units(signal, path)
    axes = dict(zip(file_dims, signal.axes, strict=True))
    spectral = next(dim for dim in file_dims if dim in SPECTRAL_DIMS)
    origin = {"dims": "configuration" if options.dims else "file"}
    coords: dict[str, xr.Variable] = {}
    of_frames: tuple[str, ...] = ()
    if "frame" in axes:
        coords["frame"], of_frames = frame_axis(axes["frame"], options.frame, origin, path)
    elif options.frame is not None:
        raise InputError(f"{path}: axes.frame is given, but the image has no frames; leave it out")
    coords |= pixel_axes(axes, options, origin, path)
    energy = energy_axis(axes[spectral], spectral, options.energy or EnergyAxis(), origin, path)
    coords[spectral] = energy.coordinate
    notes = (*signal.notes, *of_frames, *doubts_of_pixels(axes, options), *energy.notes)
    return Layout(file_dims, tuple(coords), coords, origin, energy.is_reversed, notes)


def _dims_from_units(signal: Signal, path: Path) -> tuple[str, ...]:
    energy = [number for number, axis in enumerate(signal.axes) if axis.is_energy]
    if len(energy) != 1 or len(signal.axes) - 1 not in _UNNAMED_DIMS:
        raise InputError(
            f"{path}: {describe(signal)} has {len(energy)} axes in eV or keV and {len(signal.axes)} in all; "
            "if it is a spectrum image, write axes: {dims: [y, x, energy_loss] (in its order), "
            "energy: {offset_eV: ..., dispersion_eV: ...}}"
        )
    others = [axis for axis in signal.axes if not axis.is_energy]
    dims = list(_navigation_dims(others))
    dims.insert(energy[0], "energy_loss" if signal.spectral_kind == "EELS" else "energy")
    return tuple(dims)


def _navigation_dims(axes: Sequence[FileAxis]) -> tuple[str, ...]:
    named = [_NAMES.get(axis.name.casefold()) for axis in axes]
    if len(set(named)) == len(named) and named.count(None) <= (len(named) == 3):
        return tuple(name or "frame" for name in named)
    return _UNNAMED_DIMS[len(axes)]
