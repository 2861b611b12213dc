"""What background subtraction (BS) sees of an edge in many pixels: counts above noise, or an upper limit."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from eelsunmix.comparison.thresholds import PEAK_QUANTILE
from eelsunmix.typing import Bools

SURE = 3.0
"""Standard deviations beyond which net counts are not chance."""
ONE_SIDED = 1.645
"""Standard deviations below which 95 % of a normal distribution lie."""


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """What BS finds of an edge in an area.

    Parameters
    ----------
    net, sd : float
        Mean net counts, and their standard deviation by noise.
    peak : float
        The highest net counts of the image.
    systematic : float
        Standard deviation of what is added to every pixel, which no averaging lowers.
    """

    net: float
    sd: float
    peak: float
    systematic: float = 0.0

    @property
    def total_sd(self) -> float:
        """Standard deviation by both."""
        return float(np.hypot(self.sd, self.systematic))

    @property
    def is_seen(self) -> bool:
        """Whether the counts are more than chance."""
        return self.net > SURE * self.total_sd

    @property
    def is_biased(self) -> bool:
        """Whether they are so far below zero that the background is wrong."""
        return self.net < -SURE * self.total_sd

    @property
    def limit(self) -> float:
        """Counts that the edge may have unseen; where the background is wrong, as many as it is wrong by."""
        return -self.net if self.is_biased else max(self.net, 0.0) + ONE_SIDED * self.total_sd

    def part(self, counts: float) -> float:
        """Return counts as a part of the highest ones; NaN where these are unknown."""
        return counts / self.peak if self.peak > 0 else float("nan")


def sighting(one: xr.Dataset, area: Bools, systematic: float = 0.0) -> Sighting:
    """Return what BS sees of one edge in an area.

    Parameters
    ----------
    one : Dataset
        An edge of the store of BS.
    area : ndarray of bool
        Its pixels, in the order of the maps.
    systematic : float
        Standard deviation of what is added to every pixel.
    """
    net, sd = (one[name].to_numpy()[area] for name in ("net_counts", "net_counts_sd"))
    known = np.isfinite(net) & np.isfinite(sd)
    n, peak = int(known.sum()), highest(one["net_counts"])
    if not n:
        return Sighting(net=float("nan"), sd=float("nan"), peak=peak)
    alone, shared = deviations_of_areas(one) if n > 1 else (1.0, 0.0)
    independent = float(np.sqrt(np.square(sd[known], dtype=float).sum())) / n
    noise = float(np.hypot(alone * independent, shared))
    return Sighting(net=float(net[known].mean(dtype=float)), sd=noise, peak=peak, systematic=systematic)


def deviations_of_areas(one: xr.Dataset) -> tuple[float, float]:
    """Return the part of its deviation that a pixel has for itself in an area, and the counts that all share.

    An exponent that is averaged over neighbours errs for them together: the mean of an area knows less than
    its pixels would if they were independent of each other.
    """
    total, alone = (float((one[name] ** 2).mean()) for name in ("net_counts_sd", "independent_sd"))
    shared = np.nan_to_num(float(one["common_sd"].mean()))  # NaN where no pixel has net counts
    return float(np.sqrt(alone / total)) if total > 0 else 1.0, float(shared)


def highest(net_counts: xr.DataArray) -> float:
    """Return the highest counts but for a few outliers; zero where none are known."""
    known = net_counts.to_numpy()
    known = known[np.isfinite(known)]
    return float(np.quantile(known, PEAK_QUANTILE)) if known.size else 0.0
