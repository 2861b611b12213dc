"""Spikes of the image: which of those found are replaced, and their replacement in a block."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from eelsunmix.corrections.common import record
from eelsunmix.corrections.correction import Correction
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
    image: xr.DataArray, spikes: Spikes, bad_channels: np.ndarray, options: SpikeOptions
) -> SpikeRemoval:
    """Choose the spikes to replace among those that the statistics have found: none in bad channels."""
    shape = image.shape[:-1]
    if not options.enabled:
        entry = record("spikes", False, "Search for spikes switched off.", replaced=0)
        return SpikeRemoval(spikes=Spikes.none(image.ndim), shape=shape, entry=entry)
    spikes = spikes[~bad_channels[spikes.position[:, -1]]]
    number = len(spikes.found)
    if number:
        text = (
            f"{number} of {image.size} voxels replaced: more than {options.sigma:g} standard deviations "
            f"above their spectrum and their neighbours; the largest held {spikes.found.max():.6g} counts."
        )
        entry = record("spikes", True, text, replaced=number, largest=spikes.found.max())
    else:
        text = f"No voxel lies {options.sigma:g} standard deviations above its surroundings."
        if image.valid_pixel.size == 1:
            text = "Not searched for spikes: a single pixel has no neighbours to compare with."
        entry = record("spikes", False, text, replaced=0)
    return SpikeRemoval(spikes=spikes, shape=shape, entry=entry)
