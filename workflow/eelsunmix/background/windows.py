"""The windows of the edges on an energy axis, and the pass that sums an image over them."""

import functools
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from eelsunmix.edges import Edge
from eelsunmix.energy.channels import channel_bounds, window_channels
from eelsunmix.energy.units import in_electronvolts
from eelsunmix.errors import InputError
from eelsunmix.execution.blocks import map_blocks, template_like
from eelsunmix.image import valid_pixels
from eelsunmix.noise import counts_per_electron
from eelsunmix.typing import Floats

MAX_FIT_BINS = 12
"""Bins of the fit window. A dozen of them tell 99 % of what all channels tell of the exponent."""


@dataclass(frozen=True, kw_only=True)
class EdgeChannels:
    """Where the windows of an edge lie on an energy axis.

    Parameters
    ----------
    fit : ndarray of int, shape (bin + 1,)
        Channels at which the bins of the fit window begin; the last is the one after the window.
    fit_bounds : ndarray, shape (bin + 1,)
        The limits of those bins in eV.
    integrate : tuple of int
        First channel of the integration window and the one after its last.
    integrate_bounds : ndarray, shape (2,)
        Its limits in eV.
    """

    fit: NDArray[np.int64]
    fit_bounds: Floats
    integrate: tuple[int, int]
    integrate_bounds: Floats

    def ranges(self) -> Iterator[tuple[int, int]]:
        """Yield the channel ranges of the fit bins, then of the integration window."""
        yield from zip(self.fit[:-1].tolist(), self.fit[1:].tolist(), strict=True)
        yield self.integrate


def locate(edge: Edge, axis: xr.DataArray | Floats) -> EdgeChannels:
    """Find the channels of an edge's windows; `check_windows` first, this does not complain.

    Examples
    --------
    >>> edge = Edge(element="Ti", onset_eV=456, fit_eV=(410, 450), integrate_eV=(456, 486))
    >>> place = locate(edge, np.arange(400.0, 500.0, 2.0))
    >>> place.integrate, place.integrate_bounds
    ((28, 44), array([455., 487.]))
    """
    energies = in_electronvolts(axis)
    bounds = channel_bounds(energies)
    first, stop = window_channels(edge.fit_eV, energies)
    fit = np.linspace(first, stop, min(MAX_FIT_BINS, stop - first) + 1).round().astype(int)
    begin, end = window_channels(edge.integrate_eV, energies)
    # Windows that meet on the centre of a channel both include it: it belongs to the fit.
    integrate = (max(begin, stop), end)
    return EdgeChannels(
        fit=fit, fit_bounds=bounds[fit], integrate=integrate, integrate_bounds=bounds[list(integrate)]
    )


@dataclass(frozen=True, kw_only=True)
class WindowSums:
    """Counts of an image in the windows of all edges.

    Parameters
    ----------
    of_edge : dict of str to ndarray, shape (*navigation, bin + 1)
        Counts in the bins of the fit window, last those in the integration window; zero in invalid pixels.
    valid : DataArray of bool, dims of the navigation axes
        With the coordinates of the image.
    counts_per_electron : float
        Variance over mean.
    """

    of_edge: dict[str, Floats]
    valid: xr.DataArray
    counts_per_electron: float

    @property
    def dims(self) -> tuple[Hashable, ...]:
        """Names of the navigation axes."""
        return self.valid.dims


def sum_windows(image: xr.DataArray, places: Mapping[str, EdgeChannels]) -> WindowSums:
    """Sum an image over the windows of its edges, block by block.

    Parameters
    ----------
    image : DataArray, dims (..., energy)
        Lazy or eager; the sums are in memory.
    places : mapping of str to EdgeChannels

    Returns
    -------
    WindowSums
        A pixel is valid if `valid_pixel` says so (or is absent) and its sums are finite.
    """
    ranges = [limits for place in places.values() for limits in place.ranges()]
    dims = image.dims[:-1]
    template = template_like(image, {"sums": ((*dims, "window"), "f4")}, {"window": np.arange(len(ranges))})
    sums = map_blocks(functools.partial(_sum_block, ranges=ranges), image, template)["sums"].to_numpy()
    valid = _valid_map(image) & np.isfinite(sums).all(axis=-1)
    sums = np.where(valid.to_numpy()[..., None], sums, np.float32(0))
    ends = np.cumsum([len(place.fit) for place in places.values()])  # as many boundaries as bins plus one
    parts = np.split(sums, ends[:-1], axis=-1) if places else []
    of_edge = dict(zip(places, parts, strict=True))
    return WindowSums(of_edge=of_edge, valid=valid, counts_per_electron=counts_per_electron(image))


def lost_pixels(image: xr.DataArray, sums: WindowSums) -> list[str]:
    """Say how many valid pixels have no net counts because their values are not finite.

    Raises
    ------
    InputError
        None is left.
    """
    n_valid, n_left = (int(np.count_nonzero(mask)) for mask in (valid_pixels(image), sums.valid))
    if not n_left:
        raise InputError(
            "image: no valid pixel holds finite counts; check the mask (valid_pixel) and the file"
        )
    if n_left == n_valid:
        return []
    return [
        f"{n_valid - n_left} of {n_valid} valid pixels hold values that are not finite, "
        "so they have no net counts. Mask them (valid_pixel) or repair them."
    ]


def sum_ranges(spectra: NDArray[np.generic], ranges: Sequence[tuple[int, int]]) -> Floats:
    """Sum spectra over ranges of channels, shape (..., channel) -> (..., range)."""
    sums = np.empty((*spectra.shape[:-1], len(ranges)))
    for index, (first, stop) in enumerate(ranges):
        sums[..., index] = spectra[..., first:stop].sum(axis=-1, dtype=float)
    return sums


def _sum_block(block: xr.DataArray, *, ranges: Sequence[tuple[int, int]]) -> xr.Dataset:
    pixels = block.isel({block.dims[-1]: 0}, drop=True)
    sums = sum_ranges(block.to_numpy(), ranges).astype(np.float32)
    coords = {**pixels.coords, "window": np.arange(len(ranges))}
    return xr.Dataset({"sums": ((*pixels.dims, "window"), sums)}, coords=coords)


def _valid_map(image: xr.DataArray) -> xr.DataArray:
    pixels = image.isel({image.dims[-1]: 0}, drop=True)
    coords = {name: coord for name, coord in pixels.coords.items() if name != "valid_pixel"}
    return xr.DataArray(valid_pixels(image), dims=pixels.dims, coords=coords)
