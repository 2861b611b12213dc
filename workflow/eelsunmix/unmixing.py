"""Labelled images in, labelled endmembers and abundance maps out: `fit`, `apply` and `unmix`."""

import dataclasses
import logging
import time
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.errors import InputError, MethodFailedError
from eelsunmix.learning import learning_set
from eelsunmix.mapping import map_abundance, refit
from eelsunmix.methods import (
    LearningSet,
    Method,
    Model,
    brightness_spread,
    build_method,
    even_learning_set,
    load_model,
    missing_extra,
    suits_variable_brightness,
    with_brightness,
)
from eelsunmix.plain import plain_values

logger = logging.getLogger(__name__)

_SEE_LOG = "see the log of the fit, look for extreme pixels, remove the store to fit again"
_EMPTY = 1e-12
"""Endmembers below this part of the largest one are empty: least squares cannot tell them from zero."""

BRIGHTNESS_EXCESS = 1.5
"""Spread of the brightness, in standard deviations of the noise, from which on it counts as variable."""


def fit(
    image: xr.DataArray,
    method: str | Method,
    *,
    n_endmembers: int,
    seed: int = 0,
    pca: xr.Dataset | None = None,
    n_learning_pixels: int = 20_000,
    counts: xr.DataArray | None = None,
    brightness: str = "auto",
    device: str = "auto",
    checkpoint: str | Path | None = None,
    **options: Any,
) -> xr.Dataset:
    """Learn endmembers from an image.

    Parameters
    ----------
    image : DataArray, dims in any order, one of them spectral
        What the method learns from: corrected or denoised counts.
    method : str or Method
        Name of a method, or one built with `eelsunmix.methods.build_method`.
    n_endmembers : int
        How many.
    seed : int
        Of the sample of pixels and of the method.
    pca : Dataset, optional
        Weighted PCA of the image; computed where it is not given, from `counts` if these are given.
    n_learning_pixels : int
        The method learns from at most this many pixels.
    counts : DataArray, optional
        Corrected counts, where `image` is a denoised one.
    brightness : {"auto", "constant", "variable"}
        Of a pixel, whatever it consists of. Where thickness or beam current vary, methods whose abundances
        sum to one take thickness for composition, unless every pixel is first brought to the same counts;
        where they do not, this gives away what the total counts say. ``auto`` measures it, for methods in
        the setting ``eels`` (`eelsunmix.methods.brightness_spread`).
    device : {"auto", "cpu", "cuda"}
        Where networks are trained.
    checkpoint : path-like, optional
        File in which a long fit keeps its state until it is done; an interrupted fit goes on from there.
    **options
        Options of the method, where it is given by name.

    Returns
    -------
    Dataset
        ``endmember_spectrum (endmember, energy)``, further arrays of the model, ``loss (iteration)`` where
        the method iterates; attrs as in ``docs/data-model.md``.  A method that fails gives a dataset without
        arrays, with status "failed" and the reason in ``message``.

    Raises
    ------
    InputError
        Unknown method or option, a number of endmembers that the image cannot give, a bad pixel.
    """
    chosen = _method(method, options)
    if device not in ("auto", "cpu", "cuda"):
        raise InputError(f"device must be auto, cpu or cuda, not {device!r}")
    image = _canonical(image)
    _check_number(n_endmembers, image)
    if pca is None:
        pca = _pca(image if counts is None else _canonical(counts), n_endmembers)
    rng_sample, rng_method = np.random.default_rng(seed).spawn(2)
    learning = dataclasses.replace(
        learning_set(image, pca, n_pixels=n_learning_pixels, rng=rng_sample, with_tiles=chosen.needs_tiles),
        device=device,
        checkpoint=None if checkpoint is None else Path(checkpoint),
    )
    _check_rank(n_endmembers, learning)
    start = time.perf_counter()
    variable, spread = _varies(chosen, learning, n_endmembers, brightness)
    dataset = _fitted(chosen, learning, n_endmembers, rng_method, image, variable=variable)
    if variable and dataset.attrs["status"] != "failed":
        said = "" if spread is None else f", which differ by {spread:.3g} times their noise"
        parts = (dataset.attrs["message"], f"pixels brought to the same counts{said}")
        dataset.attrs["message"] = "; ".join(filter(None, parts))
    return dataset.assign_attrs(
        brightness="variable" if variable else "constant",
        brightness_spread=spread,
        method=type(chosen).__module__.rpartition(".")[2],
        options=plain_values(chosen),
        input=str(image.attrs.get("input", "corrected")),
        seed=seed,
        n_endmembers=n_endmembers,
        n_learning_pixels=len(learning.spectra),
        seconds=time.perf_counter() - start,
    )


def apply(model: xr.Dataset, image: xr.DataArray, *, counts: xr.DataArray | None = None) -> xr.Dataset:
    """Map an image with a fitted model, block by block.

    Parameters
    ----------
    model : Dataset
        Result of `fit`, of this image or of another one.
    image : DataArray, dims in any order
        Corrected or denoised counts. Its energy axis may differ from the model's, within the model's range.
    counts : DataArray, optional
        Corrected counts of the same pixels, where `image` is a denoised one; the refit describes them.

    Returns
    -------
    Dataset
        ``abundance`` and ``refit_abundance`` (navigation, endmember), of methods that know it (BLU) the
        standard deviation ``abundance_sd`` of the former, ``reduced_chi2`` (navigation),
        ``mean_residual`` and ``mean_residual_sd`` (energy); lazy if the image is lazy.  Dims come in the
        order of the caller's image, with ``endmember`` in the place of the energy; pixels that are not valid
        are NaN. Without arrays, with status "failed" and the reason in ``message``, where the method has
        failed or its model cannot see the channels of the image.

    Raises
    ------
    InputError
        The model does not cover the energy axis of the image, or the images do not belong together.
    """
    attrs = _map_attrs(model)
    if model.attrs["status"] == "failed":
        return xr.Dataset(attrs=attrs)
    order = [*image.dims]
    image = _canonical(image)
    counts = image if counts is None else _canonical(counts)
    _check_same_pixels(image, counts)
    try:
        fitted = model_for(model, image)
    except MethodFailedError as error:
        return xr.Dataset(attrs=attrs | _failure(str(error)).attrs)
    maps = map_abundance(fitted, image).merge(refit(fitted, counts), join="exact", compat="override")
    for array in maps.data_vars.values():
        array.attrs.setdefault("units", "1")
    result = maps.assign_attrs(attrs)
    return _in_callers_order(result, order, image.dims[-1])


def unmix(
    image: xr.DataArray,
    method: str | Method,
    *,
    n_endmembers: int,
    seed: int = 0,
    **options: Any,
) -> xr.Dataset:
    """Find endmembers and their abundances: `fit`, then `apply` to the same image.

    Parameters
    ----------
    image : DataArray, dims in any order
        Corrected or denoised counts.
    method : str or Method
        Name of a method, or one built with `eelsunmix.methods.build_method`.
    n_endmembers : int
        How many.
    seed : int
        Of everything random.
    **options
        ``pca``, ``counts``, ``n_learning_pixels`` of `fit`, and the options of the method.

    Returns
    -------
    Dataset
        The variables and attrs of `fit` and `apply`; ``abundance * endmember_spectrum``, summed over the
        endmembers, are counts.
    """
    fitted = fit(image, method, n_endmembers=n_endmembers, seed=seed, **options)
    maps = apply(fitted, image, counts=options.get("counts"))
    return fitted.merge(maps, join="exact", compat="override", combine_attrs="override")


def model_for(stored: xr.Dataset, image: xr.DataArray) -> Model:
    """Load a fitted model for an image.

    Parameters
    ----------
    stored : Dataset
        Result of `fit`.
    image : DataArray, energy last

    Returns
    -------
    Model
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


def _method(method: str | Method, options: dict[str, Any]) -> Method:
    if isinstance(method, str):
        return build_method(method, **options)
    if options:
        raise InputError(
            f"options {sorted(options)} go with the name of a method, not with one that is built already"
        )
    if message := missing_extra(method):
        raise InputError(f"{type(method).__name__} {message}")
    return method


def _canonical(image: xr.DataArray) -> xr.DataArray:
    """Put the energy last and the navigation dims in their usual order, by name."""
    energy = next((dim for dim in ("energy_loss", "energy") if dim in image.dims), image.dims[-1])
    usual = [dim for dim in ("frame", "y", "x") if dim in image.dims and dim != energy]
    others = [dim for dim in image.dims if dim not in usual and dim != energy]
    if image.ndim < 2:
        raise InputError(
            f"the image has dims {image.dims}; it needs an energy dim and at least one of pixels"
        )
    if image.dtype.kind not in "uif":
        raise InputError(f"the image has values of type {image.dtype}; unmixing needs real numbers")
    if energy not in image.coords:
        image = image.assign_coords({energy: np.arange(image.sizes[energy], dtype=np.float64)})
    if "valid_pixel" not in image.coords:
        image = image.assign_coords(
            valid_pixel=((*others, *usual), np.ones(_sizes(image, [*others, *usual]), bool))
        )
    return image.transpose(*others, *usual, energy)


def _sizes(image: xr.DataArray, dims: list[Hashable]) -> tuple[int, ...]:
    return tuple(image.sizes[dim] for dim in dims)


def _pca(image: xr.DataArray, n_endmembers: int) -> xr.Dataset:
    from eelsunmix.pca import DenoiseOptions, denoise

    return denoise(image, DenoiseOptions(spatial="none", n_components=max(n_endmembers, 12)))


def _check_number(n_endmembers: int, image: xr.DataArray) -> None:
    n_pixels, n_channels = int(image["valid_pixel"].sum()), image.shape[-1]
    if isinstance(n_endmembers, bool) or not isinstance(n_endmembers, int | np.integer) or n_endmembers < 1:
        raise InputError(f"n_endmembers must be a whole number of at least 1, not {n_endmembers!r}")
    if n_endmembers > min(n_pixels, n_channels):
        raise InputError(
            f"n_endmembers is {n_endmembers}, but the image has only {n_pixels} valid pixels "
            f"and {n_channels} channels; lower it"
        )


def _check_rank(n_endmembers: int, learning: LearningSet) -> None:
    if n_endmembers > len(learning.loadings):
        raise InputError(
            f"n_endmembers is {n_endmembers}, but the PCA kept only {len(learning.loadings)} components; "
            f"lower it or keep more components"
        )
    sizes = np.linalg.svd(learning.scores(n_endmembers), compute_uv=False)
    rank = int(np.sum(sizes > 1e-10 * sizes[0])) if sizes[0] > 0 else 0
    if rank < n_endmembers:
        raise InputError(
            f"n_endmembers is {n_endmembers}, but the spectra of the image span only rank {rank}; lower it"
        )


def _varies(
    method: Method, learning: LearningSet, n_endmembers: int, brightness: str
) -> tuple[bool, float | None]:
    """Whether to even out the brightness of the pixels, and how much it varies, where that was measured."""
    if brightness not in ("auto", "constant", "variable"):
        raise InputError(f"brightness must be auto, constant or variable, not {brightness!r}")
    suits = suits_variable_brightness(method)
    if brightness == "variable" and not suits:
        raise InputError(
            f"brightness: variable is for abundances that sum to one in the setting eels, "
            f"not for {type(method).__name__} as it is set; leave it out"
        )
    if brightness != "auto" or not suits or n_endmembers == 1:
        return brightness == "variable", None
    spread = brightness_spread(learning, n_endmembers)
    return spread > BRIGHTNESS_EXCESS, spread


def _fitted(
    method: Method,
    learning: LearningSet,
    n_endmembers: int,
    rng: np.random.Generator,
    image: xr.DataArray,
    *,
    variable: bool,
) -> xr.Dataset:
    try:
        if variable:
            even, counts = even_learning_set(learning)
            model = with_brightness(method.fit(even, n_endmembers, rng), learning, even, counts)
        else:
            model = method.fit(learning, n_endmembers, rng)
        _check_model(model, n_endmembers)
    except MethodFailedError as error:
        return _failure(str(error))
    except InputError:
        raise
    except (np.linalg.LinAlgError, ArithmeticError, ValueError, RuntimeError) as error:
        # So libraries say that they cannot compute with these numbers, torch also of what the GPU lacks.
        # It must not cost the other methods their report; where it happened stands in the log.
        logger.exception("%s failed", type(method).__name__)
        return _failure(f"{type(error).__name__}: {error}; {_SEE_LOG}")
    dataset = model.to_dataset()
    energy = image.dims[-1]
    if "channel" in dataset.dims:
        dataset = dataset.rename(channel=energy).assign_coords({energy: image[energy]})
    dataset["endmember_spectrum"].attrs["units"] = "counts"
    return dataset.drop_vars([name for name in dataset.coords if name != energy])


def _failure(reason: str) -> xr.Dataset:
    return xr.Dataset(attrs={"status": "failed", "message": " ".join(reason.split()), "model": ""})


def _check_model(model: Model, n_endmembers: int) -> None:
    if len(model.endmembers) != n_endmembers:
        raise MethodFailedError(f"{len(model.endmembers)} endmembers found instead of {n_endmembers}")
    if not np.isfinite(model.endmembers).all():
        raise MethodFailedError("the endmembers are not finite")
    sizes = np.abs(model.endmembers).max(axis=1)
    empty = np.flatnonzero(sizes <= _EMPTY * sizes.max())
    if len(empty):
        raise MethodFailedError(f"endmember {empty[0]} of {n_endmembers} is empty (zero everywhere)")


def _map_attrs(model: xr.Dataset) -> dict[str, Any]:
    names = ("method", "options", "input", "seed", "n_endmembers", "status", "message", "model")
    return {name: model.attrs[name] for name in names if name in model.attrs}


def _check_same_pixels(image: xr.DataArray, counts: xr.DataArray) -> None:
    if dict(image.sizes) != dict(counts.sizes):
        raise InputError(f"counts have sizes {dict(counts.sizes)}, but the image has {dict(image.sizes)}")


def _in_callers_order(result: xr.Dataset, order: list[Hashable], energy: Hashable) -> xr.Dataset:
    place = ["endmember" if dim == energy else dim for dim in order]
    return result.transpose(*place, energy, missing_dims="ignore")
