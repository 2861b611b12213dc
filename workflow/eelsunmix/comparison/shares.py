"""Shares that sum to one: which is the largest, how sure that is, and what several are together."""

from collections.abc import Sequence

import numpy as np
import scipy

from eelsunmix.typing import Floats, Indices

NOWHERE = -1
"""Largest share of a pixel without a result."""


def largest_shares(shares: Floats, deviations: Floats) -> tuple[Indices, Floats]:
    """Return the largest of the shares of each pixel, and the probability that it exceeds the next one.

    Errors are Gaussian. Only their deviations are known, but errors of shares that sum to one cancel: of two
    or three shares the variances determine all covariances, of more they are taken as ``c[i] + c[j]``, which
    is right for errors that are alike.

    Parameters
    ----------
    shares, deviations : ndarray, shape (pixel, endmember)
        At least two, which sum to one; their standard deviations.

    Returns
    -------
    tuple of ndarray, shapes (pixel,)
        Number of the endmember; probability from 0.5 to 1.
    """
    first, second = np.argsort(-shares, axis=1, kind="stable")[:, :2].T
    rows = np.arange(len(shares))
    lead = shares[rows, first] - shares[rows, second]
    sd_first, sd_second = deviations[rows, first], deviations[rows, second]
    variance = _of_difference(sd_first**2 + sd_second**2, np.sum(deviations**2, axis=1), shares.shape[1])
    sd = np.sqrt(np.clip(variance, (sd_first - sd_second) ** 2, (sd_first + sd_second) ** 2))
    sigmas = np.divide(lead, sd, out=np.where(lead > 0, np.inf, 0.0), where=sd > 0)
    return first, scipy.special.ndtr(sigmas)


def _of_difference(both: Floats, total: Floats, size: int) -> Floats:
    """Variance of the difference of two shares; `both` and `total` are the sums of theirs and of all."""
    n = max(size, 3)  # two are three of which one is known
    result: Floats = both * n / (n - 2) - 2 * total / ((n - 1) * (n - 2))
    return result


def merged_shares(
    shares: Floats, deviations: Floats, groups: Sequence[Sequence[int]]
) -> tuple[Floats, Floats]:
    """Add the shares of endmembers that are taken together, and find the deviations of the sums.

    Where all endmembers but one are taken together, the sum is as sure as the one. Else covariances are taken
    as ``c[i] + c[j]``, as in `largest_shares`, and the deviation is held within what any covariances allow:
    the sum of a group and that of the rest err by the same.

    Parameters
    ----------
    shares, deviations : ndarray, shape (pixel, endmember)
        At least three, which sum to one; their standard deviations.
    groups : sequence of sequence of int
        Endmembers of each group, at least two groups; every endmember in one of them.

    Returns
    -------
    tuple of ndarray, shapes (pixel, group)
    """
    sums = [shares[:, list(group)].sum(axis=1) for group in groups]
    sds = [_sd_of_sum(deviations, list(group)) for group in groups]
    return np.stack(sums, axis=1), np.stack(sds, axis=1)


def _sd_of_sum(deviations: Floats, group: list[int]) -> Floats:
    """Return the standard deviation of the sum of some of the shares, shape (pixel,)."""
    size, variance = deviations.shape[1], deviations**2
    common = (variance.sum(axis=1, keepdims=True) / (2 * (size - 1)) - variance) / (size - 2)
    of_sum = variance[:, group].sum(axis=1) + 2 * (len(group) - 1) * common[:, group].sum(axis=1)
    sides = deviations[:, group], np.delete(deviations, group, axis=1)
    most = np.minimum(*(side.sum(axis=1) for side in sides))
    least = np.maximum(*(2 * side.max(axis=1) - side.sum(axis=1) for side in sides))
    result: Floats = np.clip(np.sqrt(np.maximum(of_sum, 0.0)), np.maximum(least, 0.0), most)
    return result
