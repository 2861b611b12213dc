"""Abundances of all pixels of an image, as a model gives them, block by block."""

import functools

import numpy as np
import xarray as xr

from eelsunmix.execution import blocks
from eelsunmix.mapping.pieces import check_finite, in_pieces, maps_of_block, valid_spectra
from eelsunmix.methods import Abundances, FrameModel, Model, PixelModel
from eelsunmix.typing import Floats

ABUNDANCE, ABUNDANCE_SD = "abundance", "abundance_sd"


def map_abundance(
    model: PixelModel | FrameModel, image: xr.DataArray, *, variance_to_mean: float = 1.0
) -> xr.Dataset:
    """Abundances of all valid pixels, as the model gives them.

    Parameters
    ----------
    model : PixelModel or FrameModel
        On the energy axis of the image.
    image : DataArray, dims (navigation, energy)
        With the coordinate ``valid_pixel``; eager or lazy.
    variance_to_mean : float
        Variance of a sum over many channels of the image, divided by its mean.

    Returns
    -------
    Dataset
        ``abundance`` and, of a model that knows it, its standard deviation ``abundance_sd``, both
        (navigation, endmember), float32, NaN in pixels that are not valid.
    """
    if isinstance(model, PixelModel):
        kernel, template = abundance_kernel(model, image, variance_to_mean=variance_to_mean)
        return blocks.map_blocks(kernel, image, template)
    # All pixels of a frame at a time, but few features of each.
    features = _features(model, image)
    elements = int(np.prod(features.shape[-3:]))
    return blocks.map_blocks(
        functools.partial(_abundance_of_frames, model=model),
        features,
        _template(model, image),
        elements=elements,
    )


def abundance_kernel(
    model: PixelModel, image: xr.DataArray, *, variance_to_mean: float
) -> tuple[blocks.Kernel, xr.Dataset]:
    """Kernel that maps the abundances of a block, and the template of its maps; see `map_abundance`."""
    sd_unit = float(np.sqrt(variance_to_mean)) if model.sd_of_counts else 1.0
    return functools.partial(_abundance, model=model, sd_unit=sd_unit), _template(model, image)


def _template(model: Model, image: xr.DataArray) -> xr.Dataset:
    dims = (*image.dims[:-1], "endmember")
    return blocks.template_like(
        image,
        dict.fromkeys(_names(model), (dims, np.float32)),
        {"endmember": np.arange(len(model.endmembers))},
    )


def _abundance(block: xr.DataArray, model: PixelModel, sd_unit: float) -> xr.Dataset:
    names, n_endmembers = _names(model), len(model.endmembers)
    columns = in_pieces(
        lambda piece: _columns(model.abundances(piece), sd_unit),
        valid_spectra(block),
        len(names) * n_endmembers,
    )
    parts = np.hsplit(columns, len(names))
    return maps_of_block(block, dict(zip(names, parts, strict=True)), n_endmembers)


def _features(model: FrameModel, image: xr.DataArray) -> xr.DataArray:
    dims = (*image.dims[:-1], "feature")
    numbers = {"feature": np.arange(model.n_features)}
    template = blocks.template_like(image, {"feature_value": (dims, np.float32)}, numbers)
    found = blocks.map_blocks(functools.partial(_features_of_block, model=model), image, template)
    return found["feature_value"]


def _features_of_block(block: xr.DataArray, model: FrameModel) -> xr.Dataset:
    check_finite(block)  # although the features are those of all pixels of the frame
    spectra = block.to_numpy().reshape(-1, block.shape[-1])
    values = in_pieces(model.features, spectra, model.n_features).astype(np.float32)
    numbers = {"feature": np.arange(model.n_features)}
    frame = block.isel({block.dims[-1]: 0}, drop=True).expand_dims(numbers, axis=-1)
    return frame.copy(data=values.reshape(frame.shape)).to_dataset(name="feature_value")


def _abundance_of_frames(block: xr.DataArray, model: FrameModel) -> xr.Dataset:
    valid, names, n_endmembers = block["valid_pixel"].to_numpy(), _names(model), len(model.endmembers)
    frames = block.to_numpy().reshape(-1, *block.shape[-3:])
    values = np.stack([_columns(model.abundances(frame)) for frame in frames]).reshape(*valid.shape, -1)
    parts = np.split(values[valid], len(names), axis=-1)
    return maps_of_block(block, dict(zip(names, parts, strict=True)), n_endmembers)


def _names(model: Model) -> tuple[str, ...]:
    return (ABUNDANCE, ABUNDANCE_SD) if model.knows_sd else (ABUNDANCE,)


def _columns(found: Abundances, sd_unit: float = 1.0) -> Floats:
    """Lay deviations, where there are any, beside the abundances."""
    return found.mean if found.sd is None else np.concatenate([found.mean, sd_unit * found.sd], axis=-1)
