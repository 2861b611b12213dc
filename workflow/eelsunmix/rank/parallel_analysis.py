"""Parallel analysis: eigenvalues of simulated noise that has the shape and the weights of the data."""

from collections.abc import Iterator

import numpy as np
import scipy

from eelsunmix.typing import Floats

QUANTILE = 0.99
DRAWS = 40
POISSON_ELEMENTS = 1_000_000
"""Images of up to this many elements are simulated count by count; larger ones as white noise."""


def noise_quantiles(
    pixel_variance: Floats, channel_variance: Floats, level: float, rng: np.random.Generator
) -> Floats:
    """Simulate the 99 % quantile of each eigenvalue of weighted noise.

    Parameters
    ----------
    pixel_variance : ndarray, shape (pixel,)
        Square of the pixel weight.
    channel_variance : ndarray, shape (channel,)
        Square of the channel weight; the mean counts of pixel p and channel c are
        ``pixel_variance[p] * channel_variance[c]``.
    level : float
        Variance of the noise over the mean.
    rng : Generator
        Source of the noise.

    Returns
    -------
    ndarray, shape (min(pixel, channel),)
        Decreasing; on the scale of the eigenvalues of X^T X / n_pixels.

    References
    ----------
    Horn, Psychometrika 30 (1965) 179.
    """
    n_pixels, n_channels = len(pixel_variance), len(channel_variance)
    if level <= 0:
        return np.zeros(min(n_pixels, n_channels))
    if n_pixels * n_channels <= POISSON_ELEMENTS:
        draws = list(poisson_noise_eigenvalues(pixel_variance, channel_variance, level, rng))
    else:
        draws = [level * white_noise_eigenvalues(n_pixels, n_channels, rng) for _ in range(DRAWS)]
    return np.quantile(draws, QUANTILE, axis=0)


def poisson_noise_eigenvalues(
    pixel_variance: Floats, channel_variance: Floats, level: float, rng: np.random.Generator
) -> Iterator[Floats]:
    """Yield the eigenvalues of `DRAWS` images of rank-one Poisson counts, less their mean."""
    mean = np.outer(pixel_variance, channel_variance)
    for _ in range(DRAWS):
        noise = (level * rng.poisson(mean / level) - mean) / np.sqrt(mean)
        products = noise.T @ noise if len(noise) >= noise.shape[1] else noise @ noise.T
        yield scipy.linalg.eigvalsh(products, overwrite_a=True, check_finite=False)[::-1] / len(noise)


def white_noise_eigenvalues(n_pixels: int, n_channels: int, rng: np.random.Generator) -> Floats:
    """Draw the nonzero eigenvalues of X^T X / n_pixels for white noise X, without making X.

    Householder reflections turn X into a bidiagonal matrix of independent chi variables, so that a draw
    costs 2 min(n_pixels, n_channels) random numbers at any size.

    References
    ----------
    Dumitriu, Edelman, J. Math. Phys. 43 (2002) 5830, section II.B; the triangle before it is Bartlett's.

    Examples
    --------
    >>> values = white_noise_eigenvalues(10**9, 3, np.random.default_rng(0))
    >>> values.round(3).tolist()
    [1.0, 1.0, 1.0]
    """
    small, large = sorted((n_pixels, n_channels))
    diagonal = np.sqrt(rng.chisquare(large - np.arange(small)))
    below = np.sqrt(rng.chisquare(np.arange(small - 1, 0, -1))) if small > 1 else np.empty(0)
    main = diagonal**2 + np.concatenate([[0.0], below**2])
    return scipy.linalg.eigvalsh_tridiagonal(main, diagonal[:-1] * below)[::-1] / n_pixels
