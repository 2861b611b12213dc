"""Mean spectra of the pixels of low, middle and high net counts, with their backgrounds: BS to be seen."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from eelsunmix.background.lines import LineChannels, line_under
from eelsunmix.background.windows import EdgeChannels, sum_ranges
from eelsunmix.energy.channels import channel_bounds
from eelsunmix.energy.units import in_electronvolts
from eelsunmix.execution.blocks import BLOCK_ELEMENTS, fold
from eelsunmix.execution.kept_maps import PIXELS
from eelsunmix.typing import Bools, Floats

GROUPS = ("low", "middle", "high")
N_THIRDS, HALVES = 3, 2


@dataclass(frozen=True, kw_only=True)
class GroupSums:
    """Summed spectra of pixels of low, middle and high net counts of each edge, and of parts of the image.

    The groups are chosen by counts that are summed then: noise raises the windows of the high group and
    lowers those of the low one. They are to be seen. What is measured is measured in the parts, which no
    count chose.

    Parameters
    ----------
    totals : ndarray, shape (edge, group, channel)
        Counts.
    sizes : ndarray of int, shape (edge, group)
        Numbers of pixels.
    parts : ndarray, shape (part, half, channel)
        Counts of the whole image, its thirds along y and its thirds along x, each in two halves of randomly
        drawn pixels: what only one half shows is chance, or a spike.
    """

    totals: Floats
    sizes: NDArray[np.int64]
    parts: Floats

    def means(self) -> Floats:
        """Mean spectra of the groups, shape (edge, group, channel); NaN where a group is empty."""
        with np.errstate(invalid="ignore"):
            means: Floats = self.totals / self.sizes[..., None]
        return means


def group_spectra(
    image: xr.DataArray,
    sums: GroupSums,
    places: Mapping[str, EdgeChannels | LineChannels],
    *,
    shapes: Mapping[str, Floats] | None = None,
) -> xr.Dataset:
    """Mean spectra of three equally large groups of pixels, for each edge, with fitted backgrounds.

    Parameters
    ----------
    image : DataArray, dims (..., energy)
        Of which the axis is used.
    sums : GroupSums
        As `sum_groups` gives them.
    places : mapping of str to EdgeChannels or LineChannels
    shapes : mapping of str to ndarray, optional
        Given shapes of the backgrounds; fitted to the mean spectra by default.

    Returns
    -------
    Dataset
        `region_spectrum` and `region_background`, dims (edge, region, energy); the background runs from the
        fit window to the end of the integration window and is NaN elsewhere.
    """
    energy = image[image.dims[-1]]
    bounds = channel_bounds(in_electronvolts(energy))
    spectra = sums.means()
    backgrounds = [
        line_under(spectra[row], place, bounds)
        if isinstance(place, LineChannels)
        else _background_under(spectra[row], place, bounds, None if shapes is None else shapes[name])
        for row, (name, place) in enumerate(places.items())
    ]
    dims, units = ("edge", "region", energy.dims[0]), {"units": "counts"}
    data = {
        "region_spectrum": (dims, spectra, units),
        "region_background": (dims, np.array(backgrounds).reshape(spectra.shape), units),
    }
    return xr.Dataset(data, coords={"region": list(GROUPS), energy.dims[0]: energy.variable})


def sum_groups(image: xr.DataArray, net_counts: Mapping[str, Floats | xr.DataArray]) -> GroupSums:
    """Sum the spectra of three equally large groups of pixels for each edge, and of parts, in one pass.

    Parameters
    ----------
    image : DataArray, dims (..., energy)
        Lazy or eager; read once.
    net_counts : mapping of str to ndarray or DataArray, shape of the pixels
        Net counts of each edge; NaN pixels belong to no group and no part.
    """
    groups = [_thirds(np.asarray(counts)) for counts in net_counts.values()]  # one in memory at a time
    n_edges, n_channels = len(groups), image.shape[-1]
    if not groups:
        empty = np.zeros((0, N_THIRDS, n_channels))
        return GroupSums(
            totals=empty, sizes=np.zeros((0, N_THIRDS), dtype=int), parts=np.zeros((0, HALVES, n_channels))
        )
    groups += _halved_strips(np.logical_and.reduce([group >= 0 for group in groups]))
    labels = {f"thirds_{row}": (image.dims[:-1], group) for row, group in enumerate(groups)}
    kernel = functools.partial(_sum_block, names=list(labels))
    elements = min(BLOCK_ELEMENTS, PIXELS * n_channels)
    totals = fold(kernel, image.assign_coords(labels), np.add, elements=elements)
    sizes = np.array([np.bincount(group[group >= 0], minlength=N_THIRDS) for group in groups[:n_edges]])
    strips = totals[n_edges:].reshape(-1, HALVES, N_THIRDS, n_channels).swapaxes(1, 2)
    parts = np.concatenate([strips[0].sum(axis=0)[None], *strips])
    return GroupSums(totals=totals[:n_edges], sizes=sizes, parts=parts)


def _thirds(net_counts: Floats) -> NDArray[np.int8]:
    """Three groups of equal size by rank, whatever the distribution; -1 marks invalid pixels."""
    flat = net_counts.ravel()
    groups = np.where(np.isfinite(flat), np.int8(0), np.int8(-1))
    known = flat[groups == 0]
    for number in range(1, N_THIRDS):
        _raise_from_rank(groups, flat, known, -(-number * known.size // N_THIRDS))
    return groups.reshape(net_counts.shape)


def _raise_from_rank(groups: NDArray[np.int8], values: Floats, known: Floats, rank: int) -> None:
    """Raise the group of all values from a rank on; of equal values, the first ones have the lower ranks."""
    if rank >= known.size:
        return
    known.partition(rank)
    border = known[rank]
    equal = np.flatnonzero(values == border)
    lower = rank - np.count_nonzero(known < border)
    groups += (values > border) & (groups >= 0)  # no infinite ones
    groups[equal[lower:]] += 1


def _halved_strips(usable: Bools) -> list[NDArray[np.int8]]:
    """Thirds along y and along x, of one half of the pixels and of the other."""
    half = np.full(usable.shape, -1, dtype=np.int8)
    # Drawn, since alternate pixels may share a pattern with the specimen.
    drawn = np.random.default_rng(0).permutation(np.count_nonzero(usable))
    drawn %= HALVES
    half[usable] = drawn
    strips = []
    for axis in range(usable.ndim)[-2:]:
        place = np.indices(usable.shape, sparse=True)[axis] * N_THIRDS // usable.shape[axis]
        place = place.astype(np.int8)
        strips += [np.where(half == one, place, np.int8(-1)) for one in range(HALVES)]
    return strips


def _sum_block(block: xr.DataArray, *, names: list[str]) -> Floats:
    spectra = block.to_numpy().reshape(-1, block.shape[-1]).astype(float)
    labels = np.stack([block[name].to_numpy().ravel() for name in names])
    members = (labels[:, None] == np.arange(N_THIRDS)[:, None]).reshape(-1, spectra.shape[0])
    spectra[~members.any(axis=0)] = 0  # an invalid pixel may hold NaN, which no weight of zero removes
    sums = members.astype(float) @ spectra
    return sums.reshape(len(names), N_THIRDS, -1)


def _background_under(spectra: Floats, place: EdgeChannels, bounds: Floats, shape: Floats | None) -> Floats:
    binned = np.nan_to_num(sum_ranges(spectra, list(place.ranges()))[:, :-1])
    fit = place.model.fit(binned, shapes=shape)
    first, stop = int(place.fit[0]), place.integrate[1]
    background = np.full(spectra.shape, np.nan)
    background[:, first:stop] = fit.expected_counts(bounds[first : stop + 1])
    return background
