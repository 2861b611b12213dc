"""Fitted models on the energy axis of an image."""

import numpy as np
import xarray as xr

from eelsunmix.errors import InputError
from eelsunmix.methods import FrameModel, PixelModel, load_model


def model_for(stored: xr.Dataset, image: xr.DataArray) -> PixelModel | FrameModel:
    """Load a fitted model for an image.

    Parameters
    ----------
    stored : Dataset
        Result of `fit`.
    image : DataArray, energy last

    Returns
    -------
    PixelModel or FrameModel
        On the energy axis of the image, interpolated where the axes differ.

    Raises
    ------
    InputError
        The model does not cover the energy axis of the image.
    MethodFailedError
        It does, but this model needs channels that the image does not have.
    """
    model, dim = load_model(stored), stored["endmember_spectrum"].dims[-1]
    learned, energy = (array.to_numpy().astype(np.float64) for array in (stored[dim], image[image.dims[-1]]))
    if len(energy) < 2:
        raise InputError("the image has a single channel; nothing tells how wide it is")
    width = (energy[-1] - energy[0]) / (len(energy) - 1)
    if len(learned) == len(energy) and np.allclose(learned, energy, rtol=0, atol=1e-6 * abs(width)):
        return model
    # Half a channel is what rounding of offsets can make; beyond it the model knows nothing.
    if dim != image.dims[-1] or energy[0] < learned[0] - width / 2 or energy[-1] > learned[-1] + width / 2:
        raise InputError(
            f"the model covers {dim} {learned[0]:g} to {learned[-1]:g} ({len(learned)} channels), "
            f"the image has {image.dims[-1]} {energy[0]:g} to {energy[-1]:g} ({len(energy)} channels); "
            f"crop it or fit again"
        )
    return model.resampled(learned, energy)
