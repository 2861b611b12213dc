"""The recommended result as the stores of one more method: `eelsunmix.recommend` in the workflow."""

import logging
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.edges import Edges
from eelsunmix.errors import MethodFailedError, failure_record
from eelsunmix.image import as_spectrum_image, valid_pixels
from eelsunmix.inputs import mapped_image
from eelsunmix.mapping import apply, model_for
from eelsunmix.mapping.refit import refit
from eelsunmix.methods import LinearModel, has_failed
from eelsunmix.methods._models import COUNTS_ATTRIBUTE, LEARNED_BRIGHTNESS
from eelsunmix.numerics.dose import mean_brightness
from eelsunmix.recommendation import recommend
from eelsunmix.typing import Floats
from eelsunmix.vacuum import sample_pixels
from eelsunmix.words import RECOMMENDED

MOST_PIXELS, MOST_VALUES = 128 * 128, 8_000_000
"""Pixels, and counts, from which candidates are compared; of a larger image they come from tiles of it."""
TILE_PX = 32
"""Side of a tile, several times the window of averages over neighbours."""
_MAPS = (
    "abundance",
    "abundance_sd",
    "thickness_weighted_abundance",
    "thickness_weighted_abundance_sd",
)
_FROM_TILES = (
    "compared on {tiles} tiles of {side} x {side} pixels, as the image is large; its maps are least squares "
    "with the endmembers found there"
)

logger = logging.getLogger(__name__)


def fit_recommended(
    counts: xr.DataArray,
    *,
    n_endmembers: int,
    pca: xr.Dataset,
    vacuum: xr.DataArray | None = None,
    edges: Edges | None = None,
    seed: int = 0,
) -> xr.Dataset:
    """Recommend a result, as a fitted model that others can map with.

    Parameters
    ----------
    counts : DataArray, dims (navigation, energy)
        Corrected counts; lazy ones are read as far as they are needed.
    n_endmembers : int
    pca : Dataset
        Weighted PCA of the image.
    vacuum : DataArray of bool, dims (navigation), optional
        True in pixels without sample; found in the counts where it is not given.
    edges, seed
        As in `eelsunmix.recommend`.

    Returns
    -------
    Dataset
        The store ``fit/recommended.zarr`` of the data model: endmembers, and maps of all pixels where they
        took part. If nothing can be recommended, a dataset without arrays, with status "failed" and the
        reason in ``message``, as of any method.
    """
    start = time.perf_counter()
    record = {"method": RECOMMENDED, "options": {}, "input": "corrected"}
    try:
        found = _recommended(as_spectrum_image(counts), n_endmembers, pca, vacuum, edges, seed)
    except (MethodFailedError, np.linalg.LinAlgError, ArithmeticError, ValueError) as error:
        # It must not cost the other methods their report; where it happened stands in the log.
        logger.exception("nothing can be recommended")
        found = xr.Dataset(attrs=failure_record(str(error).removeprefix("recommend: ")))
    return found.assign_attrs(
        record, seed=seed, n_endmembers=n_endmembers, seconds=time.perf_counter() - start
    )


def map_recommended(
    model: xr.Dataset,
    counts: xr.DataArray,
    *,
    pca: xr.Dataset,
    rank: xr.Dataset,
    vacuum: xr.DataArray | None = None,
    same_image: bool = True,
) -> xr.Dataset:
    """Return the maps of the recommended result, and what its endmembers leave of the counts.

    Parameters
    ----------
    model : Dataset
        Result of `fit_recommended`.
    counts : DataArray, dims (navigation, energy)
        Corrected counts, of this image or of another.
    pca, rank : Dataset
        Of the same image. Where averages over neighbours were recommended, and the maps are not in the model,
        the scores smoothed by non-local means are mapped if there are any.
    vacuum : DataArray of bool, dims (navigation), optional
    same_image : bool
        Whether the model was fitted to this image.

    Returns
    -------
    Dataset
        As of `eelsunmix.apply`.
    """
    if has_failed(model) or not (same_image and "abundance" in model):
        averages = "neighbours" in str(model.attrs.get("chosen")) and "score_nlm_guarded" in pca
        image = mapped_image("nlm" if averages else "corrected", counts, pca, rank)
        return apply(model, image, counts=counts, vacuum=vacuum)
    names = ("method", "options", "input", "seed", "n_endmembers", "status", "message", "model")
    maps = model[list(_MAPS)]
    counts = as_spectrum_image(counts)
    fitted = maps.merge(refit(model_for(model, counts), counts), join="exact", compat="override")
    for array in fitted.data_vars.values():
        array.attrs.setdefault("units", "1")
    fitted.attrs = {name: model.attrs[name] for name in names} | {"warnings": []}
    return fitted


def _recommended(
    counts: xr.DataArray,
    n_endmembers: int,
    pca: xr.Dataset,
    vacuum: xr.DataArray | None,
    edges: Edges | None,
    seed: int,
) -> xr.Dataset:
    empty = xr.DataArray(
        valid_pixels(counts) & ~sample_pixels(counts, vacuum), dims=counts.dims[:-1], name="vacuum"
    )
    tiles = _tiles(counts, pca, n_endmembers)
    whole = not tiles
    image, empty = (counts.load(), empty) if whole else _mosaic(counts, empty, tiles)
    best = recommend(image, n_endmembers, edges=edges, seed=seed, vacuum=empty)
    weight = pca["channel_weight"].to_numpy().astype(float)
    chosen, errors = str(best.attrs["method"]), best.attrs["twin_error"]
    said = f"{chosen}; its maps are off by {100 * np.sqrt(errors[chosen]):.2g} % on data like yours"
    model = LinearModel(
        endmembers=best["endmember_spectrum"].to_numpy().astype(float),
        sum_to_one=n_endmembers > 1,
        channel_weight=weight,
        status=str(best.attrs["status"]),
        message=said if whole else f"{said}; {_FROM_TILES.format(tiles=len(tiles), side=TILE_PX)}",
    )
    energy = counts.dims[-1]
    stored = model.to_dataset().rename(channel=energy).assign_coords({energy: counts[energy]})
    stored["endmember_spectrum_sd"] = best["endmember_spectrum_sd"].drop_vars("endmember", errors="ignore")
    if whole:
        stored = stored.merge(best[list(_MAPS)], join="exact", compat="override")
    taken = valid_pixels(image) & ~empty.to_numpy()
    return stored.assign_attrs(
        _record(best, image.to_numpy()[taken].mean(axis=0), model.endmembers),
        n_learning_pixels=int(taken.sum()),
    )


def _record(best: xr.Dataset, mean_spectrum: Floats, endmembers: Floats) -> dict[str, Any]:
    """Attributes of the store: which candidate, why, and how its abundances become counts."""
    found = {
        "chosen": str(best.attrs["method"]),
        "reason": str(best.attrs["reason"]),
        "twin_error": {str(label): float(error) for label, error in best.attrs["twin_error"].items()},
        "excluded": dict(best.attrs["excluded"]),
        "warnings": list(best.attrs["warnings"]),
        "brightness": str(best.attrs["brightness"]),
        "brightness_spread": None,
        "nuisance": 0,
        "nuisance_reason": "",
    }
    if found["brightness"] == "variable":
        return found | {COUNTS_ATTRIBUTE: float(endmembers.sum(axis=1).mean())}
    return found | {LEARNED_BRIGHTNESS: mean_brightness(mean_spectrum.astype(float), endmembers)}


def _tiles(counts: xr.DataArray, pca: xr.Dataset, n_endmembers: int) -> list[tuple[int, ...]]:
    """First pixels (frame, y, x) of the tiles of a large image; none of one that is compared as a whole.

    Half of them lie evenly; the others hold the extremes of the leading components, where rare phases are.
    """
    n_pixels, n_channels = int(np.prod(counts.shape[:-1])), counts.shape[-1]
    most = min(MOST_PIXELS, max(MOST_VALUES // n_channels, 2 * TILE_PX**2))
    ny, nx = (size // TILE_PX for size in counts.shape[-3:-1])
    if n_pixels <= most or ny * nx == 0:
        return []
    shape = (*counts.shape[:-3], ny, nx)
    number, places = most // TILE_PX**2, np.prod(shape)
    even = np.linspace(0, places - 1, number, dtype=int)
    extreme = _extreme_tiles(pca, shape, n_endmembers)
    chosen = dict.fromkeys([*extreme[: number // 2], *even.tolist()])
    return [_first_pixel(place, shape) for place in sorted([*chosen][:number])]


def _first_pixel(place: int, shape: Sequence[int]) -> tuple[int, ...]:
    *frame, row, column = (int(one) for one in np.unravel_index(place, shape))
    return (*frame, row * TILE_PX, column * TILE_PX)


def _extreme_tiles(pca: xr.Dataset, shape: tuple[int, ...], n_endmembers: int) -> list[int]:
    """Tiles with the largest means of 3 x 3 pixels, of either sign, of the leading components."""
    from scipy.ndimage import uniform_filter

    number = min(n_endmembers, pca.sizes["component"])
    found: list[int] = []
    for one in range(number):
        score = np.nan_to_num(pca["score"].isel(component=one).to_numpy().astype(float))
        smooth = uniform_filter(score, [1] * (score.ndim - 2) + [3, 3])
        cut = smooth[..., : shape[-2] * TILE_PX, : shape[-1] * TILE_PX]
        blocks = cut.reshape(*shape[:-2], shape[-2], TILE_PX, shape[-1], TILE_PX)
        found += [int(blocks.max(axis=(-3, -1)).argmax()), int(blocks.min(axis=(-3, -1)).argmin())]
    return found


def _mosaic(
    counts: xr.DataArray, empty: xr.DataArray, tiles: Sequence[tuple[int, ...]]
) -> tuple[xr.DataArray, xr.DataArray]:
    """Lay tiles side by side in one image: averages are over alike pixels, so that seams hardly matter."""
    pieces = [_tile(counts, first) for first in tiles]
    energy, dims = counts.dims[-1], ("y", "x")
    axes = {
        dim: (dim, np.arange(size, dtype=float), {"units": "px"})
        for dim, size in (("y", TILE_PX), ("x", TILE_PX * len(tiles)))
    }
    valid = np.concatenate([valid_pixels(one) for one in pieces], axis=1)
    image = xr.DataArray(
        np.concatenate([one.to_numpy() for one in pieces], axis=1),
        dims=(*dims, energy),
        coords={**axes, energy: counts[energy], "valid_pixel": (dims, valid)},
        attrs=counts.attrs,
        name=counts.name,
    )
    holes = np.concatenate([_tile(empty, first).to_numpy() for first in tiles], axis=1)
    return image, xr.DataArray(holes, dims=dims)


def _tile(array: xr.DataArray, first: tuple[int, ...]) -> xr.DataArray:
    dims = [dim for dim in ("frame", "y", "x") if dim in array.dims]
    sides: dict[Any, Any] = dict(zip(dims[-2:], (slice(at, at + TILE_PX) for at in first[-2:]), strict=True))
    return array.isel(sides | dict(zip(dims[:-2], first[:-2], strict=True))).compute()
