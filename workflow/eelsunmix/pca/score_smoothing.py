"""Non-local means of the score maps of a PCA, with the noise measured on its eigenvalues."""

import functools
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from eelsunmix.execution.blocks import template_like
from eelsunmix.execution.kept_maps import keep_maps
from eelsunmix.pca.noise_eigenvalues import Noise
from eelsunmix.pca.nonlocal_means import GUARD_REACH, nonlocal_means, significant_loss
from eelsunmix.pca.options import DenoiseOptions
from eelsunmix.pca.score_maps import ScoreMaps
from eelsunmix.typing import Bools, Floats

PIXELS = 2**16
"""Pixels of a frame smoothed at a time: some hundred bytes each."""

EXTRA_COMPONENTS = 2
"""Components beyond the signal that also decide whether two pixels are alike: weak signals hide there."""


def smooth_scores(pca: xr.Dataset, noise: Noise, options: DenoiseOptions) -> xr.Dataset:
    """Add `score_nlm`, `score_nlm_guarded` and `nlm_restored` to a PCA, frame by frame.

    Parameters
    ----------
    pca : Dataset
        `score`, `pixel_weight` and attributes as `denoise` makes them; where the scores are lazy, so are the
        results, which lie in files until the end of the job.
    noise : Noise
        Of the eigenvalues; its rank says which components are compared.
    options : DenoiseOptions
        The fields that begin with `nlm_` and `guard_`.
    """
    n_compared = min(pca.sizes["component"], max(1, noise.rank) + EXTRA_COMPONENTS)
    deviation = score_noise(ScoreMaps(pca), pca.eigenvalue.to_numpy(), noise)
    dims = pca.score.dims
    frame = np.arange(int(np.prod(pca.score.shape[:-3]))).reshape(pca.score.shape[:-3])
    marked = pca.score.assign_coords(pixel_weight=pca.pixel_weight, frame_number=(dims[:-3], frame))
    kernel = functools.partial(
        _smooth_part,
        centres=_centres(pca, deviation),
        deviation=deviation,
        n_compared=n_compared,
        options=options,
    )
    reach = options.nlm_window_px // 2 + options.nlm_patch_px // 2 + GUARD_REACH
    variables: dict[str, tuple[Sequence[Hashable], Any]] = {
        "score_nlm": (dims, np.float32),
        "score_nlm_guarded": (dims, np.float32),
        "nlm_restored": (dims[:-1], bool),
    }
    template = template_like(pca.score, variables)
    smooth = keep_maps(kernel, marked, template, rim=dict.fromkeys(dims[-3:-1], reach), pixels=PIXELS)
    smooth["score_nlm"].attrs["units"] = smooth["score_nlm_guarded"].attrs["units"] = "1"
    n_valid = int(np.isfinite(pca.pixel_weight).sum())
    attrs = {
        **pca.attrs,
        "nlm_components_compared": n_compared,
        "nlm_score_noise": deviation.tolist(),
        "nlm_restored_fraction": float(int(smooth["nlm_restored"].sum()) / max(1, n_valid)),
    }
    return pca.assign(smooth.data_vars).assign_attrs(attrs)


def _centres(pca: xr.Dataset, deviation: Floats) -> NDArray[np.floating[Any]]:
    """Median of each score map (frame, component) in units of its noise."""
    return np.stack([_medians(pca.score[..., i], pca, one) for i, one in enumerate(deviation)], axis=-1)


def _medians(score: xr.DataArray, pca: xr.Dataset, deviation: np.floating[Any]) -> NDArray[np.floating[Any]]:
    medians = []
    for frame in np.ndindex(score.shape[:-2]):
        known = score[frame].to_numpy()[np.isfinite(pca.pixel_weight[frame].to_numpy())]
        scaled = (known / deviation).astype(np.float32)
        medians.append(np.median(scaled, overwrite_input=True) if scaled.size else np.float32(0.0))
    return np.array(medians)


def _smooth_part(
    scores: xr.DataArray,
    *,
    centres: NDArray[np.floating[Any]],
    deviation: Floats,
    n_compared: int,
    options: DenoiseOptions,
) -> xr.Dataset:
    dims, shape, weight = scores.dims, scores.shape, scores["pixel_weight"].to_numpy()
    numbers = scores["frame_number"].to_numpy().ravel()
    frames = scores.to_numpy().reshape(-1, *shape[-3:]), weight.reshape(-1, *weight.shape[-2:])
    results = [
        _smooth_frame(frame, frame_weight, centres[number], deviation, n_compared, options)
        for frame, frame_weight, number in zip(*frames, numbers, strict=True)
    ]
    smooth, restored = (np.stack(parts) for parts in zip(*results, strict=True))
    smooth, restored = smooth.reshape(shape), restored.reshape(weight.shape)
    maps = {
        "score_nlm": (dims, smooth),
        "score_nlm_guarded": (dims, np.where(restored[..., None], scores.to_numpy(), smooth)),
        "nlm_restored": (dims[:-1], restored),
    }
    return xr.Dataset(maps)


def _smooth_frame(
    scores: NDArray[np.float32],
    weight: Floats,
    centre: NDArray[np.floating[Any]],
    deviation: Floats,
    n_compared: int,
    options: DenoiseOptions,
) -> tuple[NDArray[np.float32], Bools]:
    valid, variance = np.isfinite(weight), weight**2
    scaled = (scores / deviation).astype(np.float32)
    smooth = nonlocal_means(
        scaled,
        variance,
        valid,
        n_compared=n_compared,
        strength=options.nlm_strength,
        window=options.nlm_window_px,
        patch=options.nlm_patch_px,
        centre=centre,
    )
    signal = scaled[..., :n_compared], smooth[..., :n_compared]
    restored = significant_loss(*signal, variance, valid, probability=options.guard_probability)
    return (smooth * deviation).astype(np.float32), restored


def score_noise(scores: ScoreMaps, eigenvalues: Floats, noise: Noise) -> Floats:
    """Measure the standard deviation of the noise of each score map.

    A component beyond the signal is all noise: its eigenvalue is its variance. A strong signal component has
    noise of the level of the noise eigenvalues, and one at their edge is still mostly noise; in between, the
    excess falls with the square of the ratio to the edge. Noise that is correlated between channels is larger
    where a loading looks like it; there it is read from second differences of neighbours along the smoother
    axis, but never above the largest noise eigenvalue.

    Parameters
    ----------
    scores : ScoreMaps
        Loaded some pixels at a time, and of correlated noise one map at a time.
    eigenvalues : ndarray, shape (index,)
        All of them.
    noise : Noise
        Their noise part.

    Returns
    -------
    ndarray, shape (component,)
    """
    # Data without noise would divide by zero; float32 scores have no more digits than this anyway.
    largest = max(float(np.nanmax(np.abs(rows), initial=0.0)) for rows in scores.rows())
    digits = np.finfo(np.float32).eps * max(1.0, largest)
    variance = eigenvalues[: scores.shape[-1]].copy()
    signal = slice(max(1, noise.rank))
    strong = np.maximum(variance[signal], np.finfo(np.float64).tiny)
    variance[signal] = (
        noise.level + np.maximum(strong - noise.level, 0) * np.minimum(noise.edge / strong, 1) ** 2
    )
    if not noise.is_white:
        measured = _roughness(scores, len(variance[signal]))
        highest = np.maximum(variance[signal], noise.edge)
        smoother = np.minimum(measured, highest)
        variance[signal] = np.maximum(variance[signal], smoother)
    return np.maximum(np.sqrt(variance), digits)


def _roughness(scores: ScoreMaps, n_components: int) -> Floats:
    """Variance of white noise with the second differences found along the smoother axis, (component,)."""
    found = np.full(n_components, np.inf)
    for i in range(n_components):
        one = scores[..., i]
        for axis in (axis for axis in (-2, -1) if one.shape[axis] > 2):
            differences = np.abs(np.diff(one, n=2, axis=axis))
            differences = differences[np.isfinite(differences)]
            if len(differences):
                # The median of |N(0, 6)| is 0.6745 sqrt(6); it ignores the few pixels at an interface.
                found[i] = min(found[i], (np.median(differences, overwrite_input=True) / 0.6745) ** 2 / 6)
    return found
