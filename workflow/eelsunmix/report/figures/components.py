"""Plot of the endmember spectra method by method."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.report.figures.endmembers import displayed, group_names, members_of, spectrum_axes
from eelsunmix.report.figures.layout import axis_key, axis_name, grid_of, line_panels
from eelsunmix.report.figures.spectra import NAME, Edges, edge_marks, panel_title
from eelsunmix.report.figures.style import base_layout, component_colour, line, one_legend_entry
from eelsunmix.report.texts import plain


def components_by_method(
    comparison: xr.Dataset,
    fits: Mapping[str, xr.Dataset],
    methods: Sequence[str],
    *,
    edges: Edges,
    display: str,
    counts: float,
    title: str,
) -> dict[str, Any]:
    """Draw the endmember spectra of each method in a panel of its own, matched ones in the same colour.

    Parameters
    ----------
    comparison : Dataset
    fits : mapping
        Method -> store of its fit.
    methods : sequence of str
        Methods that gave a result.
    edges : mapping
    display, counts, title
        As `eelsunmix.report.figures.endmembers.component_spectra` takes them.
    """
    members = members_of(comparison, methods)
    names = group_names(comparison, members)
    panels = line_panels(len(methods), columns=4, panel_height=150, top=84)
    layout = base_layout(0, shapes=[], annotations=[]) | panels.layout(scale_height=False)
    layout["legend"] |= {"y": 1 + 34 / panels.plot_height}
    data: list[dict[str, Any]] = []
    for i, method in enumerate(methods):
        spectra = fits[method]["endmember_spectrum"]
        energy = np.asarray(spectra[spectra.dims[-1]].values)
        for group, endmember in [(g, k) for g, found in members.items() for m, k in found if m == method]:
            values = displayed(spectra.isel(endmember=endmember), display, counts)
            style = {"color": component_colour(list(members).index(group)), "width": 1.6}
            axes = {"xaxis": axis_name("x", i), "yaxis": axis_name("y", i)}
            data.append(line(energy, values, plain(names[group]), style, meta={"method": method}, **axes))
        layout |= spectrum_axes(i, panels, title, display)
        layout[axis_key("y", i)]["title"]["text"] = display if panels.place(i)[1] == 0 else ""
        named, room = panels.place(i)[0] == 0, NAME / panels.panel_width
        shapes, texts = edge_marks(edges, energy, panel=i, named=named, room=room)
        layout["shapes"] += shapes
        layout["annotations"] += [*texts, panel_title(f"<b>{plain(method)}</b>", i)]
    layout["meta"] = {"plot": panels.plot_height, "grid": grid_of(panels, methods)}
    return {"data": one_legend_entry(data), "layout": layout}
