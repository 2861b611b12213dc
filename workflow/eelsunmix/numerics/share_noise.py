"""Counting noise of shares: of the abundances of spectra that were divided by their noisy totals."""

import numpy as np

from eelsunmix.numerics.propagation import Propagation
from eelsunmix.typing import Bools, Floats


def share_covariance(
    propagation: Propagation, shares: Floats, taking_part: Bools, counts: float, brightness: Floats
) -> Floats:
    """Return the covariances of shares of the counts of spectra that were divided by their noisy totals.

    The shares ``b = g + B y C / T`` of a spectrum with the total ``T`` are not correlated with it; their
    covariance is ``C / T`` times that of a spectrum of the total C, less ``(b - g)(b - g)^T / C``.

    Parameters
    ----------
    propagation : Propagation
        Of endmembers that all have the total counts C; abundances sum to one.
    shares : ndarray, shape (pixel, endmember)
    taking_part : ndarray of bool, shape (pixel, endmember)
    counts : float
        C.
    brightness : ndarray, shape (pixel, 1)
        ``T / C``.

    Returns
    -------
    ndarray, shape (pixel, endmember, endmember)
    """
    moved = shares - propagation.offsets(taking_part)
    covariance = propagation.covariance(propagation.mixture(shares, brightness), taking_part)
    taken = moved[:, :, None] * moved[:, None, :] / (counts * brightness[:, :, None])
    if propagation.signed:
        taken *= _that_leaves_some(covariance, moved, counts * brightness[:, 0])[:, None, None]
    return covariance - taken


def _that_leaves_some(covariance: Floats, moved: Floats, totals: Floats) -> Floats:
    """Factors of the part by the total, at most one, with which it is no more than what it is a part of.

    It is more where the total is small as negative channels cancel it, though they add to the noise.
    """
    inverse = np.linalg.pinv(covariance, rcond=1e-9, hermitian=True)
    part = np.einsum("pi,pij,pj->p", moved, inverse, moved) / totals
    return np.minimum(1.0, 0.99 / np.maximum(part, 0.5))
