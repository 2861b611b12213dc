"""The recommended result as the stores of one more method: `eelsunmix.recommend` in the workflow."""

import time
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.edges import Edges
from eelsunmix.errors import failure_record
from eelsunmix.failures import FAILURES, reason_of_failure
from eelsunmix.image import as_spectrum_image, valid_pixels
from eelsunmix.inputs import mapped_image
from eelsunmix.mapping import apply, model_for, pieces
from eelsunmix.mapping.application import map_attrs, zero_in_vacuum
from eelsunmix.mapping.refit import refit
from eelsunmix.methods import LinearModel, has_failed
from eelsunmix.methods._models import COUNTS_ATTRIBUTE, LEARNED_BRIGHTNESS
from eelsunmix.nuisance import DIRECTION, FILTER
from eelsunmix.numerics.dose import mean_brightness
from eelsunmix.recommendation import recommend
from eelsunmix.recommendation.twins import CONSENSUS
from eelsunmix.typing import Floats
from eelsunmix.vacuum import sample_pixels
from eelsunmix.words import RECOMMENDED, two_digits

_MAPS = (
    "abundance",
    "abundance_sd",
    "thickness_weighted_abundance",
    "thickness_weighted_abundance_sd",
)
_FROM_TILES = "compared on tiles of {number} of the {all} pixels, as the image is large"


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
        The store ``fit/recommended.zarr`` of the data model: endmembers, and maps of all pixels. If
        nothing can be recommended, a dataset without arrays, with status "failed" and the reason in
        ``message``, as of any method.

    Raises
    ------
    InputError
        A mistake in the image or the edges, which every method would meet; nothing is to be stored of it.
    """
    start = time.perf_counter()
    record = {"method": RECOMMENDED, "options": {}, "input": "corrected"}
    try:
        found = _recommended(as_spectrum_image(counts), n_endmembers, pca, vacuum, edges, seed)
    except FAILURES as error:
        found = xr.Dataset(attrs=failure_record(reason_of_failure(error).removeprefix("recommend: ")))
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
    mean_spectrum: xr.DataArray | None = None,
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
        Of the same image. Where averages over neighbours were recommended (or the consensus, which is mostly
        of these), and the model is of another image, the scores smoothed by non-local means are mapped if
        there are any.
    vacuum : DataArray of bool, dims (navigation), optional
    mean_spectrum : DataArray, dims (energy), optional
        Of `counts` over all their valid pixels, as of `eelsunmix.apply`.
    same_image : bool
        Whether the model was fitted to this image.

    Returns
    -------
    Dataset
        As of `eelsunmix.apply`.
    """
    if has_failed(model) or not same_image:
        averages = _is_of_averages(str(model.attrs.get("chosen"))) and "score_nlm_guarded" in pca
        image = mapped_image("nlm" if averages else "corrected", counts, pca, rank)
        return apply(model, image, counts=counts, vacuum=vacuum, mean_spectrum=mean_spectrum)
    counts = as_spectrum_image(counts)
    refitted = refit(model_for(model, counts), counts, mean=pieces.known_mean(mean_spectrum, counts))
    refitted = zero_in_vacuum(refitted, sample_pixels(counts, vacuum))
    fitted = model[list(_MAPS)].merge(refitted, join="exact", compat="override")
    for array in fitted.data_vars.values():
        array.attrs.setdefault("units", "1")
    fitted.attrs = map_attrs(model) | {"warnings": []}
    return fitted


def _is_of_averages(chosen: str) -> bool:
    """Whether a candidate maps averages over neighbours; of the consensus most members do."""
    return chosen == CONSENSUS or "neighbours" in chosen


def _recommended(
    counts: xr.DataArray,
    n_endmembers: int,
    pca: xr.Dataset,
    vacuum: xr.DataArray | None,
    edges: Edges | None,
    seed: int,
) -> xr.Dataset:
    sample, dims = sample_pixels(counts, vacuum), counts.dims[:-1]
    empty = xr.DataArray(valid_pixels(counts) & ~sample, dims=dims, name="vacuum")
    best = recommend(counts, n_endmembers, edges=edges, seed=seed, vacuum=empty)
    model = LinearModel(
        endmembers=best["endmember_spectrum"].to_numpy().astype(float),
        sum_to_one=n_endmembers > 1,
        channel_weight=pca["channel_weight"].to_numpy().astype(float),
        status=str(best.attrs["status"]),
        message=_message(best, int(np.prod(counts.shape[:-1]))),
    )
    energy = counts.dims[-1]
    stored = model.to_dataset().rename(channel=energy).assign_coords({energy: counts[energy]})
    stored["endmember_spectrum_sd"] = best["endmember_spectrum_sd"].drop_vars("endmember", errors="ignore")
    stored = stored.assign(
        {name: best[name].drop_vars([energy]) for name in (DIRECTION, FILTER) if name in best}
    )
    stored = stored.merge(best[list(_MAPS)], join="exact", compat="override")
    spectrum = pieces.mean_spectrum(counts.assign_coords(valid_pixel=(dims, sample)))
    return stored.assign_attrs(
        _record(best, spectrum, model.endmembers),
        n_learning_pixels=min(best.attrs["n_pixels_looked_at"], int(sample.sum())),
    )


def _message(best: xr.Dataset, n_pixels: int) -> str:
    chosen, looked_at = str(best.attrs["method"]), best.attrs["n_pixels_looked_at"]
    off = 100 * np.sqrt(best.attrs["twin_error"][chosen])
    parts = [
        f"{chosen}; its component maps are off by {two_digits(off)} % on images simulated from results",
        best.attrs["totals"],
    ]
    parts += [_FROM_TILES.format(number=looked_at, all=n_pixels)] * (looked_at != n_pixels)
    return "; ".join(part for part in parts if part)


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
        "anchoring": str(best.attrs["anchoring"]),
        "nuisance": int(best.attrs["nuisance"]),
        "nuisance_reason": str(best.attrs["nuisance_reason"]),
    }
    if found["brightness"] == "variable":
        return found | {COUNTS_ATTRIBUTE: float(endmembers.sum(axis=1).mean())}
    return found | {LEARNED_BRIGHTNESS: mean_brightness(mean_spectrum.astype(float), endmembers)}
