"""Scores of every map and profile against background subtraction, and of the maps alone."""

from collections.abc import Sequence
from dataclasses import astuple

import numpy as np
import xarray as xr

from eelsunmix.comparison import agreement
from eelsunmix.comparison.components import Components, Setting
from eelsunmix.comparison.shape import peak_shape
from eelsunmix.comparison.tables import binarisation, region_variables


def score_variables(elements: xr.Dataset, components: Sequence[Components], setting: Setting) -> xr.Dataset:
    """Agreement, shapes of profiles, element-free regions, negative and binarised pixels."""
    maps = map_variables(elements, setting)
    ceiling = maps["map_noise_ceiling"].to_numpy()
    alone = xr.Dataset(
        {
            "negative_fraction": _negative_fraction(elements["element_map"], setting),
            "binarisation": ("label", binarisation(elements, components, ceiling, setting)),
        }
    )
    regions = region_variables(elements, components, setting)
    return xr.merge(
        [maps, profile_variables(elements), shape_variables(elements), regions, alone], join="exact"
    )


def map_variables(elements: xr.Dataset, setting: Setting) -> xr.Dataset:
    """Correlation and scale of the maps against the reference, dims (method, edge); the ceiling (edge)."""
    maps = elements["element_map"].to_numpy()
    sd = setting.bs["net_counts_sd"].to_numpy()
    shape = maps.shape[:2]
    correlation, factor = np.full(shape, np.nan), np.full(shape, np.nan)
    for row, column in np.ndindex(shape):
        correlation[row, column] = agreement.correlation(maps[0, column], maps[row, column])
        factor[row, column] = agreement.scale(maps[0, column], maps[row, column], sd[column])
    ceiling = np.array([agreement.noise_ceiling(maps[0, k], sd[k]) for k in range(shape[1])], dtype=float)
    dims = ("label", "edge")
    return xr.Dataset(
        {
            "map_correlation": (dims, correlation),
            "map_scale": (dims, factor),
            "map_noise_ceiling": ("edge", ceiling),
        }
    )


def profile_variables(elements: xr.Dataset) -> xr.Dataset:
    """Agreement of the profiles with the reference's, dims (method, edge, profile)."""
    profiles = elements["element_profile"].to_numpy()
    sd = elements["element_profile_sd"].to_numpy()[0]
    shape = profiles.shape[:3]
    scores = np.full((4, *shape), np.nan)
    for index in np.ndindex(shape):
        reference, values, noise = profiles[(0, *index[1:])], profiles[index], sd[index[1:]]
        factor = agreement.scale(reference, values, noise)
        scores[(slice(None), *index)] = (
            agreement.correlation(reference, values),
            factor,
            agreement.scaled_error(reference, values, factor),
            agreement.reduced_chi2(reference, values, noise, factor) if index[0] else np.nan,
        )
    ceiling = np.full(shape[1:], np.nan)
    for index in np.ndindex(shape[1:]):
        ceiling[index] = agreement.noise_ceiling(profiles[(0, *index)], sd[index])
    dims = ("label", "edge", "profile")
    names = ("profile_correlation", "profile_scale", "profile_error", "profile_reduced_chi2")
    data = {name: (dims, values) for name, values in zip(names, scores, strict=True)}
    return xr.Dataset({**data, "profile_noise_ceiling": (("edge", "profile"), ceiling)})


def shape_variables(elements: xr.Dataset) -> xr.Dataset:
    """Width, flanks and asymmetry of each profile (of its mean over frames), dims (method, edge, profile)."""
    profiles = elements["element_profile"]
    frames = [dim for dim in profiles.dims if dim not in ("label", "edge", "profile", "position")]
    values = profiles.mean(frames).to_numpy()
    positions = elements["profile_position"].to_numpy()
    shapes = np.full((4, *values.shape[:3]), np.nan)
    for index in np.ndindex(values.shape[:3]):
        shapes[(slice(None), *index)] = astuple(peak_shape(positions[index[2]], values[index]))
    dims = ("label", "edge", "profile")
    names = ("fwhm_nm", "left_10_90_nm", "right_10_90_nm", "asymmetry")
    units = ("nm", "nm", "nm", "1")
    return xr.Dataset(
        {name: (dims, v, {"units": unit}) for name, v, unit in zip(names, shapes, units, strict=True)}
    )


def _negative_fraction(maps: xr.DataArray, setting: Setting) -> xr.DataArray:
    known = maps.notnull().sum(setting.navigation)
    part = (maps < 0).sum(setting.navigation) / known.where(known > 0)
    return part.assign_attrs(units="1")
