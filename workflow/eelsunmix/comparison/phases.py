"""Phase map: which component each pixel holds most of, and how sure it is that it is the largest."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import scipy
import xarray as xr

from eelsunmix.comparison.components import Components
from eelsunmix.comparison.setting import Setting
from eelsunmix.comparison.simplex_rows import known_rows, simplex_rows
from eelsunmix.execution.map_stacks import MapStack
from eelsunmix.typing import Floats, Indices
from eelsunmix.words import RECOMMENDED

NOWHERE = -1
"""Phase of a pixel without a result."""


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

    The covariances are those of `largest_shares`: errors that are common to the members of a group cancel, as
    where counts go from one of them to the other. Exact where all endmembers but one are taken together.

    Parameters
    ----------
    shares, deviations : ndarray, shape (pixel, endmember)
        At least three, which sum to one; their standard deviations.
    groups : sequence of sequence of int
        Endmembers of each group; every endmember in one of them.

    Returns
    -------
    tuple of ndarray, shapes (pixel, group)
    """
    size, variance = shares.shape[1], deviations.astype(float) ** 2
    common = (variance.sum(axis=1, keepdims=True) / (2 * (size - 1)) - variance) / (size - 2)
    sums = [shares[:, group].sum(axis=1) for group in map(list, groups)]
    variances = [
        variance[:, group].sum(axis=1) + 2 * (len(group) - 1) * common[:, group].sum(axis=1)
        for group in map(list, groups)
    ]
    return np.stack(sums, axis=1), np.sqrt(np.maximum(np.stack(variances, axis=1), 0.0))


def phase_variables(components: Sequence[Components], setting: Setting) -> xr.Dataset:
    """Lay out the phase map of the recommended result, else of the first method with shares, if any has."""
    found = [
        replace(one, deviation=one.stated_deviation)
        for one in components
        if one.simplex and len(one.spectra) > 1 and one.stated_deviation is not None
    ]
    if not found:
        return xr.Dataset()
    component = next((one for one in found if one.label == RECOMMENDED), found[0])
    like = setting.total_counts.transpose(*setting.navigation)
    stack = MapStack(1, like.expand_dims(quantity=2))
    for part in setting.parts:
        abundance, deviation, scaled = simplex_rows(component.at(part), setting)
        known = known_rows(abundance, deviation, scaled)
        values = np.array([[NOWHERE], [np.nan]]).repeat(len(known), axis=1)
        values[:, known] = largest_shares(abundance[known], deviation[known])
        stack.put(0, part, values.reshape(2, *like.isel(part).shape))
    phase, confidence = stack.array()[0]
    data = {"phase": (like.dims, phase.astype(np.int16)), "phase_confidence": (like.dims, confidence)}
    return xr.Dataset(data, attrs={"phase_method": component.label})
