"""Mean spectra of the pixels of low, middle and high net counts, with their backgrounds: BS to be seen."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from eelsunmix.background.power_law import fit_power_law
from eelsunmix.background.windows import EdgeChannels, sum_ranges
from eelsunmix.energy.channels import channel_bounds
from eelsunmix.energy.units import in_electronvolts
from eelsunmix.execution.blocks import fold
from eelsunmix.typing import Floats

GROUPS = ("low", "middle", "high")
HALVES = 2
"""Each group is summed in two halves of its pixels: what only one of them shows is chance, or a spike."""


@dataclass(frozen=True, kw_only=True)
class GroupSums:
    """Summed spectra of the pixels of low, middle and high net counts of each edge.

    Parameters
    ----------
    totals : ndarray, shape (edge, group, half, channel)
        Counts.
    sizes : ndarray of int, shape (edge, group, half)
        Numbers of pixels.
    """

    totals: Floats
    sizes: NDArray[np.int64]

    def means(self) -> Floats:
        """Mean spectra of the groups, shape (edge, group, channel); NaN where a group is empty."""
        with np.errstate(invalid="ignore"):
            means: Floats = self.totals.sum(axis=2) / self.sizes.sum(axis=2)[..., None]
        return means


def group_spectra(
    image: xr.DataArray,
    sums: GroupSums,
    places: Mapping[str, EdgeChannels],
    *,
    exponents: Mapping[str, float] | None = None,
) -> xr.Dataset:
    """Mean spectra of three equally large groups of pixels, for each edge, with fitted backgrounds.

    Parameters
    ----------
    image : DataArray, dims (..., energy)
        Of which the axis is used.
    sums : GroupSums
        As `sum_groups` gives them.
    places : mapping of str to EdgeChannels
    exponents : mapping of str to float, optional
        Given exponents; fitted to the mean spectra by default.

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
        _power_law_under(spectra[row], place, bounds, exponents and exponents[name])
        for row, (name, place) in enumerate(places.items())
    ]
    dims, units = ("edge", "region", energy.dims[0]), {"units": "counts"}
    data = {
        "region_spectrum": (dims, spectra, units),
        "region_background": (dims, np.array(backgrounds).reshape(spectra.shape), units),
    }
    return xr.Dataset(data, coords={"region": list(GROUPS), energy.dims[0]: energy.variable})


def sum_groups(image: xr.DataArray, net_counts: Mapping[str, Floats]) -> GroupSums:
    """Sum the spectra of three equally large groups of pixels for each edge, in one pass.

    Parameters
    ----------
    image : DataArray, dims (..., energy)
        Lazy or eager; read once.
    net_counts : mapping of str to ndarray, shape of the pixels
        Net counts of each edge; NaN pixels belong to no group.
    """
    groups = [_sixths(counts) for counts in net_counts.values()]
    shape = (len(groups), len(GROUPS), HALVES)
    if not groups:
        return GroupSums(totals=np.zeros((*shape, image.shape[-1])), sizes=np.zeros(shape, dtype=int))
    labels = {f"group_of_edge_{row}": (image.dims[:-1], group) for row, group in enumerate(groups)}
    totals = fold(functools.partial(_sum_block, names=list(labels)), image.assign_coords(labels), np.add)
    sizes = np.array([np.bincount(group[group >= 0], minlength=len(GROUPS) * HALVES) for group in groups])
    return GroupSums(totals=totals.reshape(*shape, -1), sizes=sizes.reshape(shape))


def _sixths(net_counts: Floats) -> NDArray[np.int8]:
    # By rank: three groups of equal size whatever the distribution, each in two halves whose pixels
    # alternate; -1 marks invalid pixels.
    flat = net_counts.ravel()
    usable = np.flatnonzero(np.isfinite(flat))
    groups = np.full(flat.shape, -1, dtype=np.int8)
    order = usable[np.argsort(flat[usable], kind="stable")]
    rank = np.arange(order.size)
    groups[order] = rank * len(GROUPS) // max(order.size, 1) * HALVES + rank % HALVES
    return groups.reshape(net_counts.shape)


def _sum_block(block: xr.DataArray, *, names: list[str]) -> Floats:
    spectra = block.to_numpy().reshape(-1, block.shape[-1]).astype(float)
    labels = np.stack([block[name].to_numpy().ravel() for name in names])
    members = (labels[:, None] == np.arange(len(GROUPS) * HALVES)[:, None]).reshape(-1, spectra.shape[0])
    spectra[~members.any(axis=0)] = 0  # an invalid pixel may hold NaN, which no weight of zero removes
    sums = members.astype(float) @ spectra
    return sums.reshape(len(names), len(GROUPS) * HALVES, -1)


def _power_law_under(spectra: Floats, place: EdgeChannels, bounds: Floats, exponent: Any) -> Floats:
    binned = np.nan_to_num(sum_ranges(spectra, list(place.ranges()))[:, :-1])
    fit = fit_power_law(binned, place.fit_bounds, exponent=exponent)
    first, stop = int(place.fit[0]), place.integrate[1]
    background = np.full(spectra.shape, np.nan)
    background[:, first:stop] = fit.expected_counts(bounds[first : stop + 1])
    return background
