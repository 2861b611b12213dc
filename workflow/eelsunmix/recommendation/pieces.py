"""A choice that was made on a sample, applied to the whole image, block by block."""

import functools

import numpy as np
import xarray as xr

from eelsunmix.execution import blocks
from eelsunmix.image import valid_pixels
from eelsunmix.nuisance import mapped_without_nuisance, nuisance_arrays
from eelsunmix.pca.reconstruction import reconstruct
from eelsunmix.recommendation.choosing import Choice
from eelsunmix.recommendation.data import averages_of
from eelsunmix.recommendation.least_squares import mapped_linearly
from eelsunmix.typing import Brightness, Floats


def mapped_in_pieces(choice: Choice, image: xr.DataArray) -> Floats:
    """Map an image of any size as the winner of a sample maps it, shape (pixel, endmember).

    Parameters
    ----------
    choice : Choice
        A candidate that maps averages.
    image : DataArray, dims (navigation, energy)
        Eager or lazy; `valid_pixel` is False where there is no sample.
    """
    best = choice.best
    image = blocks.chunked(_without_bending(choice, image))
    pca, kept = averages_of(image, best.average, len(best.endmembers))
    averaged = reconstruct(pca, kept, score="score_nlm_guarded").transpose(*image.dims)
    names = np.arange(len(best.endmembers))
    template = blocks.template_like(
        averaged, {"amount": ((*image.dims[:-1], "endmember"), np.float64)}, {"endmember": names}
    )
    kernel = functools.partial(
        _amounts, endmembers=best.endmembers, weight=choice.data.weight, brightness=choice.brightness
    )
    maps = blocks.map_blocks(kernel, averaged, template)["amount"].compute().to_numpy()
    found: Floats = maps[valid_pixels(image)]
    return found


def _without_bending(choice: Choice, image: xr.DataArray) -> xr.DataArray:
    """Take the direction that was found in the sample out of the image."""
    nuisance = choice.data.nuisance
    if nuisance is None:
        return image
    energy = image.dims[-1]
    stored = xr.Dataset(nuisance_arrays(nuisance, energy), coords={energy: image[energy]})
    return mapped_without_nuisance(stored, image)


def _amounts(block: xr.DataArray, endmembers: Floats, weight: Floats, brightness: Brightness) -> xr.Dataset:
    spectra = block.to_numpy().reshape(-1, block.shape[-1]).astype(np.float64)
    found = mapped_linearly(spectra, endmembers, weight, brightness)
    shape = (*block.shape[:-1], len(endmembers))
    coords = block.isel({block.dims[-1]: 0}, drop=True).coords
    maps = xr.Dataset({"amount": ((*block.dims[:-1], "endmember"), found.reshape(shape))}, coords=coords)
    return maps.assign_coords(endmember=np.arange(len(endmembers)))
