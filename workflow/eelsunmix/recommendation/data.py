"""An image as the candidates see it: pixels that have sample, counted and averaged over alike neighbours."""

import operator
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
import xarray as xr

from eelsunmix.edges import Edge
from eelsunmix.errors import InputError
from eelsunmix.execution import blocks
from eelsunmix.image import as_spectrum_image, valid_pixels
from eelsunmix.noise import channel_variance_to_mean
from eelsunmix.numerics.nuisance import Nuisance
from eelsunmix.pca import DenoiseOptions, denoise
from eelsunmix.pca.reconstruction import reconstruct
from eelsunmix.typing import Bools, Floats
from eelsunmix.vacuum import sample_pixels

SPARE = 2
"""Components above the number of endmembers that averages keep: thickness and slopes."""
AVERAGES = MappingProxyType(
    {
        "neighbours": {"nlm_strength": 0.4},
        "many neighbours": {"nlm_strength": 1.0},
    }
)
"""Name of an average over alike neighbours -> options of the non-local means."""


NO_EDGES: Mapping[str, Edge] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Data:
    """Counts and what is made of them once, for all candidates.

    Parameters
    ----------
    image : DataArray, dims (navigation, energy)
        Corrected counts; `valid_pixel` is False where there is no sample.
    pca : Dataset
        Its weighted principal components, smoothed over alike neighbours too.
    averages : mapping of str to ndarray, shape (pixel, channel)
        Spectra of the pixels that have sample, averaged over alike neighbours (`AVERAGES`).
    smoothed : DataArray, dims (navigation, energy)
        Image to learn from: the first average, also where the guard has put details back.
    edges : mapping of str to Edge
        What is known of the elements; empty if nothing is.
    nuisance : Nuisance, optional
        Direction that was taken out of the image.
    bent : ndarray, shape (pixel, channel), optional
        What was taken out of the pixels that have sample, without noise.
    """

    image: xr.DataArray
    pca: xr.Dataset
    averages: Mapping[str, Floats]
    smoothed: xr.DataArray
    edges: Mapping[str, Edge] = field(default_factory=dict)
    nuisance: Nuisance | None = None
    bent: Floats | None = None

    @property
    def chosen(self) -> Bools:
        """Pixels that have sample, shape (navigation)."""
        return valid_pixels(self.image)

    @property
    def spectra(self) -> Floats:
        """Counts of these pixels, shape (pixel, channel)."""
        return np.asarray(self.image.to_numpy()[self.chosen], dtype=np.float64)

    @property
    def weight(self) -> Floats:
        """Poisson standard deviation of each channel, shape (channel,)."""
        return np.asarray(self.pca["channel_weight"].to_numpy(), dtype=np.float64)

    @property
    def variance_to_mean(self) -> float:
        """Of the counts of a channel."""
        return channel_variance_to_mean(self.image)


def with_sample_alone(image: xr.DataArray, vacuum: xr.DataArray | None = None) -> tuple[xr.DataArray, Bools]:
    """Bring an image of the user to its usual form, and leave pixels without sample out.

    Those are found in the counts, unless `vacuum` says which they are.

    Returns
    -------
    image : DataArray
        With a narrower `valid_pixel`.
    empty : ndarray of bool, shape (navigation)
        Pixels that were valid and hold no sample.
    """
    image = as_spectrum_image(image)
    valid = valid_pixels(image)
    if not valid.any() or not blocks.fold(_has_counts, image, operator.or_):
        raise InputError("recommend: the image has no valid pixel with counts; check its mask valid_pixel")
    sample = sample_pixels(image, vacuum)
    return image.assign_coords(valid_pixel=(image.dims[:-1], sample)), valid & ~sample


def _has_counts(block: xr.DataArray) -> bool:
    return bool((block.to_numpy()[block["valid_pixel"].to_numpy()] > 0).any())


def prepared(image: xr.DataArray, n_endmembers: int, edges: Mapping[str, Edge] = NO_EDGES) -> Data:
    """Compute the principal components of an image and average them over alike neighbours."""
    chosen = valid_pixels(image)
    averages = {}
    for name in AVERAGES:
        pca, kept = averages_of(image, name, n_endmembers)
        averaged = reconstruct(pca, kept, score="score_nlm_guarded").transpose(*image.dims)
        averages[name] = averaged.to_numpy()[chosen].astype(np.float64)
        if len(averages) == 1:
            first = pca
            smoothed = reconstruct(pca, kept, score="score_nlm").transpose(*image.dims).compute()
    return Data(image=image, pca=first, averages=averages, smoothed=smoothed, edges=edges)


def averages_of(image: xr.DataArray, name: str, n_endmembers: int) -> tuple[xr.Dataset, int]:
    """Average an image over alike neighbours; return its components, and how many of them are kept."""
    number = n_endmembers + SPARE
    pca = denoise(image, DenoiseOptions(n_components=max(12, number), **AVERAGES[name]))
    return pca, min(number, pca.sizes["component"])


def without_bending(data: Data, nuisance: Nuisance, n_endmembers: int) -> Data:
    """Take a direction of nuisance out of an image, and prepare it again."""
    counts = nuisance.removed(data.image.to_numpy().astype(np.float64))
    moved = prepared(data.image.copy(data=counts), n_endmembers, data.edges)
    average = next(iter(data.averages.values()))
    return replace(moved, nuisance=nuisance, bent=average - nuisance.removed(average))
