"""Dead, hot and otherwise bad channels, found on the mean spectra of groups of pixels."""

import math
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
import scipy
import xarray as xr
from pydantic import Field

from eelsunmix.corrections.common import interpolate_channels, record
from eelsunmix.corrections.correction import Correction
from eelsunmix.corrections.evidence import Evidence
from eelsunmix.corrections.statistics import Statistics
from eelsunmix.errors import InputError
from eelsunmix.options import LISTED, Options

HOT_RATIO, WEAK_RATIO, GAP_RATIO = 2.0, 0.7, 1.03
"""Above twice, or below 0.7 of, all four neighbours. No line as wide as two channels, the resolution of any
spectrometer worth sampling, reaches twice its neighbours; no spectrum has dips one channel wide."""
SIGNIFICANCE = 6.0
LONGEST_DEAD_RUN = 8
REACH_EV = 12.0


Channels = Annotated[tuple[Annotated[int, Field(ge=0)], ...], LISTED]


class BadChannelOptions(Options):
    """Replacement of bad channels by straight lines between their neighbours.

    Parameters
    ----------
    channels : tuple of int, "auto" or "none"
        The bad channels, counted from 0 on the raw axis; or find dead and hot ones; or do nothing.
    chip_gaps : tuple of int
        First channel of each further chip of the detector (for example 256, 512, 768): the two channels on
        either side are tested more strictly, because pixels at the rim of a chip are larger.
    """

    channels: Channels | Literal["auto", "none"] = "auto"
    chip_gaps: Channels = ()


@dataclass(frozen=True, kw_only=True)
class BadChannels(Correction):
    """Channels to replace: `flags`, bool (channel,), not all of them."""

    flags: np.ndarray

    @property
    def changes(self) -> bool:
        """Whether there is any."""
        return bool(self.flags.any())

    def apply(self, image: xr.DataArray) -> xr.DataArray:
        """Interpolate the bad channels between their neighbours, in float64."""
        return image.copy(data=interpolate_channels(image.to_numpy(), self.flags))


def measure_bad_channels(evidence: Evidence, dark: np.ndarray, options: BadChannelOptions) -> BadChannels:
    """Find the bad channels of a detector.

    From 12 eV before the onset of an edge to 30 eV beyond it a channel must be dead to be called bad.

    Parameters
    ----------
    evidence : Evidence
        Of the raw image.
    dark : ndarray, shape (channel,)
        Dark signal in counts.
    options : BadChannelOptions

    Raises
    ------
    InputError
        A channel of the configuration does not exist, or no good channel is left.
    """
    if options.channels == "none":
        entry = record("bad_channels", False, "Search for bad channels switched off.", channels=[])
        return BadChannels(flags=np.zeros(evidence.n_channels, bool), entry=entry)
    if options.channels == "auto":
        bad = _found(evidence, dark, options.chip_gaps)
    else:
        bad = _listed(options.channels, evidence.n_channels)
    if bad.all():
        raise InputError("corrections.bad_channels: no good channel is left: list fewer channels")
    return BadChannels(flags=bad, entry=_entry(bad, options))


def _found(evidence: Evidence, dark: np.ndarray, gaps: tuple[int, ...]) -> np.ndarray:
    statistics, noise = evidence.statistics, evidence.variance_to_mean
    unusual = _outliers(statistics, dark, noise) | _at_gaps(statistics, dark, gaps, noise)
    found: np.ndarray = _dead(statistics) | (unusual & ~evidence.near_edges(REACH_EV))
    return found


def _listed(channels: tuple[int, ...] | str, n_channels: int) -> np.ndarray:
    bad = np.zeros(n_channels, bool)
    for channel in channels:
        if not (isinstance(channel, int | np.integer) and 0 <= channel < n_channels):
            raise InputError(
                f"corrections.bad_channels.channels: {channel} is no channel of an axis "
                f"from 0 to {n_channels - 1}: count from 0 on the raw axis"
            )
        bad[channel] = True
    return bad


def _entry(bad: np.ndarray, options: BadChannelOptions) -> dict[str, Any]:
    channels = np.flatnonzero(bad).tolist()
    origin = "configuration" if not isinstance(options.channels, str) else "search"
    if not channels:
        return record("bad_channels", False, "No dead or hot channel found.", channels=[], origin=origin)
    shown = ", ".join(map(str, channels[:10])) + (", ..." if len(channels) > 10 else "")
    text = f"{len(channels)} bad channels ({shown}; from the {origin}) replaced by interpolation."
    if len(channels) == 1:
        text = f"1 bad channel ({shown}; from the {origin}) replaced by interpolation."
    return record("bad_channels", True, text, channels=channels, origin=origin)


def _dead(statistics: Statistics) -> np.ndarray:
    """Channels that never change although their neighbours do; a long stretch is empty, not dead."""
    constant = statistics.highest == statistics.lowest
    total = statistics.sums.sum(axis=0)
    around = scipy.ndimage.median_filter(
        np.where(constant, 0.0, total), size=2 * LONGEST_DEAD_RUN + 3, mode="nearest"
    )
    # with 25 counts expected, a channel that is zero by chance comes once in 1e11
    return _short_runs(constant & (around > 25)) & (statistics.n_pixels.sum() > 1)


def _short_runs(flags: np.ndarray) -> np.ndarray:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(int), [0]])))
    result = np.zeros(flags.size, bool)
    for start, stop in edges.reshape(-1, 2):
        result[start:stop] = stop - start <= LONGEST_DEAD_RUN
    return result


def _outliers(statistics: Statistics, dark: np.ndarray, noise: float) -> np.ndarray:
    """Single channels far above or below all four neighbours, in every group of pixels."""
    means = statistics.group_means - dark
    counts = statistics.n_pixels[statistics.n_pixels > 0, None]
    neighbours = np.stack([_shifted(means, step) for step in (-2, -1, 1, 2)])
    highest, lowest = neighbours.max(axis=0), neighbours.min(axis=0)
    error = np.sqrt(noise * np.maximum(np.maximum(means, highest), 1 / counts) / counts)
    usual = _usual_roughness(means)
    hot = (means > highest * np.maximum(HOT_RATIO, np.exp(SIGNIFICANCE * usual))) & (
        means - highest > SIGNIFICANCE * error
    )
    weak = (means < lowest * np.minimum(WEAK_RATIO, np.exp(-SIGNIFICANCE * usual))) & (
        lowest - means > SIGNIFICANCE * error
    )
    return (hot | weak).all(axis=0)


def _at_gaps(statistics: Statistics, dark: np.ndarray, gaps: tuple[int, ...], noise: float) -> np.ndarray:
    """Channels at the borders of chips that leave the line through the channels beyond."""
    mean = np.maximum(statistics.mean - dark, 1e-12)
    total = np.maximum(mean * max(int(statistics.n_pixels.sum()), 1), 1.0)
    bad = np.zeros(mean.size, bool)
    usual = _usual_roughness(mean[None])[0]
    for gap in gaps:
        if not 4 <= gap <= mean.size - 4:
            raise InputError(f"corrections.bad_channels.chip_gaps: {gap} lies outside 4 to {mean.size - 4}")
        near = np.arange(gap - 2, gap + 2)
        outside = np.array([gap - 4, gap - 3, gap + 2, gap + 3])
        line = np.polynomial.Polynomial.fit(outside, np.log(mean[outside]), 1)(near)
        limit = np.hypot(SIGNIFICANCE * usual[near], SIGNIFICANCE * np.sqrt(noise / total[near]))
        bad[near] = np.abs(np.log(mean[near]) - line) > np.maximum(limit, math.log(GAP_RATIO))
    return bad


def _usual_roughness(means: np.ndarray) -> np.ndarray:
    """Robust local spread of a channel against its two neighbours, relative, (group, channel)."""
    logarithm = np.log(np.maximum(means, 1e-12))
    deviation = np.abs(logarithm - (_shifted(logarithm, -1) + _shifted(logarithm, 1)) / 2)
    return 1.4826 * scipy.ndimage.median_filter(deviation, size=(1, 51), mode="nearest") / math.sqrt(1.5)


def _shifted(spectra: np.ndarray, step: int) -> np.ndarray:
    """Value of the channel `step` further, mirrored at the ends."""
    last = spectra.shape[-1] - 1
    wanted = np.abs(np.arange(last + 1) + step)
    return spectra[..., np.clip(last - np.abs(last - wanted), 0, last)]
