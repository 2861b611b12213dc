"""Whether the stores that are compared speak of one image, of the same edges and of the same profiles."""

from collections.abc import Hashable, Mapping

import numpy as np
import xarray as xr

from eelsunmix.comparison.components import REFERENCE
from eelsunmix.edges import Edge
from eelsunmix.errors import InputError
from eelsunmix.profile_geometry import profile_pixels
from eelsunmix.profiles import Profile

_MAPS = ("refit_abundance", "abundance")
_WINDOWS = ("onset_eV", "fit_eV", "integrate_eV")


def check_same_image(
    image: xr.DataArray,
    bs: xr.Dataset,
    fits: Mapping[str, xr.Dataset],
    maps: Mapping[str, xr.Dataset],
    totals: xr.DataArray | None,
) -> None:
    """Refuse stores of other images.

    Parameters
    ----------
    image : DataArray, dims (navigation, energy)
    bs : Dataset
    fits, maps : mapping of str to Dataset
        By label.
    totals : DataArray, dims (navigation), optional

    Raises
    ------
    InputError
        Names the argument, its sizes and those of the image; or the label that cannot be one.
    """
    _check_labels(fits, maps)
    _check_pixels("bs", bs["net_counts"], image, besides=("edge",))
    if totals is not None:
        _check_pixels("total_counts", totals, image)
    for label, mapped in maps.items():
        for name in _MAPS:
            if name in mapped:
                _check_pixels(f"maps[{label!r}]", mapped[name], image, besides=("endmember",))
        _check_endmembers(label, fits[label], mapped)


def check_subtracted(bs: xr.Dataset, edges: Mapping[str, Edge], profiles: Mapping[str, Profile]) -> None:
    """Refuse edges and profiles that are not those of the background subtraction.

    Raises
    ------
    InputError
        Names what was given and what `bs` has.
    """
    subtracted = [str(name) for name in bs["edge"].to_numpy()]
    if sorted(subtracted) != sorted(edges):
        raise InputError(f"edges are {list(edges)}, but bs has {subtracted}; give both the same")
    for name, edge in edges.items():
        known = bs.attrs.get("edges", {}).get(name, {})
        other = [key for key in _WINDOWS if key in known and not np.allclose(known[key], getattr(edge, key))]
        if other:
            raise InputError(f"edges[{name!r}] has another {other[0]} than that of bs; give both the same")
    summed = bs.attrs.get("profiles", {})
    if sorted(summed) != sorted(profiles):
        raise InputError(f"profiles are {list(profiles)}, but bs has {list(summed)}; give both the same")
    for name, profile in profiles.items():
        band, line = profile_pixels(profile, bs["net_counts"], name=name), summed[name]
        if (band.along, list(band.pixels)) != (line["along"], list(line["pixels"])):
            raise InputError(f"profiles[{name!r}] is another band than that of bs; give both the same")


def _check_labels(fits: Mapping[str, xr.Dataset], maps: Mapping[str, xr.Dataset]) -> None:
    if REFERENCE in fits:
        raise InputError(f"fits has the label {REFERENCE!r}, which is that of the reference; rename it")
    if strange := [label for label in maps if label not in fits]:
        raise InputError(f"maps has the label {strange[0]!r}, but fits has {list(fits)}; give both the same")


def _check_pixels(name: str, array: xr.DataArray, image: xr.DataArray, besides: tuple[str, ...] = ()) -> None:
    pixels = {dim: image.sizes[dim] for dim in image.dims[:-1]}
    found = {dim: size for dim, size in array.sizes.items() if dim not in besides}
    if found != pixels:
        raise InputError(f"{name}: pixels {_words(found)}, but the image has {_words(pixels)}")
    for dim in pixels:
        if dim in array.coords and dim in image.coords and not np.array_equal(array[dim], image[dim]):
            raise InputError(f"{name}: its pixels lie at other {dim} than those of the image; make it again")


def _check_endmembers(label: str, fit: xr.Dataset, mapped: xr.Dataset) -> None:
    arrays = [mapped[name] for name in _MAPS if name in mapped]
    arrays += [fit[name] for name in ("endmember_spectrum",) if name in fit]
    numbers = {array.sizes.get("endmember") for array in arrays}
    names = [array["endmember"].to_numpy() for array in arrays if "endmember" in array.coords]
    if len(numbers) > 1 or any(not np.array_equal(names[0], other) for other in names[1:]):
        raise InputError(
            f"maps[{label!r}] was not made by fits[{label!r}]: other endmembers; "
            "map the image with eelsunmix.apply again"
        )


def _words(sizes: Mapping[Hashable, int]) -> str:
    return " x ".join(f"{size} {dim}" for dim, size in sizes.items()) or "without dims"
