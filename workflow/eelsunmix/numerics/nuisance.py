"""Directions of spectra along which one material differs from itself, and spectra without them."""

from dataclasses import dataclass

import numpy as np

from eelsunmix.typing import Floats


@dataclass(frozen=True, kw_only=True)
class Nuisance:
    """A linear map that gives every spectrum the typical place along some directions.

    Parameters
    ----------
    directions : ndarray, shape (nuisance, channel)
        In counts.
    filters : ndarray, shape (nuisance, channel)
        What a spectrum is multiplied by to know how far to move it along each of them.
    """

    directions: Floats
    filters: Floats

    def removed(self, spectra: Floats) -> Floats:
        """Move spectra, shape (..., channel), to the typical place; total brightness is kept."""
        moved: Floats = spectra + (spectra @ self.filters.T) @ self.directions
        return moved


def find_nuisance(spectra: Floats, n_directions: int, variance_to_mean: float) -> tuple[Nuisance, Floats]:
    """Find in what spectra of one material differ, beyond brightness and noise.

    The spectra are divided by their Poisson weight and their weighted total, as thickness is a factor first
    (projective normalisation); the leading directions of what is left are those of nuisance.

    Parameters
    ----------
    spectra : ndarray, shape (pixel, channel)
        Counts of pixels of one material.
    n_directions : int
        How many to find.
    variance_to_mean : float
        Of the counts of one channel.

    Returns
    -------
    Nuisance
    ndarray, shape (2,)
        Spread along the first two directions, in units of the largest that noise alone gives (Marchenko and
        Pastur).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> energy = np.linspace(1, 2, 40)
    >>> thick, slope = rng.uniform(1, 2, 500), rng.normal(3, 0.2, 500)
    >>> nuisance, excess = find_nuisance(
    ...     rng.poisson(1000 * thick[:, None] * energy ** -slope[:, None]), 1, 1.0
    ... )
    >>> bool(excess[0] > 2), bool(excess[1] < 1.1)
    (True, True)
    """
    mean = spectra.mean(axis=0)
    weight = np.sqrt(np.maximum(mean, 1e-3 * max(mean.mean(), np.finfo(float).tiny)))
    typical = mean / weight
    relative = spectra @ (typical / weight) / (typical @ typical)
    rows = spectra / weight / np.maximum(relative, np.finfo(float).tiny)[:, None] - typical
    rows *= np.sqrt(np.maximum(relative, 0.0) / variance_to_mean)[:, None]
    sizes, basis = np.linalg.svd(rows, full_matrices=False)[1:]
    edge = np.sqrt(len(rows)) + np.sqrt(rows.shape[1])
    chosen = basis[:n_directions]
    # The place along the typical spectrum, measured where nuisance cannot reach it.
    reach = chosen @ typical
    outside = typical - reach @ chosen
    filters = (np.outer(reach, outside) / (outside @ outside) - chosen) / weight
    return Nuisance(directions=chosen * weight, filters=filters), np.resize(sizes, 2) / edge
