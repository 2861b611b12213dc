"""Weighted Gram matrix of an image in one pass: all that a Poisson-weighted PCA needs to know of the data.

The rank-one variance of Keenan and Kotula belongs to rows (pixels) and columns (channels). The row factor is
known inside a block, the column factor only at the end; but that one scales the finished matrix: one pass is
enough.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from eelsunmix.errors import InputError
from eelsunmix.execution.blocks import fold
from eelsunmix.image import spectra_of, valid_pixels
from eelsunmix.noise import counts_per_electron
from eelsunmix.numerics.eigenvalues import largest_eigenvalue
from eelsunmix.pca.deviations import mean_shape, suits_float32, weighted_deviations
from eelsunmix.typing import Floats
from eelsunmix.words import place_in_words

ROWS = 4096
"""Spectra multiplied at a time: bounds both the memory and the length of a float32 sum."""

FLOAT32_ERROR = 1e-3
"""Largest estimated relative error of a noise eigenvalue that float32 may cause."""


@dataclass(frozen=True, kw_only=True)
class Gram:
    """Sums over the valid pixels of an image.

    Parameters
    ----------
    n_pixels : int
        Valid pixels that hold any counts.
    counts, negative_squares : ndarray, shape (channel,)
        Sum of the counts; sum of the squares of the negative values.
    variance_total : float
        Sum over the pixels of `pixel_variance`.
    products : ndarray, shape (channel, channel)
        Sum of spectrum^T spectrum / pixel_variance; of no elements where it was not asked for.
    float32_power : float
        Sum over blocks of pixels times largest eigenvalue of what was multiplied in float32.
    """

    n_pixels: int
    counts: Floats
    negative_squares: Floats
    variance_total: float
    products: Floats
    float32_power: float

    def __add__(self, other: "Gram") -> "Gram":
        return Gram(
            n_pixels=self.n_pixels + other.n_pixels,
            counts=self.counts + other.counts,
            negative_squares=self.negative_squares + other.negative_squares,
            variance_total=self.variance_total + other.variance_total,
            products=self.products + other.products,
            float32_power=self.float32_power + other.float32_power,
        )


def weighted_gram(image: xr.DataArray, precision: Literal["auto", "float64", "none"] = "auto") -> Gram:
    """Sum up the weighted Gram matrix of an image, block by block.

    Parameters
    ----------
    image : DataArray, shape (..., channel)
        Counts; pixels whose `valid_pixel` is False are left out.
    precision : {"auto", "float64", "none"}
        "auto" multiplies deviations from the mean spectrum in float32 where the values suit it
        (`suits_float32`), and there are enough pixels for a noise floor. "none" leaves
        out the products.

    Raises
    ------
    InputError
        A valid pixel holds a value that is not finite, or no pixel holds any counts.
    """
    n_channels = image.shape[-1]
    # With few pixels the smallest eigenvalues tend to zero, where float32 has no digits left to give.
    short = precision == "auto" and image.size >= 4 * n_channels**2

    def kernel(block: xr.DataArray) -> Gram:
        return block_gram(block, allow_float32=short, with_products=precision != "none")

    gram = fold(kernel, image, lambda a, b: a + b)
    if gram.n_pixels == 0:
        raise InputError(
            f"{image.name or 'image'}: no valid pixel holds any counts; check the mask and the file"
        )
    return gram


def block_gram(block: xr.DataArray, *, allow_float32: bool, with_products: bool = True) -> Gram:
    """Gram matrix of one loaded block."""
    spectra = valid_spectra(block)
    if with_products and allow_float32 and suits_float32(spectra):
        return _float32_gram(spectra)
    totals = spectra.sum(axis=1, dtype=np.float64)
    _check_finite(block, totals)
    variance = pixel_variance(spectra, totals, counts_per_electron(block))
    filled = variance > 0
    if not filled.all():
        spectra, totals, variance = spectra[filled], totals[filled], variance[filled]
    counts = spectra.sum(axis=0, dtype=np.float64)
    return Gram(
        n_pixels=len(spectra),
        counts=counts,
        negative_squares=_negative_squares(spectra, axis=0),
        variance_total=float(variance.sum()),
        products=_products(spectra, variance) if with_products else np.zeros((0, 0)),
        float32_power=0.0,
    )


def valid_spectra(block: xr.DataArray) -> NDArray[Any]:
    """Spectra (pixel, channel) of the valid pixels of a loaded block."""
    return spectra_of(block.to_numpy(), valid_pixels(block))


def pixel_variance(spectra: NDArray[Any], totals: Floats, per_electron: float) -> Floats:
    """Variance of the total of each pixel, in units of counts (of one electron).

    For counts it is the total itself. Where a dark spectrum was subtracted, totals may vanish or be negative;
    there the negative values show the noise: twice the sum of their squares is the variance around zero.
    """
    return np.maximum(totals, 2 * _negative_squares(spectra, axis=1) / per_electron)


def _negative_squares(spectra: NDArray[Any], axis: int) -> Floats:
    if spectra.dtype.kind in "ub" or spectra.size == 0 or spectra.min() >= 0:
        return np.zeros(spectra.shape[1 - axis])
    total = np.zeros(spectra.shape[1 - axis])
    for start in range(0, len(spectra), ROWS):
        rows = slice(start, start + ROWS)
        squares = np.square(np.minimum(spectra[rows], 0), dtype=np.float64)
        total[rows if axis == 1 else slice(None)] += squares.sum(axis=axis)
    return total


def _check_finite(block: xr.DataArray, totals: Floats) -> None:
    bad = np.flatnonzero(~np.isfinite(totals))
    if bad.size == 0:
        return
    where = place_in_words(block, np.argwhere(valid_pixels(block))[bad[0]].tolist())
    raise InputError(
        f"{block.name or 'image'}: the pixel at {where} holds a value that is not finite; mask the pixel"
    )


def _products(spectra: NDArray[Any], variance: Floats) -> Floats:
    products = np.zeros((spectra.shape[1],) * 2)
    for start in range(0, len(spectra), ROWS):
        rows = slice(start, start + ROWS)
        weighted = spectra[rows] / np.sqrt(variance[rows, None])
        products += weighted.T @ weighted
    return products


def _float32_gram(spectra: NDArray[Any]) -> Gram:
    """Multiply deviations from the block's mean spectrum in float32; add the mean back in float64."""
    n_channels = spectra.shape[1]
    short_shape = mean_shape(spectra)
    deviations = np.empty((min(ROWS, len(spectra)), n_channels), dtype=np.float32)
    totals, counts = np.empty(len(spectra)), np.zeros(n_channels)
    products = np.zeros((n_channels, n_channels))
    for start in range(0, len(spectra), ROWS):
        rows = slice(start, start + ROWS)
        part = deviations[: len(spectra[rows])]
        totals[rows], counts_of_part = weighted_deviations(spectra[rows], short_shape, part)
        counts += counts_of_part
        products += part.T @ part
    scale = 1 / np.sqrt(np.where(counts > 0, counts, 1.0))
    # Column scale counts / n and row scale sum(totals) / n leave sum(totals) / counts, times n pixels.
    power = totals.sum() * largest_eigenvalue(products * scale[:, None] * scale)
    shape = short_shape.astype(np.float64)
    cross = np.outer(counts - totals.sum() * shape / 2, shape)
    products += cross
    products += cross.T
    return Gram(
        n_pixels=int(np.count_nonzero(totals)),
        counts=counts,
        negative_squares=np.zeros(n_channels),
        variance_total=float(totals.sum()),
        products=products,
        float32_power=power,
    )
