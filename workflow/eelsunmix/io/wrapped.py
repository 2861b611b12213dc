"""Counts that wrapped round: too large for the signed integers of a file, and so stored as negative ones.

From channel to channel, counts change by less than half of all numbers of the type. So each spectrum is
unwrapped as a phase is, and moved so that its lowest value is about zero or above. Then all that was changed
must lie below all that was not.
"""

import math
from dataclasses import dataclass

import numpy as np
import xarray as xr


@dataclass(frozen=True)
class Wrapped:
    """What unwrapping changes.

    Parameters
    ----------
    n_values : int
        Values that are changed.
    n_doubtful : int
        Of these, values that were not negative: counts wrapped more than once, or too sharp a peak.
    highest : float
        Of the values that are changed, as they are stored.
    lowest : float
        Of those that are left.
    """

    n_values: int = 0
    n_doubtful: int = 0
    highest: float = -math.inf
    lowest: float = math.inf

    def __add__(self, other: "Wrapped") -> "Wrapped":
        return Wrapped(
            self.n_values + other.n_values,
            self.n_doubtful + other.n_doubtful,
            max(self.highest, other.highest),
            min(self.lowest, other.lowest),
        )

    @property
    def is_certain(self) -> bool:
        """Whether one limit tells wrapped values from the others."""
        return self.n_values > 0 and not self.n_doubtful and self.highest < self.lowest


def wrapped_of_block(cube: np.ndarray, valid: np.ndarray) -> Wrapped:
    """Look for wrapped counts in a block; there are none but in signed integers of 8 or 16 bit.

    Parameters
    ----------
    cube : ndarray, shape (..., channel)
        Counts.
    valid : bool ndarray, shape (...)
        Pixels to use.
    """
    if cube.dtype.kind != "i" or cube.dtype.itemsize > 2 or not (cube < 0).any():
        return Wrapped()
    size = _numbers(cube.dtype)
    found = Wrapped()
    for spectra in (rows[keep].astype("i4") for rows, keep in zip(cube, valid, strict=True)):
        concerned = (spectra < -size // 4).any(axis=-1) | (abs(np.diff(spectra)) > size // 2).any(axis=-1)
        found += _of_spectra(spectra[concerned], size)
        found += Wrapped(lowest=float(spectra[~concerned].min(initial=size)))
    return found


def _of_spectra(stored: np.ndarray, size: int) -> Wrapped:
    if not stored.size:
        return Wrapped()
    counts = np.unwrap(stored, axis=-1, period=size)
    counts += size * np.ceil((-size // 4 - counts.min(axis=-1, keepdims=True)) / size).astype("i4")
    changed = counts != stored
    return Wrapped(
        n_values=int(changed.sum()),
        n_doubtful=int((changed & (stored >= 0)).sum()),
        highest=float(stored[changed].max(initial=-size)),
        lowest=float(stored[~changed].min(initial=size)),
    )


def unwrapped(image: xr.DataArray, found: Wrapped) -> tuple[xr.DataArray, str]:
    """Put wrapped counts back where that is certain, and say so; the image itself where it is not.

    Returns
    -------
    image : DataArray
        int32 where counts were put back.
    text : str
        A sentence; empty where nothing wrapped.
    """
    if not found.n_values:
        return image, ""
    size = _numbers(image.dtype)
    bits = f"{8 * image.dtype.itemsize} bit"
    if not found.is_certain:
        return image, (
            f"values are negative as counts above {size // 2 - 1} are in {bits}, but they cannot be put back "
            "with certainty: export the image again in 32 bit"
        )
    counts = image.astype("i4")
    return counts.where(counts > found.highest, counts + size).astype("i4"), (
        f"{found.n_values} values are negative, as counts above {size // 2 - 1} are in {bits}: {size} was "
        "added to them; see that the brightest channels look as you expect"
    )


def _numbers(dtype: np.dtype) -> int:
    return int(2 ** (8 * dtype.itemsize))
