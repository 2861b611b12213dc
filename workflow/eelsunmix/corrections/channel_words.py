"""What the log and the warnings say of bad channels."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.corrections.common import record
from eelsunmix.corrections.dead_channels import at_ends, runs
from eelsunmix.edge_choice import is_of_x_rays
from eelsunmix.energy.noise_peak import END_EV, weighty_noise_peak
from eelsunmix.energy.units import channel_energies
from eelsunmix.words import numbered

BESIDE_EDGE = (
    "{what}: at least twice as high as all around, without a trace in the channels beside. Left as found, "
    "since an edge is named there. If this is no line, list {it} in corrections.bad_channels.channels."
)
UNDECIDED = (
    "{what}, or a line one channel wide: the counts do not tell which. Left as found. If this is no line, "
    "list {it} in corrections.bad_channels.channels."
)
WARM = (
    "{what}: above the smooth spectrum in the fit window of an edge, whose net counts are then "
    "wrong. Left as found. If this is no line, list {it} in corrections.bad_channels.channels."
)
LISTED_LOSS = "List only those in corrections.bad_channels.channels that are bad."
LISTED_REFUSED = (
    "Adjacent ones that look good in the data were left as found. Take them out of "
    "corrections.bad_channels.channels, or raise corrections.bad_channels.max_taken_percent."
)
REFUSED = (
    "{percent:.0f} % of the channels in which {name} is integrated look hot or weak. Only dead channels were "
    "replaced. If all are bad, raise corrections.bad_channels.max_taken_percent or list them in "
    "corrections.bad_channels.channels."
)
INVENTED = (
    "{percent:.0f} % of the channels in which {name} is integrated are bad and were replaced by straight "
    "lines: a peak there is lost, and the net counts may be off by as much. Choose "
    "edges.{name}.integrate_eV without them, or record the edge on another part of the detector."
)
KEPT = "If this is a line, as the zero-loss peak may be, set corrections.bad_channels.channels: none."
UNMEASURED = (
    "The detector recorded nothing {where}. These channels hold no data and were not replaced. Crop the axis "
    "to one side of them (corrections.crop.energy_eV), or choose the windows of all edges without them."
)
NOISE_PEAK = (
    "{percent:.0f} % of the counts lie below {end:g} eV, where no X-rays are detected: the noise peak of the "
    "detector. It would pass for a material. Leave it out: "
    "corrections: crop: energy_eV: [{end:g}, {last:.6g}]."
)
SHOWN = 10
WARN_SHARE = 5.0
"""Per cent of a window: a straight line gets two thirds right of what it replaces; 2 % are worth a word."""
REMOVED_PART = 0.1
"""Of all counts: a faulty channel among hundreds seldom holds as much."""


def bad_channels_entry(bad: np.ndarray, *, listed: bool) -> dict[str, Any]:
    """Entry of the log for the channels that are replaced."""
    channels = np.flatnonzero(bad).tolist()
    origin = "configuration" if listed else "search"
    if not channels:
        return record("bad_channels", False, "No dead or hot channel found.", channels=[], origin=origin)
    shown = ", ".join(map(str, channels[:10])) + (", ..." if len(channels) > 10 else "")
    what = numbered(len(channels), "bad channel")
    text = f"{what} ({shown}; from the {origin}) replaced by interpolation."
    return record("bad_channels", True, text, channels=channels, origin=origin)


def unmeasured_warnings(image: xr.DataArray, kept: xr.DataArray, silent: np.ndarray) -> list[str]:
    """Name the channels without data that a crop leaves between others.

    Parameters
    ----------
    image : DataArray, shape (..., channel)
        Raw counts.
    kept : DataArray, shape (..., channel)
        The part of them that is left.
    silent : ndarray of bool, shape (channel,)
        Of the raw image.
    """
    energy, left = channel_energies(image), channel_energies(kept)
    inside = (energy >= left[0]) & (energy <= left[-1])
    between = silent[inside] & ~at_ends(silent[inside])
    places = [_range(energy[inside][start:stop]) for start, stop in runs(between)]
    return [UNMEASURED.format(where=" and ".join(places))] if places else []


def invented_sentences(shares: Mapping[str, float]) -> list[str]:
    """One sentence for each edge with too many bad channels; `shares` is in per cent of its window."""
    return [
        INVENTED.format(name=name, percent=percent)
        for name, percent in shares.items()
        if percent > WARN_SHARE
    ]


def refused_sentences(shares: Mapping[str, float]) -> list[str]:
    """One sentence for each edge for whose sake no channels but dead ones are replaced."""
    return [REFUSED.format(name=name, percent=percent) for name, percent in shares.items()]


def _range(energy_ev: np.ndarray) -> str:
    size = numbered(energy_ev.size, "channel")
    if energy_ev.size == 1:
        return f"at {energy_ev[0]:.6g} eV ({size})"
    return f"from {energy_ev[0]:.6g} to {energy_ev[-1]:.6g} eV ({size})"


def named_channels(energy_ev: np.ndarray, channels: np.ndarray, sentence: str) -> list[str]:
    """Return one sentence on channels that look bad; none without any."""
    numbers = np.flatnonzero(channels)
    if not numbers.size:
        return []
    shown = ", ".join(f"{number} ({energy_ev[number]:.6g} eV)" for number in numbers[:SHOWN])
    shown += ", ..." if numbers.size > SHOWN else ""
    if numbers.size == 1:
        return [sentence.format(what=f"Channel {shown} may be a fault of the detector", it="it")]
    return [sentence.format(what=f"Channels {shown} may be faults of the detector", it="them")]


def removed_sentences(energy_ev: np.ndarray, hot: np.ndarray, part: float) -> list[str]:
    """One sentence if the channels that look hot and were replaced held much of all counts."""
    if part < REMOVED_PART:
        return []
    text = "{what}: replaced, with " + f"{100 * part:.0f} % of all counts. {KEPT}"
    return named_channels(energy_ev, hot, text)


def nothing_left(energy_ev: np.ndarray, bad: np.ndarray) -> str:
    """Say that all counts lie in channels that are replaced."""
    return named_channels(energy_ev, bad, "{what}, and no counts lie in others. " + KEPT)[0]


def noise_peak_warnings(image: xr.DataArray, mean: xr.DataArray) -> list[str]:
    """Name the noise peak of a detector of X-rays where it holds much of the counts.

    Parameters
    ----------
    image : DataArray, shape (..., channel)
    mean : DataArray, shape (channel,)
        Mean spectrum, on at least the energies of the image.
    """
    if not is_of_x_rays(image[image.dims[-1]]):
        return []
    energy = channel_energies(image)
    share = weighty_noise_peak(energy, mean.sel({dim: image[dim] for dim in mean.dims}).to_numpy())
    return [NOISE_PEAK.format(percent=100 * share, end=END_EV, last=energy[-1])] if share else []
