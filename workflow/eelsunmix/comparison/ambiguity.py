"""How far other simplices that describe an image as well change the maps of a method: numbers for each edge.

Of methods whose abundances sum to one the simplex is that of their endmembers; abundances of others, which
hold the brightness of the pixel, are first turned into shares of its counts. Signed ones have no simplex.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from eelsunmix.anchoring import KEPT
from eelsunmix.comparison.components import Components
from eelsunmix.comparison.setting import Setting
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
    for row, component in enumerate(components, start=1):
        at = table.isel(label=row)
        found = _range_of(component, at, setting)
        if found is None:
            continue
        for column, owner in enumerate(at["owner"].to_numpy()):
            if owner >= 0:
                values, ends = _of_owner(*found, int(owner), like)
                for name, value in values.items():
                    numbers[name][row, column] = value
                for name, end in zip(MAPS, ends, strict=True):
                    maps[name][row, column] = end
    unit = {"units": "1"}
    data: dict[str, Any] = {name: (("label", "edge"), values, unit) for name, values in numbers.items()}
    return data | {name: (("label", *map(str, like.dims)), values, unit) for name, values in maps.items()}


def _range_of(component: Components, at: xr.Dataset, setting: Setting) -> tuple[Range, Floats, Bools] | None:
    """Return the range, the abundances of all pixels, and which of them are known."""
    if component.abundance is None or component.deviation is None or component.scaled is None:
        return None
    if len(component.spectra) < 2 or (component.model is not None and component.model.signed):
        return None
    order = (*setting.navigation, "endmember")
    abundance, deviation, scaled = (
        one.transpose(*order).to_numpy().astype(float).reshape(-1, len(component.spectra))
        for one in (component.abundance, component.deviation, component.scaled)
    )
    known = np.isfinite(abundance).all(axis=1) & np.isfinite(deviation).all(axis=1) & (scaled.sum(axis=1) > 0)
    if not known.any() or not (component.spectra.sum(axis=1) > 0).all():
        return None
    return _simplex_range(component, abundance, deviation, scaled, known, at, setting), abundance, known


def _simplex_range(
    component: Components,
    abundance: Floats,
    deviation: Floats,
    scaled: Floats,
    known: Bools,
    at: xr.Dataset,
    setting: Setting,
) -> Range:
    """Find the range of the shares, and return it in the units of the abundances."""
    spectra, size = component.spectra, len(component.spectra)
    factor, per_pixel = np.ones(size), np.ones((int(known.sum()), 1))
    if not component.simplex:
        counts = abundance[known] @ spectra.sum(axis=1)
        factor = counts.mean() / spectra.sum(axis=1)
        per_pixel = counts[:, None] / counts.mean()
    shares = abundance[known] / factor / per_pixel
    pixels = np.maximum(np.sum(shares * scaled[known] / factor, axis=0), 1.0)
    unit = float(setting.bs.attrs.get("counts_per_electron", 1.0))
    used = _usable(at, size, setting)
    net, net_sd = (
        at[name].to_numpy()[:size, used] * factor[:, None]
        for name in ("endmember_net_counts", "endmember_net_counts_sd")
    )
    endmembers = _in_bands(spectra * factor[:, None])
    found = simplex_range(
        Simplex(
            endmembers=endmembers,
            endmembers_sd=np.sqrt(unit * np.maximum(endmembers, 1.0) / pixels[:, None]),
            abundances=shares,
            abundances_sd=deviation[known] / factor / per_pixel,
            net_counts=net,
            net_counts_sd=net_sd,
            owner=at["owner"].to_numpy()[used],
        )
    )
    return found.in_units(factor)


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
