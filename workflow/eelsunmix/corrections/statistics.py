"""One pass over the raw image: sums of groups of pixels, extremes of each channel, spikes."""

import functools
from dataclasses import dataclass, replace

import numpy as np
import scipy
import xarray as xr

from eelsunmix.corrections.spikes import Spikes, find_spikes
from eelsunmix.errors import InputError
from eelsunmix.execution.blocks import BLOCK_ELEMENTS
from eelsunmix.execution.overlapping import fold_overlapping
from eelsunmix.image import spectra_of, spread_out
from eelsunmix.noise import channel_variance_to_mean
from eelsunmix.words import place_in_words

SAMPLE_PIXELS = 2048
N_GROUPS = 3
BRIGHTNESS = (1 / 32, 1 / 8, 1 / 2)
"""Parts of a bright pixel's counts (nine of ten have fewer) at which vacuum, thin and thick are parted."""


@dataclass(frozen=True)
class Groups:
    """How pixels are told apart: their score along `axis` (channel,), cut at `limits`, and their brightness.

    That is their total counts, cut at the limits `brightness`.
    """

    axis: np.ndarray
    limits: np.ndarray
    brightness: np.ndarray

    def of(self, spectra: np.ndarray) -> np.ndarray:
        """Group of each spectrum, int (pixel,)."""
        # a row-wise sum, not a matrix product, gives the same bits whatever the number of rows
        score = (spectra * self.axis).sum(axis=1) / np.maximum(spectra.sum(axis=1), 1.0)
        return np.searchsorted(self.limits, score)


@dataclass(frozen=True)
class Statistics:
    """Sums over the valid pixels of each group, spikes left out.

    `n_pixels` (group,), `sums` (group, channel), `lowest` and `highest` (channel,), `spikes`. The same pixels
    by their total counts, and by whether their last two indices are even: `n_bright` (brightness, part),
    `bright_sums` (brightness, part, channel).
    """

    n_pixels: np.ndarray
    sums: np.ndarray
    n_bright: np.ndarray
    bright_sums: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray
    spikes: Spikes

    @property
    def mean(self) -> np.ndarray:
        """Mean spectrum of the valid pixels, (channel,)."""
        return self.sums.sum(axis=0) / max(int(self.n_pixels.sum()), 1)

    @property
    def group_means(self) -> np.ndarray:
        """Mean spectrum of each group that has pixels, (group, channel)."""
        filled = self.n_pixels > 0
        return self.sums[filled] / self.n_pixels[filled, None]

    def brightness_groups(self, dark: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Mean spectra (part, channel) less `dark`, and numbers of pixels (part, 1), of each brightness.

        Two to four parts, none of them empty.
        """
        groups = []
        for sums, number in zip(self.bright_sums, self.n_bright, strict=True):
            filled = number > 0
            if filled.sum() > 1:
                groups.append((sums[filled] / number[filled, None] - dark, number[filled, None]))
        return groups

    def __add__(self, other: "Statistics") -> "Statistics":
        """Statistics of two blocks together."""
        return Statistics(
            self.n_pixels + other.n_pixels,
            self.sums + other.sums,
            self.n_bright + other.n_bright,
            self.bright_sums + other.bright_sums,
            np.minimum(self.lowest, other.lowest),
            np.maximum(self.highest, other.highest),
            self.spikes + other.spikes,
        )


def spectral_groups(image: xr.DataArray) -> Groups:
    """Cut the pixels into thirds along the direction in which their normalised spectra differ most.

    Parameters
    ----------
    image : DataArray, shape (..., channel)
        With the coordinate `valid_pixel`. At most 2048 pixels are looked at.
    """
    chosen = spread_out(np.flatnonzero(image.valid_pixel.to_numpy()), SAMPLE_PIXELS)
    where = np.unravel_index(chosen, image.valid_pixel.shape)
    index = {dim: xr.DataArray(part, dims="pixel") for dim, part in zip(image.dims[:-1], where, strict=True)}
    sample = image.variable.isel({dim: part.variable for dim, part in index.items()})
    # a spike must not steer the groups
    spectra = scipy.ndimage.median_filter(sample.to_numpy().astype(float), size=(1, 5))
    shares = spectra / np.maximum(spectra.sum(axis=1, keepdims=True), 1.0)
    weight = 1 / np.sqrt(np.maximum(shares.mean(axis=0), 1e-12))
    axis = _leading_direction((shares - shares.mean(axis=0)) * weight) * weight
    total = spectra.sum(axis=1)
    score = (spectra * axis).sum(axis=1) / np.maximum(total, 1.0)
    brightness = np.array(BRIGHTNESS) * np.quantile(total, 0.9)
    return Groups(axis, np.quantile(score, np.arange(1, N_GROUPS) / N_GROUPS), brightness)


def gather_statistics(
    image: xr.DataArray, groups: Groups, sigma: float, elements: int | None = None
) -> Statistics:
    """Go once over the image.

    Parameters
    ----------
    image : DataArray, shape (..., channel)
        With the coordinate `valid_pixel`; eager or lazy, never loaded as a whole.
    groups : Groups
    sigma : float
        Distance of spikes.
    elements : int, optional
        Most voxels examined at a time.

    Raises
    ------
    InputError
        A valid pixel holds NaN or infinity.
    """
    kernel = functools.partial(_block_statistics, groups=groups, sigma=sigma)
    found = fold_overlapping(kernel, image, Statistics.__add__, elements=elements or BLOCK_ELEMENTS // 4)
    order = np.lexsort(found.spikes.position.T[::-1])
    return replace(found, spikes=found.spikes[order])


def _leading_direction(deviations: np.ndarray) -> np.ndarray:
    """Direction of largest variance by power iteration: a rough one is good enough to cut thirds."""
    direction = deviations[np.argmax((deviations**2).sum(axis=1))]
    for _ in range(30):
        direction = deviations.T @ (deviations @ direction)
        direction = direction / max(float(np.linalg.norm(direction)), 1e-300)
    return direction


def _block_statistics(
    block: xr.DataArray, core: tuple[slice, ...], corner: tuple[int, ...], *, groups: Groups, sigma: float
) -> Statistics:
    cube, valid = block.to_numpy(), block.valid_pixel.to_numpy()
    _check_finite(block, corner)
    noise = channel_variance_to_mean(block)
    spikes = find_spikes(cube, valid, core=core, variance_to_mean=noise, sigma=sigma)
    if cube.dtype.kind in "iu":
        spikes = Spikes(spikes.position, spikes.found, np.rint(spikes.replaced))
    spectra = spectra_of(_without_spikes(cube, spikes, core), valid[core])
    n_pixels, sums = _sums(spectra, groups.of(spectra), N_GROUPS)
    # parts of neighbouring pixels: the position in the image, not in the block, decides
    first = [part.start + start for part, start in zip(core, corner, strict=True)]
    bright = np.searchsorted(groups.brightness, spectra.sum(axis=1), side="right")
    part = 4 * bright + (np.argwhere(valid[core]) + first)[:, -2:] % 2 @ np.array([2, 1])
    n_bright, bright_sums = _sums(spectra, part, 4 * len(BRIGHTNESS) + 4)
    bright_sums = bright_sums.reshape(-1, 4, sums.shape[1])
    ends = spectra.min(axis=0, initial=np.inf), spectra.max(axis=0, initial=-np.inf)
    spikes = replace(spikes, position=spikes.position + np.array([*corner, 0]))
    return Statistics(n_pixels, sums, n_bright.reshape(-1, 4), bright_sums, *ends, spikes)


def _without_spikes(cube: np.ndarray, spikes: Spikes, core: tuple[slice, ...]) -> np.ndarray:
    """Return the core of a block in float64, its spikes replaced."""
    cleaned = cube[core].astype(float)
    cleaned[tuple((spikes.position - [*(part.start for part in core), 0]).T)] = spikes.replaced
    return cleaned


def _sums(spectra: np.ndarray, group: np.ndarray, n_groups: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of pixels (group,) and sums of spectra (group, channel)."""
    members = (group == np.arange(n_groups)[:, None]).astype(float)
    return np.bincount(group, minlength=n_groups), members @ spectra


def _check_finite(block: xr.DataArray, corner: tuple[int, ...]) -> None:
    cube, valid = block.to_numpy(), block.valid_pixel.to_numpy()
    if cube.dtype.kind != "f" or np.isfinite(cube[valid]).all():
        return
    pixel = np.argwhere(valid & ~np.isfinite(cube).all(axis=-1))[0]
    channel = int(np.flatnonzero(~np.isfinite(cube[tuple(pixel)]))[0])
    raise InputError(
        f"the pixel at {place_in_words(block, pixel.tolist(), corner)} holds {cube[tuple(pixel)][channel]} "
        f"in channel {channel}: mark it in valid_pixel or repair the file"
    )
