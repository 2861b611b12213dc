"""How far other simplices that describe an image as well change the maps of a method: numbers for each edge.

Of methods whose abundances sum to one the simplex is that of their endmembers; abundances of others, which
hold the brightness of the pixel, are first turned into shares of its counts. Signed ones have no simplex.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.anchoring import KEPT
from eelsunmix.comparison.atomic_floor import atomic_floor, least_of_each
from eelsunmix.comparison.components import Components
from eelsunmix.comparison.pixel_samples import PixelSample, pixel_sample
from eelsunmix.comparison.setting import Setting
from eelsunmix.comparison.shared_purity import shared_pure_pixels
from eelsunmix.comparison.simplex_range import Range, Simplex, in_bands, simplex_range
from eelsunmix.comparison.simplex_rows import known_rows, simplex_rows
from eelsunmix.execution.map_stacks import MapStack
from eelsunmix.typing import Bools, Floats, Indices

NUMBERS = ("scale_low", "scale_high", "shape_error", "pure_pixels")
MAPS = ("owner_abundance_low", "owner_abundance_high")


def ambiguity_variables(
    components: Sequence[Components], table: xr.Dataset, setting: Setting
) -> dict[str, Any]:
    """Lay out the range of the abundances of the owner of each edge; NaN of the reference and where unknown.

    Parameters
    ----------
    components : sequence of Components
    table : Dataset
        With ``owner``, ``endmember_net_counts`` and their deviation.
    setting : Setting
    """
    numbers = {name: np.full((len(components) + 1, len(setting.edges)), np.nan) for name in NUMBERS}
    maps = {name: MapStack(len(components) + 1, setting.bs["net_counts"]) for name in MAPS}
    sample = pixel_sample(setting.parts, setting.total_counts.transpose(*setting.navigation).shape)
    shares = {
        row: known
        for row, component in enumerate(components, start=1)
        if (known := _shares(component, table.isel(label=row), setting, sample)) is not None
    }
    pure = shared_pure_pixels(
        [one.simplex for one in shares.values()],
        [one.known.reshape(sample.shape) for one in shares.values()],
    )
    for (row, one), piled in zip(shares.items(), pure, strict=True):
        found = simplex_range(one.simplex, piled).in_units(one.factor)
        owner = table.isel(label=row)["owner"].to_numpy()
        for column in np.flatnonzero(owner >= 0):
            for name, value in _of_owner(found, one.abundance, int(owner[column])).items():
                numbers[name][row, column] = value
        numbers["pure_pixels"][row] = np.round(numbers["pure_pixels"][row] / sample.part)
        _put_ends(maps, row, components[row - 1], found, owner, setting)
    unit, dims = {"units": "1"}, ("label", *map(str, setting.bs["net_counts"].dims))
    data: dict[str, Any] = {name: (("label", "edge"), values, unit) for name, values in numbers.items()}
    return data | {name: (dims, stack.array(), unit) for name, stack in maps.items()}


def _put_ends(
    maps: Mapping[str, MapStack],
    row: int,
    component: Components,
    found: Range,
    owner: Indices,
    setting: Setting,
) -> None:
    """Write the least and greatest maps of the abundance of each owner."""
    for part in setting.parts:
        abundance, deviation, scaled = simplex_rows(component.at(part), setting)
        known = known_rows(abundance, deviation, scaled)
        for name, values in zip(MAPS, found.abundances(abundance[known]), strict=True):
            ends = np.full((len(owner), len(known)), np.nan, dtype=np.float32)
            ends[np.ix_(owner >= 0, known)] = values[:, owner[owner >= 0]].T
            size = [where.stop - where.start for where in part.values()]
            maps[name].put(row, part, ends.reshape(len(owner), *size))


@dataclass(frozen=True, kw_only=True)
class _Shares:
    """Abundances of a method as those of a simplex.

    Attributes
    ----------
    simplex : Simplex
        Of the shares of the counts, in pixels that are known.
    factor : ndarray, shape (endmember,)
        Abundance of a share of one, in a pixel of mean counts.
    abundance : ndarray, shape (pixel, endmember)
        Of pixels that are known.
    known : ndarray of bool, shape (pixel,)
    """

    simplex: Simplex
    factor: Floats
    abundance: Floats
    known: Bools


def _shares(component: Components, at: xr.Dataset, setting: Setting, sample: PixelSample) -> _Shares | None:
    """Return the shares, or None where there is no simplex."""
    spectra = component.spectra
    if not _has_simplex(component):
        return None
    pieces = [
        tuple(one[chosen] for one in simplex_rows(component.at(part), setting))
        for part, chosen in zip(setting.parts, sample.chosen, strict=True)
    ]
    abundance, deviation, scaled = (np.concatenate(rows) for rows in zip(*pieces, strict=True))
    known = known_rows(abundance, deviation, scaled)
    if not known.any():
        return None
    abundance, deviation, scaled = abundance[known], deviation[known], scaled[known]
    factor, per_pixel = np.ones(len(spectra)), np.ones((len(abundance), 1))
    if not component.simplex:
        counts = abundance @ spectra.sum(axis=1)
        factor = counts.mean() / spectra.sum(axis=1)
        per_pixel = counts[:, None] / counts.mean()
    shares = abundance / factor / per_pixel
    pixels = np.sum(shares * scaled / factor, axis=0) / sample.part
    simplex = Simplex(
        abundances=shares,
        abundances_sd=deviation / factor / per_pixel,
        **_endmembers(spectra * factor[:, None], pixels, setting),
        **_edges(at, factor, setting),
    )
    return _Shares(simplex=simplex, factor=factor, abundance=abundance, known=known)


def _has_simplex(component: Components) -> bool:
    parts = (component.abundance, component.deviation)
    if any(part is None for part in parts) or len(component.spectra) < 2:
        return False
    signed = component.model is not None and component.model.signed
    return not signed and bool((component.spectra.sum(axis=1) > 0).all())


def _endmembers(spectra: Floats, pixels: Floats, setting: Setting) -> dict[str, Any]:
    """Return the spectra in bands; they are as well known as means of so many pixels."""
    unit, bands = float(setting.bs.attrs.get("counts_per_electron", 1.0)), in_bands(spectra)
    variance = unit * np.maximum(bands, 1.0) / np.maximum(pixels, 1.0)[:, None]
    return {"endmembers": bands, "endmembers_sd": np.sqrt(variance)}


def _edges(at: xr.Dataset, factor: Floats, setting: Setting) -> dict[str, Any]:
    size = len(factor)
    used = _usable(at, size, setting)
    names = ("endmember_net_counts", "endmember_net_counts_sd")
    net, net_sd = (at[name].to_numpy()[:size, used] * factor[:, None] for name in names)
    owner = at["owner"].to_numpy()[used]
    elements = [edge.element for edge in setting.edges.values()]
    floor = atomic_floor(setting.edges, setting.energy)[used]
    kept = least_of_each(np.array(elements)[used].tolist(), net, owner, floor)
    return {"net_counts": net, "net_counts_sd": net_sd, "owner": owner, "floor": in_bands(kept)}


def _usable(at: xr.Dataset, size: int, setting: Setting) -> Bools:
    """Edges that say where they belong: owned, known in all endmembers, not failed."""
    net, sd = (at[name].to_numpy()[:size] for name in ("endmember_net_counts", "endmember_net_counts_sd"))
    failed = np.array([edge in setting.reference_problems for edge in setting.edges], dtype=bool)
    known = np.isfinite(net).all(axis=0) & np.isfinite(sd).all(axis=0)
    usable: Bools = (at["owner"].to_numpy() >= 0) & known & ~failed
    return usable


def _of_owner(found: Range, abundance: Floats, owner: int) -> dict[str, float]:
    """Return the numbers of one endmember."""
    own = abundance[:, owner]
    added = abundance @ found.taken_high[:, owner]
    lost = np.minimum(-(abundance @ found.taken_low[:, owner]), np.maximum(own, 0.0))
    peak = max(float(np.quantile(own, KEPT)), np.finfo(float).tiny)
    return {
        "scale_low": float(found.scale_low[owner]),
        "scale_high": float(found.scale_high[owner]),
        "shape_error": float(max(np.quantile(added, KEPT), np.quantile(lost, KEPT))) / peak,
        "pure_pixels": float(found.pure[owner]),
    }
