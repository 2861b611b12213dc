"""Net counts along profiles: spectra are summed over the width first, backgrounds fitted to the sums.

Where pixels of the band are not valid, counts and standard deviation are scaled up to the whole width.
"""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from eelsunmix.background.subtraction import BackgroundOptions, Subtraction, overall_exponent, subtract
from eelsunmix.background.windows import EdgeChannels, WindowSums
from eelsunmix.profile_geometry import length_unit, profile_pixels, profile_positions
from eelsunmix.profiles import Profile
from eelsunmix.typing import Floats


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
) -> Subtraction:
    band = profile_pixels(profile, sums.valid)
    across, along = sums.dims.index(band.across), sums.dims.index(band.along)
    of_edge = sums.of_edge[name].astype(float)
    strip = (slice(None),) * across + (slice(*band.pixels),)
    return subtract(
        of_edge[strip].sum(axis=across),
        np.asarray(sums.valid.to_numpy()[strip].any(axis=across)),
        place,
        options,
        counts_per_electron=sums.counts_per_electron,
        average_over=[along - (along > across)],
        overall=overall_exponent(of_edge[..., :-1], place, sums.counts_per_electron),
    )
