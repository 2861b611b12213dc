"""Counts of an element by the components that show it: the map that a method stands for.

Each endmember counts with its own net counts, by how sure they are: nothing up to `SURE_SD` standard
deviations, nearly all of them far beyond. No limit of strength decides, so that methods that differ little
have maps that differ little. Edges below zero are none: the power law of that material is not its background.
"""

import numpy as np
import xarray as xr

from eelsunmix.comparison.setting import Setting
from eelsunmix.typing import Bools, Floats, Indices

SURE_SD = 2.0
"""Standard deviations up to which the net counts of an endmember may be chance."""


def confirmed_counts(refit: xr.DataArray, setting: Setting) -> tuple[Floats, Floats]:
    """Return what BS says of the net counts of each endmember, and its deviation, (endmember, edge).

    Regression of the BS maps on the abundances: endmembers that are single noisy pixels show edges that it
    does not confirm.

    Parameters
    ----------
    refit : DataArray, dims (navigation, endmember)
    setting : Setting
    """
    size = refit.sizes["endmember"]
    shares = refit.transpose(*setting.navigation, "endmember").to_numpy().reshape(-1, size).astype(float)
    maps, noise = (_by_pixel(setting.bs[name]) for name in ("net_counts", "net_counts_sd"))
    known = np.isfinite(shares).all(axis=1) & np.isfinite(maps).all(axis=1) & np.isfinite(noise).all(axis=1)
    part = np.linalg.pinv(shares[known])
    return part @ maps[known], np.sqrt(part**2 @ noise[known] ** 2)


def _by_pixel(maps: xr.DataArray) -> Floats:
    values: Floats = maps.to_numpy().astype(float)
    return values.reshape(len(values), int(np.prod(values.shape[1:]))).T


def edge_weights(
    net_counts: Floats, confirmed: Floats, sd: Floats, owner: Indices, setting: Setting
) -> Floats:
    """Return the part of its net counts by which an endmember counts, shape (endmember, edge), 0 to 1.

    One at the owner; elsewhere ``1 - (SURE_SD / z)^2`` with the significance *z* of the edge, of the
    endmember or as BS confirms it, whichever is less; zero where that is negative. An element with several
    edges is shown by all that did not fail, so that the least counts.

    Parameters
    ----------
    net_counts, confirmed, sd : ndarray, shape (endmember, edge)
        Of the endmembers; `confirmed_counts`.
    owner : ndarray, shape (edge,)
    setting : Setting

    References
    ----------
    James, Stein, Proc. 4th Berkeley Symp. 1 (1961) 361, for the form of the shrinkage.
    """
    least = np.where(_failed(setting), net_counts, np.minimum(net_counts, confirmed))
    sure = least > SURE_SD * sd
    part = np.where(sure, 1 - (SURE_SD * sd / np.where(sure, least, 1.0)) ** 2, 0.0)
    part = _least_of_element(part, setting) * (owner >= 0)
    return np.where(np.arange(len(part))[:, None] == owner, 1.0, part)


def counts_of_members(scaled: xr.DataArray, net_counts: Floats, weight: Floats | Bools) -> xr.DataArray:
    """Turn abundances that have been brought to counts into those of each edge, dims (navigation, edge)."""
    net = xr.DataArray(np.where(weight > 0, net_counts * weight, 0.0), dims=("endmember", "edge"))
    return xr.dot(scaled.drop_vars("endmember", errors="ignore"), net, dim="endmember")


def _least_of_element(part: Floats, setting: Setting) -> Floats:
    """Give all edges of an element the same answer: the least of those whose subtraction did not fail."""
    result = np.zeros(part.shape)
    elements = np.array([edge.element for edge in setting.edges.values()])
    failed = _failed(setting)
    for element in set(elements.tolist()):
        columns = elements == element
        judging = columns & ~failed if (columns & ~failed).any() else columns
        result[:, columns] = part[:, judging].min(axis=1, keepdims=True)
    return result


def _failed(setting: Setting) -> Bools:
    return np.array([edge in setting.reference_problems for edge in setting.edges], dtype=bool)
