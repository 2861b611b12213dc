"""Whether the stores that are compared speak of one image, of the same edges and of the same profiles."""

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import xarray as xr

from eelsunmix.comparison.components import REFERENCE, Components
from eelsunmix.edges import Edge
from eelsunmix.errors import InputError
from eelsunmix.execution.map_stacks import pixel_parts
from eelsunmix.image import valid_pixels
from eelsunmix.profile_geometry import profile_pixels
from eelsunmix.profiles import Profile
from eelsunmix.typing import Floats

_MAPS = ("refit_abundance", "abundance")
_WINDOWS = ("onset_eV", "fit_eV", "integrate_eV", "fit_above_eV")
_OF_THE_FIT = ("method", "options", "seed")
_SAME_MEAN = 0.01
"""Relative difference of two mean spectra of one image, of which one may be denoised."""


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


def check_same_counts(
    image: xr.DataArray,
    mean_spectrum: Floats,
    total_counts: xr.DataArray,
    components: Sequence[Components],
    maps: Mapping[str, xr.Dataset],
) -> None:
    """Refuse counts and maps whose mean spectrum is not that of the image.

    What a map says of the mean spectrum is its mean refit and what that leaves, so the endmembers of another
    model, or in another order, are noticed too.

    Parameters
    ----------
    image : DataArray, dims (navigation, energy)
    mean_spectrum : ndarray, shape (channel,)
        Of the valid pixels.
    total_counts : DataArray, dims (navigation)
    components : sequence of Components
    maps : mapping of str to Dataset
        By label.

    Raises
    ------
    InputError
        Names the argument and by how much it differs.
    """
    valid = xr.DataArray(valid_pixels(image), dims=image.dims[:-1])
    total, expected = float(total_counts.where(valid).mean()), float(mean_spectrum.sum())
    if abs(total - expected) > _SAME_MEAN * abs(expected):
        raise InputError(
            f"total_counts: {total:.6g} on average, but the image has {expected:.6g}; "
            "give the sum of each of its spectra"
        )
    for component in components:
        mapped = maps.get(component.label)
        if component.refit is None or mapped is None or "mean_residual" not in mapped:
            continue
        described = _mean_of(component.refit, valid) @ component.spectra + mapped["mean_residual"].to_numpy()
        apart = float(np.linalg.norm(described - mean_spectrum) / (np.linalg.norm(mean_spectrum) or 1.0))
        if apart > _SAME_MEAN:
            raise InputError(
                f"maps[{component.label!r}]: its mean spectrum and that of the image differ by "
                f"{100 * apart:.2g} %; map this image with fits[{component.label!r}] (eelsunmix.apply)"
            )


def _mean_of(refit: xr.DataArray, valid: xr.DataArray) -> Floats:
    """Mean of each abundance over the valid pixels, shape (endmember,)."""
    total, number = np.zeros((2, refit.sizes["endmember"]))
    for part in pixel_parts({dim: valid.sizes[dim] for dim in valid.dims}):
        here = refit.isel(part).where(valid.isel(part))
        total += here.sum(valid.dims, dtype=float).to_numpy()
        number += here.count(valid.dims).to_numpy()
    return np.divide(total, number, out=np.full(total.shape, np.nan), where=number > 0)


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
        other = [key for key in _WINDOWS if key in known and not _same(known[key], getattr(edge, key))]
        if other:
            raise InputError(f"edges[{name!r}] has another {other[0]} than that of bs; give both the same")
    summed = bs.attrs.get("profiles", {})
    if sorted(summed) != sorted(profiles):
        raise InputError(f"profiles are {list(profiles)}, but bs has {list(summed)}; give both the same")
    for name, profile in profiles.items():
        band, line = profile_pixels(profile, bs["net_counts"], name=name), summed[name]
        if (band.along, list(band.pixels)) != (line["along"], list(line["pixels"])):
            raise InputError(f"profiles[{name!r}] is another band than that of bs; give both the same")


def _same(known: object, given: object) -> bool:
    return given is not None and np.allclose(np.asarray(known, dtype=float), np.asarray(given, dtype=float))


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
    other = [
        name for name in _OF_THE_FIT if name in mapped.attrs and mapped.attrs[name] != fit.attrs.get(name)
    ]
    if len(numbers) > 1 or any(not np.array_equal(names[0], one) for one in names[1:]):
        other = ["endmembers"]
    if other:
        raise InputError(
            f"maps[{label!r}] was not made by fits[{label!r}]: other {other[0]}; "
            "map the image with eelsunmix.apply again"
        )


def _words(sizes: Mapping[Hashable, int]) -> str:
    return " x ".join(f"{size} {dim}" for dim, size in sizes.items()) or "without dims"
