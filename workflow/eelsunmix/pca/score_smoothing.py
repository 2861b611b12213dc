"""Non-local means of the score maps of a PCA, with the noise measured on its eigenvalues."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from eelsunmix.pca.noise_eigenvalues import Noise
from eelsunmix.pca.nonlocal_means import nonlocal_means, significant_loss
from eelsunmix.pca.options import DenoiseOptions
from eelsunmix.typing import Bools, Floats

EXTRA_COMPONENTS = 2
"""Components beyond the signal that also decide whether two pixels are alike: weak signals hide there."""


def smooth_scores(pca: xr.Dataset, noise: Noise, options: DenoiseOptions) -> xr.Dataset:
    """Add `score_nlm`, `score_nlm_guarded` and `nlm_restored` to a PCA, frame by frame.

    Parameters
    ----------
    pca : Dataset
        `score`, `pixel_weight` and attributes as `denoise` makes them. The scores are loaded: 48 MB per
        million pixels and 12 components.
    noise : Noise
        Of the eigenvalues; its rank says which components are compared.
    options : DenoiseOptions
        The fields that begin with `nlm_` and `guard_`.
    """
    pca = pca.assign(score=pca.score.load(), pixel_weight=pca.pixel_weight.load())
    scores, weight = pca.score.to_numpy(), pca.pixel_weight.to_numpy()
    n_compared = min(scores.shape[-1], max(1, noise.rank) + EXTRA_COMPONENTS)
    deviation = score_noise(scores / weight[..., None], pca.eigenvalue.to_numpy(), noise)
    frames = scores.reshape(-1, *scores.shape[-3:]), weight.reshape(-1, *weight.shape[-2:])
    results = [_smooth_frame(*frame, deviation, n_compared, options) for frame in zip(*frames, strict=True)]
    smooth, restored = (np.stack(parts) for parts in zip(*results, strict=True))
    smooth, restored = smooth.reshape(scores.shape), restored.reshape(weight.shape)
    guarded = np.where(restored[..., None], scores, smooth)
    dims = pca.score.dims
    attrs = {
        **pca.attrs,
        "nlm_components_compared": n_compared,
        "nlm_score_noise": deviation.tolist(),
        "nlm_restored_fraction": float(restored.sum() / max(1, np.isfinite(weight).sum())),
    }
    return pca.assign(
        score_nlm=(dims, smooth, {"units": "1"}),
        score_nlm_guarded=(dims, guarded, {"units": "1"}),
        nlm_restored=(dims[:-1], restored),
    ).assign_attrs(attrs)


def _smooth_frame(
    scores: NDArray[np.float32], weight: Floats, deviation: Floats, n_compared: int, options: DenoiseOptions
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
    )
    signal = scaled[..., :n_compared], smooth[..., :n_compared]
    restored = significant_loss(*signal, variance, valid, probability=options.guard_probability)
    return (smooth * deviation).astype(np.float32), restored


def score_noise(scores: Floats, eigenvalues: Floats, noise: Noise) -> Floats:
    """Measure the standard deviation of the noise of each score map.

    A component beyond the signal is all noise: its eigenvalue is its variance. A strong signal component has
    noise of the level of the noise eigenvalues, and one at their edge is still mostly noise; in between, the
    excess falls with the square of the ratio to the edge. Noise that is correlated between channels is larger
    where a loading looks like it; there it is read from second differences of neighbours along the smoother
    axis, but never above the largest noise eigenvalue.

    Parameters
    ----------
    scores : ndarray, shape (..., y, x, component)
        Scores over pixel weight; NaN where invalid.
    eigenvalues : ndarray, shape (index,)
        All of them.
    noise : Noise
        Their noise part.

    Returns
    -------
    ndarray, shape (component,)
    """
    # Data without noise would divide by zero; float32 scores have no more digits than this anyway.
    digits = np.finfo(np.float32).eps * max(1.0, float(np.nanmax(np.abs(scores), initial=0.0)))
    variance = eigenvalues[: scores.shape[-1]].copy()
    signal = slice(max(1, noise.rank))
    strong = np.maximum(variance[signal], np.finfo(np.float64).tiny)
    variance[signal] = (
        noise.level + np.maximum(strong - noise.level, 0) * np.minimum(noise.edge / strong, 1) ** 2
    )
    if not noise.is_white:
        measured = [_roughness(scores[..., signal], axis) for axis in (-3, -2) if scores.shape[axis] > 2]
        highest = np.maximum(variance[signal], noise.edge)
        smoother = np.min(np.stack([*measured, highest]), axis=0)
        variance[signal] = np.maximum(variance[signal], smoother)
    return np.maximum(np.sqrt(variance), digits)


def _roughness(scores: Floats, axis: int) -> Floats:
    """Variance of white noise with the second differences found along an axis."""
    differences = np.abs(np.diff(scores, n=2, axis=axis)).reshape(-1, scores.shape[-1])
    differences = differences[np.isfinite(differences).all(axis=1)]
    if len(differences) == 0:
        return np.full(scores.shape[-1], np.inf)
    # The median of |N(0, 6)| is 0.6745 sqrt(6); a median ignores the few pixels at an interface.
    return (np.median(differences, axis=0) / 0.6745) ** 2 / 6
