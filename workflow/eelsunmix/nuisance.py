"""Slopes of the background that vary with thickness or drift: learned where no edge is, and taken out."""

import dataclasses
import functools
import operator
from collections.abc import Hashable
from typing import Any, Literal

import numpy as np
import xarray as xr

from eelsunmix.errors import InputError
from eelsunmix.execution import blocks
from eelsunmix.image import spread_out
from eelsunmix.methods._learning_set import LearningSet
from eelsunmix.noise import channel_variance_to_mean
from eelsunmix.numerics.nuisance import Nuisance, find_nuisance
from eelsunmix.typing import Bools, Floats

Number = Literal["auto", 0, 1, 2]
"""Directions to take out; by evidence, or so many."""

DIRECTION, FILTER = "nuisance_direction", "nuisance_filter"
EXCESS, LEAST_PIXELS, SAMPLE_PIXELS = 1.5, 50, 4096
"""A direction is kept beyond so many times the noise; pixels that are needed, and taken at most."""

UNKNOWN = (
    "no pixels are known to be free of all edges, so how thickness bends the background is not known: name a "
    "region that is without all elements"
)


def learned_nuisance(
    image: xr.DataArray, edge_free: xr.DataArray | None, sample: Bools, number: Number
) -> tuple[Nuisance | None, dict[str, Any]]:
    """Learn the directions from pixels without edges, and say in attributes how many are kept, and why.

    Raises
    ------
    InputError
        A number of them is asked for, and there are no pixels to learn them from.
    """
    if number == 0:
        return None, {"nuisance": 0, "nuisance_reason": "not asked for"}
    chosen = np.zeros_like(sample) if edge_free is None else sample & _in_order(edge_free, image)
    if chosen.sum() < LEAST_PIXELS:
        return _unknown(None if edge_free is None else int(chosen.sum()), number)
    spectra = _spectra(image, chosen)
    variance = channel_variance_to_mean(image)
    excess = find_nuisance(spectra, 1, variance)[1]
    kept = int(np.sum(excess > EXCESS)) if number == "auto" else number
    sizes = " and ".join(f"{value:.3g}" for value in excess)
    reason = (
        f"{len(spectra)} pixels without edges differ along two directions by {sizes} times what noise gives"
    )
    attrs = {"nuisance": kept, "nuisance_reason": reason}
    return (find_nuisance(spectra, kept, variance)[0] if kept else None), attrs


def _unknown(n_pixels: int | None, number: Number) -> tuple[None, dict[str, Any]]:
    few = f"only {n_pixels} pixels with sample are in regions without edges; widen them to {LEAST_PIXELS}"
    reason = UNKNOWN if n_pixels is None else few
    if number != "auto":
        raise InputError(f"nuisance: {number} cannot be learned, as {reason}")
    return None, {"nuisance": 0, "nuisance_reason": reason}


def _in_order(mask: xr.DataArray, image: xr.DataArray) -> Bools:
    ordered: Bools = mask.transpose(*image.dims[:-1]).to_numpy().astype(bool)
    if ordered.shape != image.shape[:-1]:
        raise InputError(f"edge_free has the shape {ordered.shape}; it needs that of the pixels")
    return ordered


def _spectra(image: xr.DataArray, chosen: Bools) -> Floats:
    taken = np.zeros(chosen.size, bool)
    taken[spread_out(np.flatnonzero(chosen), SAMPLE_PIXELS)] = True
    marked = image.assign_coords(taken=(image.dims[:-1], taken.reshape(chosen.shape)))
    return np.concatenate(blocks.fold(_taken, marked, operator.add))


def _taken(block: xr.DataArray) -> list[Floats]:
    return [block.to_numpy()[block["taken"].to_numpy()].astype(np.float64)]


def without_nuisance(learning: LearningSet, nuisance: Nuisance | None) -> LearningSet:
    """Take the directions out of what a method learns from."""
    if nuisance is None:
        return learning
    sampler = learning.tiles

    def tiles(number: int, side: int, rng: np.random.Generator) -> Floats:
        return nuisance.removed(sampler(number, side, rng))  # type: ignore[misc]

    return dataclasses.replace(
        learning,
        spectra=nuisance.removed(learning.spectra),
        loadings=nuisance.removed(learning.loadings),
        tiles=None if sampler is None else tiles,
    )


def nuisance_arrays(nuisance: Nuisance, energy: Hashable) -> dict[str, Any]:
    """Lay directions out as the variables of a store, over its dim of energy."""
    dims = ("nuisance", energy)
    return {
        DIRECTION: (dims, nuisance.directions, {"units": "counts"}),
        FILTER: (dims, nuisance.filters, {"units": "1/counts"}),
    }


def mapped_without_nuisance(stored: xr.Dataset, image: xr.DataArray) -> xr.DataArray:
    """Take the directions of a fitted model out of an image, lazy if that is.

    Raises
    ------
    InputError
        The channels are not those of the model.
    """
    if DIRECTION not in stored:
        return image
    energy = image.dims[-1]
    same = stored.sizes[energy] == image.sizes[energy] and np.allclose(stored[energy], image[energy])
    if not same:
        raise InputError(
            "the model was learned without directions of nuisance, known in its own channels alone; "
            "fit it with nuisance: 0, or on this image"
        )
    nuisance = Nuisance(
        directions=stored[DIRECTION].to_numpy().astype(float), filters=stored[FILTER].to_numpy().astype(float)
    )
    template = blocks.template_like(image, {"counts": (image.dims, np.float64)})
    kernel = functools.partial(_moved, nuisance=nuisance)
    return blocks.map_blocks(kernel, image, template)["counts"].rename(image.name).assign_attrs(image.attrs)


def _moved(block: xr.DataArray, nuisance: Nuisance) -> xr.Dataset:
    return block.copy(data=nuisance.removed(block.to_numpy().astype(float))).to_dataset(name="counts")
