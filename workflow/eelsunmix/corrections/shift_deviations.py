"""How well a shift is known, and whether a spectrum has the feature at all."""

import numpy as np

from eelsunmix.corrections.shifts import Model, estimate_shifts, interpolated

MIN_STRENGTH = 4.0
"""A feature is there if it is this many standard deviations high: noise is, at the best of 15 shifts, in one
pixel of 2000."""
FARTHEST = 4
"""Spectra without the feature are searched as far as this many times the largest shift: it may be beyond."""


def measured_shifts(
    spectra: np.ndarray, reference: np.ndarray, window: tuple[int, int, int], *, variance_to_mean: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shifts with their standard deviations, in channels, and the strength of the feature.

    Where the feature is not found within the largest shift, it is looked for beyond: a shift greater than the
    largest says that it is there.

    Parameters
    ----------
    spectra, reference, window
        As for `estimate_shifts`.
    variance_to_mean : float
        Of the counts.

    Returns
    -------
    shift, deviation, strength : ndarray, shape (pixel,)
    """
    first, last, reach = window
    found = _found(spectra, reference, window, variance_to_mean)
    weak = np.flatnonzero(~(found[2] > MIN_STRENGTH))
    wide = min(FARTHEST * reach, first - 1, reference.size - last - 1)
    if weak.size and wide > reach:
        far = _found(spectra[weak], reference, (first, last, wide), variance_to_mean)
        there = far[2] > MIN_STRENGTH
        found[:, weak[there]] = far[:, there]
    return found[0], found[1], found[2]


def shift_deviations(
    spectra: np.ndarray,
    shift: np.ndarray,
    reference: np.ndarray,
    window: tuple[int, int, int],
    *,
    variance_to_mean: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Find the standard deviation of each shift, in channels, and of how many of its own the feature is high.

    Both from the variance of the counts, carried through the least squares of `estimate_shifts`; larger
    where the spectrum does not fit the reference. A spectrum without the feature has an infinite one.

    Parameters
    ----------
    spectra : ndarray, shape (pixel, channel)
    shift : ndarray, shape (pixel,)
        As found.
    reference, window
        As for `estimate_shifts`.
    variance_to_mean : float
        Of the counts.

    Returns
    -------
    deviation, strength : ndarray, shape (pixel,)
    """
    first, last, _ = window
    model = Model.of(reference, window)
    inside = interpolated(spectra, np.arange(first, last), shift)
    amount = inside @ model.solve.T
    variance = variance_to_mean * np.maximum(inside, 0)
    misfit = ((inside - amount @ model.design.T) ** 2).sum(axis=1)
    freedom = max(last - first - model.design.shape[1], 1)
    expected = variance.mean(axis=1) * freedom
    excess = np.maximum(misfit / np.where(expected > 0, expected, np.inf), 1.0)
    of_amount, of_slope = np.sqrt(excess * (variance @ model.solve[:2].T ** 2).T)
    found = (amount[:, 0] > 0) & (of_amount > 0)
    height = np.where(found, amount[:, 0], 1.0)
    return (
        np.where(found, of_slope / height, np.inf),
        np.where(found, height / np.where(found, of_amount, 1.0), 0.0),
    )


def _found(
    spectra: np.ndarray, reference: np.ndarray, window: tuple[int, int, int], noise: float
) -> np.ndarray:
    shift = estimate_shifts(spectra, reference, window)
    return np.stack([shift, *shift_deviations(spectra, shift, reference, window, variance_to_mean=noise)])
