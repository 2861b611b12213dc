"""Counts of an element by the components that show it: the map that a method stands for.

Each endmember counts with its own net counts, by how sure they are: nothing up to `SURE_SD` standard
deviations, nearly all of them far beyond. No limit of strength decides, so that methods that differ little
have maps that differ little. Edges below zero are none: the power law of that material is not its background.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.comparison.setting import Setting
from eelsunmix.typing import Bools, Floats, Indices

SURE_SD = 2.0
"""Standard deviations up to which the net counts of an endmember may be chance."""
CLEAR_SD = 6.0
"""Standard deviations from which an edge of the owner is strong enough to be missed in other endmembers."""


def confirmed_counts(refit: xr.DataArray, setting: Setting) -> tuple[Floats, Floats]:
    """Return what BS says of the net counts of each endmember, and its deviation, (endmember, edge).

    Regression of the BS maps on the abundances: endmembers that are single noisy pixels show edges that it
    does not confirm. As in means over areas, pixels whose exponents are averages over the same neighbours err
    together: the deviation is that of errors that each makes for itself, and that all share.

    Parameters
    ----------
    refit : DataArray, dims (navigation, endmember)
    setting : Setting
    """
    triangle: Any = np.empty((0, refit.sizes["endmember"]))
    for shares, *_ in _known_pixels(refit, setting):
        triangle = np.linalg.qr(np.vstack([triangle, shares]), mode="r")
    inverse = np.linalg.pinv(triangle)
    found, variance, common = np.zeros((3, refit.sizes["endmember"], len(setting.edges)))
    for shares, maps, independent, shared in _known_pixels(refit, setting):
        weight = inverse @ (shares @ inverse).T  # of the pseudo-inverse of all shares
        found += weight @ maps
        variance += weight**2 @ independent**2
        common += weight @ shared
    return found, np.sqrt(variance + common**2)


def _known_pixels(refit: xr.DataArray, setting: Setting) -> Iterator[tuple[Floats, Floats, Floats, Floats]]:
    """Yield shares, net counts and their deviations, own and common, of the known pixels of each part."""
    order = (*setting.navigation, "endmember")
    for part in setting.parts:
        bs = setting.at(part).bs
        shares = refit.isel(part).transpose(*order).to_numpy().reshape(-1, refit.sizes["endmember"])
        names = ("net_counts", "independent_sd", "common_sd")
        rows = [shares.astype(float), *(_by_pixel(bs[name]) for name in names)]
        known = np.logical_and.reduce([np.isfinite(one).all(axis=1) for one in rows])
        yield rows[0][known], rows[1][known], rows[2][known], rows[3][known]


def _by_pixel(maps: xr.DataArray) -> Floats:
    values: Floats = maps.to_numpy().astype(float)
    return values.reshape(len(values), int(np.prod(values.shape[1:]))).T


def edge_weights(
    net_counts: Floats, confirmed: Floats, sd: Floats, owner: Indices, setting: Setting
) -> Floats:
    """Return the part of its net counts by which an endmember counts, shape (endmember, edge), 0 to 1.

    One at the owner; elsewhere ``1 - (SURE_SD / z)^2`` with the significance *z* of the edge, of the
    endmember or as BS confirms it, whichever is less; zero where that is negative. An element with several
    edges must show all of its `judging_edges`, so that the least counts.

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
    judging = judging_edges(net_counts, sd, owner, setting)
    for columns in _by_element(setting):
        part[:, columns] = part[:, columns & judging].min(axis=1, keepdims=True)
    part *= owner >= 0
    return np.where(np.arange(len(part))[:, None] == owner, 1.0, part)


def counts_of_members(scaled: xr.DataArray, net_counts: Floats, weight: Floats | Bools) -> xr.DataArray:
    """Turn abundances that have been brought to counts into those of each edge, dims (navigation, edge)."""
    net = xr.DataArray(np.where(weight > 0, net_counts * weight, 0.0), dims=("endmember", "edge"))
    return xr.dot(scaled.drop_vars("endmember", errors="ignore"), net, dim="endmember")


def judging_edges(net_counts: Floats, sd: Floats, owner: Indices, setting: Setting) -> Bools:
    """Return by which edges an element is looked for in endmembers that do not own it, shape (edge,).

    Those whose subtraction did not fail and that its owner shows by `CLEAR_SD`: a weaker one would be missed
    wherever it is. Where there is none, the clearest.
    """
    if not len(net_counts):
        return np.ones(len(owner), dtype=bool)
    edge = np.arange(len(owner))
    own, noise = net_counts[owner, edge], sd[owner, edge]
    known = (owner >= 0) & (noise > 0) & np.isfinite(own)
    clarity = np.where(known, own / np.where(noise > 0, noise, 1.0), 0.0)
    judging = np.zeros(len(owner), dtype=bool)
    for columns in _by_element(setting):
        sound = columns & ~_failed(setting)
        asked = sound if sound.any() else columns
        clear = asked & (clarity > CLEAR_SD)
        judging |= clear if clear.any() else asked & (clarity == clarity[asked].max())
    return judging


def _by_element(setting: Setting) -> list[Bools]:
    elements = np.array([edge.element for edge in setting.edges.values()])
    return [elements == element for element in dict.fromkeys(elements.tolist())]


def _failed(setting: Setting) -> Bools:
    return np.array([edge in setting.reference_problems for edge in setting.edges], dtype=bool)
