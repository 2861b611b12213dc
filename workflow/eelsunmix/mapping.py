"""Abundance maps of whole images: what a model says of each pixel, and what it leaves unexplained."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from eelsunmix.execution import blocks
from eelsunmix.methods import Model, mapped, mapped_features, mapped_frame
from eelsunmix.noise import channel_variance_to_mean
from eelsunmix.numerics.abundances import least_squares, non_negative
from eelsunmix.typing import Floats

_PIECE = 2**20
"""Elements of spectra that a kernel treats at a time, to stay in the cache and small in memory."""


def map_abundance(model: Model, image: xr.DataArray) -> xr.Dataset:
    """Abundances of all valid pixels, as the model gives them.

    Parameters
    ----------
    model : Model
        On the energy axis of the image.
    image : DataArray, dims (navigation, energy)
        With the coordinate ``valid_pixel``; eager or lazy.

    Returns
    -------
    Dataset
        ``abundance`` and, of a model that knows it, its standard deviation ``abundance_sd``, both
        (navigation, endmember), float32, NaN in pixels that are not valid.
    """
    dims = (*image.dims[:-1], "endmember")
    template = blocks.template_like(
        image,
        dict.fromkeys(_names(model), (dims, np.float32)),
        {"endmember": np.arange(len(model.endmembers))},
    )
    if model.maps == "spectra":
        return blocks.map_blocks(functools.partial(_abundance, model=model), image, template)
    # All pixels of a frame at a time, but few features of each.
    features = _features(model, image)
    elements = int(np.prod(features.shape[-3:]))
    return blocks.map_blocks(
        functools.partial(_abundance_of_frames, model=model), features, template, elements=elements
    )


def _abundance(block: xr.DataArray, model: Model) -> xr.Dataset:
    names, n_endmembers = _names(model), len(model.endmembers)
    spectra = block.to_numpy()[block["valid_pixel"].to_numpy()]
    columns = _in_pieces(lambda piece: np.hstack(mapped(model, piece)), spectra, len(names) * n_endmembers)
    parts = np.hsplit(columns, len(names))
    return _maps(block, dict(zip(names, parts, strict=True)), n_endmembers)


def _features(model: Model, image: xr.DataArray) -> xr.DataArray:
    dims = (*image.dims[:-1], "feature")
    numbers = {"feature": np.arange(model.n_features)}
    template = blocks.template_like(image, {"feature_value": (dims, np.float32)}, numbers)
    found = blocks.map_blocks(functools.partial(_features_of_block, model=model), image, template)
    return found["feature_value"]


def _features_of_block(block: xr.DataArray, model: Model) -> xr.Dataset:
    spectra = block.to_numpy().reshape(-1, block.shape[-1])
    kernel = functools.partial(mapped_features, model)
    values = _in_pieces(kernel, spectra, model.n_features).astype(np.float32)
    numbers = {"feature": np.arange(model.n_features)}
    frame = block.isel({block.dims[-1]: 0}, drop=True).expand_dims(numbers, axis=-1)
    return frame.copy(data=values.reshape(frame.shape)).to_dataset(name="feature_value")


def _abundance_of_frames(block: xr.DataArray, model: Model) -> xr.Dataset:
    valid = block["valid_pixel"].to_numpy()
    frames = block.to_numpy().reshape(-1, *block.shape[-3:])
    values = np.stack([mapped_frame(model, frame) for frame in frames]).reshape(*valid.shape, -1)
    return _maps(block, {"abundance": values[valid]}, len(model.endmembers))


def _names(model: Model) -> tuple[str, ...]:
    return ("abundance", "abundance_sd") if model.has_abundance_sd else ("abundance",)


def refit(model: Model, counts: xr.DataArray) -> xr.Dataset:
    """Describe the counts by the endmembers, and say what remains of them.

    Poisson-weighted least squares without a sum to one; non-negative unless the model is signed.

    Parameters
    ----------
    model : Model
        On the energy axis of the counts.
    counts : DataArray, dims (navigation, energy)
        Corrected counts with the coordinate ``valid_pixel``; eager or lazy.

    Returns
    -------
    Dataset
        ``refit_abundance`` (navigation, endmember), ``reduced_chi2`` (navigation), ``mean_residual`` and
        ``mean_residual_sd`` (energy). The latter is the noise alone. Where many true abundances are zero, a
        non-negative fit of the true endmembers is biased by as much again (its mean residual has an rms of
        1.0 to 1.4 of these standard deviations on the simulated multilayer, a signed one of 1.0).
    """
    total, n_valid = blocks.fold(_sum_of_valid, counts, _added)
    mean, energy = total / max(n_valid, 1), counts.dims[-1]
    # A channel without counts would have an infinite weight.
    deviation = np.sqrt(np.maximum(mean, 1e-3 * max(mean.mean(), np.finfo(float).tiny)))
    maps = _refit_maps(model, counts, deviation)
    endmembers = xr.DataArray(model.endmembers, dims=("endmember", energy))
    fitted = maps["refit_abundance"].mean(counts.dims[:-1], dtype=np.float64) @ endmembers
    measured = xr.DataArray(mean, dims=[energy], coords={energy: counts[energy]})
    variance = (
        channel_variance_to_mean(counts)
        * measured.clip(min=0)
        / max(n_valid, 1)
        * _freedom(model.endmembers, deviation)
    )
    result = maps.assign(mean_residual=measured - fitted, mean_residual_sd=np.sqrt(variance))
    for name in ("mean_residual", "mean_residual_sd"):
        result[name].attrs["units"] = "counts"
    return result


def _refit_maps(model: Model, counts: xr.DataArray, deviation: Floats) -> xr.Dataset:
    dims = counts.dims[:-1]
    template = blocks.template_like(
        counts,
        {"refit_abundance": ((*dims, "endmember"), np.float32), "reduced_chi2": (dims, np.float32)},
        {"endmember": np.arange(len(model.endmembers))},
    )
    kernel = functools.partial(
        _refit_block,
        endmembers=model.endmembers,
        weight=deviation,
        signed=model.signed,
        variance_to_mean=channel_variance_to_mean(counts),
    )
    return blocks.map_blocks(kernel, blocks.unshared(counts), template)


def _sum_of_valid(block: xr.DataArray) -> tuple[Floats, int]:
    spectra = block.to_numpy()[block["valid_pixel"].to_numpy()]
    return spectra.sum(axis=0, dtype=np.float64), len(spectra)


def _added(first: tuple[Floats, int], second: tuple[Floats, int]) -> tuple[Floats, int]:
    return first[0] + second[0], first[1] + second[1]


def _freedom(endmembers: Floats, weight: Floats) -> Floats:
    """Share of the variance of each channel that the fit leaves in the residual (one minus the leverage)."""
    left = np.linalg.svd((endmembers / weight).T, full_matrices=False)[0]
    return np.clip(1.0 - np.sum(left**2, axis=1), 0.0, 1.0)


def _refit_block(
    block: xr.DataArray, endmembers: Floats, weight: Floats, signed: bool, variance_to_mean: float
) -> xr.Dataset:
    valid = block["valid_pixel"].to_numpy()
    solve = least_squares if signed else non_negative

    def describe(spectra: Floats) -> Floats:
        abundances = solve(spectra, endmembers, channel_weight=weight)
        chi2 = _reduced_chi2(spectra, abundances @ endmembers, weight, len(endmembers)) / variance_to_mean
        return np.column_stack([abundances, chi2])

    values = _in_pieces(describe, block.to_numpy()[valid], len(endmembers) + 1)
    return _maps(block, {"refit_abundance": values[:, :-1], "reduced_chi2": values[:, -1]}, len(endmembers))


def _reduced_chi2(spectra: Floats, fitted: Floats, weight: Floats, n_endmembers: int) -> Floats:
    # Where the fit comes near zero, the variance comes from the mean spectrum, scaled to the pixel's counts.
    share = weight**2 / np.sum(weight**2)
    floor = 0.1 * np.maximum(fitted.sum(axis=1, keepdims=True), 1.0) * share
    variance = np.maximum(fitted, floor)
    return np.sum((spectra - fitted) ** 2 / variance, axis=1) / max(spectra.shape[1] - n_endmembers, 1)


def _in_pieces(
    kernel: Callable[[Floats], NDArray[np.floating[Any]]], spectra: NDArray[Any], n_columns: int
) -> Floats:
    result = np.empty((len(spectra), n_columns))
    step = max(1, _PIECE // spectra.shape[1])
    for first in range(0, len(spectra), step):
        result[first : first + step] = kernel(spectra[first : first + step].astype(np.float64))
    return result


def _maps(block: xr.DataArray, values: dict[str, Floats], n_endmembers: int) -> xr.Dataset:
    """Put the values of the valid pixels back in their places, NaN elsewhere."""
    valid, dims = block["valid_pixel"].to_numpy(), block.dims[:-1]
    coords = {name: coord for name, coord in block.coords.items() if set(coord.dims) <= set(dims)}
    maps = {}
    for name, rows in values.items():
        filled = np.full((*valid.shape, *rows.shape[1:]), np.nan, np.float32)
        filled[valid] = rows
        maps[name] = ((*dims, "endmember")[: filled.ndim], filled)
    return xr.Dataset(maps, coords={**coords, "endmember": np.arange(n_endmembers)})
