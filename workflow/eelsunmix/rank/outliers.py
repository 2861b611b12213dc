"""Pixels that the components do not describe, looked for in all of them block by block."""

import functools
import operator
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from eelsunmix.execution import blocks
from eelsunmix.execution.clusters import freed_blocks_kept
from eelsunmix.execution.kept_maps import keep_maps
from eelsunmix.image import valid_pixels
from eelsunmix.pca.noise_eigenvalues import Noise
from eelsunmix.rank.residuals import Description, Scatter, describe, measure_scatter
from eelsunmix.typing import Bools, Floats

SAMPLE = 2048
"""Pixels whose counts are predicted, and on whose residuals the scatter is measured."""

SAMPLE_ELEMENTS = 2**22

TOGETHER = 2**17
"""Counts looked at together: arrays of so many numbers stay in the cache."""

FALSE_ALARMS = 0.005
"""Expected number of outlying pixels in an image without any."""

_Pieces = list[tuple[NDArray[Any], ...]]


@dataclass(frozen=True, kw_only=True)
class Outliers:
    """Pixels that the components do not describe.

    Parameters
    ----------
    deviation : ndarray, shape (navigation)
        Largest deviation of each pixel in any window of energy, in standard deviations; NaN where invalid.
    window : DataArray of int, dims (navigation)
        Channel in the middle of that window; of a large image in files.
    limit : float
        Deviation above which less than one pixel in 200 images is expected.
    """

    deviation: Floats
    window: xr.DataArray
    limit: float

    @property
    def found(self) -> Bools:
        """Pixels beyond the limit."""
        beyond: Bools = self.deviation > self.limit  # NaN is not
        return beyond


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Spectra (pixel, channel) of some valid pixels, or all of them, and their weights (pixel)."""

    spectra: NDArray[Any]
    pixel_weight: Floats
    complete: bool


def take_sample(image: xr.DataArray, pca: xr.Dataset) -> Sample:
    """Gather up to `SAMPLE` valid pixels at random."""
    weight = _pixel_weight(image, pca)
    limit = min(SAMPLE, max(2, SAMPLE_ELEMENTS // image.shape[-1]))
    usable = valid_pixels(image) & np.isfinite(weight)
    chosen = _at_random(usable, limit)
    navigation = image.dims[:-1]
    marked = image.assign_coords(sampled=(navigation, chosen), pixel_weight=(navigation, weight))
    with freed_blocks_kept():
        spectra, weights = _joined(blocks.fold(_gather, marked, operator.add))
    return Sample(spectra=spectra, pixel_weight=weights, complete=len(spectra) == np.count_nonzero(usable))


def _at_random(usable: Bools, most: int) -> Bools:
    """Mask of so many usable pixels at most, drawn at random."""
    places = np.flatnonzero(usable)
    np.random.default_rng(0).shuffle(places)
    chosen = np.zeros(usable.size, bool)
    chosen[places[:most]] = True
    return chosen.reshape(usable.shape)


def are_counts(sample: Sample, noise: Noise) -> bool:
    """Whether the values are whole numbers with the noise of ideal counts, of a few channels or many."""
    spectra = sample.spectra
    whole = spectra.dtype.kind in "iu" or bool(np.all(spectra == np.rint(spectra)))
    return whole and bool(spectra.min() >= 0) and noise.is_white and 0.7 < noise.level < 1.4


def find_outliers(
    image: xr.DataArray, pca: xr.Dataset, sample: Sample, noise: Noise, *, n_components: int, counting: bool
) -> Outliers:
    """Look for pixels that the leading components do not describe.

    Parameters
    ----------
    image : DataArray, shape (..., channel)
        Read once, block by block.
    pca : Dataset
        From `denoise`.
    sample : Sample
        Of the image.
    noise : Noise
        Of the eigenvalues.
    n_components : int
        Leading components that describe the image.
    counting : bool
        Whether the noise is that of ideal counts.
    """
    description = describe(pca, n_components, noise.level, counting=counting)
    residuals = description.residuals(sample.spectra, sample.pixel_weight)
    scatter = measure_scatter(residuals, sample.pixel_weight)
    weight = _pixel_weight(image, pca)
    marked = image.assign_coords(pixel_weight=(image.dims[:-1], weight))
    kernel = functools.partial(_block_deviations, description=description, scatter=scatter)
    variables = {"deviation": (image.dims[:-1], np.float64), "window": (image.dims[:-1], np.int32)}
    # Parts are as large as the blocks of other passes; what is kept of a pixel is little.
    template = blocks.template_like(image, variables)
    with freed_blocks_kept():
        maps = keep_maps(kernel, marked, template, pixels=blocks.BLOCK_ELEMENTS)
    n_looked_at = int(np.count_nonzero(valid_pixels(image) & np.isfinite(weight)))
    return Outliers(
        deviation=maps["deviation"].to_numpy(),
        window=maps["window"],
        limit=_limit(n_looked_at * len(description.starts)) * scatter.uncertainty,
    )


def _limit(n_looked_at: int) -> float:
    from scipy import special

    return float(-special.ndtri(FALSE_ALARMS / n_looked_at / 2))


def _pixel_weight(image: xr.DataArray, pca: xr.Dataset) -> Floats:
    weight: Floats = pca["pixel_weight"].transpose(*image.dims[:-1]).to_numpy().astype(np.float64, copy=False)
    return weight


def _gather(block: xr.DataArray) -> _Pieces:
    mask = block["sampled"].to_numpy()
    return [(block.to_numpy()[mask], block["pixel_weight"].to_numpy()[mask])]


def _block_deviations(block: xr.DataArray, *, description: Description, scatter: Scatter) -> xr.Dataset:
    spectra = block.to_numpy().reshape(-1, block.shape[-1])
    weight = block["pixel_weight"].to_numpy().ravel()
    usable = np.flatnonzero(valid_pixels(block).ravel() & np.isfinite(weight))
    middle = (description.starts + description.stops) // 2
    deviations, windows = np.full(weight.size, np.nan), np.zeros(weight.size, np.int32)
    step = max(1, TOGETHER // spectra.shape[1])
    for start in range(0, len(usable), step):
        rows = usable[start : start + step]
        residuals = description.residuals(spectra[rows], weight[rows])
        deviations[rows], window = scatter.deviation(residuals, weight[rows])
        windows[rows] = middle[window]
    maps = {"deviation": deviations, "window": windows}
    shape, dims = block.shape[:-1], block.dims[:-1]
    return xr.Dataset({name: (dims, values.reshape(shape)) for name, values in maps.items()})


def _joined(pieces: _Pieces) -> tuple[NDArray[Any], ...]:
    return tuple(np.concatenate(part) for part in zip(*pieces, strict=True))
