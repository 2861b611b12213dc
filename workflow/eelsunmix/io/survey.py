"""One pass over an image that measures its noise and finds its damage."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.execution import blocks
from eelsunmix.io.copies import Copies, copies_of_block
from eelsunmix.io.noise import PairStatistics, noise_of_block
from eelsunmix.io.saturation import Heights, heights_of_block
from eelsunmix.io.wrapped import Wrapped, wrapped_of_block


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What one pass over an image (or over a block of it) finds.

    `totals` and `valid` hold pairs of (index of the first pixel of the block, navigation array); `spectrum`
    is the sum over the valid pixels; `first_not_finite` is the index of a value, `first_empty` of a pixel.
    """

    totals: list[tuple[tuple[int, ...], np.ndarray]]
    valid: list[tuple[tuple[int, ...], np.ndarray]]
    spectrum: np.ndarray
    n_valid: int
    n_negative: int
    n_saturated: int
    n_not_finite: int
    n_empty: int
    first_not_finite: tuple[int, ...] | None
    first_empty: tuple[int, ...] | None
    heights: Heights
    copies: dict[int, Copies]
    noise: PairStatistics = field(default_factory=PairStatistics)
    wrapped: Wrapped = field(default_factory=Wrapped)


def survey(image: xr.DataArray, saturation: float | None = None) -> Survey:
    """Read an image once, block by block.

    Parameters
    ----------
    image : DataArray, shape (..., channel)
        Eager or lazy.
    saturation : float, optional
        Counts from which on a value is saturated; see `DetectorOptions`.
    """
    level = _saturation(image.dtype, saturation)
    indexed = image.reset_coords(drop=True).assign_coords(
        {dim: np.arange(image.sizes[dim]) for dim in image.dims}
    )
    return blocks.fold(lambda block: _survey_block(block, level, image.shape[:-1]), indexed, _combine)


def navigation_map(tiles: list[tuple[tuple[int, ...], np.ndarray]], shape: tuple[int, ...]) -> np.ndarray:
    """Lay the blocks of a navigation array side by side."""
    whole = np.empty(shape, tiles[0][1].dtype)
    for corner, tile in tiles:
        whole[tuple(slice(first, first + size) for first, size in zip(corner, tile.shape, strict=True))] = (
            tile
        )
    return whole


def _saturation(dtype: np.dtype, given: float | None) -> float:
    if given is not None:
        return given
    return float(np.iinfo(dtype).max) if dtype.kind in "ui" else math.inf


def _survey_block(block: xr.DataArray, saturation: float, shape: tuple[int, ...]) -> Survey:
    values = block.to_numpy()
    corner = tuple(int(block[dim][0]) for dim in block.dims)
    finite = (
        np.isfinite(values).all(axis=-1) if values.dtype.kind == "f" else np.ones(values.shape[:-1], bool)
    )
    empty = finite & ~values.any(axis=-1)
    valid = finite & ~empty
    where: Any = True if valid.all() else valid[..., np.newaxis]  # a mask takes twice the time
    navigation = tuple(range(values.ndim - 1))
    return Survey(
        totals=[(corner[:-1], values.sum(axis=-1, dtype=float, where=where))],
        valid=[(corner[:-1], valid)],
        spectrum=values.sum(axis=navigation, dtype=float, where=where),
        n_valid=int(valid.sum()),
        n_negative=int(((values < 0) & where).sum()) if values.dtype.kind != "u" else 0,
        n_saturated=int(((values >= saturation) & where).sum()) if not values.max() < saturation else 0,
        n_not_finite=int((~finite).sum()),
        n_empty=int(empty.sum()),
        first_not_finite=_first_not_finite(values, finite, corner),
        first_empty=_first(empty, corner),
        heights=heights_of_block(values, valid),
        copies=copies_of_block(values, valid, corner[:-1], shape),
        noise=noise_of_block(values, valid),
        wrapped=wrapped_of_block(values, valid),
    )


def _first(mask: np.ndarray, corner: tuple[int, ...]) -> tuple[int, ...] | None:
    if not mask.any():
        return None
    found = np.unravel_index(int(mask.argmax()), mask.shape)
    return tuple(int(first + index) for first, index in zip(corner, found, strict=False))


def _first_not_finite(
    values: np.ndarray, finite: np.ndarray, corner: tuple[int, ...]
) -> tuple[int, ...] | None:
    pixel = _first(~finite, (0,) * finite.ndim)
    if pixel is None:
        return None
    channel = int((~np.isfinite(values[pixel])).argmax())
    return tuple(first + index for first, index in zip(corner, (*pixel, channel), strict=True))


def _combine(first: Survey, second: Survey) -> Survey:
    return Survey(
        totals=first.totals + second.totals,
        valid=first.valid + second.valid,
        spectrum=first.spectrum + second.spectrum,
        n_valid=first.n_valid + second.n_valid,
        n_negative=first.n_negative + second.n_negative,
        n_saturated=first.n_saturated + second.n_saturated,
        n_not_finite=first.n_not_finite + second.n_not_finite,
        n_empty=first.n_empty + second.n_empty,
        first_not_finite=first.first_not_finite or second.first_not_finite,
        first_empty=first.first_empty or second.first_empty,
        heights=first.heights + second.heights,
        copies={axis: copies + second.copies[axis] for axis, copies in first.copies.items()},
        noise=first.noise + second.noise,
        wrapped=first.wrapped + second.wrapped,
    )
