"""Maps and profiles of every element in counts, side by side for background subtraction and every method."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from eelsunmix.comparison.ambiguity import ambiguity_variables
from eelsunmix.comparison.components import REFERENCE, Components
from eelsunmix.comparison.counts import counts_of_members, edge_weights
from eelsunmix.comparison.elements import element_map, element_profiles
from eelsunmix.comparison.setting import Setting
from eelsunmix.mapping.map_noise import variance_of_counts, variance_of_refit
from eelsunmix.typing import Floats

COUNTS = {"units": "counts"}
MAPS = ("element_map", "subspace_map")


def element_variables(components: Sequence[Components], table: xr.Dataset, setting: Setting) -> xr.Dataset:
    """Lay out maps and profiles of every element in counts, the reference first.

    Parameters
    ----------
    components : sequence of Components
    table : Dataset
        `component_variables` and `shared_variables`.
    setting : Setting
    """
    bs, like = setting.bs, setting.bs["net_counts"]
    maps = {name: _empty(components, like) for name in MAPS}
    for name in MAPS:
        maps[name][0] = like
    noise = {f"{name}_sd": _empty(components, like) for name in MAPS}
    for name in noise:
        noise[name][0] = setting.bs["net_counts_sd"]
    weight = np.zeros(table["cross_talk"].shape)
    for row, component in enumerate(components, start=1):
        at, size = table.isel(label=row), len(component.spectra)
        weight[row, :size] = _weights(at, size, setting)
        for name, values in _maps(component, at, weight[row, :size], setting).items():
            maps[name][row] = values
        for name, deviations in _noise(component, at, weight[row, :size], setting).items():
            noise[name][row] = deviations
    data = {name: (("label", *like.dims), values, COUNTS) for name, values in (maps | noise).items()}
    shows = {"edge_weight": (("label", "endmember", "edge"), weight)}
    names = [REFERENCE, *[component.label for component in components]]
    coords = {**like.coords, **bs["profile_counts"].coords, "label": names}
    lines = _profile_variables(maps["element_map"], noise["element_map_sd"], setting)
    ranges = ambiguity_variables(components, table, setting)
    return xr.Dataset({**data, **lines, **shows, **ranges}, coords=coords).merge(table)


def _profile_variables(
    maps: NDArray[np.float32], maps_sd: NDArray[np.float32], setting: Setting
) -> dict[str, object]:
    """Sum the maps over the profiles; those of the reference are known, with their deviation.

    The noise of the pixels of a method is independent.
    """
    bs, like = setting.bs, setting.bs["net_counts"]
    profiles, noise = (np.full((len(maps), *bs["profile_counts"].shape), np.nan) for _ in range(2))
    profiles[0], noise[0] = bs["profile_counts"], bs["profile_counts_sd"]
    for row, values in enumerate(maps[1:], start=1):
        if np.isfinite(values).any():
            profiles[row] = element_profiles(like.copy(data=values), setting)
        if np.isfinite(maps_sd[row]).any():
            noise[row] = np.sqrt(element_profiles(like.copy(data=maps_sd[row].astype(float) ** 2), setting))
    dims = ("label", *bs["profile_counts"].dims)
    return {
        "element_profile": (dims, profiles, COUNTS),
        "element_profile_sd": (dims, noise, COUNTS),
        "profile_position": bs["profile_position"],
    }


def overshoot(components: Sequence[Components], elements: xr.Dataset, setting: Setting) -> xr.Dataset:
    """Lay out what BS subtracts too much, by the components that do not show the element: maps, profiles.

    In the pixels where such a component is alone, BS finds less than nothing: its power law is not the
    background there. Maps of a method have no such negative counts, so they are added before both are
    compared. Zero for the reference and for a method without a result.
    """
    like, lines = setting.bs["net_counts"], setting.bs["profile_counts"]
    maps, profiles = _empty(components, like, 0.0), np.zeros((len(components) + 1, *lines.shape))
    for row, component in enumerate(components, start=1):
        if component.scaled is not None:
            found = _overshoot(component.scaled, component.spectra, elements.isel(label=row), like)
            maps[row], profiles[row] = found, element_profiles(found, setting)
    return xr.Dataset(
        {
            "overshoot_map": (("label", *like.dims), maps, COUNTS),
            "overshoot_profile": (("label", *lines.dims), profiles, COUNTS),
        }
    )


def _overshoot(scaled: xr.DataArray, spectra: Floats, at: xr.Dataset, like: xr.DataArray) -> xr.DataArray:
    total = np.abs(spectra).sum(axis=1)
    owner, size = at["owner"].to_numpy(), len(total)
    own = at["endmember_net_counts"].to_numpy()[owner, np.arange(owner.size)] / total[owner]
    strength = np.nan_to_num(np.minimum(at["shared_strength"].to_numpy()[:size], 0.0) * own)
    others = 1 - at["edge_weight"].to_numpy()[:size]
    return _like(counts_of_members(scaled, strength * total[:, None], others), like)


def _empty(
    components: Sequence[Components], like: xr.DataArray, value: float = np.nan
) -> NDArray[np.float32]:
    return np.full((len(components) + 1, *like.shape), value, dtype=np.float32)


def _weights(at: xr.Dataset, size: int, setting: Setting) -> Floats:
    names = ("endmember_net_counts", "confirmed_net_counts", "endmember_net_counts_sd")
    net, confirmed, sd = (at[name].to_numpy()[:size] for name in names)
    return edge_weights(net, confirmed, sd, at["owner"].to_numpy(), setting)


def _maps(component: Components, at: xr.Dataset, weight: Floats, setting: Setting) -> dict[str, xr.DataArray]:
    """Count each edge by the components that show it, and by all of them refitted."""
    if component.refit is None or component.scaled is None:
        return {}
    like, net = setting.bs["net_counts"], at["endmember_net_counts"].to_numpy()[: len(component.spectra)]
    return {
        "element_map": _like(counts_of_members(component.scaled, net, weight), like),
        "subspace_map": element_map(component.refit, net, setting),
    }


def _noise(
    component: Components, at: xr.Dataset, weight: Floats, setting: Setting
) -> dict[str, NDArray[np.floating[Any]]]:
    """Deviations of the maps by the noise of the counts; NaN of what says nothing of its own, as networks."""
    if component.refit is None or component.abundance is None:
        return {}
    net = at["endmember_net_counts"].to_numpy()[: len(component.spectra)]
    order = (*setting.navigation, "endmember")
    abundance, refit = (
        one.transpose(*order).to_numpy().astype(float) for one in (component.abundance, component.refit)
    )
    shape, rows = abundance.shape[:-1], abundance.reshape(-1, len(net))
    found = {
        "subspace_map_sd": variance_of_refit(component.spectra, setting.noise, refit.reshape(rows.shape), net)
    }
    if component.model is not None:
        totals = setting.total_counts.transpose(*setting.navigation).to_numpy().astype(float).ravel()
        owned = np.where(weight > 0, net * weight, 0.0)
        found["element_map_sd"] = variance_of_counts(
            component.model, rows, totals, owned, simplex=component.simplex
        )
    unit = setting.bs.attrs.get("counts_per_electron", 1.0)
    return {
        name: np.moveaxis(np.sqrt(unit * values).reshape(*shape, -1), -1, 0) for name, values in found.items()
    }


def _like(values: xr.DataArray, like: xr.DataArray) -> xr.DataArray:
    return like.copy(data=values.transpose(*like.dims).to_numpy())
