"""Spikes of the image: which of those found are replaced, and their replacement in a block."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.corrections.common import record
from eelsunmix.corrections.correction import Correction
from eelsunmix.corrections.evidence import Evidence
from eelsunmix.corrections.losses import Loss, net_counts, with_losses
from eelsunmix.corrections.recurring_spikes import recurring
from eelsunmix.corrections.spikes import SpikeOptions, Spikes


@dataclass(frozen=True, kw_only=True)
class SpikeRemoval(Correction):
    """Spikes to replace: `spikes`, at their positions in an image with the pixels `shape`."""

    spikes: Spikes
    shape: tuple[int, ...]

    @property
    def changes(self) -> bool:
        """Whether there is any."""
        return len(self.spikes.found) > 0

    def number(self, image: xr.DataArray) -> xr.DataArray:
        """Give each pixel of the whole image a number, by which a block can tell its own spikes."""
        numbers = np.arange(np.prod(self.shape)).reshape(self.shape)
        return image.assign_coords(pixel_number=(image.dims[:-1], numbers))

    def apply(self, image: xr.DataArray) -> xr.DataArray:
        """Replace the spikes of a loaded image or block with numbered pixels; its type stays."""
        pixel = np.ravel_multi_index(tuple(self.spikes.position[:, :-1].T), self.shape)
        channel, replaced = self.spikes.position[:, -1], self.spikes.replaced
        numbers, cube = image.pixel_number.to_numpy().ravel(), image.to_numpy().copy()
        here = np.isin(pixel, numbers)
        order = np.argsort(numbers)
        rows = order[np.searchsorted(numbers, pixel[here], sorter=order)]
        index = (*np.unravel_index(rows, cube.shape[:-1]), channel[here])
        cube[index] = replaced[here].astype(cube.dtype)
        return image.copy(data=cube).drop_vars("pixel_number")


def measure_spikes(
    image: xr.DataArray, evidence: Evidence, bad_channels: np.ndarray, options: SpikeOptions
) -> SpikeRemoval:
    """Choose the spikes to replace among those that the statistics have found.

    None in bad channels, and none of those that come again at one energy, as lines do, unless the options
    say that so much may be taken from an edge.

    Parameters
    ----------
    image : DataArray, shape (..., channel)
    evidence : Evidence
        Of the raw image.
    bad_channels : ndarray of bool, shape (channel,)
    options : SpikeOptions
    """
    shape, spikes = image.shape[:-1], evidence.statistics.spikes
    if not options.enabled:
        entry = record("spikes", False, "Search for spikes switched off.", replaced=0)
        return SpikeRemoval(spikes=Spikes.none(image.ndim), shape=shape, entry=with_losses(entry, {}))
    spikes = spikes[~bad_channels[spikes.position[:, -1]]]
    again = recurring(spikes, image.shape[-1])
    left, found = _left_alone(evidence, spikes, again, options.max_taken_percent)
    entry = _entry(image, spikes[~left], options) | {"warnings": _words(evidence, spikes[left], found)}
    return SpikeRemoval(spikes=spikes[~left], shape=shape, entry=with_losses(entry, found))


def _left_alone(
    evidence: Evidence, spikes: Spikes, again: np.ndarray, limit: float
) -> tuple[np.ndarray, dict[str, Loss]]:
    """Spikes that stay since they may be lines, bool (spike,), and what they are of each edge."""
    statistics = evidence.statistics
    channel, removed = spikes.position[:, -1], spikes.found - spikes.replaced
    in_edge, too_much, found = np.zeros(len(again), bool), np.zeros(len(again), bool), {}
    for name, (inside, net) in net_counts(statistics.mean, evidence.energy_eV, evidence.edges).items():
        here = again & inside[channel]
        amount = float(removed[here].sum()) / max(int(statistics.n_pixels.sum()), 1)
        percent = 100 * amount / max(amount + net, 1e-12)
        found[name] = Loss(percent=percent, z=np.inf if here.any() else 0.0)
        in_edge |= here
        too_much |= here & (percent > limit)
    # a strong edge, of which it is little, must not speak for a weak one that it overlaps
    return again & (limit < 100) & (too_much | ~in_edge), found


def _words(evidence: Evidence, left: Spikes, found: dict[str, Loss]) -> list[str]:
    if not len(left.found):
        return []
    channel = left.position[:, -1]
    # the energy of the middle of each group of channels
    groups = np.split(np.unique(channel), np.flatnonzero(np.diff(np.unique(channel)) > 5) + 1)
    places = ", ".join(f"{evidence.energy_eV[int(np.median(group))]:.6g} eV" for group in groups[:5])
    taken = [f"{loss.percent:.0f} % of {name}" for name, loss in found.items() if loss.percent > 0]
    held = f" Their counts are {' and '.join(taken)}." if taken else ""
    return [
        f"{len(np.unique(left.position[:, :-1], axis=0))} pixels stand out at the same energies ({places}), "
        "as with narrow lines of single atoms or a channel that flickers, and unlike cosmic rays."
        f"{held} They were left as found. If the detector is to blame, list the channels in "
        "corrections.bad_channels.channels, or set corrections.spikes.max_taken_percent to 100."
    ]


def _entry(image: xr.DataArray, spikes: Spikes, options: SpikeOptions) -> dict[str, Any]:
    number = len(spikes.found)
    if number:
        text = (
            f"{number} of {image.size} voxels replaced: more than {options.sigma:g} standard deviations "
            f"above their spectrum and their neighbours; the largest held {spikes.found.max():.6g} counts."
        )
        return record("spikes", True, text, replaced=number, largest=spikes.found.max())
    text = f"No voxel lies {options.sigma:g} standard deviations above its surroundings."
    if image.valid_pixel.size == 1:
        text = "Not searched for spikes: a single pixel has no neighbours to compare with."
    return record("spikes", False, text, replaced=0)
