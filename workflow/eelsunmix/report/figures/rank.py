"""Plots of the number of components: eigenvalues, score maps, loadings."""

from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.report.figures.grid import Scale, Tile, columns_for, map_grid
from eelsunmix.report.figures.layout import axis_key, axis_name, line_panels
from eelsunmix.report.figures.mapview import MapView, limits
from eelsunmix.report.figures.spectra import panel_title
from eelsunmix.report.figures.style import (
    BLACK,
    BLUE,
    DIVERGING,
    GREY,
    HALF_WIDTH,
    ORANGE,
    RED,
    SEQUENTIAL,
    axis,
    base_layout,
    label,
    line,
)


def scree(pca: xr.Dataset, rank: xr.Dataset, *, count: int) -> dict[str, Any]:
    """Draw the first `count` eigenvalues with the edge of noise and the result of parallel analysis."""
    values = np.asarray(pca["eigenvalue"].values, dtype=float)[:count]
    index = np.arange(1, values.size + 1)
    chosen = int(rank.attrs["n_endmembers"])
    data = [_eigenvalues(index, values, chosen)]
    if "parallel_eigenvalue" in rank:
        noise = np.asarray(rank["parallel_eigenvalue"].values, dtype=float)[:count]
        style = {"color": ORANGE, "width": 2, "dash": "dash"}
        data.append(line(index[: noise.size], noise, "pure noise (parallel analysis, 99 %)", style))
    if rank.attrs.get("noise_edge"):
        edge = [float(rank.attrs["noise_edge"])] * 2
        data.append(line(index[[0, -1]], edge, "edge of noise", {"color": RED, "width": 1.5}))
    layout = base_layout(340, margin={"l": 74, "r": 20, "t": 44, "b": 50})
    layout["xaxis"] = axis("component", range=[0.3, values.size + 0.7])
    title = "eigenvalue (variance / Poisson variance)"
    layout["yaxis"] = axis(title, type="log", exponentformat="power", dtick=1)
    layout["shapes"], layout["annotations"] = _choice(chosen)
    hover = "component %{x}: %{y:.4g}<extra>%{fullData.name}</extra>"
    return {"data": [{**trace, "hovertemplate": hover} for trace in data], "layout": layout}


def score_maps(pca: xr.Dataset, view: MapView, *, count: int, chosen: int) -> dict[str, Any]:
    """Draw the scores of the first `count` components, each on its own signed scale."""
    tiles = []
    for i in range(min(count, pca.sizes["component"])):
        image = view.image(pca["score"].isel(component=i))
        low, high = limits([image], symmetric=True)
        kept = "kept" if i < chosen else "not kept"
        scale = Scale(low=low, high=high, unit="", colours=DIVERGING)
        tiles.append(Tile(title=f"<b>{i + 1}</b> ({kept})", image=image, scale=scale))
    return map_grid(
        tiles, view, columns=columns_for(len(tiles), view), widest=300 if view.aspect > 0.2 else 420
    )


def residual_map(rank: xr.Dataset, view: MapView) -> dict[str, Any]:
    """Draw how far each pixel is from what the components describe, up to its largest value."""
    image = view.image(rank["residual_deviation"])
    highest = max(float(np.nanmax(image)), float(rank.attrs["residual_limit"]))
    scale = Scale(low=0.0, high=highest, unit="sd", colours=SEQUENTIAL)
    tile = Tile(title="largest deviation", image=image, scale=scale)
    return map_grid([tile], view, columns=1, width=HALF_WIDTH, widest=420)


def loadings(pca: xr.Dataset, *, count: int, chosen: int, columns: int, title: str) -> dict[str, Any]:
    """Draw the loadings of the first `count` components."""
    count = min(count, pca.sizes["component"])
    energy = pca["loading"][pca["loading"].dims[-1]].values
    panels = line_panels(count, columns=columns, panel_height=110, top=20)
    layout = base_layout(0, showlegend=False, annotations=[]) | panels.layout(scale_height=False)
    data = []
    for i in range(count):
        axes = {"xaxis": axis_name("x", i), "yaxis": axis_name("y", i)}
        style = {"color": BLUE if i < chosen else GREY, "width": 1.2}
        data.append(
            line(energy, pca["loading"].isel(component=i).values, f"component {i + 1}", style, **axes)
        )
        x = axis(
            title if panels.is_lowest(i) else "", domain=panels.domain_x(i), anchor=axes["yaxis"], nticks=5
        )
        y_title = "counts" if panels.place(i)[1] == 0 else ""
        y = axis(y_title, domain=panels.domain_y(i), anchor=axes["xaxis"], nticks=6, zeroline=True)
        layout |= {axis_key("x", i): x, axis_key("y", i): y}
        layout["annotations"].append(panel_title(f"<b>{i + 1}</b>", i))
    return {"data": data, "layout": layout}


def _choice(chosen: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    where = {"xref": "x", "yref": "y domain"}
    dashed = {"color": BLACK, "width": 1, "dash": "dot"}
    x = chosen + 0.5
    mark = {"type": "line", "x0": x, "x1": x, "y0": 0, "y1": 1, "line": dashed, **where}
    return [mark], [label(f"chosen: {chosen}", x=x, y=1, xanchor="left", yanchor="top", xshift=4, **where)]


def _eigenvalues(index: np.ndarray, values: np.ndarray, chosen: int) -> dict[str, Any]:
    colours = [BLUE if i <= chosen else GREY for i in index.tolist()]
    marker = {"color": colours, "size": 8 if index.size <= 60 else 4}
    points = {"type": "scatter", "mode": "markers", "x": index, "y": values}
    return {**points, "name": "data (blue: used)", "marker": marker}
