"""How the kernels of mapping see a block: the spectra of its valid pixels, a piece at a time."""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from eelsunmix.errors import InputError
from eelsunmix.execution.blocks import fold
from eelsunmix.image import spectra_of, with_valid_pixel
from eelsunmix.typing import Floats

PIECE = 2**20
"""Elements of spectra that a kernel treats at a time, to stay in the cache and small in memory."""


def valid_spectra(block: xr.DataArray) -> NDArray[Any]:
    """Return the spectra of the valid pixels of a block, shape (pixel, channel); no copy where all are.

    Raises
    ------
    InputError
        One of them has a value that is not finite.
    """
    check_finite(block)
    return spectra_of(block.to_numpy(), block["valid_pixel"].to_numpy())


def check_finite(block: xr.DataArray) -> None:
    """Refuse a block, energy last, with a value that is not finite in a valid pixel.

    Raises
    ------
    InputError
        It has one.
    """
    values = block.to_numpy()
    with np.errstate(invalid="ignore", over="ignore"):
        if np.isfinite(values.sum()):  # so are all; a sum may overflow where none is infinite
            return
    finite = np.isfinite(values).all(axis=-1)
    if not finite[block["valid_pixel"].to_numpy()].all():
        raise InputError(
            f"{block.name or 'image'}: a valid pixel has a value that is not finite; "
            "mask it (valid_pixel) or repair it"
        )


def in_pieces(
    kernel: Callable[[Floats], NDArray[np.floating[Any]]], spectra: NDArray[Any], n_columns: int
) -> Floats:
    """Apply a kernel of spectra, shape (pixel, channel), to some of them at a time; shape (pixel, column)."""
    result = np.empty((len(spectra), n_columns))
    step = max(1, PIECE // spectra.shape[1])
    for first in range(0, len(spectra), step):
        result[first : first + step] = kernel(spectra[first : first + step].astype(np.float64))
    return result


def maps_of_block(block: xr.DataArray, values: dict[str, Floats], n_endmembers: int) -> xr.Dataset:
    """Put the values of the valid pixels back in their places, NaN elsewhere."""
    valid, dims = block["valid_pixel"].to_numpy(), block.dims[:-1]
    coords = {name: coord for name, coord in block.coords.items() if set(coord.dims) <= set(dims)}
    maps = {}
    for name, rows in values.items():
        filled = np.full((*valid.shape, *rows.shape[1:]), np.nan, np.float32)
        filled[valid] = rows
        maps[name] = ((*dims, "endmember")[: filled.ndim], filled)
    return xr.Dataset(maps, coords={**coords, "endmember": np.arange(n_endmembers)})


def mean_spectrum(image: xr.DataArray) -> Floats:
    """Mean over the valid pixels of an image, energy last, in one pass over the blocks, shape (channel,)."""
    image = with_valid_pixel(image)
    total: Floats = fold(_sum_of_valid, image, operator.add)
    return total / max(int(image["valid_pixel"].sum()), 1)


def known_mean(given: xr.DataArray | None, image: xr.DataArray) -> Floats | None:
    """Take a mean spectrum as it is given, None where none is.

    Parameters
    ----------
    given : DataArray, dims (energy), optional
        Mean of the image over its valid pixels, those in vacuum too. That cannot be seen without reading the
        image: of other pixels it makes other weights. Its energies, where it has any, are compared.
    image : DataArray, dims (navigation, energy)

    Raises
    ------
    InputError
        It does not have the channels of the image, or has other energies.
    """
    if given is None:
        return None
    energy = image.dims[-1]
    if dict(given.sizes) != {energy: image.sizes[energy]}:
        raise InputError(
            f"mean_spectrum has sizes {dict(given.sizes)}, but the image has {image.sizes[energy]} channels "
            f"of {energy}; give the mean of its valid pixels"
        )
    if energy in given.coords and (other := other_energies(given, image)):
        raise InputError(f"mean_spectrum has {other}; give the mean of the valid pixels of this image")
    return given.to_numpy().astype(np.float64)


def other_energies(given: xr.DataArray, image: xr.DataArray) -> str:
    """Say how the energies of as many channels differ from those of an image; empty where they do not."""
    energy = image.dims[-1]
    axes = given[energy].to_numpy(), image[energy].to_numpy()
    if np.allclose(*axes, rtol=1e-6):
        return ""
    first, second = (f"{axis[0]:g} to {axis[-1]:g}" for axis in axes)
    return f"{energy} {first}, but the image has {second}"


def _sum_of_valid(block: xr.DataArray) -> Floats:
    total: Floats = valid_spectra(block).sum(axis=0, dtype=np.float64)
    return total
