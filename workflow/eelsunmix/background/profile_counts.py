"""Net counts along profiles: spectra are summed over the width first, backgrounds fitted to the sums.

Where pixels of the band are not valid, counts and standard deviation are scaled up to the whole width.
"""

import operator
from collections.abc import Hashable, Mapping

import numpy as np
import xarray as xr

from eelsunmix.background.maps import SubtractionMaps, subtract_in_parts
from eelsunmix.background.subtraction import BackgroundOptions, overall_shape
from eelsunmix.background.windows import EdgeChannels, WindowSums
from eelsunmix.execution.kept_maps import PIXELS
from eelsunmix.execution.overlapping import fold_overlapping
from eelsunmix.profile_geometry import length_unit, profile_pixels, profile_positions
from eelsunmix.profiles import Profile
from eelsunmix.typing import Floats

_Sums = tuple[tuple[slice, ...], Floats]
"""Where the sums of a part lie along the profile, and they themselves."""


def profile_variables(
    sums: WindowSums,
    places: Mapping[str, EdgeChannels],
    profiles: Mapping[str, Profile],
    options: BackgroundOptions,
) -> xr.Dataset:
    """Subtract the backgrounds of each profile's summed spectra; NaN beyond the end of shorter profiles."""
    lengths = [sums.valid.sizes[profile.along] for profile in profiles.values()]
    longest = max(lengths, default=1)  # not 0: a store cannot cut an array of no positions into chunks
    leading = [dim for dim in sums.dims if dim not in ("y", "x")]
    dims = ("edge", "profile", *leading, "position")
    frames = [sums.valid.sizes[dim] for dim in leading]
    counts = np.full((2, len(places), len(profiles), *frames, longest), np.nan)
    positions = np.full((len(profiles), longest), np.nan)
    for column, (profile, length) in enumerate(zip(profiles.values(), lengths, strict=True)):
        positions[column, :length] = profile_positions(profile, sums.valid)
        for row, (name, place) in enumerate(places.items()):
            result = _subtract_profile(sums, name, place, profile, options)
            found = np.stack([result.net_counts, result.net_counts_sd])
            counts[:, row, column, ..., :length] = found * _missing_factor(sums, profile)
    units = {"units": "counts"}
    data = {
        "profile_counts": (dims, counts[0], units),
        "profile_counts_sd": (dims, counts[1], units),
        "profile_position": (("profile", "position"), positions, {"units": length_unit(sums.valid)}),
    }
    return xr.Dataset(
        data,
        coords={"edge": np.array(list(places), dtype=str), "profile": np.array(list(profiles), dtype=str)},
    )


def _missing_factor(sums: WindowSums, profile: Profile) -> Floats:
    """Pixels of the band over those that are valid, at each position; NaN where none is."""
    band = profile_pixels(profile, sums.valid)
    strip = sums.valid.isel({band.across: slice(*band.pixels)})
    present = strip.sum(band.across).to_numpy()
    return np.divide(strip.sizes[band.across], present, out=np.full(present.shape, np.nan), where=present > 0)


def _subtract_profile(
    sums: WindowSums, name: str, place: EdgeChannels, profile: Profile, options: BackgroundOptions
) -> SubtractionMaps:
    band = profile_pixels(profile, sums.valid)
    strip = {band.across: slice(*band.pixels)}
    valid = sums.valid.isel(strip).any(band.across)
    return subtract_in_parts(
        _sum_across(sums.of_edge[name].isel(strip), band.across),
        valid.to_numpy(),
        place,
        options,
        counts_per_electron=sums.counts_per_electron,
        average_over=[band.along],
        overall=overall_shape(sums.total(name), place),
    )


def _sum_across(strip: xr.DataArray, across: Hashable) -> xr.DataArray:
    """Sum over the width in float64, part by part."""
    axis = strip.dims.index(across)

    def kernel(part: xr.DataArray, core: object, corner: tuple[int, ...]) -> list[_Sums]:
        place = [slice(first, first + size) for first, size in zip(corner, part.shape, strict=False)]
        del place[axis]
        return [(tuple(place), part.to_numpy().astype(float).sum(axis=axis))]

    parts = fold_overlapping(kernel, strip, operator.add, rim=0, elements=PIXELS * strip.shape[-1])
    dims = [dim for dim in strip.dims if dim != across]
    total = np.zeros([strip.sizes[dim] for dim in dims])
    for place, values in parts:
        total[place] += values
    return xr.DataArray(total, dims=dims)
