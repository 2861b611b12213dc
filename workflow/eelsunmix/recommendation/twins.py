"""Twins of an image: simulated from what candidates made of it, so that the truth behind them is known."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from eelsunmix.comparison.matching import match_whitened
from eelsunmix.errors import MethodFailedError
from eelsunmix.metrics import nmse
from eelsunmix.recommendation.data import Data
from eelsunmix.recommendation.solution import Solution
from eelsunmix.typing import Floats, Indices

CONSENSUS = "consensus"
"""Label of the medians of several solutions."""
LEAST_ELECTRONS = 100.0
"""In all pixels together: with fewer, a simulated image may be empty."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What a candidate found on a twin, in the order of the truth.

    Parameters
    ----------
    error : float
        Mean over the endmembers of the relative squared error of the amounts, each at most one.
    amounts, shares : ndarray, shape (pixel, endmember)
        Found minus true.
    spectra : ndarray, shape (endmember, channel)
        Found minus true.
    """

    error: float
    amounts: Floats
    shares: Floats
    spectra: Floats


def twin_of(solution: Solution, data: Data, rng: np.random.Generator) -> xr.DataArray:
    """Simulate an image of the amounts and endmembers of a solution, with the noise of the counts.

    Where a direction of nuisance was taken out of the image, the twin is bent as the image was, and the
    direction is taken out again: what that costs is part of the errors.

    Raises
    ------
    MethodFailedError
        If the counts stand for hardly any electron, as where they are shares or densities.
    """
    expected = solution.amounts @ np.maximum(solution.endmembers, 0.0)
    expected = np.maximum(expected if data.bent is None else expected + data.bent, 0.0)
    gain = data.variance_to_mean
    if (electrons := expected.sum() / gain) < LEAST_ELECTRONS:
        raise MethodFailedError(
            f"recommend: all counts stand for {electrons:.2g} electrons at counts_per_electron {gain:.3g}, "
            "too few to simulate; say what one electron counts: detector: {counts_per_electron: ...}"
        )
    counts = data.image.to_numpy().astype(np.float64)
    drawn: Floats = gain * rng.poisson(expected / gain).astype(np.float64)
    counts[data.chosen] = drawn if data.nuisance is None else data.nuisance.removed(drawn)
    return data.image.copy(data=counts)


def trial(found: Solution, true: Solution, weight: Floats) -> Trial:
    """Compare what a candidate found on a twin with the solution that the twin was made of."""
    order = partners(true, found, weight)
    amounts, shares = found.amounts[:, order], found.shares[:, order]
    errors = np.nan_to_num(nmse(true.amounts, amounts, endmember_axis=1), nan=0.0)
    return Trial(
        error=float(np.minimum(errors, 1.0).mean()),
        amounts=amounts - true.amounts,
        shares=shares - true.shares,
        spectra=found.endmembers[order] - true.endmembers,
    )


def partners(first: Solution, second: Solution, weight: Floats) -> Indices:
    """Endmember of the second solution that belongs to each of the first one."""
    return match_whitened(first.endmembers, second.endmembers, weight)


def consensus(found: Sequence[Solution], weight: Floats) -> Solution:
    """Medians of the endmembers and amounts of several solutions, in the order of the first one."""
    orders = [partners(found[0], one, weight) for one in found]
    endmembers = [one.endmembers[order] for one, order in zip(found, orders, strict=True)]
    amounts = [one.amounts[:, order] for one, order in zip(found, orders, strict=True)]
    return Solution(
        label=CONSENSUS,
        endmembers=np.median(endmembers, axis=0),
        amounts=np.median(amounts, axis=0),
    )
