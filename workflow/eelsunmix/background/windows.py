"""The windows of the edges on an energy axis, and the pass that sums an image over them."""

import functools
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from eelsunmix.background.exponents import BATCH
from eelsunmix.background.models import Model, background_model
from eelsunmix.edges import BackgroundCurve, Edge
from eelsunmix.energy.channels import channel_bounds, window_channels
from eelsunmix.energy.units import in_electronvolts
from eelsunmix.errors import InputError
from eelsunmix.execution.blocks import fold, template_like
from eelsunmix.execution.kept_maps import PIXELS, keep_maps
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
    background : str
        What the background is (`Edge.background`).
    """

    fit: NDArray[np.int64]
    fit_bounds: Floats
    integrate: tuple[int, int]
    integrate_bounds: Floats
    background: BackgroundCurve = "power_law"

    @property
    def model(self) -> Model:
        """The model of the background in the bins of the fit window."""
        return background_model(self.background, self.fit_bounds)

    def ranges(self) -> Iterator[tuple[int, int]]:
        """Yield the channel ranges of the fit bins, then of the integration window."""
        yield from zip(self.fit[:-1].tolist(), self.fit[1:].tolist(), strict=True)
        yield self.integrate


class Place(Protocol):
    """Windows on an energy axis."""

    def ranges(self) -> Iterator[tuple[int, int]]:
        """Yield the channel ranges below the counts, and last those of the counts."""


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
        fit=fit,
        fit_bounds=bounds[fit],
        integrate=integrate,
        integrate_bounds=bounds[list(integrate)],
        background=edge.background,
    )


@dataclass(frozen=True, kw_only=True)
class WindowSums:
    """Counts of an image in the windows of all edges, or lines.

    Parameters
    ----------
    of_edge : dict of str to DataArray, dims (*navigation, window)
        Counts in the bins of the fit window, last those in the integration window; zero in invalid pixels.
        In files where the image is large.
    valid : DataArray of bool, dims of the navigation axes
        With the coordinates of the image.
    counts_per_electron : float
        Variance over mean.
    """

    of_edge: dict[str, xr.DataArray]
    valid: xr.DataArray
    counts_per_electron: float

    @property
    def dims(self) -> tuple[Hashable, ...]:
        """Names of the navigation axes."""
        return self.valid.dims

    def total(self, name: str) -> Floats:
        """Sum the fit bins of an edge over all pixels, shape (bin,)."""
        return self._totals(name)[:-1]

    def mean(self, name: str) -> Floats:
        """Mean of all windows over the valid pixels, shape (window,)."""
        return self._totals(name) / max(int(self.valid.sum()), 1)

    def _totals(self, name: str) -> Floats:
        found: Floats = fold(_total, self.of_edge[name], np.add, elements=PIXELS * MAX_FIT_BINS)
        return found


def _total(sums: xr.DataArray) -> Floats:
    total: Floats = sums.to_numpy().astype(float).reshape(-1, sums.shape[-1]).sum(axis=0)
    return total


def sum_windows(image: xr.DataArray, places: Mapping[str, Place]) -> WindowSums:
    """Sum an image over the windows of its edges, block by block.

    Parameters
    ----------
    image : DataArray, dims (..., energy)
        Lazy or eager.
    places : mapping of str to EdgeChannels or LineChannels

    Returns
    -------
    WindowSums
        A pixel is valid if `valid_pixel` says so (or is absent) and its sums are finite.
    """
    of_place = [list(place.ranges()) for place in places.values()]
    ranges = [limits for own in of_place for limits in own]
    dims = image.dims[:-1]
    variables = {"sums": ((*dims, "window"), np.float32), "valid": (dims, bool)}
    template = template_like(image, variables, {"window": np.arange(len(ranges))})
    maps = keep_maps(functools.partial(_sum_block, ranges=ranges), image, template)
    ends = np.cumsum([len(own) for own in of_place])
    starts = [0, *ends[:-1].tolist()]
    sums = maps["sums"].drop_vars("window")
    of_edge = {
        name: sums[..., start:end] for name, start, end in zip(places, starts, ends.tolist(), strict=False)
    }
    coords = {name: coord for name, coord in maps["valid"].coords.items() if name != "valid_pixel"}
    valid = xr.DataArray(maps["valid"].to_numpy(), dims=dims, coords=coords)
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
    dims = block.dims[:-1]
    spectra = block.to_numpy()
    rows = spectra.reshape(-1, spectra.shape[-1])
    sums = np.empty((len(rows), len(ranges)), np.float32)
    for first in range(0, len(rows), BATCH):
        sums[first : first + BATCH] = sum_ranges(rows[first : first + BATCH], ranges)
    sums = sums.reshape(*spectra.shape[:-1], -1)
    valid = valid_pixels(block) & np.isfinite(sums).all(axis=-1)
    sums[~valid] = 0
    return xr.Dataset({"sums": ((*dims, "window"), sums), "valid": (dims, valid)})
