"""Maps of a simulated image that a perfect method would give, and what BS makes of its materials."""

import numpy as np
import xarray as xr

from eelsunmix.comparison.agreement import correlation
from eelsunmix.comparison.elements import edge_strength, element_map, element_profiles
from eelsunmix.comparison.setting import Setting
from eelsunmix.typing import Bools, Floats

UNKNOWN_MATERIALS = (
    "The simulated file does not say which elements its materials contain: maps of elements are not compared "
    "with the truth. Simulate the sample again."
)


def element_truth(
    known: xr.Dataset, maps: xr.DataArray, setting: Setting
) -> dict[str, xr.DataArray | tuple[tuple[str, str], Floats]]:
    """Give maps, profiles and scores of the elements; nothing where the materials are not known.

    The true map counts each edge by the materials that contain its element, however little: what a method
    with the true spectra and abundances stands for. Beside it, the same over all materials: what BS makes of
    their spectra. That is not BS of the image without noise, which fits one power law to each mixture.

    Parameters
    ----------
    known : Dataset
        `eelsunmix.comparison.truth.truth_on_axes_of`.
    maps : DataArray, dims (label, edge, navigation)
    setting : Setting
    """
    contained = contents(known, setting)
    if contained is None:
        return {}
    net = edge_strength(known["spectrum"].to_numpy(), setting)
    true, of_all = _map_of(known, np.where(contained, net, 0.0), setting), _map_of(known, net, setting)
    return {
        "true_element_map": true,
        "true_element_profile": element_profiles(true, setting).assign_attrs(units="counts"),
        "material_bs_map": of_all,
        "material_bs_profile": element_profiles(of_all, setting).assign_attrs(units="counts"),
        **map_scores(maps, true),
    }


def contents(known: xr.Dataset, setting: Setting) -> Bools | None:
    """Whether a material contains the element of an edge, shape (material, edge); None if nobody says."""
    composition = known.attrs.get("composition") or {}
    names = [str(name) for name in known["true_endmember"].values]
    if any(name not in composition for name in names):
        return None
    elements = [edge.element for edge in setting.edges.values()]
    found = [[composition[name].get(element, 0) > 0 for element in elements] for name in names]
    return np.array(found, dtype=bool).reshape(len(names), len(elements))


def _map_of(known: xr.Dataset, net_counts: Floats, setting: Setting) -> xr.DataArray:
    abundance = (known["abundance"] * known["intensity"]).rename(true_endmember="endmember")
    like = setting.bs["net_counts"]
    maps = element_map(abundance, net_counts, setting).to_numpy().astype(np.float32)
    return like.copy(data=np.where(np.isfinite(like), maps, np.float32(np.nan))).assign_attrs(units="counts")


def where_valid(abundance: xr.DataArray, setting: Setting) -> xr.DataArray:
    """Leave out the pixels without counts."""
    dims = (*setting.navigation, "true_endmember")
    valid = setting.bs["net_counts"].coords.get("valid_pixel", True)
    return abundance.where(valid).transpose(*dims).astype(np.float32).assign_attrs(units="1")


def map_scores(maps: xr.DataArray, true: xr.DataArray) -> dict[str, tuple[tuple[str, str], Floats]]:
    """Correlation of each map with the true one, and squared error relative to its square."""
    shape = maps.shape[:2]
    r, error = np.full(shape, np.nan), np.full(shape, np.nan)
    for row, column in np.ndindex(shape):
        found, known = (one.to_numpy().astype(float) for one in (maps[row, column], true[column]))
        r[row, column] = correlation(known, found)
        power = float(np.nansum(known**2))
        if np.isfinite(found).any() and power > 0:
            error[row, column] = float(np.nansum((found - known) ** 2)) / power
    dims = ("label", "edge")
    return {"truth_map_correlation": (dims, r), "truth_map_nmse": (dims, error)}
