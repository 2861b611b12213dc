"""The subtraction of an edge in all pixels of an image, part by part: its maps may not fit into memory."""

import functools
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import xarray as xr

from eelsunmix.background.lines import LineChannels, locate_line, subtract_line
from eelsunmix.background.subtraction import (
    BackgroundOptions,
    Subtraction,
    gaussian_radius,
    overall_shape,
    subtract,
)
from eelsunmix.background.windows import EdgeChannels, WindowSums, locate
from eelsunmix.edges import Edge
from eelsunmix.execution.blocks import template_like
from eelsunmix.execution.kept_maps import keep_maps
from eelsunmix.typing import Bools, Floats

AnyChannels = EdgeChannels | LineChannels

_TRUTHS = ("implausible", "not_fitted")
_PIXELS = 2**16
"""Pixels subtracted at a time: a thousand bytes each."""


@dataclass(frozen=True)
class SubtractionMaps:
    """The fields of a `Subtraction` of a whole image, each an array that is loaded where it is asked for.

    Parameters
    ----------
    maps : Dataset
        Lazy where the image is large.
    """

    maps: xr.Dataset

    def __getattr__(self, name: str) -> Any:
        """Load a map."""
        if name.startswith("__"):  # asked for by copy and pickle, before there are any maps
            raise AttributeError(name)
        return self.maps[name].to_numpy()

    def lazy(self, name: str) -> xr.DataArray:
        """Return a map, or the signal-to-noise ratio, without loading it."""
        return self.maps["net_counts"] / self.maps["net_counts_sd"] if name == "snr" else self.maps[name]


def channels_of(edge: Edge, axis: xr.DataArray | Floats) -> AnyChannels:
    """Find the channels of the windows of an edge, or of a line of X-rays."""
    return locate_line(edge, axis) if edge.is_line else locate(edge, axis)


def of_all_pixels(sums: WindowSums, name: str, place: AnyChannels) -> Any:
    """Find what pixels of few counts take from all: the mean counts of a line, the shape of a background."""
    if isinstance(place, LineChannels):
        return sums.mean(name)
    return overall_shape(sums.total(name), place)


def subtract_in_parts(
    sums: xr.DataArray,
    valid: Bools,
    place: AnyChannels,
    options: BackgroundOptions,
    *,
    counts_per_electron: float,
    average_over: Sequence[Hashable],
    overall: Any,
) -> SubtractionMaps:
    """Subtract the backgrounds of one edge or line, as `subtract` and `subtract_line` do.

    Parameters
    ----------
    sums : DataArray, dims (*pixels, window)
        As `WindowSums` has them, eager or lazy.
    valid : ndarray of bool, shape pixels
    place : EdgeChannels or LineChannels
    options : BackgroundOptions
    counts_per_electron : float
    average_over : sequence of dims
        Of the neighbourhood of a local exponent.
    overall : tuple of ndarray and float, or ndarray
        As `of_all_pixels` gives it.
    """
    dims = sums.dims[:-1]
    is_line = isinstance(place, LineChannels)
    own = (
        {"mean": overall}
        if is_line
        else {
            "options": options,
            "average_over": [axis for axis, dim in enumerate(dims) if dim in average_over],
            "overall": overall,
        }
    )
    kernel = functools.partial(
        _subtract_part,
        subtract=subtract_line if is_line else subtract,
        place=place,
        counts_per_electron=counts_per_electron,
        **own,
    )
    names = [field.name for field in fields(Subtraction)]
    template = template_like(sums, {name: (dims, bool if name in _TRUTHS else float) for name in names})
    radius = gaussian_radius(options.local_sigma_px) if options.exponent == "local" and not is_line else 0
    rim = dict.fromkeys(average_over, radius) if radius else {}
    marked = sums.assign_coords(valid=(dims, valid))
    return SubtractionMaps(keep_maps(kernel, marked, template, rim=rim, pixels=_PIXELS))


def _subtract_part(
    part: xr.DataArray, *, subtract: Callable[..., Subtraction], **arguments: Any
) -> xr.Dataset:
    result = subtract(part.to_numpy(), part["valid"].to_numpy(), **arguments)
    return xr.Dataset({field.name: (part.dims[:-1], getattr(result, field.name)) for field in fields(result)})
