"""Background subtraction (BS): maps and profiles of each edge's net counts, the reference of the report.

One pass over the image keeps only sums over the windows; all fits, which need neighbouring pixels, are made
on those maps.  A second pass averages spectra for display.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from eelsunmix.background.absence import known_absent, unused_regions
from eelsunmix.background.channels_without_data import in_windows
from eelsunmix.background.energy_axis import check_energy_axis
from eelsunmix.background.group_spectra import GroupSums, group_spectra, sum_groups
from eelsunmix.background.line_check import shared_lines
from eelsunmix.background.maps import (
    AnyChannels,
    SubtractionMaps,
    channels_of,
    of_all_pixels,
    subtract_in_parts,
)
from eelsunmix.background.onsets import Onset
from eelsunmix.background.profile_counts import profile_variables
from eelsunmix.background.reference_check import exponent_flags, find_problems, in_fit_windows
from eelsunmix.background.subtraction import BackgroundOptions, overall_shape
from eelsunmix.background.window_check import check_windows
from eelsunmix.background.windows import EdgeChannels, WindowSums, lost_pixels, sum_windows
from eelsunmix.edge_choice import resolution, resolve_edges
from eelsunmix.edges import Edge, Edges
from eelsunmix.errors import InputError
from eelsunmix.image import in_canonical_order
from eelsunmix.profile_geometry import profile_pixels
from eelsunmix.profiles import Profile, Region, as_options

MAPS = (
    *("net_counts", "net_counts_sd", "independent_sd", "common_sd"),
    *("snr", "background_counts", "exponent", "reduced_chi2"),
)
UNITS = {"snr": "1", "exponent": "1", "reduced_chi2": "1"}


def subtract_background(
    image: xr.DataArray,
    edges: Edges,
    options: BackgroundOptions | None = None,
    *,
    profiles: Mapping[str, Profile | Mapping[str, Any]] | None = None,
    regions: Mapping[str, Region | Mapping[str, Any]] | None = None,
    raw_energy: xr.DataArray | None = None,
) -> xr.Dataset:
    """Subtract the background of each edge, or line of X-rays, and sum the net counts.

    Before an edge a curve is fitted; under a line lies the straight line through the windows beside it.

    Parameters
    ----------
    image : DataArray, dims (y, x, energy) or (frame, y, x, energy) in any order
        Counts; lazy or eager. The coordinate `valid_pixel` and the attribute `counts_per_electron` are used.
    edges : sequence of str, or mapping of str to Edge or to a mapping of its fields
        Names alone (`Ti_L23`, or `Ti`) or with fields; what is not given is chosen by `resolve_edges`. May be
        empty: the result is then empty too.
    options : BackgroundOptions, optional
    profiles : mapping of str to Profile or to a mapping of its fields, optional
    regions : mapping of str to Region or to a mapping of its fields, optional
        Where elements are known to be absent.
    raw_energy : DataArray, shape (raw channel,), optional
        Axis of the file, where the image is cropped or binned: what the configuration shifts.

    Returns
    -------
    Dataset
        The store ``bs.zarr`` of the data model. Maps of a lazy image of more than one block are lazy; they
        lie in files until the end of the job, or of the process. Counts are signed, never clipped. The
        profiles of a series of frames keep the dim of the frames.

    Raises
    ------
    InputError
        If a window, profile or region is not on the image, or a named edge has no room for its windows.

    Examples
    --------
    >>> energy = xr.DataArray(np.arange(200.0, 500.0), dims="energy_loss", attrs={"units": "eV"})
    >>> image = xr.DataArray(np.ones((3, 4, 1)) * 1e9, dims=("y", "x", "e")).isel(e=0) * energy**-3
    >>> image = image.assign_coords(energy_loss=energy)
    >>> edge = Edge(element="C", onset_eV=284, fit_eV=(240, 278), integrate_eV=(284, 324))
    >>> bs = subtract_background(image, {"C_K": edge})
    >>> bool(abs(bs.net_counts / bs.background_counts).max() < 1e-3)
    True
    """
    options, profiles, regions = options or BackgroundOptions(), profiles or {}, regions or {}
    image = in_canonical_order(image)
    energy = image[image.dims[-1]]
    profiles, regions = as_options(Profile, profiles), as_options(Region, regions)
    if energy.size < 2:
        raise InputError("image has a single channel; backgrounds need a spectrum")
    edges = resolve_edges(edges, energy)
    warnings = check_windows(edges, energy)
    geometry = {name: profile_pixels(band, image, name=name).as_attrs() for name, band in profiles.items()}
    absent = known_absent(regions, edges, image)
    places = {name: channels_of(edge, energy) for name, edge in edges.items()}
    sums = sum_windows(image, places)
    warnings += lost_pixels(image, sums)
    results = {name: _subtract_map(sums, name, place, options) for name, place in places.items()}
    groups = sum_groups(image, {name: result.lazy("net_counts") for name, result in results.items()})
    axis = check_energy_axis(
        image, groups, edges, counts_per_electron=sums.counts_per_electron, raw_energy=raw_energy
    )
    parts = [
        _map_variables(results, sums),
        _off_region_variables(results, absent, sums),
        profile_variables(sums, places, profiles, options),
        _group_variables(image, sums, groups, places, options),
    ]
    attrs = {
        "edges": {name: _edge_attrs(edge) for name, edge in edges.items()},
        "profiles": geometry,
        "exponent_from": options.exponent,
        "local_sigma_px": options.local_sigma_px,
        "counts_per_electron": sums.counts_per_electron,
        "flags": {name: exponent_flags(result) for name, result in results.items()},
        "energy_axis": axis.measured,
        "reference_problems": _problems(image, edges, places, sums, results, axis.onsets),
        "warnings": axis.warnings + warnings + unused_regions(regions, edges),
    }
    return xr.merge(parts, join="exact", compat="equals").assign_attrs(attrs)


def _problems(
    image: xr.DataArray,
    edges: Mapping[str, Edge],
    places: Mapping[str, AnyChannels],
    sums: WindowSums,
    results: Mapping[str, SubtractionMaps],
    onsets: Mapping[str, Onset],
) -> dict[str, list[str]]:
    known = in_fit_windows(onsets, edges) | shared_lines(edges, resolution(image[image.dims[-1]]))
    # what else is wrong where channels hold no data comes of that
    return find_problems(results, sums, places, known) | in_windows(image, edges)


def _subtract_map(
    sums: WindowSums, name: str, place: AnyChannels, options: BackgroundOptions
) -> SubtractionMaps:
    return subtract_in_parts(
        sums.of_edge[name],
        sums.valid.to_numpy(),
        place,
        options,
        counts_per_electron=sums.counts_per_electron,
        average_over=[dim for dim in sums.dims if dim != "frame"],
        overall=of_all_pixels(sums, name, place),
    )


def _map_variables(results: Mapping[str, SubtractionMaps], sums: WindowSums) -> xr.Dataset:
    data = {}
    for variable in MAPS:
        parts = [result.lazy(variable).astype(np.float32) for result in results.values()]
        nothing = np.zeros((0, *sums.valid.shape), dtype=np.float32)
        found = xr.concat(parts, "edge") if parts else xr.DataArray(nothing, dims=("edge", *sums.dims))
        data[variable] = found.assign_attrs(units=UNITS.get(variable, "counts")).variable
    return xr.Dataset(data, coords={**sums.valid.coords, "edge": _labels(results)})


def _off_region_variables(
    results: Mapping[str, SubtractionMaps], absent: Mapping[str, xr.DataArray | None], sums: WindowSums
) -> xr.Dataset:
    pairs = [_off_region(result, absent[name], sums) for name, result in results.items()]
    table = np.array(pairs, dtype=float).reshape(len(results), 2)
    units = {"units": "counts"}
    data = {"off_region_mean": ("edge", table[:, 0], units), "off_region_sd": ("edge", table[:, 1], units)}
    return xr.Dataset(data, coords={"edge": _labels(results)})


def _off_region(result: SubtractionMaps, mask: xr.DataArray | None, sums: WindowSums) -> tuple[float, float]:
    inside = None if mask is None else (sums.valid & mask).transpose(*sums.dims).to_numpy()
    if inside is None or not inside.any():
        return np.nan, np.nan
    n_pixels = np.count_nonzero(inside)
    variance = (result.independent_sd[inside] ** 2).sum() / n_pixels**2
    variance += result.common_sd[inside].mean() ** 2
    return float(result.net_counts[inside].mean()), float(np.sqrt(variance))


def _group_variables(
    image: xr.DataArray,
    sums: WindowSums,
    groups: GroupSums,
    places: Mapping[str, AnyChannels],
    options: BackgroundOptions,
) -> xr.Dataset:
    shapes = None
    if options.exponent == "global":
        shapes = {
            name: overall_shape(sums.total(name), place)[0]
            for name, place in places.items()
            if isinstance(place, EdgeChannels)
        }
    spectra = group_spectra(image, groups, places, shapes=shapes)
    return spectra.assign_coords(edge=_labels(places))


def _edge_attrs(edge: Edge) -> dict[str, Any]:
    return {
        "element": edge.element,
        "onset_eV": float(edge.onset_eV),
        "fit_eV": list(edge.fit_eV),
        "integrate_eV": list(edge.integrate_eV),
        **({"fit_above_eV": list(edge.fit_above_eV)} if edge.fit_above_eV else {}),
        "reference": edge.reference,
        "background": edge.background,
    }


def _labels(names: Mapping[str, Any]) -> NDArray[np.str_]:
    return np.array(list(names), dtype=str)
