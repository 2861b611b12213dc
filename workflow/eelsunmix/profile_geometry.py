"""Where profiles and regions lie on an image: the one geometry that every map is summed with."""

import functools
import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.errors import InputError
from eelsunmix.profiles import Profile, Region, as_options
from eelsunmix.typing import Floats
from eelsunmix.units import nanometres_per


@dataclass(frozen=True, kw_only=True)
class Band:
    """Pixels that a profile sums over.

    Parameters
    ----------
    along, across : str
        Dims that the profile keeps and sums.
    pixels : tuple of int
        First pixel of the band on `across`, and the one after its last.
    width : float
        Width of the band in `units`.
    start : float
        Coordinate of the band's first pixel.
    units : str
        ``"nm"``, or ``"px"`` where the image has no calibration.
    """

    along: str
    across: str
    pixels: tuple[int, int]
    width: float
    start: float
    units: str

    def as_attrs(self) -> dict[str, Any]:
        """Return the geometry for the attributes of a store; without calibration, no width in nm."""
        calibrated = self.units == "nm"
        return {
            "along": self.along,
            "across": self.across,
            "pixels": list(self.pixels),
            "n_pixels": self.pixels[1] - self.pixels[0],
            "width_nm": self.width if calibrated else None,
            "start_nm": self.start if calibrated else None,
            "units": self.units,
        }


def profile_pixels(profile: Profile, image: xr.DataArray, *, name: str = "profile") -> Band:
    """Find the band of pixels of a profile on an image or map.

    Parameters
    ----------
    profile : Profile
    image : DataArray
        With dims and coordinates `y` and `x`; further dims do not matter.
    name : str
        Name of the profile in the configuration, for messages.

    Raises
    ------
    InputError
        If the band is not on the image, or is given in nm on an image without calibration.

    Examples
    --------
    >>> y = xr.DataArray(0.12 * np.arange(60), dims="y", attrs={"units": "nm"})
    >>> image = xr.DataArray(np.zeros((60, 75)), dims=("y", "x"), coords={"y": y})
    >>> band = profile_pixels(Profile(along="x", start_nm=0.0, width_nm=0.36), image)
    >>> band.pixels, round(band.width, 6)
    ((0, 3), 0.36)
    """
    _check_dims(image, f"profiles.{name}")
    across = "y" if profile.along == "x" else "x"
    positions, step, units = _axis(image, across)
    size = len(positions)
    if profile.width_nm is not None:
        _require_nm(positions, units, f"profiles.{name}.width_nm", "pixels: [first, after last]")
    first, stop = _band(profile, float(positions[0]), step, size)
    if not 0 <= first < stop <= size:
        raise InputError(
            f"profiles.{name}: {across} pixels {first} to {stop - 1} asked for, but the image has 0 to "
            f"{size - 1} ({positions[0]:g} to {positions[-1]:g} {units}); move or narrow the band"
        )
    return Band(
        along=profile.along,
        across=across,
        pixels=(first, stop),
        width=(stop - first) * step,
        start=float(positions[first]),
        units=units,
    )


def sum_profile(map_: xr.DataArray, profile: Profile, *, name: str = "profile") -> xr.DataArray:
    """Sum a map over the width of a profile.

    Parameters
    ----------
    map_ : DataArray, dims (..., y, x, ...)
        Where pixels of the band are NaN (no valid spectrum), the mean of the others times the width stands
        for the sum: pixels that are missing must not look like an element that is.
    profile : Profile
    name : str
        Name of the profile in the configuration, for messages.

    Returns
    -------
    DataArray
        The other dims of the map, with `along` renamed to `position` (coordinate in nm or px);
        NaN where no pixel of the band is valid.
    """
    band = profile_pixels(profile, map_, name=name)
    strip = map_.isel({band.across: slice(*band.pixels)})
    summed = strip.mean(band.across, skipna=True) * strip.sizes[band.across]
    summed = summed.rename({band.along: "position"})
    position = xr.DataArray(profile_positions(profile, map_), dims="position", attrs={"units": band.units})
    kept = [coord for coord in summed.coords if "position" in summed[coord].dims]
    return summed.drop_vars(kept).assign_coords(position=position)


def profile_positions(profile: Profile, image: xr.DataArray) -> Floats:
    """Coordinates of the pixels along a profile, in nm (px without calibration)."""
    return _axis(image, profile.along)[0]


def length_unit(image: xr.DataArray) -> str:
    """Return ``"nm"``, or ``"px"`` where the image has no calibration."""
    units = {_axis(image, dim)[2] for dim in ("y", "x") if dim in image.dims}
    return "nm" if units == {"nm"} else "px"


def region_mask(region: Region, image: xr.DataArray, *, name: str = "region") -> xr.DataArray:
    """Pixels of a region, dims (y, x), bool: those whose centre lies within its limits.

    Raises
    ------
    InputError
        If no pixel lies within, or if limits in nm meet an image without calibration.
    """
    _check_dims(image, f"regions.{name}")
    masks = [_within(getattr(region, f"{dim}_nm"), image, dim, name) for dim in ("y", "x")]
    return (masks[0] & masks[1]).transpose("y", "x")


def _within(limits: tuple[float, float] | None, image: xr.DataArray, dim: str, name: str) -> xr.DataArray:
    positions, step, units = _axis(image, dim)
    inside = np.ones(positions.shape, dtype=bool)
    if limits is not None:
        _require_nm(positions, units, f"regions.{name}.{dim}_nm", "the pixel size in axes")
        slack = 1e-6 * step
        inside = (positions >= limits[0] - slack) & (positions <= limits[1] + slack)
        if not inside.any():
            raise InputError(
                f"regions.{name}.{dim}_nm: no pixel between {limits[0]:g} and {limits[1]:g} nm; "
                f"the image runs from {positions[0]:g} to {positions[-1]:g} nm"
            )
    return xr.DataArray(inside, dims=dim)


def _check_dims(image: xr.DataArray, key: str) -> None:
    if not {"y", "x"} <= {*image.dims}:
        raise InputError(f"{key}: needs an image with the dims y and x, not {image.dims}; rename its dims")


def _band(profile: Profile, origin: float, step: float, size: int) -> tuple[int, int]:
    if profile.pixels is not None:
        return profile.pixels
    if profile.width_nm is None:
        return 0, size
    start = origin if profile.start_nm is None else profile.start_nm
    first = round((start - origin) / step)
    return first, first + max(1, round(profile.width_nm / step))


def _axis(image: xr.DataArray, dim: str) -> tuple[Floats, float, str]:
    if dim not in image.coords:
        return np.arange(image.sizes[dim], dtype=float), 1.0, "px"
    coordinate = image[dim]
    factor = nanometres_per(str(coordinate.attrs.get("units")))
    positions = coordinate.to_numpy().astype(float) * (factor or 1.0)
    step = float(positions[1] - positions[0]) if positions.size > 1 else _step_beside(image, dim)
    return positions, step, "px" if factor is None else "nm"


def _step_beside(image: xr.DataArray, dim: str) -> float:
    """Return the step of a single row or column: pixels are square, unless the other axis says nothing."""
    other = {"y": "x", "x": "y"}.get(dim, "")
    if image.sizes.get(other, 1) < 2 or other not in image.coords:
        return 1.0
    return _axis(image, other)[1]


def _require_nm(positions: Floats, units: str, key: str, instead: str) -> None:
    if units != "nm":
        raise InputError(f"{key}: the image has no pixel size in nm; give {instead}")
    steps = np.diff(positions)
    if steps.size and not (steps > 0).all():
        raise InputError(f"{key}: the positions of the image do not increase; sort or assign them, in nm")


def edge_free_pixels(
    image: xr.DataArray, regions: Mapping[str, Region | Mapping[str, Any]]
) -> xr.DataArray | None:
    """Mask of the pixels in regions that the user knows to be without all elements; None without any.

    Parameters
    ----------
    image : DataArray, dims (navigation, energy)
    regions : mapping
        Name -> such a region.
    """
    masks = [region_mask(one, image, name=name) for name, one in as_options(Region, regions).items()]
    return functools.reduce(operator.or_, masks) if masks else None
