"""Maps of a simulated image that a perfect method, or background subtraction without noise, would give."""

import numpy as np
import xarray as xr

from eelsunmix.comparison.agreement import correlation
from eelsunmix.comparison.components import Setting
from eelsunmix.comparison.elements import cross_talk, edge_strength, element_map, owners
from eelsunmix.comparison.thresholds import CRITERIA
from eelsunmix.typing import Floats


def true_element_map(known: xr.Dataset, setting: Setting) -> xr.DataArray:
    """Count each edge by the materials that contain its element, dims (edge, navigation).

    What a method with the true spectra and abundances stands for. A material whose edge is weaker than
    cross-talk may be is taken for one without the element: what is subtracted there is no power law.
    """
    spectra = known["spectrum"].to_numpy()
    net = edge_strength(spectra, setting)
    talk = cross_talk(spectra, net, owners(spectra, net, setting))
    return _map_of(known, np.where(talk > CRITERIA["cross_talk"].green, net, 0.0), setting)


def noise_free_map(known: xr.Dataset, setting: Setting) -> xr.DataArray:
    """Background subtraction of the true spectra times the true abundances, dims (edge, navigation)."""
    return _map_of(known, edge_strength(known["spectrum"].to_numpy(), setting), setting)


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
        found, known = maps.values[row, column].astype(float), true.values[column].astype(float)
        r[row, column] = correlation(known, found)
        power = float(np.nansum(known**2))
        if np.isfinite(found).any() and power > 0:
            error[row, column] = float(np.nansum((found - known) ** 2)) / power
    dims = ("label", "edge")
    return {"truth_map_correlation": (dims, r), "truth_map_nmse": (dims, error)}
