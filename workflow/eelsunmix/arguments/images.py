"""What an image must be before any stage begins: its values, dims, energies, mask and noise."""

import numpy as np
import xarray as xr

from eelsunmix.errors import in_brief
from eelsunmix.image import NAVIGATION_DIMS, in_canonical_order, mask_fault, spectral_dim, valid_pixels
from eelsunmix.units import UNCALIBRATED, electronvolts_per

_TAKEN = frozenset({"component", "edge", "endmember", "region", "window"})
"""Dims that results have beside those of the image."""
_NOISE = ("counts_per_electron", "channel_variance_to_mean")


def usable_image(image: xr.DataArray) -> xr.DataArray:
    """Return an image, in whatever order its dims are, if every stage can read it.

    Raises
    ------
    ValueError
        Says what is wrong and what to do, without the name of the argument.
    """
    if image.ndim < 2:
        raise ValueError(f"has the dims {image.dims}; it needs an energy dim and at least one of pixels")
    if image.dtype.kind not in "uif":
        raise ValueError(f"has values of type {image.dtype}; it needs real numbers")
    if image.size == 0:
        raise ValueError(f"has the shape {image.shape}, so it holds no values")
    _check_names(image)
    check_energies(image)
    _check_positions(image)
    _check_mask(image)
    _check_noise(image)
    return image


def check_energies(image: xr.DataArray) -> None:
    """Refuse an image of one channel, or one whose energies do not increase from channel to channel.

    Raises
    ------
    ValueError
        Names the dim, the channel and what to do.
    """
    dim = spectral_dim(image)
    if image.sizes[dim] < 2:
        raise ValueError(f"has a single channel along {dim}; it needs spectra of two channels or more")
    if dim not in image.coords:
        return
    axis = image[dim]
    if axis.dtype.kind not in "uif":
        raise ValueError(f"has energies {dim} of type {axis.dtype}; they need numbers in eV or keV")
    unit = str(axis.attrs.get("units") or "")
    if unit.strip().casefold() not in UNCALIBRATED and electronvolts_per(unit) is None:
        raise ValueError(f"has energies {dim} in {in_brief(unit)}; set the attribute units to eV or keV")
    _check_increasing(str(dim), axis.to_numpy().astype(float))


def _check_increasing(dim: str, energies: np.ndarray) -> None:
    if (odd := np.flatnonzero(~np.isfinite(energies))).size:
        raise ValueError(f"has the energy {energies[odd[0]]} in channel {odd[0]} of {dim}; assign energies")
    if (odd := np.flatnonzero(np.diff(energies) <= 0)).size:
        first, second = energies[odd[0]], energies[odd[0] + 1]
        raise ValueError(
            f"has energies {dim} that do not increase, {first:g} before {second:g} in channel {odd[0] + 1}; "
            f"image.sortby({dim!r}) puts them in order, where each stands once"
        )


def _check_names(image: xr.DataArray) -> None:
    if strange := [dim for dim in image.dims if not isinstance(dim, str)]:
        raise ValueError(f"has the dim {in_brief(strange[0])}, whose name is no text; rename it")
    if (dim := spectral_dim(image)) in NAVIGATION_DIMS:
        raise ValueError(
            f"has the dims {image.dims}, of which none is known for energies and the last is {dim}; "
            "rename that of the energies to energy_loss (EELS) or energy (EDS)"
        )
    if taken := sorted(_TAKEN & {*image.dims, *map(str, image.coords)}):
        raise ValueError(f"has a dim or coordinate {taken[0]!r}, a name that results need; rename or drop it")


def _check_positions(image: xr.DataArray) -> None:
    for dim in {"y", "x"} & {*image.dims} & {*map(str, image.coords)}:
        positions = image[dim]
        if positions.dtype.kind not in "uif" or not np.isfinite(positions.to_numpy()).all():
            raise ValueError(
                f"has positions {dim} that are not finite numbers; assign numbers in nm, or drop them: "
                f"image.drop_vars({dim!r})"
            )


def _check_mask(image: xr.DataArray) -> None:
    if "valid_pixel" not in image.coords:
        return
    if fault := mask_fault(image):
        raise ValueError(fault)
    if not valid_pixels(in_canonical_order(image)).any():
        raise ValueError("has no valid pixel: valid_pixel is False everywhere; check the mask")


def _check_noise(image: xr.DataArray) -> None:
    for name in _NOISE:
        value = image.attrs.get(name, 1.0)
        number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
        if not number or not 0 < value < np.inf:
            raise ValueError(f"has the attribute {name} {in_brief(value)}; it needs a number above 0")
