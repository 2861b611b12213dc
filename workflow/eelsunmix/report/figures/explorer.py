"""What the explorer of a page computes its spectra from: small integers, and maps that it has anyway."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.mapping.brightness import sums_to_one
from eelsunmix.noise import channel_variance_to_mean, counts_per_electron
from eelsunmix.report.areas import ONE_SIDED, SURE_SD, Systematic, deviations_of_areas
from eelsunmix.report.figures.mapview import MapView
from eelsunmix.report.figures.style import REFERENCE
from eelsunmix.stage_warnings import reference_problems

MOST_VALUES = 600_000
"""Counts that a page may hold as measured; of larger images it holds what PCA leaves of them."""
PART_OF_ELECTRON = 4
"""Measured counts are rounded to this part of an electron, well below their noise."""


def holds_counts(counts: xr.DataArray, view: MapView) -> bool:
    """Whether a page holds the counts of each pixel."""
    return view.factor == 1 and view.size["x"] * view.size["y"] * counts.shape[-1] <= MOST_VALUES


def place_of_pixels(view: MapView) -> dict[str, Any]:
    """Describe the pixels that maps show: names, numbers, first centres and widths of both axes."""
    axes = {"across": view.across, "down": view.down}
    return {
        "unit": view.unit,
        "averaged": view.factor**2,
        **{
            key: {"name": name, "size": view.size[name], "first": view.origin[name], "step": view.step[name]}
            for key, name in axes.items()
        },
    }


def spectra_of_pixels(
    counts: xr.DataArray, pca: xr.Dataset, view: MapView, n_components: int
) -> dict[str, Any]:
    """Return the counts of all pixels, or scores and loadings that stand for them.

    Parameters
    ----------
    counts : DataArray, dims (navigation, energy)
        The corrected image.
    pca : Dataset
    view : MapView
    n_components : int
        Components that stand for an image that is too large.

    Returns
    -------
    dict
        ``codes`` (pixel, channel), rows as the maps show the pixels, in units of ``unit``; or ``score``, a
        list of maps, and ``loading``, a list of spectra.
    """
    if holds_counts(counts, view):
        image = counts.isel(frame=view.frame) if "frame" in counts.dims else counts
        values = np.asarray(image.transpose(view.down, view.across, ...).values, dtype=float)
        unit = _unit(counts, values)
        return {"unit": unit, "codes": np.rint(values.reshape(-1, values.shape[-1]) / unit)}
    return {
        "score": [view.image(pca["score"].isel(component=k)) for k in range(n_components)],
        "loading": [pca["loading"].isel(component=k).values for k in range(n_components)],
    }


def _unit(counts: xr.DataArray, values: np.ndarray) -> float:
    """Part of an electron; a whole count where counts are whole; not too small for 16 bits."""
    if counts.dtype.kind in "iu":
        return 1.0
    spread = np.nanmax(values) - np.nanmin(values) if np.isfinite(values).any() else 0.0
    return float(max(counts_per_electron(counts) / PART_OF_ELECTRON, spread / 65000)) or 1.0


def noise_of_channel(counts: xr.DataArray) -> float:
    """Variance of the counts of one channel over their mean, for residuals in standard deviations."""
    return channel_variance_to_mean(counts)


def backgrounds(
    bs: xr.Dataset,
    edges: Mapping[str, Mapping[str, Any]],
    systematic: Mapping[str, Systematic],
    peaks: Mapping[str, float],
    view: MapView,
) -> list[dict[str, Any]]:
    """Return of each edge its windows, and the maps that its background follows from.

    With ``background``, its counts in the window of integration, and ``exponent`` a power law of a pixel is
    ``background E^-exponent / sum(E^-exponent over the window)``, and an exponential alike. That of a line of
    X-rays, which has a window ``above`` too, is straight and follows from the spectrum. Of an area, the
    deviations add up after ``of_area``, as `areas` has them; limits are parts of ``peak``, see `peaks`.
    """
    failed = reference_problems(bs)
    maps = {"background": "background_counts", "exponent": "exponent", "net": "net_counts"}
    maps |= {"sd": "net_counts_sd"}
    return [
        {
            "name": name.replace("_", " "),
            "fit": windows["fit"],
            "integrate": windows["integrate"],
            **({"above": windows["fit_above"]} if "fit_above" in windows else {}),
            "curve": windows.get("background", "power_law"),
            "onset": windows.get("onset"),
            "failed": name in failed,
            "of_area": deviations_of_areas(bs.sel(edge=name)),
            "peak": peaks[name],
            "offset": systematic[name].offset,
            "systematic": systematic[name].sd,
            "sure": SURE_SD,
            "one_sided": ONE_SIDED,
            **{key: view.image(bs[variable].sel(edge=name)) for key, variable in maps.items()},
        }
        for name, windows in edges.items()
        if "fit" in windows and "integrate" in windows
    ]


def reconstructions(
    comparison: xr.Dataset,
    fits: Mapping[str, xr.Dataset],
    maps: Mapping[str, xr.Dataset],
    methods: Sequence[str],
    edges: Sequence[str],
    view: MapView,
) -> list[dict[str, Any]]:
    """Return of each method its endmembers and abundances, and its counts of each edge.

    A reconstruction is abundance times endmember. Abundances that sum to one (``shares``) say nothing of the
    brightness: their mixture has the counts of the pixel.
    """
    found = []
    for method in methods:
        spectra, abundance = fits[method]["endmember_spectrum"], maps[method]["abundance"]
        counts = comparison["element_map"].sel({"label": method})
        found.append(
            {
                "name": method,
                "shares": sums_to_one(fits[method]),
                "endmember": [spectrum.values for spectrum in spectra],
                "abundance": [
                    view.image(abundance.isel(endmember=k)) for k in range(abundance.sizes["endmember"])
                ],
                "counts": [view.image(counts.sel(edge=edge)) for edge in edges],
            }
        )
    return found


def backdrops(
    total: xr.DataArray,
    comparison: xr.Dataset,
    edges: Sequence[str],
    view: MapView,
    scan: xr.DataArray | None = None,
) -> list[dict[str, Any]]:
    """Return the maps that the reader may choose a pixel on: total counts, the image of the scan, BS."""
    found = [{"title": "total counts", "unit": "counts", "image": view.image(total)}]
    if scan is not None:
        found.append({"title": scan.attrs["title"], "unit": "", "image": view.image(scan)})
    for edge in edges:
        net = comparison["element_map"].sel({"label": REFERENCE, "edge": edge})
        title = f"{edge.replace('_', ' ')}, {REFERENCE}"
        found.append({"title": title, "unit": "counts", "image": view.image(net)})
    return found
