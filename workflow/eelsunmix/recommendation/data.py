"""An image as the candidates see it: pixels that have sample, counted and averaged over alike neighbours."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import xarray as xr

from eelsunmix.errors import InputError
from eelsunmix.image import as_spectrum_image, valid_pixels
from eelsunmix.noise import channel_variance_to_mean
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
    """

    image: xr.DataArray
    pca: xr.Dataset
    averages: Mapping[str, Floats]
    smoothed: xr.DataArray

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
    image = as_spectrum_image(image).load()
    valid = valid_pixels(image)
    if not (image.to_numpy()[valid] > 0).any():
        raise InputError("recommend: the image has no valid pixel with counts; check its mask valid_pixel")
    sample = sample_pixels(image, vacuum)
    return image.assign_coords(valid_pixel=(image.dims[:-1], sample)), valid & ~sample


def prepared(image: xr.DataArray, n_endmembers: int) -> Data:
    """Compute the principal components of an image and average them over alike neighbours."""
    number, chosen = n_endmembers + SPARE, valid_pixels(image)
    averages = {}
    for name, options in AVERAGES.items():
        pca = denoise(image, DenoiseOptions(n_components=max(12, number), **options))
        kept = min(number, pca.sizes["component"])
        averaged = reconstruct(pca, kept, score="score_nlm_guarded").transpose(*image.dims)
        averages[name] = averaged.to_numpy()[chosen].astype(np.float64)
        if len(averages) == 1:
            first = pca
            smoothed = reconstruct(pca, kept, score="score_nlm").transpose(*image.dims).compute()
    return Data(image=image, pca=first, averages=averages, smoothed=smoothed)
