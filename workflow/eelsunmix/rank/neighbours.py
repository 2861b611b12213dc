"""What one component less or more would change: the misfit, and whether half the pixels give the same."""

import numpy as np
import xarray as xr

from eelsunmix.pca.score_maps import ScoreMaps
from eelsunmix.typing import Floats, Indices

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
    left = [_misfit(pca, k) / max(noise_level, np.finfo(float).tiny) for k in numbers]
    return xr.Dataset(
        {
            "chi2": ("number", np.array(left), {"units": "1"}),
            "stability": ("number", _stability(pca, numbers), {"units": "1"}),
        },
        coords={"number": numbers},
    )


def stability_of_numbers(pca: xr.Dataset) -> Floats:
    """Return the stability of each number of leading components, from one to all."""
    return _stability(pca, list(range(1, pca.sizes["component"] + 1)))


def stable_number(stability: Floats, least: float = STABLE) -> int:
    """Count the leading components that two halves of the pixels show alike, one at least.

    Examples
    --------
    >>> stable_number(np.array([1.0, 0.97, 0.5, 0.7])), stable_number(np.array([0.2, 0.1]))
    (2, 1)
    """
    stable = stability > least
    return max(1, int(stable.size if stable.all() else stable.argmin()))


def _misfit(pca: xr.Dataset, number: int) -> float:
    values = pca["eigenvalue"].to_numpy()
    n_pixels, n_channels = int(pca.attrs["n_valid_pixels"]), int(pca.attrs["n_channels_with_counts"])
    degrees = max(n_pixels - number, 1) * max(n_channels - number, 1) / n_pixels
    return float(values[number:].sum()) / degrees


def _stability(pca: xr.Dataset, numbers: list[int]) -> Floats:
    """Compare halves of the pixels taken at random, so that each sees every part of the image."""
    first, second = (np.linalg.eigh(products)[1][:, ::-1] for products in _products_of_halves(pca))
    overlaps = [np.linalg.svd(first[:, :k].T @ second[:, :k], compute_uv=False) for k in numbers]
    return np.array([float(values.min()) for values in overlaps])


def _products_of_halves(pca: xr.Dataset) -> Floats:
    """Products of scores (half, component, component) of the pixels drawn first, third ... and the others."""
    maps = ScoreMaps(pca)
    place = _drawn_places(int(np.isfinite(pca["pixel_weight"]).sum()))
    products, start = np.zeros((2, *(pca.sizes["component"],) * 2)), 0
    for rows in map(_finite, maps.rows()):
        drawn = place[start : start + len(rows)]
        start += len(rows)
        for half in range(2):
            pixels = np.flatnonzero(drawn % 2 == half)
            chosen = rows[pixels[np.argsort(drawn[pixels])]]
            products[half] += chosen.T @ chosen
    return products


def _drawn_places(number: int) -> Indices:
    """Place of each pixel in a random order; small integers, since there are as many as pixels."""
    order = np.arange(number, dtype=np.min_scalar_type(-number))
    np.random.default_rng(0).shuffle(order)
    place = np.empty_like(order)
    place[order] = np.arange(number, dtype=order.dtype)
    return place


def _finite(rows: Floats) -> Floats:
    return rows[np.isfinite(rows).all(axis=1)]
