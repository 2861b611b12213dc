"""The subtraction of an edge in all pixels of an image, part by part: its maps may not fit into memory."""

import functools
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import xarray as xr

from eelsunmix.background.subtraction import BackgroundOptions, Subtraction, gaussian_radius, subtract
from eelsunmix.background.windows import EdgeChannels
from eelsunmix.execution.blocks import template_like
from eelsunmix.execution.kept_maps import keep_maps
from eelsunmix.typing import Bools, Floats

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


def subtract_in_parts(
    sums: xr.DataArray,
    valid: Bools,
    place: EdgeChannels,
    options: BackgroundOptions,
    *,
    counts_per_electron: float,
    average_over: Sequence[Hashable],
    overall: tuple[Floats, float],
) -> SubtractionMaps:
    """Subtract the backgrounds of one edge, as `subtract` does.

    Parameters
    ----------
    sums : DataArray, dims (*pixels, window)
        As `WindowSums` has them, eager or lazy.
    valid : ndarray of bool, shape pixels
    place : EdgeChannels
    options : BackgroundOptions
    counts_per_electron : float
    average_over : sequence of dims
        Of the neighbourhood of a local exponent.
    overall : tuple of ndarray and float
        Shape of the whole image and the counts that it was fitted to.
    """
    dims = sums.dims[:-1]
    kernel = functools.partial(
        _subtract_part,
        place=place,
        options=options,
        counts_per_electron=counts_per_electron,
        average_over=[axis for axis, dim in enumerate(dims) if dim in average_over],
        overall=overall,
    )
    names = [field.name for field in fields(Subtraction)]
    template = template_like(sums, {name: (dims, bool if name in _TRUTHS else float) for name in names})
    radius = gaussian_radius(options.local_sigma_px) if options.exponent == "local" else 0
    rim = dict.fromkeys(average_over, radius) if radius else {}
    marked = sums.assign_coords(valid=(dims, valid))
    return SubtractionMaps(keep_maps(kernel, marked, template, rim=rim, pixels=_PIXELS))


def _subtract_part(part: xr.DataArray, **arguments: Any) -> xr.Dataset:
    result = subtract(part.to_numpy(), part["valid"].to_numpy(), **arguments)
    return xr.Dataset({field.name: (part.dims[:-1], getattr(result, field.name)) for field in fields(result)})
