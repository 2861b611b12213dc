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
    common = [limits([row[c] for row in rows if isinstance(row[c], np.ndarray)]) for c in range(len(edges))]
    tiles = []
    for label, row in zip(labels, rows, strict=True):
        for c, image in enumerate(row):
            heading = plain(label if len(edges) == 1 else edges[c].replace("_", " "))
            tiles.append(_tile(heading, image, common[c], scale))
    if len(edges) == 1:
        return map_grid(tiles, view, columns=columns_for(len(tiles), view))
    return map_grid(tiles, view, columns=len(edges), row_titles=[plain(label) for label in labels], widest=300)


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
