"""Learning endmembers from a labelled image: `fit`."""

import functools
import importlib
import time
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.edges import Edges
from eelsunmix.errors import InputError, MethodFailedError, failure_record, in_brief
from eelsunmix.failures import FAILURES, reason_of_failure
from eelsunmix.image import as_spectrum_image
from eelsunmix.learning import learning_set
from eelsunmix.methods._brightness import (
    brightness_spread,
    equalised_learning_set,
    suits_variable_brightness,
    with_true_totals,
)
from eelsunmix.methods._extras import missing_extra
from eelsunmix.methods._learning_set import LearningSet, Resources
from eelsunmix.methods._lookup import build_method
from eelsunmix.methods._method import Method
from eelsunmix.methods._models import COUNTS_ATTRIBUTE, LEARNED_BRIGHTNESS, StoredModel
from eelsunmix.nuisance import Number, learned_nuisance, nuisance_arrays, without_nuisance
from eelsunmix.numerics.dose import mean_brightness
from eelsunmix.numerics.nuisance import Nuisance
from eelsunmix.plain import plain_values
from eelsunmix.typing import Anchor, Bools, Brightness, Device
from eelsunmix.vacuum import sample_pixels

Training = Callable[[LearningSet, int, np.random.Generator], Any]

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
    brightness: Brightness = "auto",
    edges: Edges | None = None,
    vacuum: xr.DataArray | None = None,
    nuisance: Number = 0,
    edge_free: xr.DataArray | None = None,
    anchor: Anchor = "none",
    device: Device = "auto",
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
    edges : sequence of str, or mapping, optional
        Names of edges, or name -> `Edge` or its plain values; given to methods that need edges, and for
        `anchor`.
    vacuum : DataArray of bool, dims those of the pixels, optional
        True in pixels without sample, which are left out; found in the counts where it is not given.
    nuisance : {"auto", 0, 1, 2}
        Directions in which one material differs from itself (thickness bends the background), which are taken
        out before the method learns, and before pixels are mapped: those beyond noise, or so many.
    edge_free : DataArray of bool, dims those of the pixels, optional
        Pixels of one material without any edge, from which these directions are learned.
    anchor : {"none", "edges"}
        With ``edges``, the endmembers of a method whose abundances sum to one are mixed so that one has no
        edges and each of the others its own alone, as far as their counts tell (`eelsunmix.anchoring`).
    device : {"auto", "cpu", "cuda"}
        Where networks are trained; ``auto`` is the CPU.
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
    _check_anchor(anchor, chosen, edges)
    resources = Resources(device=device, checkpoint=None if checkpoint is None else Path(checkpoint))
    image = as_spectrum_image(image)
    _check_number(n_endmembers, image)
    counts = image if counts is None else as_spectrum_image(counts)
    if pca is None:
        pca = _pca(counts, n_endmembers)
    _check_same_pixels(image, counts=counts.sizes, pca={**pca["score"].sizes, **pca["loading"].sizes})
    sample = sample_pixels(counts, vacuum)
    rng_sample, rng_method = np.random.default_rng(seed).spawn(2)
    learning = learning_set(
        image,
        pca,
        n_pixels=n_learning_pixels,
        rng=rng_sample,
        needs=chosen.needs,
        edges=edges,
        vacuum=xr.DataArray(~sample, dims=image.dims[:-1]),
    )
    taken_out, attrs = _nuisance(chosen, counts, edge_free, sample, nuisance)
    learning = without_nuisance(learning, taken_out)
    _check_rank(n_endmembers, learning)
    start = time.perf_counter()
    variable, spread = _varies(chosen, learning, n_endmembers, brightness)
    train = _training(chosen, resources)
    dataset = _fitted(train, learning, n_endmembers, rng_method, image, variable=variable)
    if dataset.attrs["status"] != "failed":
        if anchor == "edges":
            dataset = _anchored(dataset, learning, edges or {}, image)
        dataset = dataset.assign_attrs(_brightness_attributes(dataset, chosen, learning, variable, spread))
        dataset = _with_nuisance(dataset, taken_out, image.dims[-1])
    return dataset.assign_attrs(
        attrs,
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


def _check_anchor(anchor: Anchor, method: Method, edges: Edges | None) -> None:
    if anchor == "none":
        return
    if not method.simplex:
        raise InputError(
            f"anchor: edges is for methods whose abundances sum to one, not for {type(method).__name__}; "
            "leave it out"
        )
    if not edges:
        raise InputError("anchor: edges needs edges; name those of the elements in the image")


def _anchored(dataset: xr.Dataset, learning: LearningSet, edges: Edges, image: xr.DataArray) -> xr.Dataset:
    # By name: a change of background subtraction must not rerun the fits that are not anchored.
    anchoring = importlib.import_module("eelsunmix.anchored_fit")
    found: xr.Dataset = anchoring.anchored(dataset, learning, edges, image[image.dims[-1]])
    return found


def _brightness_attributes(
    dataset: xr.Dataset, method: Method, learning: LearningSet, variable: bool, spread: float | None
) -> dict[str, Any]:
    """Say that pixels were brought to the same counts, or keep the brightness that was learned from."""
    if variable:
        said = "" if spread is None else f", which differ by {spread:.3g} times their noise"
        parts = (dataset.attrs["message"], f"pixels brought to the same counts{said}")
        return {"message": "; ".join(filter(None, parts))}
    if method.simplex:
        endmembers = dataset["endmember_spectrum"].to_numpy().astype(float)
        return {LEARNED_BRIGHTNESS: mean_brightness(learning.spectra.mean(axis=0), endmembers)}
    return {}


def _training(method: Method, resources: Resources) -> Training:
    """Return `fit` of a method, with the resources already given where it needs them."""
    given: dict[str, Any] = {"resources": resources} if "resources" in method.needs else {}
    return functools.partial(method.fit, **given)


def _pca(image: xr.DataArray, n_endmembers: int) -> xr.Dataset:
    from eelsunmix.pca import DenoiseOptions, denoise

    return denoise(image, DenoiseOptions(spatial="none", n_components=max(n_endmembers, 12)))


def _nuisance(
    method: Method, counts: xr.DataArray, edge_free: xr.DataArray | None, sample: Bools, number: Number
) -> tuple[Nuisance | None, dict[str, Any]]:
    if number != 0 and not suits_variable_brightness(method):
        raise InputError(
            f"nuisance is for abundances that sum to one in the setting eels, "
            f"not for {type(method).__name__} as it is set; leave it out"
        )
    return learned_nuisance(counts, edge_free, sample, number)


def _with_nuisance(dataset: xr.Dataset, nuisance: Nuisance | None, energy: Hashable) -> xr.Dataset:
    if nuisance is None:
        return dataset
    return dataset.assign(nuisance_arrays(nuisance, energy))


def _check_number(n_endmembers: int, image: xr.DataArray) -> None:
    n_pixels, n_channels = int(image["valid_pixel"].sum()), image.shape[-1]
    if isinstance(n_endmembers, bool) or not isinstance(n_endmembers, int | np.integer) or n_endmembers < 1:
        raise InputError(f"n_endmembers must be a whole number of at least 1, not {in_brief(n_endmembers)}")
    if n_endmembers > min(n_pixels, n_channels):
        raise InputError(
            f"n_endmembers is {in_brief(n_endmembers)}, but the image has only {n_pixels} valid pixels "
            f"and {n_channels} channels; lower it"
        )


def _check_same_pixels(image: xr.DataArray, **others: Mapping[Hashable, int]) -> None:
    for name, sizes in others.items():
        found = {dim: size for dim, size in sizes.items() if dim != "component"}
        if found != dict(image.sizes):
            raise InputError(f"{name} has the sizes {found}, but the image has {dict(image.sizes)}")


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
    method: Method, learning: LearningSet, n_endmembers: int, brightness: Brightness
) -> tuple[bool, float | None]:
    """Whether to bring the pixels to the same counts, and how much they differ, where that was measured."""
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
    train: Training,
    learning: LearningSet,
    n_endmembers: int,
    rng: np.random.Generator,
    image: xr.DataArray,
    *,
    variable: bool,
) -> xr.Dataset:
    record: dict[str, float] = {}
    try:
        if variable:
            equal = equalised_learning_set(learning)
            model = with_true_totals(train(equal.learning, n_endmembers, rng), equal)
            record[COUNTS_ATTRIBUTE] = equal.counts
        else:
            model = train(learning, n_endmembers, rng)
        _check_model(model, n_endmembers)
    except FAILURES as error:
        return xr.Dataset(attrs=failure_record(reason_of_failure(error)))
    dataset = model.to_dataset().assign_attrs(record)
    energy = image.dims[-1]
    if "channel" in dataset.dims:
        dataset = dataset.rename(channel=energy).assign_coords({energy: image[energy]})
    return dataset.drop_vars([name for name in dataset.coords if name != energy])


def _check_model(model: StoredModel, n_endmembers: int) -> None:
    if len(model.endmembers) != n_endmembers:
        raise MethodFailedError(f"{len(model.endmembers)} endmembers found instead of {n_endmembers}")
    if not np.isfinite(model.endmembers).all():
        raise MethodFailedError("the endmembers are not finite")
    sizes = np.abs(model.endmembers).max(axis=1)
    empty = np.flatnonzero(sizes <= _EMPTY * sizes.max())
    if len(empty):
        raise MethodFailedError(f"endmember {empty[0]} of {n_endmembers} is empty (zero everywhere)")
