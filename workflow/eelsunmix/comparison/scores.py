"""Scores of every map and profile against background subtraction, and of the maps alone."""

from collections.abc import Callable, Sequence
from dataclasses import astuple

import numpy as np
import xarray as xr

from eelsunmix.comparison import agreement
from eelsunmix.comparison.components import Components
from eelsunmix.comparison.element_maps import overshoot
from eelsunmix.comparison.lattice import envelope, lattice_period
from eelsunmix.comparison.setting import Setting
from eelsunmix.comparison.shape import peak_shape
from eelsunmix.comparison.tables import binarisation, region_variables
from eelsunmix.profile_geometry import sum_profile
from eelsunmix.typing import Floats

SCORES = ("correlation", "scale", "scale_sd", "error", "reduced_chi2", "misfit")
"""Of a map or profile against the reference's."""


def score_variables(elements: xr.Dataset, components: Sequence[Components], setting: Setting) -> xr.Dataset:
    """Agreement, shapes of profiles, element-free regions, negative and binarised pixels."""
    less = overshoot(components, elements, setting)
    maps = map_variables(elements, less, setting).assign(subspace_correlation=_subspace_correlation(elements))
    ceiling = maps["map_noise_ceiling"].to_numpy()
    alone = xr.Dataset(
        {
            "negative_fraction": _negative_fraction(elements["element_map"]),
            "binarisation": ("label", binarisation(elements, components, ceiling, setting)),
        }
    )
    regions = region_variables(elements, components, setting)
    return xr.merge(
        [maps, profile_variables(elements, less), shape_variables(elements, setting), regions, alone, less],
        join="exact",
    )


def map_variables(elements: xr.Dataset, less: xr.Dataset, setting: Setting) -> xr.Dataset:
    """Agreement of the maps, less what BS subtracts too much, with the reference's; dims (label, edge)."""

    def shifted(label: int, edge: int) -> Floats:
        values: Floats = elements["element_map"][label, edge].to_numpy()
        return values + less["overshoot_map"][label, edge].to_numpy()

    sd = setting.bs["net_counts_sd"]
    shape = elements["element_map"].shape[:2]
    return _agreement("map", shape, shifted, lambda edge: sd[edge].to_numpy(), ("label", "edge"))


def _subspace_correlation(elements: xr.Dataset) -> xr.DataArray:
    """Correlation of the counts of all endmembers with the reference, dims (label, edge)."""
    maps = elements["subspace_map"]
    found = np.full(maps.shape[:2], np.nan)
    for label, edge in np.ndindex(found.shape):
        found[label, edge] = agreement.correlation(maps[0, edge].to_numpy(), maps[label, edge].to_numpy())
    return xr.DataArray(found, dims=("label", "edge"))


def profile_variables(elements: xr.Dataset, less: xr.Dataset) -> xr.Dataset:
    """Agreement of the profiles with the reference's, as of the maps; dims (label, edge, profile)."""
    profiles = elements["element_profile"].to_numpy() + less["overshoot_profile"].to_numpy()
    sd = elements["element_profile_sd"].to_numpy()[0]
    dims = ("label", "edge", "profile")
    return _agreement(
        "profile", profiles.shape[:3], lambda *index: profiles[index], lambda *index: sd[index], dims
    )


def _agreement(
    kind: str,
    shape: tuple[int, ...],
    values: Callable[..., Floats],
    sd: Callable[..., Floats],
    dims: tuple[str, ...],
) -> xr.Dataset:
    """Score the values of all labels against those of the first, whose deviation is given.

    Both are functions of an index, so that two maps and a deviation are in memory at a time.
    """
    scores, ceiling = np.full((len(SCORES), *shape), np.nan), np.full(shape[1:], np.nan)
    for place in np.ndindex(shape[1:]):
        reference, noise = values(0, *place), sd(*place)
        ceiling[place] = agreement.noise_ceiling(reference, noise)
        for label in range(shape[0]):
            scores[(slice(None), label, *place)] = _scores(reference, values(label, *place), noise)
    scores[SCORES.index("reduced_chi2"), 0] = np.nan
    data = {f"{kind}_{name}": (dims, array) for name, array in zip(SCORES, scores, strict=True)}
    return xr.Dataset({**data, f"{kind}_noise_ceiling": (dims[1:], ceiling)})


def _scores(reference: Floats, values: Floats, sd: Floats) -> tuple[float, ...]:
    """Return what `SCORES` names."""
    factor = agreement.scale(reference, values, sd)
    error = agreement.scaled_error(reference, values, factor)
    chi2 = agreement.reduced_chi2(reference, values, sd, factor)
    n_points = int(np.isfinite(reference).sum())
    return (
        agreement.correlation(reference, values),
        factor,
        agreement.scale_sd(values, sd),
        error,
        chi2,
        agreement.excess(error, chi2, n_points),
    )


def shape_variables(elements: xr.Dataset, setting: Setting) -> xr.Dataset:
    """Width, flanks and asymmetry of each profile (of its mean over frames), dims (label, edge, profile).

    Where atomic planes modulate the profiles along a line, of their average over one period, which is in
    ``lattice_period``: half of the highest plane is no width of a layer.
    """
    profiles = elements["element_profile"]
    frames = [dim for dim in profiles.dims if dim not in ("label", "edge", "profile", "position")]
    values = profiles.mean(frames).to_numpy()
    positions = elements["profile_position"].to_numpy()
    periods = [_period(values[0, :, k], name, setting) for k, name in enumerate(setting.profiles)]
    shapes = np.full((4, *values.shape[:3]), np.nan)
    for index in np.ndindex(values.shape[:3]):
        period = periods[index[2]]
        line = values[index] if np.isnan(period) else envelope(values[index], period)
        shapes[(slice(None), *index)] = astuple(peak_shape(positions[index[2]], line))
    dims = ("label", "edge", "profile")
    names = ("fwhm", "left_10_90", "right_10_90", "asymmetry")
    unit = str(elements["profile_position"].attrs.get("units", "px"))
    units = (unit, unit, unit, "1")
    shown = {name: (dims, v, {"units": unit}) for name, v, unit in zip(names, shapes, units, strict=True)}
    steps = [
        float(np.nanmean(np.diff(line))) if line.size > 1 and np.isfinite(line[:2]).all() else np.nan
        for line in positions
    ]
    lengths = np.array(periods) * np.array(steps)
    return xr.Dataset({**shown, "lattice_period": ("profile", lengths, {"units": unit})})


def _period(reference: Floats, name: str, setting: Setting) -> float:
    """Period of the lattice along a profile, in pixels, by the counts of all edges and the total counts."""
    maps = setting.bs["net_counts"]
    known = setting.total_counts.where(maps.isel(edge=0, drop=True).notnull()) if maps.sizes["edge"] else None
    if known is None:
        return np.nan
    total = sum_profile(known, setting.profiles[name], name=name)
    line = total.mean([dim for dim in total.dims if dim != "position"]).to_numpy()
    return lattice_period(np.vstack([reference[:, : line.size], line]))


def _negative_fraction(maps: xr.DataArray) -> xr.DataArray:
    part = np.full(maps.shape[:2], np.nan)
    for label, edge in np.ndindex(part.shape):
        values = maps[label, edge].to_numpy()
        known = int(np.isfinite(values).sum())
        part[label, edge] = (values < 0).sum() / known if known else np.nan
    return xr.DataArray(part, dims=("label", "edge"), attrs={"units": "1"})
