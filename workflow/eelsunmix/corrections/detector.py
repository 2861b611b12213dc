"""All that the detector does to counts: measured in one pass over the raw image, undone in one map."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.corrections.channels import BadChannelOptions, BadChannels, measure_bad_channels
from eelsunmix.corrections.correction import Correction
from eelsunmix.corrections.dark import Dark, measure_dark
from eelsunmix.corrections.evidence import gather_evidence
from eelsunmix.corrections.gain import Gain, measure_gain
from eelsunmix.corrections.gain_options import GainOptions
from eelsunmix.corrections.spike_removal import SpikeRemoval, measure_spikes
from eelsunmix.corrections.spikes import SpikeOptions
from eelsunmix.execution import blocks
from eelsunmix.typing import Floats

UNITS = 256
"""Unit spectra that are corrected together: those of all channels would be a matrix of channels squared."""


@dataclass(frozen=True, kw_only=True)
class Detector:
    """The corrections that belong to the detector, and the `mean` of the valid raw spectra, (channel,)."""

    mean: xr.DataArray
    dark: Dark
    gain: Gain
    bad_channels: BadChannels
    spikes: SpikeRemoval

    @property
    def steps(self) -> tuple[Correction, ...]:
        """The corrections in the order of the log."""
        return self.dark, self.gain, self.bad_channels, self.spikes

    @property
    def corrected_mean(self) -> np.ndarray:
        """Mean of the valid corrected spectra, (channel,); without spikes all corrections are linear."""
        mean = self.mean
        for step in (self.dark, self.gain, self.bad_channels):
            mean = step.apply(mean)
        return mean.to_numpy()

    def apply(self, image: xr.DataArray) -> xr.DataArray:
        """Return ``(image without spikes - dark) / gain`` with bad channels interpolated.

        The image itself where there is nothing to do; its own integers where only spikes are replaced;
        float32 otherwise. Pixels that are not valid stay zero.

        Parameters
        ----------
        image : DataArray, shape (..., channel)
            With `valid_pixel`; lazy or eager.
        """
        by_channel = [step for step in (self.dark, self.gain, self.bad_channels) if step.changes]
        if not by_channel and not self.spikes.changes:
            return image
        kernel = functools.partial(_apply, spikes=self.spikes, by_channel=by_channel)
        dtype = np.dtype("f4") if by_channel else image.dtype
        template = blocks.template_like(image, {"counts": (image.dims, dtype)})
        counts = blocks.map_blocks(kernel, self.spikes.number(image), template)["counts"]
        return counts.assign_attrs(image.attrs)

    def totals(self, image: xr.DataArray) -> Floats:
        """Return the counts that `apply` leaves of each pixel, (navigation), without correcting all channels.

        Without spikes all corrections are linear: the total is a product with one weight for each channel.
        """
        steps = [step for step in (self.dark, self.gain, self.bad_channels) if step.changes]
        offset, weight = _weights_of_total(steps, image.shape[-1])
        kernel = functools.partial(_total, spikes=self.spikes, offset=offset, weight=weight)
        template = blocks.template_like(image, {"total": (image.dims[:-1], "f8")})
        totals = blocks.map_blocks(kernel, self.spikes.number(image), template)["total"]
        return totals.to_numpy().astype(np.float64)

    def dataset(self, image: xr.DataArray) -> xr.Dataset:
        """Return what was found, on the axes of the raw image, as `corrected.zarr` keeps it."""
        axis = image.coords[image.dims[-1]]
        spikes = self.spikes.spikes
        return xr.Dataset(
            {
                "gain": ("raw_energy", self.gain.values, {"units": "1"}),
                "dark": ("raw_energy", self.dark.values, {"units": "counts"}),
                "bad_channel": ("raw_energy", self.bad_channels.flags),
                "spike_position": (("spike", "axis"), spikes.position),
                "spike_found": ("spike", spikes.found, {"units": "counts"}),
                "spike_replaced": ("spike", spikes.replaced, {"units": "counts"}),
            },
            coords={
                "raw_energy": ("raw_energy", axis.to_numpy(), axis.attrs),
                "axis": [str(dim) for dim in image.dims],
            },
        )


def measure_detector(
    image: xr.DataArray,
    gain_options: GainOptions,
    channel_options: BadChannelOptions,
    spike_options: SpikeOptions,
    edges: Mapping[str, Any],
) -> Detector:
    """Measure dark, bad channels, gain and spikes, in this order, on one pass over the raw image.

    Parameters
    ----------
    image : DataArray, shape (..., channel)
        Raw counts with the loaded coordinate `valid_pixel`; lazy or eager.
    gain_options, channel_options, spike_options
        Options of the steps.
    edges : mapping
        Name -> edge; nothing is estimated near one.
    """
    evidence = gather_evidence(image, spike_options.sigma, edges)
    dark = measure_dark(evidence, gain_options)
    bad = measure_bad_channels(evidence, dark.values, channel_options)
    dark, gain = measure_gain(evidence, dark, bad.flags, gain_options)
    spikes = measure_spikes(image, evidence, bad.flags, spike_options)
    axis = str(image.dims[-1])
    mean = xr.DataArray(evidence.statistics.mean, dims=axis, coords={axis: image.coords[axis]})
    return Detector(mean=mean, dark=dark, gain=gain, bad_channels=bad, spikes=spikes)


def _weights_of_total(steps: Sequence[Correction], n_channels: int) -> tuple[float, Floats]:
    """Total that linear corrections make of no counts, and of each channel's count above it, (channel,)."""
    if not steps:
        return 0.0, np.ones(n_channels)

    def totals(spectra: Floats) -> Floats:
        left = xr.DataArray(spectra, dims=("row", "channel"))
        for step in steps:
            left = step.apply(left)
        return left.to_numpy().sum(axis=1)

    offset = float(totals(np.zeros((1, n_channels)))[0])
    firsts = range(0, n_channels, UNITS)
    parts = [totals(np.eye(min(UNITS, n_channels - first), n_channels, first)) for first in firsts]
    return offset, np.concatenate(parts) - offset


def _total(block: xr.DataArray, spikes: SpikeRemoval, offset: float, weight: Floats) -> xr.Dataset:
    counts = spikes.apply(block)
    # row by row: float64 of a whole block would be memory's peak
    total = np.stack([row @ weight for row in counts.to_numpy()]) + offset
    total[~block.valid_pixel.to_numpy()] = 0
    one = counts.isel({counts.dims[-1]: 0}, drop=True).drop_attrs(deep=False)
    return one.copy(data=total).to_dataset(name="total")


def _apply(block: xr.DataArray, spikes: SpikeRemoval, by_channel: Sequence[Correction]) -> xr.Dataset:
    counts = spikes.apply(block)
    if by_channel:
        corrected = np.empty(counts.shape, "f4")
        for row, part in enumerate(counts):  # row by row: float64 of a whole block would be memory's peak
            for step in by_channel:
                part = step.apply(part)
            corrected[row] = part.to_numpy()
        corrected[~block.valid_pixel.to_numpy()] = 0
        counts = counts.copy(data=corrected)
    return xr.Dataset({"counts": counts.drop_attrs(deep=False)})
