"""Dead, hot and otherwise bad channels, found on the mean spectra of groups of pixels."""

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import numpy as np
import xarray as xr
from pydantic import Field

from eelsunmix.corrections.channel_words import (
    BESIDE_EDGE,
    LISTED_LOSS,
    LISTED_REFUSED,
    UNDECIDED,
    WARM,
    bad_channels_entry,
    invented_sentences,
    named_channels,
    nothing_left,
    refused_sentences,
    removed_sentences,
)
from eelsunmix.corrections.common import interpolate_channels, near_edges, record
from eelsunmix.corrections.correction import Correction
from eelsunmix.corrections.dead_channels import alone, runs
from eelsunmix.corrections.evidence import Evidence
from eelsunmix.corrections.interpolated import (
    MeanSpectrum,
    counted_losses,
    invented_shares,
    mean_spectrum,
    removed_part,
)
from eelsunmix.corrections.losses import (
    MAX_TAKEN_PERCENT,
    edge_windows,
    excessive,
    loss_sentences,
    with_taken,
)
from eelsunmix.corrections.suspects import Suspects, find_suspects
from eelsunmix.energy.channels import channel_bounds
from eelsunmix.errors import InputError
from eelsunmix.options import LISTED, NotNegative, Options

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
        Where more of the channels in which an edge is integrated look hot or weak than this, only dead ones
        are replaced; adjacent good channels that are listed and hold more of its net counts are not replaced
        either. An edge with more replaced channels than this is no reference.
    """

    channels: Channels | Literal["auto", "none"] = "auto"
    chip_gaps: Channels = ()
    max_taken_percent: NotNegative = MAX_TAKEN_PERCENT


@dataclass(frozen=True, kw_only=True)
class BadChannels(Correction):
    """Channels to replace.

    Parameters
    ----------
    flags : ndarray of bool, shape (channel,)
        Not all of them.
    silent : ndarray of bool, shape (channel,)
        Channels between others that hold no data and are not replaced; none of an EDS image, whose spectra
        are zero in many.
    doubts : dict
        What the counts are to say of the channels that hold no data, in eV; empty where all do.
    """

    flags: np.ndarray
    silent: np.ndarray
    doubts: dict[str, Any] = field(default_factory=dict)

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
        A channel of the configuration does not exist, or no good channel, or no counts, are left.
    """
    if options.channels == "none":
        entry = record("bad_channels", False, "Search for bad channels switched off.", channels=[])
        none = np.zeros(evidence.n_channels, bool)
        return BadChannels(flags=none, silent=none, entry=with_taken(entry, {}))
    mean = mean_spectrum(evidence, dark)
    suspects = find_suspects(evidence, dark, options.chip_gaps)
    listed = options.channels != "auto"
    bad, warnings = (_listed if listed else _found)(suspects, mean, options)
    if bad.all():
        raise InputError("corrections.bad_channels: no good channel is left: list fewer channels")
    if removed_part(mean, bad) >= 1:
        raise InputError(f"corrections.bad_channels: {nothing_left(mean.energy_eV, bad)}")
    unmeasured = suspects.dead_ones & ~bad
    warnings += invented_sentences(invented_shares(mean, bad & suspects.all))
    entry = bad_channels_entry(bad, listed=listed) | {"warnings": warnings}
    return BadChannels(
        flags=bad,
        silent=unmeasured & (evidence.signal != "EDS"),
        entry=with_taken(entry, _taken(mean, suspects, bad)),
        doubts=_doubts(mean.energy_eV, unmeasured, bad, options.max_taken_percent),
    )


def _found(
    suspects: Suspects, mean: MeanSpectrum, options: BadChannelOptions
) -> tuple[np.ndarray, list[str]]:
    """Bad channels of the data, and sentences on those that are left alone."""
    near = near_edges(mean.energy_eV, mean.edges, REACH_EV)
    short = suspects.dead.short
    warnings = named_channels(mean.energy_eV, suspects.hot & near & ~suspects.dead_ones, BESIDE_EDGE)
    warnings += named_channels(mean.energy_eV, suspects.undecided & ~suspects.dead_ones, UNDECIDED)
    warnings += named_channels(mean.energy_eV, suspects.warm & _in_fit_windows(mean), WARM)
    hot = (suspects.hot | suspects.at_gaps) & ~near & ~suspects.dead_ones
    shares = invented_shares(mean, hot)
    refused = {name: share for name, share in shares.items() if share > options.max_taken_percent}
    if refused:
        return short, warnings + refused_sentences(refused)
    return short | hot, warnings + removed_sentences(mean.energy_eV, hot, removed_part(mean, short | hot))


def _listed(
    suspects: Suspects, mean: MeanSpectrum, options: BadChannelOptions
) -> tuple[np.ndarray, list[str]]:
    """Channels of the configuration, without those that count and would take too much of an edge."""
    bad = _indices(options.channels, mean.counts.size)
    if bad.all():
        return bad, []
    faulty = suspects.all & bad
    counting = bad & ~faulty
    lost = counted_losses(mean, faulty, counting)
    if not excessive(lost, options.max_taken_percent):
        return bad, loss_sentences("The replacement of bad channels", lost, LISTED_LOSS)
    kept = alone(bad)
    warnings = loss_sentences("The replacement of all bad channels listed", lost, LISTED_REFUSED)
    return bad & (faulty | kept), warnings


def _in_fit_windows(mean: MeanSpectrum) -> np.ndarray:
    """Channels of the fit windows, where spectra are smooth."""
    windows = [edge_windows(mean.energy_eV, edge)[0] for edge in mean.edges.values()]
    return np.any([np.zeros(mean.counts.size, bool), *windows], axis=0)


def _taken(mean: MeanSpectrum, suspects: Suspects, bad: np.ndarray) -> dict[str, float]:
    """Per cent of each edge: of its window what is invented, and of its net counts what was counted."""
    faulty = suspects.all & bad
    shares, lost = invented_shares(mean, faulty), counted_losses(mean, faulty, bad & ~faulty)
    return {name: share + (lost[name].percent if name in lost else 0.0) for name, share in shares.items()}


def _indices(channels: tuple[int, ...] | str, n_channels: int) -> np.ndarray:
    bad = np.zeros(n_channels, bool)
    for channel in channels:
        if not (isinstance(channel, int | np.integer) and 0 <= channel < n_channels):
            raise InputError(
                f"corrections.bad_channels.channels: {channel} is no channel of an axis "
                f"from 0 to {n_channels - 1}: count from 0 on the raw axis"
            )
        bad[channel] = True
    return bad


def _doubts(
    energy_ev: np.ndarray, unmeasured: np.ndarray, replaced: np.ndarray, limit: float
) -> dict[str, Any]:
    if not (unmeasured | replaced).any():
        return {}
    bounds = channel_bounds(energy_ev)
    ranges = {
        name: [[float(bounds[start]), float(bounds[stop])] for start, stop in runs(flags)]
        for name, flags in (("unmeasured_eV", unmeasured), ("interpolated_eV", replaced))
    }
    return {**ranges, "max_interpolated_percent": limit}
