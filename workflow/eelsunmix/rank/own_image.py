"""Whether a PCA is that of the image that it is given with."""

from collections.abc import Iterator

import numpy as np
import xarray as xr

from eelsunmix.errors import InputError
from eelsunmix.image import valid_pixels
from eelsunmix.typing import Floats

SAME = 1e-4
"""Largest relative difference of scores that rounding explains; noise of a million counts makes 1e-3."""


def check_same_image(image: xr.DataArray, pca: xr.Dataset) -> None:
    """Refuse the PCA of another image: by sizes, energies, mask and the scores of the brightest pixel.

    Parameters
    ----------
    image : DataArray, dims (navigation, energy)
        One pixel of it is read.
    pca : Dataset
        From `denoise`.

    Raises
    ------
    InputError
        Says what differs.
    """
    if fault := next(_differences(image, pca), ""):
        name = image.name or "this one"
        raise InputError(f"pca: the PCA belongs to another image than {name}: {fault}; run denoise again")


def _differences(image: xr.DataArray, pca: xr.Dataset) -> Iterator[str]:
    energy = image.dims[-1]
    sizes = {**pca["pixel_weight"].sizes, **pca["channel_weight"].sizes}
    if sizes != dict(image.sizes):
        yield f"its sizes are {sizes}, those of the image {dict(image.sizes)}"
    mine, theirs = (one.coords.get(energy) for one in (image, pca))
    if mine is not None and theirs is not None and not np.allclose(mine, theirs, rtol=1e-6):
        yield f"its {energy} goes from {theirs[0]:g} to {theirs[-1]:g}, not {mine[0]:g} to {mine[-1]:g}"
    weight = pca["pixel_weight"].transpose(*image.dims[:-1]).to_numpy()
    if not np.array_equal(np.isfinite(weight), valid_pixels(image)):
        yield "it has other valid pixels"
    yield from _other_counts(image, pca, weight)


def _other_counts(image: xr.DataArray, pca: xr.Dataset, weight: Floats) -> Iterator[str]:
    pixel = dict(zip(image.dims, np.unravel_index(np.nanargmax(weight), weight.shape), strict=False))
    spectrum = image.isel(pixel).to_numpy().astype(float)
    loading = pca["loading"].transpose("component", ...).to_numpy()
    expected = loading @ (spectrum / pca["channel_weight"].to_numpy() ** 2)
    found = pca["score"].isel(pixel).to_numpy()
    if not np.linalg.norm(expected - found) <= SAME * np.linalg.norm(found):
        yield "its scores are not those of these counts"
