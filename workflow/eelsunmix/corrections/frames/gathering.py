"""Sums over the pixels of each frame, and over the channels of each pixel."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from eelsunmix.execution import blocks
from eelsunmix.typing import Floats, Indices

_Sums = dict[int, tuple[Floats, int]]
_Found = tuple[_Sums, list[tuple[Indices, Floats]]]


@dataclass(frozen=True, kw_only=True)
class FrameSums:
    """What one pass over a series finds.

    Parameters
    ----------
    spectra : ndarray of float64, shape (frame, channel)
        Sum of the valid pixels of each frame.
    n_valid : ndarray of int, shape (frame,)
        Their number.
    totals : ndarray of float64, shape (frame, y, x)
        Counts of each pixel, valid or not; of channels that are a number.
    """

    spectra: Floats
    n_valid: Indices
    totals: Floats


def sum_frames(image: xr.DataArray) -> FrameSums:
    """Go once over a series, by blocks.

    Parameters
    ----------
    image : DataArray, dims (frame, y, x, energy)
        With `valid_pixel`; eager or lazy.
    """
    shape = image.shape[:-1]
    place = np.arange(np.prod(shape)).reshape(shape)
    marked = image.assign_coords(place=(image.dims[:-1], place), number=("frame", np.arange(shape[0])))
    frames, pieces = blocks.fold(_sums_of_block, marked, _joined)
    totals = np.empty(place.size)
    for places, values in pieces:
        totals[places] = values
    spectra, number = zip(*(frames[frame] for frame in range(shape[0])), strict=True)
    return FrameSums(spectra=np.array(spectra), n_valid=np.array(number), totals=totals.reshape(shape))


def _sums_of_block(block: xr.DataArray) -> _Found:
    counts, valid, place = (part.to_numpy() for part in (block, block["valid_pixel"], block["place"]))
    sums = {
        frame: (spectra[kept].sum(axis=0, dtype=float), int(kept.sum()))
        for frame, spectra, kept in zip(block["number"].to_numpy().tolist(), counts, valid, strict=True)
    }
    return sums, [(place.ravel(), np.nansum(counts, axis=-1, dtype=float).ravel())]


def _joined(first: _Found, second: _Found) -> _Found:
    sums = dict(first[0])
    for frame, (spectrum, number) in second[0].items():
        before = sums.get(frame, (0.0, 0))
        sums[frame] = before[0] + spectrum, before[1] + number
    return sums, first[1] + second[1]
