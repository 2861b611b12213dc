"""Deviations of counts from a mean spectrum, weighted, in float32: few spectra at a time, in the cache.

The mean spectrum carries nearly all of the power; without it float32 has its digits for the noise.
"""

from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from eelsunmix.typing import Floats

PIECE = 256
"""Spectra converted at a time: a megabyte of 1000 channels stays in the cache of a core between the steps."""


FLOAT32_MEAN = 1e4
"""Largest mean count per channel that float32 is trusted with."""


def suits_float32(spectra: NDArray[Any]) -> bool:
    """Whether these are non-negative integers or finite float32, of a mean up to `FLOAT32_MEAN`."""
    return (
        (spectra.dtype.kind in "iu" or spectra.dtype == np.float32)
        and spectra.size > 0
        and (spectra.dtype.kind == "u" or bool(spectra.min() >= 0))
        and (spectra.dtype.kind != "f" or bool(spectra.max() < np.inf))
        and float(_sample(spectra).mean(dtype=np.float64)) <= FLOAT32_MEAN
    )


def mean_shape(spectra: NDArray[Any]) -> NDArray[np.float32]:
    """Share of each channel in the counts of a sample of the spectra, shape (channel,)."""
    counts = _sample(spectra).sum(axis=0, dtype=np.float64)
    total = counts.sum()
    return (counts / total if total > 0 else counts).astype(np.float32)


def _sample(spectra: NDArray[Any]) -> NDArray[Any]:
    if len(spectra) <= PIECE:
        return spectra
    return spectra[np.random.default_rng(0).integers(0, len(spectra), PIECE)]


def weighted_deviations(
    spectra: NDArray[Any], shape: NDArray[np.float32], out: NDArray[np.float32]
) -> tuple[Floats, Floats]:
    """Fill ``out`` with ``(spectrum - total shape) / sqrt(total)`` of each spectrum.

    Parameters
    ----------
    spectra : ndarray, shape (pixel, channel)
        Counts that suit float32; pixels without any stay zero.
    shape : ndarray, shape (channel,)
        Counts of a pixel whose total is one.
    out : ndarray, shape (pixel, channel)
        float32, contiguous.

    Returns
    -------
    totals : ndarray, shape (pixel,)
    counts : ndarray, shape (channel,)
        Sums of the counts, exact for integers below 2**24 in a pixel, and in a channel of `PIECE` pixels.
    """
    totals, counts = np.empty(len(spectra)), np.zeros(spectra.shape[1])
    channels, pixels = np.ones(spectra.shape[1], np.float32), np.ones(PIECE, np.float32)
    for start in range(0, len(spectra), PIECE):
        rows = slice(start, start + PIECE)
        part = out[rows]
        np.copyto(part, spectra[rows], casting="unsafe")
        total = part @ channels
        totals[rows] = total
        counts += pixels[: len(part)] @ part
        weight = 1 / np.sqrt(np.where(total > 0, total, 1))
        part *= weight[:, None]
        changed = scipy.linalg.blas.sger(-1.0, shape, total * weight, a=part.T, overwrite_a=True)
        if not np.may_share_memory(changed, part):
            raise ValueError("out is not contiguous, or not float32")
    return totals, counts
