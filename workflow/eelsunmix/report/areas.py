"""What background subtraction (BS) sees of an edge in many pixels: counts above noise, or an upper limit."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import xarray as xr

from eelsunmix.typing import Bools, Floats

SURE_SD = 3.0
"""Standard deviations beyond which net counts are not chance."""
ONE_SIDED = 1.645
"""Standard deviations below which 95 % of a normal distribution lie."""
UNSEEN_COUNTS = 3.0
"""Counts that are expected at most, with 95 % probability, where none was found (Poisson)."""
CLEAR_SD = 6.0
"""Standard deviations from which a single pixel of an image is no chance."""
SLIGHT = 0.02
"""Part of the background by which it may be off unnoticed, `background.reference_check.NEGATIVE_FRACTION`."""
MAPS = ("net_counts", "net_counts_sd", "background_counts", "independent_sd", "common_sd")
"""Of the store of BS, that areas are judged by."""


@dataclass(frozen=True, kw_only=True)
class Systematic:
    """What is in all pixels alike, as far as is known, in counts per pixel; no averaging lowers it.

    Parameters
    ----------
    offset : float
        What BS finds where the element is absent; negative where its background is too high.
    sd : float
        Standard deviation of that, and of what a fixed pattern may add.
    """

    offset: float = 0.0
    sd: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """What BS finds of an edge in an area, in counts per pixel.

    Parameters
    ----------
    net, sd : float
        Mean net counts, and their standard deviation by noise; NaN in an area without pixels.
    peak : float
        The highest net counts in the image, see `eelsunmix.report.peaks`.
    systematic : Systematic
    background : float
        Counts of the background under them; NaN where they are not known.
    """

    net: float
    sd: float
    peak: float
    systematic: Systematic = Systematic()
    background: float = float("nan")

    @property
    def total_sd(self) -> float:
        """Standard deviation of all that is known."""
        return float(np.hypot(self.sd, self.systematic.sd))

    @property
    def is_seen(self) -> bool:
        """Whether the counts are more than chance, and more than what BS finds where there is nothing."""
        return self.net - max(self.systematic.offset, 0.0) > SURE_SD * self.total_sd

    @property
    def of_background(self) -> float:
        """Counts over those of the background, where it may be off by as much; NaN where they are more.

        A background that is too high by as much passes for a right one (`reference_check`), and so does one
        that is too low: no real one is exactly a power law.
        """
        part = self.net / self.background if self.background > 0 else float("nan")
        return part if self.is_seen and part < SLIGHT else float("nan")

    @property
    def is_biased(self) -> bool:
        """Whether they are so far below zero that the background is wrong in an unknown way."""
        return self._highest < -SURE_SD * self.total_sd

    @property
    def limit(self) -> float:
        """Counts that the edge may have unseen; where the background is wrong, as many as it is wrong by."""
        return -self.net if self.is_biased else max(self._highest, 0.0) + ONE_SIDED * self.total_sd

    @property
    def _highest(self) -> float:
        """Counts without what a background that is too high takes from them."""
        return self.net - min(self.systematic.offset, 0.0)

    def part(self, counts: float) -> float:
        """Return counts as a part of the highest ones; NaN where these are unknown."""
        return counts / self.peak if self.peak > 0 else float("nan")


def sightings(
    one: xr.Dataset, areas: Iterable[Bools], systematic: Systematic, *, peak: float
) -> list[Sighting]:
    """Return what BS sees of one edge in areas.

    Parameters
    ----------
    one : Dataset, dims (navigation)
        An edge of the store of BS, with the variables `MAPS`.
    areas : iterable of ndarray of bool, shape (navigation)
        Pixels of each, in the order of the maps.
    systematic : Systematic
    peak : float
        The highest net counts in the image, see `eelsunmix.report.peaks`.
    """
    net, sd, background = (one[name].to_numpy() for name in MAPS[:3])
    known, of_area = np.isfinite(net) & np.isfinite(sd), deviations_of_areas(one)
    found = []
    for area in areas:
        inside = area & known
        mean, noise = _mean(net[inside], sd[inside], of_area) if inside.any() else (float("nan"),) * 2
        under = float(background[inside].mean(dtype=float)) if inside.any() else float("nan")
        found.append(Sighting(net=mean, sd=noise, peak=peak, systematic=systematic, background=under))
    return found


def _mean(net: Floats, sd: Floats, of_area: tuple[float, float]) -> tuple[float, float]:
    """Mean net counts of pixels, and their deviation."""
    alone, shared = of_area if len(net) > 1 else (1.0, 0.0)
    independent = float(np.sqrt(np.square(sd, dtype=float).sum())) / len(net)
    noise = float(np.hypot(alone * independent, shared))
    return float(net.mean(dtype=float)), noise or UNSEEN_COUNTS / ONE_SIDED / len(net)


def deviations_of_areas(one: xr.Dataset) -> tuple[float, float]:
    """Return the part of its deviation that a pixel has for itself in an area, and the counts that all share.

    An exponent that is averaged over neighbours errs for them together: the mean of an area knows less than
    its pixels would if they were independent of each other.

    Parameters
    ----------
    one : Dataset, dims (navigation)
        An edge of the store of BS.
    """
    total, alone = (float((one[name] ** 2).mean()) for name in ("net_counts_sd", "independent_sd"))
    shared = np.nan_to_num(float(one["common_sd"].mean()))  # NaN where no pixel has net counts
    return float(np.sqrt(alone / total)) if total > 0 else 1.0, float(shared)
