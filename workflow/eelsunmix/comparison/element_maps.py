"""Maps and profiles of every element in counts, side by side for background subtraction and every method."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from eelsunmix.comparison.ambiguity import ambiguity_variables
from eelsunmix.comparison.components import REFERENCE, Components
from eelsunmix.comparison.counts import counts_of_members, edge_weights
from eelsunmix.comparison.elements import element_map, element_profiles
from eelsunmix.comparison.setting import Setting
from eelsunmix.execution.map_stacks import MapStack
from eelsunmix.mapping.map_noise import variance_of_counts, variance_of_refit
from eelsunmix.typing import Floats

COUNTS = {"units": "counts"}
MAPS = ("element_map", "subspace_map")
DEVIATIONS = tuple(f"{name}_sd" for name in MAPS)


def element_variables(components: Sequence[Components], table: xr.Dataset, setting: Setting) -> xr.Dataset:
    """Lay out maps and profiles of every element in counts, the reference first.

    Parameters
    ----------
    components : sequence of Components
    table : Dataset
        `component_variables` and `shared_variables`.
    setting : Setting
    """
    stacks = {name: _stack(components, setting) for name in (*MAPS, *DEVIATIONS)}
    _put_reference(stacks, setting)
    weight = np.zeros(table["cross_talk"].shape)
    for row, component in enumerate(components, start=1):
        at, size = table.isel(label=row), len(component.spectra)
        weight[row, :size] = _weights(at, size, setting)
        if component.refit is None:
            continue
        for part in setting.parts:
            here, there = component.at(part), setting.at(part)
            found = _maps(here, at, weight[row, :size], there) | _noise(here, at, weight[row, :size], there)
            for name, values in found.items():
                stacks[name].put(row, part, values)
    bs, like = setting.bs, setting.bs["net_counts"]
    data = {name: (("label", *like.dims), stack.array(), COUNTS) for name, stack in stacks.items()}
    shows = {"edge_weight": (("label", "endmember", "edge"), weight)}
    names = [REFERENCE, *[component.label for component in components]]
    coords = {**like.coords, **bs["profile_counts"].coords, "label": names}
    lines = _profile_variables(stacks, setting, n_labels=len(names))
    ranges = ambiguity_variables(components, table, setting)
    return xr.Dataset({**data, **lines, **shows, **ranges}, coords=coords).merge(table)


def _put_reference(stacks: Mapping[str, MapStack], setting: Setting) -> None:
    for part in setting.parts:
        bs = setting.at(part).bs
        for name in MAPS:
            stacks[name].put(0, part, bs["net_counts"].to_numpy())
            stacks[f"{name}_sd"].put(0, part, bs["net_counts_sd"].to_numpy())


def _profile_variables(
    stacks: Mapping[str, MapStack], setting: Setting, *, n_labels: int
) -> dict[str, object]:
    """Sum the maps over the profiles; those of the reference are known, with their deviation.

    The noise of the pixels of a method is independent.
    """
    bs = setting.bs
    profiles, noise = (np.full((n_labels, *bs["profile_counts"].shape), np.nan) for _ in range(2))
    profiles[0], noise[0] = bs["profile_counts"], bs["profile_counts_sd"]
    for index in np.ndindex(n_labels - 1, len(setting.edges)):
        row, column = index[0] + 1, index[1]
        profiles[row, column] = _profiles_of(stacks["element_map"].one(row, column), column, setting)
        sd = stacks["element_map_sd"].one(row, column)
        noise[row, column] = np.sqrt(_profiles_of(np.square(sd, dtype=float), column, setting))
    dims = ("label", *bs["profile_counts"].dims)
    return {
        "element_profile": (dims, profiles, COUNTS),
        "element_profile_sd": (dims, noise, COUNTS),
        "profile_position": bs["profile_position"],
    }


def _profiles_of(values: NDArray[np.floating[Any]], column: int, setting: Setting) -> Floats:
    """Sum the map of one edge over the band of each profile; NaN where the map is nothing else."""
    like = setting.bs["net_counts"].isel(edge=[column])
    return element_profiles(like.copy(data=values[None]), setting).to_numpy()[0]


def overshoot(components: Sequence[Components], elements: xr.Dataset, setting: Setting) -> xr.Dataset:
    """Lay out what BS subtracts too much, by the components that do not show the element: maps, profiles.

    In the pixels where such a component is alone, BS finds less than nothing: its power law is not the
    background there. Maps of a method have no such negative counts, so they are added before both are
    compared. Zero for the reference and for a method without a result.
    """
    like, lines = setting.bs["net_counts"], setting.bs["profile_counts"]
    maps, profiles = _stack(components, setting, 0.0), np.zeros((len(components) + 1, *lines.shape))
    for row, component in enumerate(components, start=1):
        if component.refit is None:
            continue
        at = elements.isel(label=row)
        for part in setting.parts:
            there = setting.at(part)
            found = _overshoot(component.at(part), at, there.bs["net_counts"])
            maps.put(row, part, found.to_numpy())
        for column in range(len(setting.edges)):
            profiles[row, column] = _profiles_of(maps.one(row, column), column, setting)
    return xr.Dataset(
        {
            "overshoot_map": (("label", *like.dims), maps.array(), COUNTS),
            "overshoot_profile": (("label", *lines.dims), profiles, COUNTS),
        }
    )


def _overshoot(component: Components, at: xr.Dataset, like: xr.DataArray) -> xr.DataArray:
    total = np.abs(component.spectra).sum(axis=1)
    owner, size = at["owner"].to_numpy(), len(total)
    own = at["endmember_net_counts"].to_numpy()[owner, np.arange(owner.size)] / total[owner]
    strength = np.nan_to_num(np.minimum(at["shared_strength"].to_numpy()[:size], 0.0) * own)
    others = 1 - at["edge_weight"].to_numpy()[:size]
    if component.scaled is None:
        return xr.zeros_like(like)
    return _like(counts_of_members(component.scaled, strength * total[:, None], others), like)


def _stack(components: Sequence[Components], setting: Setting, fill: float = np.nan) -> MapStack:
    return MapStack(len(components) + 1, setting.bs["net_counts"], fill)


def _weights(at: xr.Dataset, size: int, setting: Setting) -> Floats:
    names = ("endmember_net_counts", "confirmed_net_counts", "endmember_net_counts_sd")
    net, confirmed, sd = (at[name].to_numpy()[:size] for name in names)
    return edge_weights(net, confirmed, sd, at["owner"].to_numpy(), setting)


def _maps(
    component: Components, at: xr.Dataset, weight: Floats, setting: Setting
) -> dict[str, NDArray[np.floating[Any]]]:
    """Count each edge by the components that show it, and by all of them refitted."""
    if component.refit is None or component.scaled is None:
        return {}
    like, net = setting.bs["net_counts"], at["endmember_net_counts"].to_numpy()[: len(component.spectra)]
    return {
        "element_map": _like(counts_of_members(component.scaled, net, weight), like).to_numpy(),
        "subspace_map": element_map(component.refit, net, setting).to_numpy(),
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
