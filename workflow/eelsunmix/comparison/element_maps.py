"""Maps and profiles of every element in counts, side by side for background subtraction and every method."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from eelsunmix.comparison.components import REFERENCE, Components, Setting
from eelsunmix.comparison.counts import counts_of_members, largest_deviation, members
from eelsunmix.comparison.elements import element_map, element_profiles
from eelsunmix.typing import Bools, Floats

COUNTS = {"units": "counts"}


def element_variables(components: Sequence[Components], table: xr.Dataset, setting: Setting) -> xr.Dataset:
    """Lay out maps and profiles of every element in counts, the reference first.

    Parameters
    ----------
    components : sequence of Components
    table : Dataset
        `component_variables` and `shared_variables`.
    setting : Setting
    """
    bs = setting.bs
    like = bs["net_counts"]
    own, deviation, subspace = [like.to_numpy()], [bs["net_counts_sd"].to_numpy()], [like.to_numpy()]
    belongs = np.zeros(table["cross_talk"].shape, dtype=bool)
    for row, component in enumerate(components, start=1):
        size, at = len(component.spectra), table.isel(label=row)
        net = at["endmember_net_counts"].to_numpy()[:size]
        found = [at[name].to_numpy() for name in ("cross_talk", "shared_strength", "owner")]
        belongs[row, :size] = members(found[0][:size], found[1][:size], found[2], setting)
        maps = _maps(component, net, belongs[row, :size], setting)
        for known, values in zip((own, deviation, subspace), maps, strict=True):
            known.append(values)
    profiles = [bs["profile_counts"].to_numpy()] + [
        element_profiles(like.copy(data=values), setting).to_numpy() for values in own[1:]
    ]
    noise = np.full(np.shape(profiles), np.nan)
    noise[0] = bs["profile_counts_sd"]
    dims, profile_dims = ("label", *like.dims), ("label", *bs["profile_counts"].dims)
    data = {
        "element_map": (dims, np.array(own, dtype=np.float32), COUNTS),
        "element_map_sd": (dims, np.array(deviation, dtype=np.float32), COUNTS),
        "subspace_map": (dims, np.array(subspace, dtype=np.float32), COUNTS),
        "element_profile": (profile_dims, np.array(profiles, dtype=float), COUNTS),
        "element_profile_sd": (profile_dims, noise, COUNTS),
        "shows_edge": (("label", "endmember", "edge"), belongs),
        "profile_position": bs["profile_position"],
    }
    names = [REFERENCE, *[component.label for component in components]]
    coords = {**like.coords, **bs["profile_counts"].coords, "label": names}
    return xr.Dataset(data, coords=coords).merge(table)


def overshoot(components: Sequence[Components], elements: xr.Dataset, setting: Setting) -> xr.Dataset:
    """Return what BS subtracts too much, by the components that do not show the element: maps, profiles.

    In the pixels where such a component is alone, BS finds less than nothing: its power law is not the
    background there. Maps of a method have no such negative counts, so they are added before both are
    compared.
    """
    like = setting.bs["net_counts"]
    maps = [np.zeros(like.shape)]
    for row, component in enumerate(components, start=1):
        size, at = len(component.spectra), elements.isel(label=row)
        if component.scaled is None:
            maps.append(np.zeros(like.shape))
            continue
        total = np.abs(component.spectra).sum(axis=1)
        owner, net = at["owner"].to_numpy(), at["endmember_net_counts"].to_numpy()
        own = net[owner, np.arange(owner.size)] / total[owner]
        strength = np.nan_to_num(np.minimum(at["shared_strength"].to_numpy()[:size], 0.0)) * own
        others = ~at["shows_edge"].to_numpy()[:size]
        maps.append(_ordered(counts_of_members(component.scaled, strength * total[:, None], others), like))
    profiles = [element_profiles(like.copy(data=values), setting).to_numpy() for values in maps]
    profile_dims = ("label", *setting.bs["profile_counts"].dims)
    return xr.Dataset(
        {"map": (("label", *like.dims), np.array(maps)), "profile": (profile_dims, np.array(profiles))}
    )


def _maps(
    component: Components, net_counts: Floats, belongs: Bools, setting: Setting
) -> tuple[Floats, Floats, Floats]:
    """Count each edge by the components that show it, with the deviation, and by all of them refitted."""
    like = setting.bs["net_counts"]
    unknown = np.full(like.shape, np.nan)
    if component.refit is None or component.scaled is None:
        return unknown, unknown, unknown
    own = counts_of_members(component.scaled, net_counts, belongs)
    sd = largest_deviation(component, net_counts, belongs)
    subspace = element_map(component.refit, net_counts, setting).to_numpy()
    return _ordered(own, like), unknown if sd is None else _ordered(sd, like), subspace


def _ordered(values: xr.DataArray, like: xr.DataArray) -> Floats:
    return values.transpose(*like.dims).to_numpy()
