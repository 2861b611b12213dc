"""What a spectrum image is: the order of its dims, its valid pixels, and words for where a pixel lies."""

from collections.abc import Hashable
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from eelsunmix.errors import InputError
from eelsunmix.typing import Bools, Indices

NAVIGATION_DIMS = ("frame", "y", "x")
SPECTRAL_DIMS = {"energy_loss": "eV", "energy": "keV"}
"""Name of the spectral dim -> its unit; EELS and EDS."""


def spectral_dim(image: xr.DataArray) -> Hashable:
    """Return the dim of the energies by its name; the last one where none has such a name."""
    return next((dim for dim in SPECTRAL_DIMS if dim in image.dims), image.dims[-1])


def step_of(image: xr.DataArray, dim: Hashable) -> float:
    """Distance of neighbours along an axis, in its unit; 1 where there are none."""
    return float(np.mean(np.diff(image[dim]))) if image.sizes[dim] > 1 else 1.0


def in_canonical_order(image: xr.DataArray) -> xr.DataArray:
    """Put the energy last and the navigation dims, by name, in their usual order before it.

    Examples
    --------
    >>> in_canonical_order(xr.DataArray(np.ones((4, 2, 3)), dims=("energy_loss", "x", "y"))).dims
    ('y', 'x', 'energy_loss')
    """
    energy = spectral_dim(image)
    usual = [dim for dim in NAVIGATION_DIMS if dim in image.dims and dim != energy]
    others = [dim for dim in image.dims if dim not in usual and dim != energy]
    return image.transpose(*others, *usual, energy)


def valid_pixels(image: xr.DataArray) -> Bools:
    """Mask of the valid pixels, in the order of the navigation dims of an image whose energy is last.

    All True where the image has no coordinate `valid_pixel`.

    Raises
    ------
    InputError
        The coordinate has other dims, or values that are neither True nor False.
    """
    if "valid_pixel" not in image.coords:
        return np.ones(image.shape[:-1], dtype=bool)
    mask = image.coords["valid_pixel"]
    if fault := _fault(mask, image.dims[:-1]):
        raise InputError(f"the image {fault}")
    valid: Bools = mask.transpose(*image.dims[:-1]).to_numpy().astype(bool)
    return valid


def spectra_of(cube: NDArray[Any], pixels: Bools) -> NDArray[Any]:
    """Return the spectra (pixel, channel) of some pixels of a cube (..., channel); no copy where all are.

    Examples
    --------
    >>> spectra_of(np.zeros((2, 3, 4)), np.array([[True, False, True], [False, False, False]])).shape
    (2, 4)
    """
    return cube.reshape(-1, cube.shape[-1]) if pixels.all() else cube[pixels]


def mask_fault(image: xr.DataArray) -> str:
    """Say what is wrong with the coordinate `valid_pixel` of an image, in whatever order its dims are."""
    energy = spectral_dim(image)
    return _fault(image.coords["valid_pixel"], tuple(dim for dim in image.dims if dim != energy))


def _fault(mask: xr.DataArray, pixels: tuple[Hashable, ...]) -> str:
    if {*mask.dims} != {*pixels}:
        return f"has a mask valid_pixel with the dims {mask.dims}; it needs those of the pixels, {pixels}"
    # Zeros and ones are what files hold in the place of truth values.
    if mask.dtype != bool and not (mask.dtype.kind in "uif" and bool(mask.isin([0, 1]).all())):
        return f"has a mask valid_pixel of type {mask.dtype}; it needs True and False (or 1 and 0)"
    return ""


def with_valid_pixel(image: xr.DataArray) -> xr.DataArray:
    """Return an image, energy last, with the loaded coordinate `valid_pixel`."""
    return image.assign_coords(valid_pixel=(image.dims[:-1], valid_pixels(image)))


def as_spectrum_image(image: xr.DataArray) -> xr.DataArray:
    """Bring an image of the user into the form that unmixing takes.

    Returns
    -------
    DataArray
        In canonical order, with a coordinate of the energies (numbers of the channels where there was none)
        and the coordinate `valid_pixel`.
    """
    image = in_canonical_order(image)
    energy = image.dims[-1]
    if energy not in image.coords:
        image = image.assign_coords({energy: np.arange(image.sizes[energy], dtype=np.float64)})
    return with_valid_pixel(image)


def spread_out(places: Indices, most: int) -> Indices:
    """Choose so many of the places, shape (place, ...), evenly spread; all of them if they are fewer."""
    return places[np.linspace(0, len(places) - 1, min(most, len(places))).astype(int)]
