"""What one component less or more would change: the misfit, and whether half the pixels give the same."""

import numpy as np
import xarray as xr

from eelsunmix.typing import Floats

STABLE = 0.6
"""Stability below which the last component may be noise."""


def neighbouring_numbers(pca: xr.Dataset, number: int, noise_level: float) -> xr.Dataset:
    """Describe the numbers of components around the chosen one.

    Parameters
    ----------
    pca : Dataset
        From `denoise`.
    number : int
        The chosen number.
    noise_level : float
        Variance of the noise in units of the weights.

    Returns
    -------
    Dataset
        `chi2` (number): mean square of what so many components leave, over the noise; one for pure noise.
        `stability` (number): cosine of the largest angle between the spaces that two halves of the pixels
        give within the components kept; one if both halves show the same components, for the first component
        of noise mostly below 0.6. Coordinate `number`: the chosen one and its neighbours.
    """
    numbers = [k for k in (number - 1, number, number + 1) if 1 <= k <= pca.sizes["component"]]
    scores = _scores(pca)
    left = [_misfit(pca, k) / max(noise_level, np.finfo(float).tiny) for k in numbers]
    return xr.Dataset(
        {
            "chi2": ("number", np.array(left), {"units": "1"}),
            "stability": ("number", _stability(scores, numbers), {"units": "1"}),
        },
        coords={"number": numbers},
    )


def stable_number(pca: xr.Dataset) -> int:
    """Count the leading components that two halves of the pixels show alike, one at least."""
    scores = _scores(pca)
    values = _stability(scores, list(range(1, scores.shape[1] + 1)))
    stable = values > STABLE
    return max(1, int(stable.size if stable.all() else stable.argmin()))


def _scores(pca: xr.Dataset) -> Floats:
    maps = (pca["score"] / pca["pixel_weight"]).transpose(..., "component").to_numpy().astype(float)
    scores: Floats = maps.reshape(-1, maps.shape[-1])
    return scores[np.isfinite(scores).all(axis=1)]


def _misfit(pca: xr.Dataset, number: int) -> float:
    values = pca["eigenvalue"].to_numpy()
    n_pixels, n_channels = int(pca.attrs["n_valid_pixels"]), int(pca.attrs["n_channels_with_counts"])
    degrees = max(n_pixels - number, 1) * max(n_channels - number, 1) / n_pixels
    return float(values[number:].sum()) / degrees


def _stability(scores: Floats, numbers: list[int]) -> Floats:
    """Compare halves of the pixels taken at random, so that each sees every part of the image."""
    order = np.random.default_rng(0).permutation(len(scores))
    first, second = (_principal(scores[half]) for half in (order[::2], order[1::2]))
    overlaps = [np.linalg.svd(first[:, :k].T @ second[:, :k], compute_uv=False) for k in numbers]
    return np.array([float(values.min()) for values in overlaps])


def _principal(scores: Floats) -> Floats:
    directions: Floats = np.linalg.eigh(scores.T @ scores)[1][:, ::-1]
    return directions
