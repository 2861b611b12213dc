"""Counts of an element by the components that show it: the map that a method stands for.

Each endmember counts with its own net counts, by how sure they are: nothing up to `SURE_SD` standard
deviations, nearly all of them far beyond. No limit of strength decides, so that methods that differ little
have maps that differ little. Edges below zero are none: the power law of that material is not its background.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.background.subtraction import gaussian_radius, gaussian_sum
from eelsunmix.comparison.setting import COMPARED, Setting
from eelsunmix.typing import Bools, Floats, Indices

SURE_SD = 2.0
"""Standard deviations up to which the net counts of an endmember may be chance."""
CLEAR_SD = 6.0
"""Standard deviations from which an edge of the owner is strong enough to be missed in other endmembers."""


def confirmed_counts(refit: xr.DataArray, setting: Setting) -> tuple[Floats, Floats]:
    """Return what BS says of the net counts of each endmember, and its deviation, (endmember, edge).

    Regression of the BS maps on the abundances: endmembers that are single noisy pixels show edges that it
    does not confirm.

    Parameters
    ----------
    refit : DataArray, dims (navigation, endmember)
    setting : Setting
    """
    triangle: Any = np.empty((0, refit.sizes["endmember"]))
    for pixels in _known_pixels(refit, setting, rim=0):  # of the shares alone, which have no neighbours
        triangle = np.linalg.qr(np.vstack([triangle, pixels.shares[pixels.inside]]), mode="r")
    inverse = np.linalg.pinv(triangle)
    found, variance, common = np.zeros((3, refit.sizes["endmember"], len(setting.edges)))
    for pixels in _known_pixels(refit, setting, rim=_reach(setting)):
        all_weights, inside = inverse @ (pixels.shares @ inverse).T, pixels.inside  # of the pseudo-inverse
        weight, of_exponent = all_weights[:, inside], pixels.spread(all_weights)[:, inside]
        found += weight @ pixels.net_counts[inside]
        variance += weight**2 @ pixels.own[inside] + of_exponent**2 @ pixels.of_exponent[inside]
        common += weight @ pixels.common_sd[inside]
    return found, np.sqrt(variance + common**2)


@dataclass(frozen=True, kw_only=True)
class _Pixels:
    """The known pixels of a part and of the neighbourhood of its pixels.

    Parameters
    ----------
    shares : ndarray, shape (pixel, endmember)
    net_counts, common_sd : ndarray, shape (pixel, edge)
    own, of_exponent : ndarray, shape (pixel, edge)
        Variance of the net counts: ``net_counts_sd`` squared (less what all pixels share), and what an
        exponent that is fitted to the pixel alone adds to it.
    inside : ndarray of bool, shape (pixel,)
        Whether they are of the part itself.
    known : ndarray of bool, shape (navigation)
        Where they are.
    sigma : float
        Of the neighbourhood over which exponents are averaged, in pixels.
    axes : sequence of int
        Along which they are.
    """

    shares: Floats
    net_counts: Floats
    own: Floats
    of_exponent: Floats
    common_sd: Floats
    inside: Bools
    known: Bools
    sigma: float
    axes: Sequence[int]

    def spread(self, weight: Floats) -> Floats:
        """Return the weights of pixels that a sum gives their exponents, shape (..., pixel).

        That of a pixel is averaged over its neighbours, so that all of these err in it: in a wide area as
        if each pixel had its own exponent, in a single pixel less.
        """
        if not self.of_exponent.any():
            return weight
        norm = gaussian_sum(self.known.astype(float), self.sigma, self.axes)[self.known]
        maps = np.zeros((len(weight), *self.known.shape))
        maps[:, self.known] = weight / norm
        return gaussian_sum(maps, self.sigma, [axis + 1 for axis in self.axes])[:, self.known]


def _reach(setting: Setting) -> int:
    """Pixels by which exponents reach, and as many again: those of these pixels depend on others."""
    is_local = setting.bs.attrs["exponent_from"] == "local"
    return 2 * gaussian_radius(float(setting.bs.attrs["local_sigma_px"])) if is_local else 0


def _known_pixels(refit: xr.DataArray, setting: Setting, *, rim: int) -> Iterator[_Pixels]:
    """Yield the pixels of each part, and so many around it, with shares and net counts."""
    order = (*setting.navigation, "endmember")
    axes = [axis for axis, dim in enumerate(setting.navigation) if dim != "frame"]
    sigma = float(setting.bs.attrs["local_sigma_px"])
    for part in setting.parts:
        wide = {
            dim: one if dim == "frame" else slice(max(one.start - rim, 0), one.stop + rim)
            for dim, one in part.items()
        }
        bs, maps = setting.at(wide).bs, refit.isel(wide).transpose(*order).to_numpy()
        rows = [maps.reshape(-1, maps.shape[-1]).astype(float), *(_by_pixel(bs[name]) for name in COMPARED)]
        known = np.logical_and.reduce([np.isfinite(one).all(axis=1) for one in rows])
        shares, net, sd, independent, common = (one[known] for one in rows)
        # A pixel with an exponent of its own errs more than one that has the average of its neighbours.
        of_exponent = np.maximum(independent**2 - sd**2, 0.0)
        inside = np.zeros(maps.shape[:-1], dtype=bool)
        inside[tuple(_shifted(part[dim], wide[dim].start) for dim in setting.navigation)] = True
        yield _Pixels(
            shares=shares,
            net_counts=net,
            own=independent**2 - of_exponent,
            of_exponent=of_exponent,
            common_sd=common,
            inside=inside.ravel()[known],
            known=known.reshape(inside.shape),
            sigma=sigma,
            axes=axes,
        )


def _shifted(one: slice, start: int) -> slice:
    return slice(one.start - start, one.stop - start)


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
    least = np.where(failed_edges(setting), net_counts, np.minimum(net_counts, confirmed))
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
        sound = columns & ~failed_edges(setting)
        asked = sound if sound.any() else columns
        clear = asked & (clarity > CLEAR_SD)
        judging |= clear if clear.any() else asked & (clarity == clarity[asked].max())
    return judging


def _by_element(setting: Setting) -> list[Bools]:
    elements = np.array([edge.element for edge in setting.edges.values()])
    return [elements == element for element in dict.fromkeys(elements.tolist())]


def failed_edges(setting: Setting) -> Bools:
    """Return at which edges BS failed, shape (edge,)."""
    return np.array([edge in setting.reference_problems for edge in setting.edges], dtype=bool)
