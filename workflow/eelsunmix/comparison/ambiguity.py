"""How far other simplices that describe an image as well change the maps of a method: numbers for each edge.

Of methods whose abundances sum to one the simplex is that of their endmembers; abundances of others, which
hold the brightness of the pixel, are first turned into shares of its counts. Signed ones have no simplex.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from eelsunmix.anchoring import KEPT
from eelsunmix.comparison.atomic_floor import atomic_floor, least_of_each
from eelsunmix.comparison.components import Components
from eelsunmix.comparison.setting import Setting
from eelsunmix.comparison.shared_purity import shared_pure_pixels
from eelsunmix.comparison.simplex_range import Range, Simplex, simplex_range
from eelsunmix.typing import Bools, Floats

BANDS = 256
"""Most bands of channels in which spectra are held above zero; each is a row of a linear program."""
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
    like = setting.bs["net_counts"]
    numbers = {name: np.full((len(components) + 1, len(setting.edges)), np.nan) for name in NUMBERS}
    maps = {name: np.full((len(components) + 1, *like.shape), np.nan, dtype=np.float32) for name in MAPS}
    shares = {
        row: known
        for row, component in enumerate(components, start=1)
        if (known := _shares(component, table.isel(label=row), setting)) is not None
    }
    pure = shared_pure_pixels(
        [one.simplex for one in shares.values()],
        [one.known.reshape(like.shape[1:]) for one in shares.values()],
    )
    for (row, one), piled in zip(shares.items(), pure, strict=True):
        found = simplex_range(one.simplex, piled).in_units(one.factor)
        for column, owner in enumerate(table.isel(label=row)["owner"].to_numpy()):
            if owner >= 0:
                values, ends = _of_owner(found, one.abundance, one.known, int(owner), like)
                for name, value in values.items():
                    numbers[name][row, column] = value
                for name, end in zip(MAPS, ends, strict=True):
                    maps[name][row, column] = end
    unit = {"units": "1"}
    data: dict[str, Any] = {name: (("label", "edge"), values, unit) for name, values in numbers.items()}
    return data | {name: (("label", *map(str, like.dims)), values, unit) for name, values in maps.items()}


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
    known : ndarray of bool, shape (pixel,)
    """

    simplex: Simplex
    factor: Floats
    abundance: Floats
    known: Bools


def _shares(component: Components, at: xr.Dataset, setting: Setting) -> _Shares | None:
    """Return the shares, or None where there is no simplex."""
    spectra = component.spectra
    if not _has_simplex(component):
        return None
    order = (*setting.navigation, "endmember")
    abundance, deviation, scaled = (
        one.transpose(*order).to_numpy().astype(float).reshape(-1, len(spectra))  # type: ignore[union-attr]
        for one in (component.abundance, component.deviation, component.scaled)
    )
    known = np.isfinite(abundance).all(axis=1) & np.isfinite(deviation).all(axis=1) & (scaled.sum(axis=1) > 0)
    if not known.any():
        return None
    factor, per_pixel = np.ones(len(spectra)), np.ones((int(known.sum()), 1))
    if not component.simplex:
        counts = abundance[known] @ spectra.sum(axis=1)
        factor = counts.mean() / spectra.sum(axis=1)
        per_pixel = counts[:, None] / counts.mean()
    shares = abundance[known] / factor / per_pixel
    simplex = Simplex(
        abundances=shares,
        abundances_sd=deviation[known] / factor / per_pixel,
        **_endmembers(spectra * factor[:, None], np.sum(shares * scaled[known] / factor, axis=0), setting),
        **_edges(at, factor, setting),
    )
    return _Shares(simplex=simplex, factor=factor, abundance=abundance, known=known)


def _has_simplex(component: Components) -> bool:
    parts = (component.abundance, component.deviation, component.scaled)
    if any(part is None for part in parts) or len(component.spectra) < 2:
        return False
    signed = component.model is not None and component.model.signed
    return not signed and bool((component.spectra.sum(axis=1) > 0).all())


def _endmembers(spectra: Floats, pixels: Floats, setting: Setting) -> dict[str, Any]:
    """Return the spectra in bands; they are as well known as means of so many pixels."""
    unit, bands = float(setting.bs.attrs.get("counts_per_electron", 1.0)), _in_bands(spectra)
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
    return {"net_counts": net, "net_counts_sd": net_sd, "owner": owner, "floor": _in_bands(kept)}


def _in_bands(spectra: Floats) -> Floats:
    """Sum neighbouring channels: no spectrum may be negative, but not for the noise of single channels."""
    starts = np.unique(np.linspace(0, spectra.shape[1], BANDS, endpoint=False, dtype=int))
    bands: Floats = np.add.reduceat(spectra, starts, axis=1)
    return bands


def _usable(at: xr.Dataset, size: int, setting: Setting) -> Bools:
    """Edges that say where they belong: owned, known in all endmembers, not failed."""
    net, sd = (at[name].to_numpy()[:size] for name in ("endmember_net_counts", "endmember_net_counts_sd"))
    failed = np.array([edge in setting.reference_problems for edge in setting.edges], dtype=bool)
    known = np.isfinite(net).all(axis=0) & np.isfinite(sd).all(axis=0)
    usable: Bools = (at["owner"].to_numpy() >= 0) & known & ~failed
    return usable


def _of_owner(
    found: Range, abundance: Floats, known: Bools, owner: int, like: xr.DataArray
) -> tuple[dict[str, float], list[NDArray[np.float32]]]:
    """Return the numbers of one endmember, and the least and greatest maps of its abundance."""
    own, others = abundance[known, owner], abundance[known]
    added = others @ found.taken_high[:, owner]
    lost = np.minimum(-(others @ found.taken_low[:, owner]), np.maximum(own, 0.0))
    peak = max(float(np.quantile(own, KEPT)), np.finfo(float).tiny)
    numbers = {
        "scale_low": float(found.scale_low[owner]),
        "scale_high": float(found.scale_high[owner]),
        "shape_error": float(max(np.quantile(added, KEPT), np.quantile(lost, KEPT))) / peak,
        "pure_pixels": float(found.pure[owner]),
    }
    ends = []
    for values in found.abundances(others):
        end = np.full(len(known), np.nan, dtype=np.float32)
        end[known] = values[:, owner]
        ends.append(end.reshape(like.shape[1:]))
    return numbers, ends
