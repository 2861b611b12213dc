"""The bounded set of pixels (or tiles) that a method learns from."""

import functools
import operator
from collections.abc import Collection
from importlib import import_module
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from eelsunmix.edges import Edge, Edges
from eelsunmix.errors import InputError
from eelsunmix.execution import blocks
from eelsunmix.image import valid_pixels
from eelsunmix.methods._learning_set import LearningSet
from eelsunmix.methods._method import Need
from eelsunmix.typing import Bools, Floats, Indices
from eelsunmix.words import place_in_words

_Pieces = list[tuple[NDArray[Any], NDArray[Any]]]

LEARNING_ELEMENTS = 2**23
"""Most elements that the spectra of a learning set may have: 64 MB, which methods copy."""

_HOT = 1e4


def learning_set(
    image: xr.DataArray,
    pca: xr.Dataset,
    *,
    n_pixels: int = 20_000,
    rng: np.random.Generator,
    needs: Collection[Need] = (),
    edges: Edges | None = None,
) -> LearningSet:
    """Gather the spectra from which a method learns, block by block.

    Parameters
    ----------
    image : DataArray, dims (..., energy)
        Corrected counts or denoised counts, eager or lazy; pixels with ``valid_pixel`` False are left out.
    pca : Dataset
        Weighted PCA of the same pixels, see ``docs/data-model.md``.
    n_pixels : int
        Upper limit. An image with more valid pixels is sampled evenly over the cells of its score space,
        so that rare phases and extremes stay.
    rng : numpy.random.Generator
        Source of the sample.
    needs : collection of str
        What the method needs beyond the spectra (`eelsunmix.methods.Need`); nothing else is given to it.
    edges : sequence of str, or mapping, optional
        Names of edges, or name -> `Edge` or its plain values; see `eelsunmix.edge_choice.resolve_edges`.

    Raises
    ------
    InputError
        A pixel has a value that is not finite, or one so hot that no method could give a meaningful result.
    """
    limit = max(1, min(n_pixels, LEARNING_ELEMENTS // image.shape[-1]))
    navigation = image.dims[:-1]
    valid = valid_pixels(image)
    chosen = valid
    if int(valid.sum()) > limit:
        chosen = _sampled(pca["score"].transpose(*navigation, "component"), valid, limit, rng)
    weight = pca["pixel_weight"].transpose(*navigation).to_numpy()
    place = np.arange(valid.size).reshape(valid.shape)
    marked = image.assign_coords(
        learned=(navigation, chosen), weight=(navigation, weight), place=(navigation, place)
    )
    spectra, marks = _laid_together(blocks.fold(_gather, marked, operator.add))
    if len(spectra) == 0:
        raise InputError("the image has no valid pixel to learn from; check the mask and the counts")
    # Of all pixels at a time: a block of vacuum at the rim of a specimen says nothing of its bright ones.
    _check_values(image, spectra, marks[:, 1].astype(np.intp))
    return LearningSet(
        spectra=spectra,
        channel_weight=pca["channel_weight"].to_numpy().astype(np.float64),
        pixel_weight=marks[:, 0],
        loadings=pca["loading"].transpose("component", ...).to_numpy().astype(np.float64),
        energy=image[image.dims[-1]].to_numpy().astype(np.float64),
        counts_per_electron=float(image.attrs.get("counts_per_electron", 1.0)),
        tiles=functools.partial(sample_tiles, image) if "tiles" in needs else None,
        frame_shape=(int(image.shape[-3]), int(image.shape[-2])) if "tiles" in needs else None,
        edges=_complete(edges or {}, image[image.dims[-1]]) if "edges" in needs else None,
        mask=valid if "mask" in needs else None,
    )


def stratified_sample(scores: Floats, n_pixels: int, rng: np.random.Generator) -> Indices:
    """Sample pixels evenly over the occupied cells of score space.

    Cells start at the width of the noise and double until there are at most half as many as pixels wanted;
    then all give up to the same number of pixels. A rare phase lies in cells of its own, which are taken
    whole.

    Parameters
    ----------
    scores : ndarray, shape (pixel, component)
        PCA scores.
    n_pixels : int
        Upper limit of the number of pixels.

    Returns
    -------
    ndarray of int, shape (at most n_pixels,)
        Increasing indices.
    """
    if len(scores) <= n_pixels:
        return np.arange(len(scores))
    cells, counts = _cells(scores, n_pixels)
    quota = _quota(counts, n_pixels)
    shuffled = rng.permutation(len(scores))
    by_cell = shuffled[np.argsort(cells[shuffled], kind="stable")]
    rank_in_cell = np.arange(len(scores)) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.sort(by_cell[rank_in_cell < quota])


def sample_tiles(image: xr.DataArray, number: int, side: int, rng: np.random.Generator) -> Floats:
    """Cut square tiles at random places, shape (tile, y, x, channel); invalid pixels hold zeros.

    Parameters
    ----------
    image : DataArray, dims (..., y, x, energy)
        Eager or lazy.
    number : int
        Number of tiles.
    side : int
        Side of a tile in pixels, at most the smaller side of the image.
    """
    frames, (height, width) = image.shape[:-3], image.shape[-3:-1]
    if side > min(height, width):
        raise InputError(
            f"tiles of {side} x {side} pixels do not fit in an image of {height} x {width} pixels"
        )
    tiles = np.empty((number, side, side, image.shape[-1]))
    for tile in tiles:
        frame = tuple(int(rng.integers(size)) for size in frames)
        row, column = int(rng.integers(height - side + 1)), int(rng.integers(width - side + 1))
        tile[:] = image[(*frame, slice(row, row + side), slice(column, column + side))].to_numpy()
    return tiles


def _sampled(scores: xr.DataArray, valid: Bools, limit: int, rng: np.random.Generator) -> Bools:
    """Sample each block of scores, then the union of these samples: bounded memory at any size."""
    flat = np.arange(valid.size).reshape(valid.shape)
    marked = scores.assign_coords(flat=(scores.dims[:-1], flat), kept=(scores.dims[:-1], valid))
    seed = int(rng.integers(2**63))
    kernel = functools.partial(_candidates, n_pixels=limit, seed=seed)
    indices, candidates = _laid_together(blocks.fold(kernel, marked, operator.add))
    chosen = np.zeros(valid.size, bool)
    chosen[indices[stratified_sample(candidates, limit, rng)].astype(np.intp)] = True
    return chosen.reshape(valid.shape)


def _candidates(block: xr.DataArray, n_pixels: int, seed: int) -> _Pieces:
    kept = block["kept"].to_numpy()
    scores, indices = block.to_numpy()[kept].astype(np.float64), block["flat"].to_numpy()[kept]
    sample = stratified_sample(scores, n_pixels, np.random.default_rng(seed))
    return [(indices[sample], scores[sample])]


def _gather(block: xr.DataArray) -> _Pieces:
    mask = block["learned"].to_numpy()
    marks = np.column_stack([block[name].to_numpy()[mask] for name in ("weight", "place")])
    return [(block.to_numpy()[mask].astype(np.float64), marks.astype(np.float64))]


def _laid_together(pieces: _Pieces) -> tuple[NDArray[Any], NDArray[Any]]:
    """Join all blocks in one go: pair by pair would copy the first ones again and again."""
    first, second = zip(*pieces, strict=True)
    return np.concatenate(first), np.concatenate(second)


def _check_values(image: xr.DataArray, spectra: Floats, pixels: Indices) -> None:
    """Refuse what no method could learn from; `pixels` are the places of the spectra in the flat image."""
    bad = ~np.isfinite(spectra)
    if bad.any():
        raise InputError(f"{_place(image, spectra, pixels, bad)} is not finite; mask this pixel or repair it")
    level, sizes = np.maximum(np.median(spectra, axis=0), np.median(spectra.mean(axis=1))), np.abs(spectra)
    hot = (sizes > _HOT * level) & (sizes > 0.5 * sizes.sum(axis=1, keepdims=True)) & (level > 0)
    if hot.any():
        raise InputError(
            f"{_place(image, spectra, pixels, hot)} is a hot pixel, more than {_HOT:.0e} times its channel's "
            f"median; remove spikes or mask this pixel"
        )
    totals = spectra.sum(axis=1, dtype=np.float64)
    bright = totals > _HOT * max(np.quantile(totals, 0.99, method="lower"), 1.0)
    if bright.any():
        raise InputError(
            f"{_place(image, spectra, pixels, bright[:, None])} is in a pixel with {totals.max():.2g} "
            f"counts, more than {_HOT:.0e} times those of the others; mask this pixel"
        )


def _place(image: xr.DataArray, spectra: Floats, pixels: Indices, found: Bools) -> str:
    row, channel = np.argwhere(found)[0]
    pixel = np.unravel_index(pixels[row], image.shape[:-1])
    where = place_in_words(image, [*pixel, channel])
    return f"{image.name or 'image'}: the value {spectra[row, channel]:g} at {where}"


def _cells(scores: Floats, n_pixels: int) -> tuple[Indices, Indices]:
    middle = np.median(scores, axis=0)
    width = 1.4826 * np.median(np.abs(scores - middle), axis=0)
    width = np.where(width > 0, width, np.maximum(scores.std(axis=0), np.finfo(float).tiny))
    while True:
        # Rounded, not cut: the cell in the middle must in the end hold all pixels.
        corners = np.rint((scores - middle) / width).clip(-(2**30), 2**30).astype(np.int32)
        _, cells, counts = np.unique(_hashed(corners), return_inverse=True, return_counts=True)
        if len(counts) <= max(1, n_pixels // 2):
            return cells, counts
        width = 2 * width


def _hashed(corners: NDArray[np.int32]) -> NDArray[np.uint64]:
    """One number for each cell: sorting numbers is much faster than sorting rows."""
    total = np.zeros(len(corners), np.uint64)
    for column in corners.T:
        total = (total ^ column.astype(np.int64).view(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        total ^= total >> np.uint64(29)
    return total


def _quota(counts: Indices, n_pixels: int) -> int:
    """Largest number that every cell can give without exceeding the total."""
    ordered = np.sort(counts)
    taken = np.cumsum(ordered) - ordered + ordered * np.arange(len(counts), 0, -1)
    full = int(np.searchsorted(taken, n_pixels, side="right"))
    if full == len(ordered):
        return int(ordered[-1])
    return int((n_pixels - ordered[:full].sum()) // (len(ordered) - full))


def _complete(edges: Edges, energy: xr.DataArray) -> dict[str, Edge]:
    # By name: how windows are chosen must not be part of the code behind fits that need no edges. The recipe
    # of the others names the module.
    resolved: dict[str, Edge] = import_module("eelsunmix.edge_choice").resolve_edges(edges, energy)
    return resolved
