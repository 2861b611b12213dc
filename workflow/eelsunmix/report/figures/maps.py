"""Grids of maps: elements by all methods, components as returned, quality of the fit."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.report.figures.grid import Scale, Tile, columns_for, is_flat, map_grid
from eelsunmix.report.figures.mapview import MapView, limits
from eelsunmix.report.figures.style import MATERIAL_BS, REFERENCE, SEQUENTIAL, TRUE_MAP, WIDTH
from eelsunmix.report.texts import plain

COMMON, OWN, RETURNED = "counts, common scale", "counts, own scale", "abundance as returned"
SUBSPACE, DEVIATION = "subspace check", "standard deviation"
MAPS = {SUBSPACE: "subspace_map", DEVIATION: "element_map_sd"}
"""Scale -> what it shows instead of the element map."""
NO_METHODS = (TRUE_MAP, MATERIAL_BS, REFERENCE)
"""Maps that stay when the reader hides methods."""
MOST_COLUMNS = 8
"""Up to this many methods stand side by side, one row per edge; more of them stand below each other."""


@dataclass(frozen=True, kw_only=True)
class ElementMaps:
    """Where the element maps of all methods come from.

    Parameters
    ----------
    comparison : Dataset
    maps : mapping
        Method -> store of its maps, for the abundance as returned.
    view : MapView
    failures : mapping
        Failed method -> reason.
    """

    comparison: xr.Dataset
    maps: Mapping[str, xr.Dataset]
    view: MapView
    failures: Mapping[str, str]

    @property
    def labels(self) -> list[str]:
        """All rows of the grid."""
        methods = [str(method) for method in self.comparison["label"].values]
        return [TRUE_MAP, MATERIAL_BS, *methods] if "true_element_map" in self.comparison else methods

    @functools.cached_property
    def _seen(self) -> dict[tuple[str, str, str], np.ndarray | str]:
        """By method, edge, and what is shown: choices of edges and scales of colours share maps."""
        return {}

    def image(self, label: str, edge: str, scale: str) -> np.ndarray | str:
        """Return the map of one tile, or the reason why there is none; each is read once."""
        key = (label, edge, COMMON if scale == OWN else scale)
        if key not in self._seen:
            self._seen[key] = self._read(label, edge, scale)
        return self._seen[key]

    def _read(self, label: str, edge: str, scale: str) -> np.ndarray | str:
        if label in self.failures:
            return "failed"
        if scale == RETURNED:
            return self._abundance(label, edge)
        if label in (TRUE_MAP, MATERIAL_BS):
            if scale == DEVIATION:
                return "no noise"
            name = "true_element_map" if label == TRUE_MAP else "material_bs_map"
            return self.view.image(self.comparison[name].sel(edge=edge))
        found = self.comparison[MAPS.get(scale, "element_map")].sel({"label": label, "edge": edge}).load()
        return "not known" if bool(found.isnull().all()) else self.view.image(found)

    def _abundance(self, label: str, edge: str) -> np.ndarray | str:
        if label in (MATERIAL_BS, REFERENCE):
            return "counts only"
        if label == TRUE_MAP:
            return self._true_abundance(edge)
        owner = int(self.comparison["owner"].sel({"label": label, "edge": edge}).item())
        if owner < 0:
            return "no owner"
        return self.view.image(self.maps[label]["abundance"].isel(endmember=owner))

    def _true_abundance(self, edge: str) -> np.ndarray | str:
        owner = int(self.comparison["true_owner"].sel(edge=edge).item())
        if owner < 0:
            return "no owner"
        return self.view.image(self.comparison["true_abundance"].isel(true_endmember=owner))


DEVIATIONS = {"abundance_sd": "", "refit_abundance_sd": "(refit)"}
"""Standard deviations of abundances, the better ones first, and what is said of them."""


def element_grid(source: ElementMaps, *, edges: Sequence[str], scale: str) -> dict[str, Any]:
    """Draw the map of every edge by every method.

    Parameters
    ----------
    source : ElementMaps
    edges : sequence of str
        One edge gives a free grid of tiles; several give one row each, or one column each where the maps are
        long or the methods many.
    scale : str
        `COMMON`, `OWN`, `SUBSPACE`, `DEVIATION` or `RETURNED`.
    """
    images = {edge: {name: source.image(name, edge, scale) for name in source.labels} for edge in edges}
    shared = (
        {edge: _typical_limits(images[edge].values()) for edge in edges}
        if scale in (COMMON, SUBSPACE, DEVIATION)
        else {}
    )
    unit = "abundance" if scale == RETURNED else "counts"
    if len(edges) == 1:
        found = images[edges[0]]
        tiles = [_tile(name, image, unit, shared.get(edges[0]), name) for name, image in found.items()]
        return map_grid(tiles, source.view, columns=columns_for(len(tiles), source.view))
    names, below = [edge.replace("_", " ") for edge in edges], source.labels
    if _edges_as_rows(source):
        tiles = [
            _tile(name, images[edge][name], unit, shared.get(edge), name) for edge in edges for name in below
        ]
        return map_grid(tiles, source.view, columns=len(below), row_titles=_plain(names), widest=300)
    tiles = [
        _tile(title, images[edge][name], unit, shared.get(edge), name)
        for name in below
        for edge, title in zip(edges, names, strict=True)
    ]
    widest = 170 if source.view.aspect > 0.35 else 300
    return map_grid(tiles, source.view, columns=len(edges), row_titles=_plain(below), widest=widest)


def component_grid(
    maps: Mapping[str, xr.Dataset],
    members: Mapping[int, Sequence[tuple[str, int]]],
    names: Mapping[int, str],
    view: MapView,
    *,
    truth: Mapping[int, xr.DataArray] | None = None,
    deviations: bool = False,
) -> dict[str, Any]:
    """Draw the abundance of every component as its method returned it, one column per matched component.

    Parameters
    ----------
    maps : mapping
        Method -> store of its maps.
    members : mapping
        Group -> (method, endmember) pairs.
    names : mapping
        Group -> its name.
    view : MapView
    truth : mapping, optional
        Group -> the true abundance that belongs to it, of a simulated image; a first row shows it.
    deviations : bool
        Whether to draw the standard deviations instead, of the methods that know them.
    """
    known = truth or {}
    tiles = [
        _tile(names[group], view.image(known[group]) if group in known else "no such material", "abundance")
        for group in (members if known else ())
    ]
    rows = {method: ("", store["abundance"]) for method, store in maps.items()}
    if deviations:
        rows = {method: found for method, store in maps.items() if (found := _deviation(store))}
    for method, (_, values) in rows.items():
        for group, pairs in members.items():
            own = [endmember for label, endmember in pairs if label == method]
            image = view.image(values.isel(endmember=own[0])) if own else "no such component"
            tiles.append(_tile(names[group], image, "abundance", method=method))
    widest = 420 if view.aspect < 0.35 else 220
    titles = [TRUE_MAP] * bool(known) + [f"{method} {note}".strip() for method, (note, _) in rows.items()]
    figure = map_grid(tiles, view, columns=len(members), row_titles=_plain(titles), widest=widest)
    return _without_bar_titles(figure)


def _deviation(store: xr.Dataset) -> tuple[str, xr.DataArray] | None:
    """Return the best deviation of the abundances that a store has, and what is said of it."""
    return next(((note, store[name]) for name, note in DEVIATIONS.items() if name in store), None)


def _without_bar_titles(figure: dict[str, Any]) -> dict[str, Any]:
    """Leave out what the caption says: on narrow pages the titles would reach into the next map."""
    for key, one in figure["layout"].items():
        if key.startswith("coloraxis") and "colorbar" in one:
            one["colorbar"] = {**one["colorbar"], "title": {"text": ""}}
    return figure


def chi2_maps(maps: Mapping[str, xr.Dataset], view: MapView) -> dict[str, Any]:
    """Draw the reduced chi-squared of every method's fit, on a common scale."""
    images = {method: view.image(store["reduced_chi2"]) for method, store in maps.items()}
    shared = limits(list(images.values()))
    tiles = [_tile(method, image, "reduced χ²", shared, method) for method, image in images.items()]
    return map_grid(
        tiles, view, columns=columns_for(len(tiles), view), widest=320 if view.aspect > 0.35 else 420
    )


def single_map(values: xr.DataArray, view: MapView, unit: str, *, width: float) -> dict[str, Any]:
    """Draw one map."""
    tile = _tile("", view.image(values), unit)
    return map_grid([tile], view, columns=1, width=width, widest=WIDTH if is_flat(view) else 720)


def _edges_as_rows(source: ElementMaps) -> bool:
    return source.view.aspect > 0.35 and len(source.labels) <= MOST_COLUMNS


def _typical_limits(images: Any) -> tuple[float, float]:
    """Limits for all methods: the median of theirs, set neither by noise nor by one bad method."""
    found = [limits([image], clipped=0.02) for image in images if isinstance(image, np.ndarray)]
    if not found:
        return 0.0, 1.0
    low, high = np.median(np.array(found), axis=0).tolist()
    return low, high


def _tile(
    heading: str,
    image: np.ndarray | str,
    unit: str,
    shared: tuple[float, float] | None = None,
    method: str = "",
) -> Tile:
    who = {"title": plain(heading), "method": "" if method in NO_METHODS else method}
    if isinstance(image, str):
        return Tile(image=None, message=image, scale=Scale(low=0, high=1, unit=unit), **who)
    low, high = shared or limits([image])
    return Tile(image=image, scale=Scale(low=low, high=high, unit=unit, colours=SEQUENTIAL), **who)


def _plain(names: Sequence[str]) -> list[str]:
    return [plain(name) for name in names]
