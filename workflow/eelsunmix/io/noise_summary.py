"""What the statistics of all blocks together say of the noise of an image."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eelsunmix.io.noise import Factors, PairStatistics
from eelsunmix.io.residual_noise import Residual

STRUCTURE = 0.05
"""Part by which neighbours differ more than the counts without structure where these are taken."""

COUNTS_PER_GROUP = 1000.0
"""Counts below which values are averaged before their median is taken, since they are too skew alone."""


@dataclass(frozen=True)
class NoiseSummary:
    """Factor, its standard error, and correlation of neighbouring bins; None where not measured."""

    factor: float | None = None
    standard_error: float = math.inf
    correlation: float | None = None


def noise_summaries(statistics: PairStatistics) -> tuple[NoiseSummary, NoiseSummary]:
    """Return the noise at one channel and in wide bins, without structure where neighbours differ by it."""
    pairs = summarise(statistics.narrow), summarise(statistics.wide)
    narrow, wide = (_of_residual(residual) for residual in statistics.residuals)
    if narrow.factor is None or wide.factor is None or pairs[1].factor is None:
        return pairs
    return (narrow, wide) if pairs[1].factor > (1 + STRUCTURE) * wide.factor else pairs


def _of_residual(residual: Residual) -> NoiseSummary:
    if residual.factor is None:
        return NoiseSummary()
    error = residual.factor * math.sqrt(2 / residual.freedom)
    return NoiseSummary(residual.factor, error, residual.correlation)


def summarise(directions: Sequence[Factors]) -> NoiseSummary:
    """Return the median factor of the direction in which neighbours differ least."""
    found = [_median(factors) for factors in directions if factors.factor.size]
    return min(found, key=lambda summary: summary.factor or 0.0, default=NoiseSummary())


def _median(factors: Factors) -> NoiseSummary:
    size = min(factors.factor.size, math.ceil(COUNTS_PER_GROUP / max(float(np.median(factors.counts)), 1e-9)))
    groups = factors.factor.size // size

    def grouped(values: np.ndarray) -> np.ndarray:
        return values[: groups * size].reshape(groups, size).mean(axis=1)

    freedom = size * float(np.median(factors.freedom))
    # Median over mean of chi squared: Wilson and Hilferty, PNAS 17 (1931) 684.
    skew = (1 - 2 / (9 * freedom)) ** 3
    factor = float(np.median(grouped(factors.factor))) / skew
    error = 1.25 * factor * math.sqrt(2 / freedom / groups)
    return NoiseSummary(factor, error, float(np.median(grouped(factors.correlation))))
