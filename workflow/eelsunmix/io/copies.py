"""Pixels stored more than once: enlarged images whose new pixels are copies, and single repeated pixels."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

SURE_CHANNELS = 30
"""Channels with counts beyond which equal spectra are copies: by chance below 0.37 to this power, 1e-13."""

LARGEST_ENLARGEMENT = 16


@dataclass(frozen=True)
class Copies:
    """Along one axis, how the pixels of each index compare with those before it, shape (index,) each."""

    n_compared: np.ndarray
    n_same: np.ndarray
    n_sure: np.ndarray

    def __add__(self, other: "Copies") -> "Copies":
        return Copies(
            self.n_compared + other.n_compared, self.n_same + other.n_same, self.n_sure + other.n_sure
        )

    @property
    def enlargement(self) -> int:
        """Pixels per original pixel: all but every so-many-th are copies; 1 where there is no such number."""
        known = self.n_compared > 0
        copied, fresh = known & (self.n_same == self.n_compared), self.n_same < self.n_compared
        # The first pixel of a block is compared with none before it; it may be fresh.
        if not self.n_sure[copied].any() or copied[1:].all():
            return 1
        index = np.arange(len(known))
        for factor in range(2, min(LARGEST_ENLARGEMENT, len(known) // 2) + 1):
            if not fresh[index % factor > 0].any() and not copied[index % factor == 0].any():
                return factor
        return 1


def copies_of_block(
    cube: np.ndarray, valid: np.ndarray, corner: tuple[int, ...], shape: tuple[int, ...]
) -> dict[int, Copies]:
    """Compare the pixels of a block with those before them along each navigation axis.

    Parameters
    ----------
    cube : ndarray, shape ([frame,] y, x, channel)
        Counts.
    valid : bool ndarray, shape ([frame,] y, x)
        Pixels to use.
    corner : tuple of int
        Index of the first pixel of the block in the image.
    shape : tuple of int
        Of the navigation axes of the image.

    Returns
    -------
    dict
        Number of the axis (-1 for x, -2 for y, -3 for frames) -> `Copies` of length ``shape[axis]``.
    """
    axes = range(-1, -1 - valid.ndim, -1)
    return {axis: _along(cube, valid, axis, corner[axis], shape[axis]) for axis in axes}


def same_spectra(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Whether pairs of spectra, shape (pair, channel), are surely copies and not equal by chance."""
    return (first == second).all(axis=-1) & ((first != 0).sum(axis=-1) >= SURE_CHANNELS)


def _along(cube: np.ndarray, valid: np.ndarray, axis: int, start: int, size: int) -> Copies:
    pixels, mask = np.moveaxis(cube, axis - 1, 0), np.moveaxis(valid, axis, 0)
    counted, others = np.zeros((3, size), int), tuple(range(1, mask.ndim))
    both = mask[1:] & mask[:-1]
    counted[0, start + 1 : start + len(pixels)] = both.sum(axis=others)
    # Few pixels agree in their first channels by chance, so most are not read to the end.
    agree = both & (pixels[1:, ..., :8] == pixels[:-1, ..., :8]).all(axis=-1)
    for place in np.flatnonzero(agree.any(axis=others)):
        one, other = pixels[place + 1][agree[place]], pixels[place][agree[place]]
        same = (one == other).all(axis=-1)
        counted[1:, start + place + 1] = same.sum(), same_spectra(one, other).sum()
    return Copies(*counted)


def without_copies(image: xr.DataArray, factors: dict[str, int]) -> xr.DataArray:
    """Keep one pixel of each group of copies; its coordinate is the middle of the group.

    Parameters
    ----------
    image : DataArray, shape (..., y, x, channel)
    factors : dict
        Dim -> `Copies.enlargement`.
    """
    for dim, factor in factors.items():
        axis = image[dim]
        middles = axis.to_numpy()[::factor] + (factor - 1) / 2 * float(axis[1] - axis[0])
        if axis.attrs.get("units") == "px":
            middles = np.arange(float(len(middles)))
        image = image.isel({dim: slice(None, None, factor)}).assign_coords({dim: (dim, middles, axis.attrs)})
    return image
