"""Components of images of fewer pixels than channels: a matrix of channels squared would fill the memory.

The products of the pixels have the same eigenvalues as those of the channels, and give their eigenvectors.
"""

from collections.abc import Iterator

import numpy as np
import scipy
import xarray as xr

from eelsunmix.execution.blocks import BLOCK_ELEMENTS, map_blocks, template_like
from eelsunmix.image import valid_pixels
from eelsunmix.noise import counts_per_electron
from eelsunmix.pca.gram import Gram, pixel_variance
from eelsunmix.typing import Bools, Floats

LARGEST_MATRIX = BLOCK_ELEMENTS
"""Elements up to which the matrix of the channels is used all the same."""


def has_few_pixels(image: xr.DataArray) -> bool:
    """Whether the matrix of the pixels is the smaller one, and that of the channels large."""
    n_channels = image.shape[-1]
    return image.size < n_channels**2 > LARGEST_MATRIX


def decompose_few_pixels(
    image: xr.DataArray, sums: Gram, weight: Floats, n_components: int
) -> tuple[Floats, Floats, int]:
    """Return eigenvalues, leading eigenvectors (channel, component), and the number of channels with counts.

    Parameters
    ----------
    image : DataArray, shape (..., channel)
        Read twice for each `BLOCK_ELEMENTS` that it has.
    sums : Gram
        Without products.
    weight : ndarray, shape (channel,)
    n_components : int
    """
    variance = _variance_map(image)
    usable = valid_pixels(image).ravel() & (variance > 0)
    row_scale = np.sqrt(sums.variance_total / variance[usable]) / sums.n_pixels
    products, n_live = np.zeros((len(row_scale),) * 2), 0
    for channels, spectra in _slices(image, usable):
        n_live += int(np.count_nonzero(spectra.any(axis=0)))
        weighted = spectra * row_scale[:, None] / weight[channels]
        products += weighted @ weighted.T
    values, vectors = scipy.linalg.eigh(products, overwrite_a=True, check_finite=False)
    values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1][:, :n_components]
    parts = [
        (spectra * row_scale[:, None] / weight[channels]).T @ vectors
        for channels, spectra in _slices(image, usable)
    ]
    # The columns are orthogonal but for rounding; those of eigenvalues that vanish get a direction here.
    directions, triangle = np.linalg.qr(np.concatenate(parts))
    return values, directions * np.where(triangle.diagonal() < 0, -1.0, 1.0), n_live


def _variance_map(image: xr.DataArray) -> Floats:
    dims = image.dims[:-1]

    def kernel(block: xr.DataArray) -> xr.Dataset:
        spectra = block.to_numpy().reshape(-1, block.shape[-1])
        totals = spectra.sum(axis=1, dtype=np.float64)
        found = pixel_variance(spectra, totals, counts_per_electron(block)).reshape(block.shape[:-1])
        return block.isel({block.dims[-1]: 0}, drop=True).copy(data=found).to_dataset(name="variance")

    maps = map_blocks(kernel, image, template_like(image, {"variance": (dims, np.float64)}))
    flat: Floats = maps["variance"].to_numpy().ravel()
    return flat


def _slices(image: xr.DataArray, usable: Bools) -> Iterator[tuple[slice, Floats]]:
    """Load all spectra (pixel, channel) in some channels at a time."""
    step = max(1, BLOCK_ELEMENTS // len(usable))
    for first in range(0, image.shape[-1], step):
        channels = slice(first, first + step)
        spectra = image[..., channels].to_numpy().reshape(len(usable), -1)
        yield channels, spectra[usable].astype(np.float64)
