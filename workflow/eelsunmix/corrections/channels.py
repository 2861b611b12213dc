"""Dead, hot and otherwise bad channels, found on the mean spectra of groups of pixels."""

import math
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import scipy
import xarray as xr
from pydantic import Field

from eelsunmix.corrections.channel_words import BESIDE_EDGE, UNDECIDED, bad_channels_entry, left_alone
from eelsunmix.corrections.common import interpolate_channels, record
from eelsunmix.corrections.correction import Correction
from eelsunmix.corrections.evidence import Evidence
from eelsunmix.corrections.losses import (
    MAX_TAKEN_PERCENT,
    RESOLUTION,
    Loss,
    excessive,
    loss_sentences,
    losses,
    with_losses,
)
from eelsunmix.corrections.outlying_channels import outliers, usual_roughness
from eelsunmix.corrections.statistics import Statistics
from eelsunmix.errors import InputError
from eelsunmix.options import LISTED, NotNegative, Options

GAP_RATIO = 1.03
SIGNIFICANCE = 6.0
LONGEST_DEAD_RUN = 8
LISTED_LOSS = "List only those in corrections.bad_channels.channels that are bad."
LOSS_REFUSED = (
    "Only dead channels were replaced. If all are bad, raise corrections.bad_channels.max_taken_percent or "
    "list them in corrections.bad_channels.channels."
)
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
    max_taken_percent : float
        Where the replacement of the channels found takes more of the signal of an edge than this, only dead
        ones are replaced.
    """

    channels: Channels | Literal["auto", "none"] = "auto"
    chip_gaps: Channels = ()
    max_taken_percent: NotNegative = MAX_TAKEN_PERCENT


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

    From 12 eV before the onset of an edge to 30 eV beyond it a channel must be dead to be replaced; one that
    is high there is named, and so is one of which nobody can say whether it is a line.

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
        return BadChannels(flags=np.zeros(evidence.n_channels, bool), entry=with_losses(entry, {}))
    warnings: list[str] = []
    if options.channels == "auto":
        bad, warnings = _found(evidence, dark, options)
    else:
        bad = _listed(options.channels, evidence.n_channels)
        warnings = loss_sentences("The replacement of bad channels", _losses(evidence, bad), LISTED_LOSS)
    if bad.all():
        raise InputError("corrections.bad_channels: no good channel is left: list fewer channels")
    entry = bad_channels_entry(bad, listed=options.channels != "auto") | {"warnings": warnings}
    return BadChannels(flags=bad, entry=with_losses(entry, _losses(evidence, bad)))


def _found(evidence: Evidence, dark: np.ndarray, options: BadChannelOptions) -> tuple[np.ndarray, list[str]]:
    """Bad channels of the data, and sentences on those that are left alone."""
    statistics, noise = evidence.statistics, evidence.variance_to_mean
    unusual, undecided = outliers(statistics, dark, noise, evidence.energy_eV)
    near, dead = evidence.near_edges(REACH_EV), _dead(statistics)
    warnings = left_alone(evidence.energy_eV, unusual & near & ~dead, BESIDE_EDGE)
    warnings += left_alone(evidence.energy_eV, undecided & ~dead, UNDECIDED)
    bad = dead | ((unusual | _at_gaps(statistics, dark, options.chip_gaps, noise)) & ~near)
    found = _losses(evidence, bad)
    if not bad.all() and excessive(found, options.max_taken_percent):
        warnings += loss_sentences("The replacement of bad channels", found, LOSS_REFUSED)
        bad = dead
    return bad, warnings


def _losses(evidence: Evidence, bad: np.ndarray) -> dict[str, Loss]:
    """Find what straight lines across these channels take from the edges of a spectrum without defects."""
    if bad.all():
        return {}
    mean = interpolate_channels(evidence.statistics.mean, bad)
    smooth = scipy.ndimage.gaussian_filter1d(mean, RESOLUTION)
    return losses(
        smooth, interpolate_channels(smooth, bad), evidence.energy_eV, evidence.edges, pattern=False
    )


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


def _dead(statistics: Statistics) -> np.ndarray:
    """Channels that never change although their neighbours do; a long stretch is empty, not dead."""
    constant = statistics.highest == statistics.lowest
    total = statistics.sums.sum(axis=0)
    around = scipy.ndimage.median_filter(
        np.where(constant, 0.0, total), size=2 * LONGEST_DEAD_RUN + 3, mode="nearest"
    )
    # with 25 counts expected, a channel that is zero by chance comes once in 1e11
    expected = np.minimum(around, _beside(total, constant))
    return _short_runs(constant & (expected > 25)) & (statistics.n_pixels.sum() > 1)


def _beside(total: np.ndarray, constant: np.ndarray) -> np.ndarray:
    """Return the lower of the nearest channels on either side that change: in a valley few counts are due."""
    live = np.flatnonzero(~constant)
    if not live.size:
        return np.zeros(total.size)
    right = np.searchsorted(live, np.arange(total.size))
    both = live[np.maximum(right - 1, 0)], live[np.minimum(right, live.size - 1)]
    return np.asarray(np.minimum(total[both[0]], total[both[1]]))


def _short_runs(flags: np.ndarray) -> np.ndarray:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(int), [0]])))
    result = np.zeros(flags.size, bool)
    for start, stop in edges.reshape(-1, 2):
        result[start:stop] = stop - start <= LONGEST_DEAD_RUN
    return result


def _at_gaps(statistics: Statistics, dark: np.ndarray, gaps: tuple[int, ...], noise: float) -> np.ndarray:
    """Channels at the borders of chips that leave the line through the channels beyond."""
    mean = np.maximum(statistics.mean - dark, 1e-12)
    total = np.maximum(mean * max(int(statistics.n_pixels.sum()), 1), 1.0)
    bad = np.zeros(mean.size, bool)
    usual = usual_roughness(mean[None])[0]
    for gap in gaps:
        if not 4 <= gap <= mean.size - 4:
            raise InputError(f"corrections.bad_channels.chip_gaps: {gap} lies outside 4 to {mean.size - 4}")
        near = np.arange(gap - 2, gap + 2)
        outside = np.array([gap - 4, gap - 3, gap + 2, gap + 3])
        line = np.polynomial.Polynomial.fit(outside, np.log(mean[outside]), 1)(near)
        limit = np.hypot(SIGNIFICANCE * usual[near], SIGNIFICANCE * np.sqrt(noise / total[near]))
        bad[near] = np.abs(np.log(mean[near]) - line) > np.maximum(limit, math.log(GAP_RATIO))
    return bad
