"""Plots of a series: maps and profiles of each of its frames, and what changes from frame to frame."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.image import step_of
from eelsunmix.report.figures.encoding import Coarse
from eelsunmix.report.figures.grid import Scale, Tile, columns_for, map_grid
from eelsunmix.report.figures.layout import axis_key
from eelsunmix.report.figures.mapview import MapView, limits, view_of
from eelsunmix.report.figures.profiles import Styles, element_profiles
from eelsunmix.report.figures.style import COLOURS, REFERENCE, axis, base_layout, line
from eelsunmix.report.texts import plain

PIXELS = 1_500_000
"""Pixels that the maps of all frames together may have: a byte of each stands in the page."""
SHIFTED = {"frame_energy_shift": "energy", "frame_shift_y": "along y", "frame_shift_x": "along x"}
"""Shift of a frame in `corrected.zarr` -> its name on the page."""
MOST_FRAMES = 120
"""Frames of a page; of longer series so many, evenly spread."""


def shown_frames(n_frames: int) -> list[int]:
    """Return which frames a page shows.

    Examples
    --------
    >>> shown_frames(3), len(shown_frames(1000)), shown_frames(1000)[-1]
    ([0, 1, 2], 120, 999)
    """
    places = np.linspace(0, n_frames - 1, min(n_frames, MOST_FRAMES))
    return [int(place) for place in np.rint(places)]


def frame_view(maps: Mapping[str, xr.DataArray], frames: Sequence[int]) -> MapView:
    """Decide how finely the maps of all frames are shown."""
    example = next(iter(maps.values()))
    return view_of(example, n_maps=len(maps) * len(frames), budget=PIXELS)


def maps_of_frames(
    maps: Mapping[str, xr.DataArray], frames: Sequence[int], view: MapView
) -> list[dict[str, Any]]:
    """Draw the maps of each frame, all frames of a map on one scale.

    Parameters
    ----------
    maps : mapping
        Title -> map of the series.
    frames : sequence of int
    view : MapView

    Returns
    -------
    list of dict
        A figure for each frame.
    """
    views = [replace(view, frame=frame, outline=None) for frame in frames]
    images = {title: [one.image(values) for one in views] for title, values in maps.items()}
    scales = {
        title: Scale(**dict(zip(("low", "high"), limits(found), strict=True)), unit="counts")
        for title, found in images.items()
    }
    figures = []
    for place in range(len(frames)):
        tiles = [
            Tile(title=plain(title), image=images[title][place], scale=scales[title]) for title in images
        ]
        figures.append(_coarse(map_grid(tiles, view, columns=columns_for(len(tiles), view))))
    return figures


def _coarse(figure: dict[str, Any]) -> dict[str, Any]:
    data = [{**trace, "z": Coarse(trace["z"])} if "z" in trace else trace for trace in figure["data"]]
    return {**figure, "data": data}


def profiles_of_frames(
    comparison: xr.Dataset,
    frames: Sequence[int],
    *,
    edges: Sequence[str],
    profile: str,
    label: str,
    styles: Styles,
    unit: str,
) -> list[dict[str, Any]]:
    """Draw a profile of each frame by BS and one method, all frames on the same scales.

    Parameters
    ----------
    comparison : Dataset
        Of the series.
    frames : sequence of int
    edges : sequence of str
    profile, label : str
    styles : mapping
    unit : str
        Unit of the position.

    Returns
    -------
    list of dict
        A figure for each frame.
    """
    shown = comparison["element_profile"].sel(profile=profile).sel({"label": [REFERENCE, label]})
    figures = []
    for frame in frames:
        one = comparison.isel(frame=frame)
        figure = element_profiles(
            one, edges=edges, profile=profile, scaled=False, styles=styles, methods=[label], unit=unit
        )
        for i, edge in enumerate(edges):
            values = shown.sel(edge=edge).values
            low, high = min(0.0, float(np.nanmin(values))), float(np.nanmax(values))
            room = 0.06 * (high - low)
            figure["layout"][axis_key("y", i)] |= {"range": [low - room, high + room], "autorange": False}
        figures.append(figure)
    return figures


def trend(maps: Mapping[str, xr.DataArray]) -> dict[str, Any]:
    """Draw the mean of each map against the frame, over the largest of its means.

    Parameters
    ----------
    maps : mapping
        Title -> map of the series.
    """
    x, layout = _against_frames(next(iter(maps.values())))
    layout["yaxis"] = axis("mean, over the largest", rangemode="tozero")
    data: list[dict[str, Any]] = []
    for title, values in maps.items():
        means = values.mean([dim for dim in values.dims if dim != "frame"]).values.astype(float)
        largest = float(np.nanmax(np.abs(means))) or 1.0
        data.append(line(x, means / largest, plain(title), _style(len(data))))
    return {"data": data, "layout": layout}


def shifts_of_frames(corrected: xr.Dataset) -> dict[str, Any]:
    """Draw the shifts of the frames in energy, y and x, in channels and pixels.

    Parameters
    ----------
    corrected : Dataset
        Of a series.
    """
    counts = corrected["counts"]
    x, layout = _against_frames(corrected)
    layout["yaxis"] = axis("shift (channels, pixels)")
    data: list[dict[str, Any]] = []
    for (name, title), dim in zip(SHIFTED.items(), (counts.dims[-1], "y", "x"), strict=True):
        data.append(line(x, corrected[name].to_numpy() / step_of(counts, dim), title, _style(len(data))))
    return {"data": data, "layout": layout}


def _style(number: int) -> dict[str, Any]:
    return {"color": COLOURS[number % len(COLOURS)], "width": 1.8}


def _against_frames(series: xr.Dataset | xr.DataArray) -> tuple[np.ndarray, dict[str, Any]]:
    """Return the places of the frames, by their coordinate where it tells them apart, and a layout."""
    layout = base_layout(270, margin={"l": 74, "r": 20, "t": 40, "b": 50})
    layout["legend"] |= {"y": 1.03}
    n_frames, frame = series.sizes["frame"], series["frame"]
    unit = frame.attrs.get("units", "frame")
    if unit != "frame" and np.unique(frame.to_numpy()).size == n_frames:
        layout["xaxis"] = axis(f"{frame.attrs.get('long_name', 'frame')} ({unit})")
        return frame.to_numpy().astype(float), layout
    layout["xaxis"] = axis("frame", dtick=-(-n_frames // 12))
    return 1 + np.arange(n_frames), layout
