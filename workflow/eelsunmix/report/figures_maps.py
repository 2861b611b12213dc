"""The grid of element maps, method by edge, and the maps of the fit quality."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.report.figures_grid import Scale, Tile, columns_for, map_grid
from eelsunmix.report.formatting import plain
from eelsunmix.report.mapview import MapView, limits
from eelsunmix.report.style import REFERENCE

COMMON, OWN, RETURNED = "counts, common scale", "counts, own scale", "abundance as returned"
TRUTH = "truth"


def element_grid(
    comparison: xr.Dataset,
    maps: Mapping[str, xr.Dataset],
    *,
    edges: Sequence[str],
    scale: str,
    view: MapView,
    failures: Mapping[str, str],
) -> dict[str, Any]:
    """Draw the map of every edge by every method.

    Parameters
    ----------
    comparison : Dataset
    maps : mapping
        Method -> store of its maps, for the abundance as returned.
    edges : sequence of str
        One edge gives a free grid of tiles, several one column each.
    scale : str
        `COMMON`, `OWN` or `RETURNED`.
    view : MapView
    failures : mapping
        Failed method -> reason.
    """
    methods = [str(method) for method in comparison["method"].values]
    labels = [TRUTH, *methods] if "true_element_map" in comparison else methods
    rows = [
        [_image(comparison, maps, method, edge, scale, view, failures) for edge in edges] for method in labels
    ]
    common = [_common_limits([row[c] for row in rows]) for c in range(len(edges))]
    tiles = []
    for label, row in zip(labels, rows, strict=True):
        for c, image in enumerate(row):
            heading = plain(label if len(edges) == 1 else edges[c].replace("_", " "))
            tiles.append(_tile(heading, image, common[c], scale))
    if len(edges) == 1:
        return map_grid(tiles, view, columns=columns_for(len(tiles), view))
    return map_grid(
        tiles, view, columns=len(edges), row_titles=[plain(label) for label in labels], widest=300
    )


def component_grid(
    maps: Mapping[str, xr.Dataset],
    members: Mapping[int, Sequence[tuple[str, int]]],
    names: Mapping[int, str],
    view: MapView,
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
    """
    tiles = []
    for method, store in maps.items():
        for group, found in members.items():
            own = [endmember for label, endmember in found if label == method]
            image = view.image(store["abundance"].isel(endmember=own[0])) if own else "no such component"
            tiles.append(_tile(plain(names[group]), image, (0, 1), RETURNED))
    row_titles = [plain(method) for method in maps]
    return map_grid(tiles, view, columns=len(members), row_titles=row_titles, widest=300)


def chi2_maps(maps: Mapping[str, xr.Dataset], view: MapView) -> dict[str, Any]:
    """Draw the reduced chi-squared of every method's fit, on a common scale."""
    images = {method: view.image(store["reduced_chi2"]) for method, store in maps.items()}
    low, high = limits(list(images.values()))
    scale = Scale(low=low, high=high, unit="reduced χ²")
    tiles = [Tile(title=plain(method), image=image, scale=scale) for method, image in images.items()]
    return map_grid(tiles, view, columns=columns_for(len(tiles), view), widest=320)


def single_map(values: xr.DataArray, view: MapView, unit: str, *, width: float) -> dict[str, Any]:
    """Draw one map."""
    image = view.image(values)
    low, high = limits([image])
    tile = Tile(title="", image=image, scale=Scale(low=low, high=high, unit=unit))
    return map_grid([tile], view, columns=1, width=width, widest=width)


def _common_limits(images: Sequence[np.ndarray | str]) -> tuple[float, float]:
    return limits([image for image in images if isinstance(image, np.ndarray)], clipped=0.02)


def _image(
    comparison: xr.Dataset,
    maps: Mapping[str, xr.Dataset],
    method: str,
    edge: str,
    scale: str,
    view: MapView,
    failures: Mapping[str, str],
) -> np.ndarray | str:
    """The map of one tile, or the reason why there is none."""
    if method in failures:
        return "failed"
    if scale == RETURNED:
        return _abundance(comparison, maps, method, edge, view)
    if method == TRUTH:
        return view.image(comparison["true_element_map"].sel(edge=edge))
    return view.image(comparison["element_map"].sel({"method": method, "edge": edge}))


def _abundance(
    comparison: xr.Dataset, maps: Mapping[str, xr.Dataset], method: str, edge: str, view: MapView
) -> np.ndarray | str:
    if method in (TRUTH, REFERENCE):
        return "counts only"
    owner = int(comparison["owner"].sel({"method": method, "edge": edge}).item())
    if owner < 0:
        return "no component<br>owns this edge"
    return view.image(maps[method]["abundance"].isel(endmember=owner))


def _tile(heading: str, image: np.ndarray | str, common: tuple[float, float], scale: str) -> Tile:
    unit = "abundance" if scale == RETURNED else "counts"
    if isinstance(image, str):
        return Tile(title=heading, image=None, message=image, scale=Scale(low=0, high=1, unit=unit))
    low, high = common if scale == COMMON else limits([image])
    return Tile(title=heading, image=image, scale=Scale(low=low, high=high, unit=unit))
