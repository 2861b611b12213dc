"""The same quantities for background subtraction and for every method, side by side."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy
import xarray as xr
from numpy.typing import NDArray

from eelsunmix.comparison.components import Components
from eelsunmix.comparison.counts import SURE_SD, confirmed_counts, failed_edges, judging_edges
from eelsunmix.comparison.elements import (
    cross_talk,
    edge_strength,
    exponents,
    labels,
    owners,
    reached_by_pixels,
)
from eelsunmix.comparison.names import with_names
from eelsunmix.comparison.peaks import peak
from eelsunmix.comparison.presence import OWNER_SD
from eelsunmix.comparison.setting import Setting
from eelsunmix.execution.map_stacks import pixel_parts
from eelsunmix.typing import Bools, Floats

COUNTS = {"units": "counts"}
LEAST_COUNTS = 0.1
"""Part of the highest counts of a pixel below which its composition is not asked for."""
Single = NDArray[np.float32]


def component_variables(components: Sequence[Components], setting: Setting, n_endmembers: int) -> xr.Dataset:
    """Net counts, owners, cross-talk, exponents and labels of the endmembers; the reference has none."""
    shape = (len(components) + 1, n_endmembers, len(setting.edges))
    net, confirmed, sd, talk, exponent = (np.full(shape, np.nan) for _ in range(5))
    owner = np.full((shape[0], shape[2]), -1)
    names = [[""] * n_endmembers for _ in range(shape[0])]
    for row, component in enumerate(components, start=1):
        size = len(component.spectra)
        if component.refit is None:
            continue
        net[row, :size] = edge_strength(component.spectra, setting)
        confirmed[row, :size], sd[row, :size] = confirmed_counts(component.refit, setting)
        owner[row] = owners(component.spectra, net[row, :size], setting)
        talk[row, :size] = cross_talk(component.spectra, net[row, :size], owner[row])
        exponent[row, :size] = exponents(component.spectra, setting)
        least = np.minimum(net[row, :size], confirmed[row, :size])
        # A single pixel may show by its noise what its neighbours do not.
        least = np.where(failed_edges(setting), net[row, :size], least)
        owned = ~(least <= OWNER_SD * sd[row, :size])
        found = labels(
            talk[row, :size],
            list(setting.edges.values()),
            reached=reached_by_pixels(component.spectra, net[row, :size], owner[row], setting),
            sure=np.where(talk[row, :size] == 1, owned, least > SURE_SD * sd[row, :size]),
            judging=judging_edges(net[row, :size], sd[row, :size], owner[row], setting),
        )
        names[row][:size] = with_names(found, net[row, :size], component.refit, setting)
    dims = ("label", "endmember", "edge")
    data: dict[str, Any] = {
        "endmember_net_counts": (dims, net, COUNTS),
        "confirmed_net_counts": (dims, confirmed, COUNTS),
        "endmember_net_counts_sd": (dims, sd, COUNTS),
        "cross_talk": (dims, talk),
        "endmember_exponent": (dims, exponent),
        "owner": (("label", "edge"), owner),
        "endmember_label": (("label", "endmember"), np.array(names, dtype=str).reshape(shape[:2])),
    }
    return xr.Dataset(data)


def region_variables(elements: xr.Dataset, components: Sequence[Components], setting: Setting) -> xr.Dataset:
    """Net counts where the element is absent, and how much of its peak the owner alone leaves there."""
    shape = (len(components) + 1, len(setting.edges))
    mean, sd, share = (np.full(shape, np.nan) for _ in range(3))
    mean[0], sd[0] = setting.bs["off_region_mean"], setting.bs["off_region_sd"]
    for column, edge in enumerate(setting.edges):
        mask = setting.absent(edge)
        if mask is None:
            continue
        share[0, column] = mean[0, column] / _smooth_peak(elements["element_map"][0, column], setting)
        for row, component in enumerate(components, start=1):
            inside = elements["element_map"][row, column].compute().where(mask)
            mean[row, column] = inside.mean()
            sd[row, column] = inside.std() / np.sqrt(max(int(inside.count()), 1))
            share[row, column] = _off_region_share(component, elements, row, column, mask, setting)
    dims = ("label", "edge")
    return xr.Dataset(
        {
            "off_region_mean": (dims, mean, COUNTS),
            "off_region_sd": (dims, sd, COUNTS),
            "off_region_owner": (dims, share),
        }
    )


def binarisation(
    elements: xr.Dataset, components: Sequence[Components], ceiling: Floats, setting: Setting
) -> Floats:
    """Part of the pixels of mixed composition that a method takes for pure, shape (method,).

    Mixed are pixels in which, and around which, the reference is between 0.1 and 0.9 of its peak, averaged
    over 3 x 3 pixels and divided by the counts of the pixel: at a sharp border the average alone mixes what
    is pure. Pixels of few counts are left out; only edges whose map is clear of its noise count. Taken for
    pure: the map of the method, divided alike, below 0.05 or above 0.95 of its peak. Divided by the counts, a
    thinner place of one material is no mixture.
    """
    pure, mixed = np.zeros((2, len(components) + 1))
    pixels, failed = setting.total_counts.transpose(*setting.navigation), setting.reference_problems
    # Of a pixel with hardly any counts, as in vacuum, nobody knows what it is of.
    pixels = pixels.where(pixels > LEAST_COUNTS * peak(pixels.to_numpy()))
    for column, edge in enumerate(setting.edges):
        if not ceiling[column] > 0.7 or edge in failed:
            continue
        reference = _part_of(_smooth(elements["element_map"][0, column], setting), pixels.to_numpy())
        uncertain = _inside((reference > 0.1) & (reference < 0.9), setting)
        for row, component in enumerate(components, start=1):
            if component.abundance is None or int(elements["owner"][row, column]) < 0:
                continue
            found = _part_of(elements["element_map"][row, column].to_numpy(), _mixture(component, setting))
            part = found[uncertain & np.isfinite(found)]
            pure[row] += ((part < 0.05) | (part > 0.95)).sum()
            mixed[row] += part.size
    return np.divide(pure, mixed, out=np.full(pure.shape, np.nan), where=mixed > 0)


def _inside(area: Bools, setting: Setting) -> Bools:
    """Return the pixels of an area whose neighbours in the image are of it, too."""
    size = [3 if dim in ("y", "x") else 1 for dim in setting.navigation]
    inside: Bools = scipy.ndimage.minimum_filter(area, size=size, mode="nearest")
    return inside


def _mixture(component: Components, setting: Setting) -> Single:
    """Return the counts of the pixels as the components describe them."""
    return _weighted(component, component.spectra.sum(axis=1), setting)


def _weighted(component: Components, weight: Floats, setting: Setting) -> Single:
    """Sum the abundances in counts with weights, shape (navigation)."""
    weights = xr.DataArray(weight, dims="endmember")
    result = np.empty([setting.total_counts.sizes[dim] for dim in setting.navigation], dtype=np.float32)
    for part in setting.parts:
        scaled = component.at(part).scaled.drop_vars("endmember", errors="ignore")  # type: ignore[union-attr]
        result[tuple(part.values())] = xr.dot(scaled, weights, dim="endmember").transpose(*setting.navigation)
    return result


def _part_of(counts: NDArray[Any], totals: NDArray[Any]) -> Single:
    """Divide the counts of an element by those of the pixels, and by the peak of that."""
    part = np.full(counts.shape, np.nan, dtype=np.float32)
    np.divide(counts, totals, out=part, where=totals > 0, casting="same_kind")
    part /= np.float32(_peak(part))
    return part


def _off_region_share(
    component: Components,
    elements: xr.Dataset,
    row: int,
    column: int,
    mask: xr.DataArray,
    setting: Setting,
) -> float:
    k = int(elements["owner"][row, column])
    if component.abundance is None or k < 0:
        return np.nan
    values = _weighted(component, np.eye(len(component.spectra))[k], setting)
    own = elements["element_map"][row, column].copy(data=values)
    return float(own.where(mask).mean()) / _peak(values)


def _smooth(reference: xr.DataArray, setting: Setting) -> Single:
    """Average over the valid ones of 3 x 3 pixels; NaN where none is valid."""
    size = [3 if dim in ("y", "x") else 1 for dim in setting.navigation]
    values = reference.to_numpy()
    result = np.full(values.shape, np.nan, dtype=np.float32)
    for part in pixel_parts(dict(zip(setting.navigation, values.shape, strict=True))):
        own = tuple(part.values())
        rim = [(min(one.start, width // 2), width // 2) for one, width in zip(own, size, strict=True)]
        wide = tuple(slice(o.start - a, o.stop + b) for o, (a, b) in zip(own, rim, strict=True))
        core = tuple(slice(a, a + o.stop - o.start) for o, (a, _) in zip(own, rim, strict=True))
        result[own] = _averaged(values[wide].astype(float), size)[core]
    return result


def _averaged(values: Floats, size: list[int]) -> Floats:
    valid = np.isfinite(values)
    total = scipy.ndimage.uniform_filter(np.where(valid, values, 0.0), size, mode="nearest")
    part = scipy.ndimage.uniform_filter(valid.astype(float), size, mode="nearest")
    return np.divide(total, part, out=np.full(values.shape, np.nan), where=part > 1e-6)


def _smooth_peak(reference: xr.DataArray, setting: Setting) -> float:
    return _peak(_smooth(reference, setting))


def _peak(values: NDArray[Any]) -> float:
    highest = peak(values)
    return highest if highest > 0 else np.nan
