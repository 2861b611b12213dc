"""Crop, bin and mask."""

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.corrections.common import energy_in_ev, record
from eelsunmix.errors import InputError
from eelsunmix.execution import blocks
from eelsunmix.noise import variance_to_mean_of_sums

Window = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class CropOptions:
    """Part of the image to keep.

    Parameters
    ----------
    energy_eV, x_nm, y_nm : tuple of float, optional
        Lowest and highest centre of the channels or pixels to keep.
    """

    energy_eV: Window | None = None
    x_nm: Window | None = None
    y_nm: Window | None = None

    def __post_init__(self) -> None:
        for key, window in vars(self).items():
            _check_window(window, f"corrections.crop.{key}")


@dataclass(frozen=True, kw_only=True)
class BinOptions:
    """Numbers of neighbours summed along each axis; what is left over at the end is dropped."""

    x: int = 1
    y: int = 1
    energy: int = 1

    def __post_init__(self) -> None:
        for key, number in vars(self).items():
            if not isinstance(number, int) or number < 1:
                raise ValueError(
                    f"corrections.bin.{key} must be a whole number of at least 1, not {number!r}"
                )


@dataclass(frozen=True, kw_only=True)
class MaskOptions:
    """Pixels to leave out.

    Parameters
    ----------
    min_counts : float, optional
        Pixels with fewer counts over all channels are masked (vacuum).
    outside_nm : dict, optional
        ``{"x": (low, high), "y": (low, high)}``: pixels outside the rectangle are masked.
    """

    min_counts: float | None = None
    outside_nm: Mapping[str, Window] | None = None

    def __post_init__(self) -> None:
        if self.min_counts is not None and not 0 <= self.min_counts < math.inf:
            raise ValueError(f"corrections.mask.min_counts must be 0 or more, not {self.min_counts}")
        for axis, window in (self.outside_nm or {}).items():
            if axis not in ("x", "y"):
                raise ValueError(f"corrections.mask.outside_nm has the axes x and y, not {axis!r}")
            _check_window(window, f"corrections.mask.outside_nm.{axis}")


def channels_within(axis: np.ndarray, window: Window, *, key: str, unit: str) -> slice:
    """Slice of an increasing axis within a window.

    Raises
    ------
    InputError
        The window leaves the axis by more than one step, or no point lies in it.

    Examples
    --------
    >>> channels_within(np.array([0.0, 1.0, 2.0, 3.0]), (0.5, 2.0), key="crop", unit="nm")
    slice(1, 3, None)
    """
    low, high = window
    step = float(np.diff(axis).mean()) if axis.size > 1 else 1.0
    first, last = np.searchsorted(axis, [low - 1e-6 * step, high + 1e-6 * step])
    if low < axis[0] - step or high > axis[-1] + step or first >= last:
        raise InputError(
            f"{key}: the window {low:g} to {high:g} {unit} is not on the axis, which goes from {axis[0]:g} "
            f"to {axis[-1]:g} {unit} in steps of {step:g}: change the window"
        )
    return slice(int(first), int(last))


def crop(image: xr.DataArray, options: CropOptions) -> tuple[xr.DataArray, dict[str, Any]]:
    """Keep the windows of the options; a view of a lazy or eager image, and the entry of the log."""
    kept: dict[str, slice] = {}
    if options.energy_eV is not None:
        kept[str(image.dims[-1])] = channels_within(
            energy_in_ev(image), options.energy_eV, key="corrections.crop.energy_eV", unit="eV"
        )
    for axis, window in (("x", options.x_nm), ("y", options.y_nm)):
        if window is not None:
            kept[axis] = _pixels_within(image, axis, window, f"corrections.crop.{axis}_nm")
    if not kept:
        return image, record("crop", False, "Nothing cropped.")
    small = image.isel(kept)
    summary = f"Cropped from {_size(image)} to {_size(small)}."
    return small, record("crop", True, summary, kept={dim: [s.start, s.stop] for dim, s in kept.items()})


def bin_image(image: xr.DataArray, options: BinOptions) -> tuple[xr.DataArray, dict[str, Any]]:
    """Sum neighbouring pixels and channels; a binned pixel is valid where all its parts are.

    Integers are summed in the next wider integer type; `counts_per_electron` is unchanged by sums,
    `channel_variance_to_mean` grows towards it where the detector couples channels.
    """
    factors = {"x": options.x, "y": options.y, str(image.dims[-1]): options.energy}
    factors = {dim: number for dim, number in factors.items() if number > 1}
    if not factors:
        return image, record("bin", False, "Nothing binned.")
    for dim, number in factors.items():
        if number > image.sizes[dim]:
            raise InputError(
                f"corrections.bin: {number} along {dim} is more than its {image.sizes[dim]} points"
            )
    left = {dim: image.sizes[dim] % number for dim, number in factors.items()}
    trimmed = image.isel({dim: slice(0, image.sizes[dim] - rest) for dim, rest in left.items()})
    summed = _binned(trimmed, factors)
    summary = f"Binned by {_factors(factors)}, from {_size(image)} to {_size(summed)}"
    rest = ", ".join(f"{number} along {dim}" for dim, number in left.items() if number)
    summary += f"; left over at the end and dropped: {rest}." if rest else "."
    return summed, record("bin", True, summary, factors=factors, dropped=left)


def mask(image: xr.DataArray, options: MaskOptions) -> tuple[xr.DataArray, dict[str, Any]]:
    """Mark pixels as not valid and set them to zero."""
    keep = image.valid_pixel.to_numpy().copy()
    before = int(keep.sum())
    for axis, window in (options.outside_nm or {}).items():
        part = _pixels_within(image, axis, window, f"corrections.mask.outside_nm.{axis}")
        inside = np.zeros(image.sizes[axis], bool)
        inside[part] = True
        shape = [-1 if dim == axis else 1 for dim in image.dims[:-1]]
        keep &= inside.reshape(shape)
    if options.min_counts is not None:
        keep &= _totals(image) >= options.min_counts
    masked = before - int(keep.sum())
    if not masked:
        return image, record("mask", False, "No pixel masked.", masked=0)
    if not keep.any():
        raise InputError("corrections.mask leaves no pixel: lower min_counts or widen outside_nm")
    image = image.assign_coords(valid_pixel=(image.dims[:-1], keep))
    image = image.where(image.valid_pixel, image.dtype.type(0)).assign_attrs(image.attrs)
    return image, record("mask", True, f"{masked} of {before} pixels masked.", masked=masked)


def _check_window(window: Window | None, key: str) -> None:
    if window is not None and not (len(window) == 2 and -math.inf < window[0] < window[1] < math.inf):
        raise ValueError(f"{key} needs two increasing numbers, not {window!r}")


def _pixels_within(image: xr.DataArray, axis: str, window: Window, key: str) -> slice:
    coordinate = image.coords[axis]
    unit = coordinate.attrs.get("units", "px")
    if unit != "nm":
        raise InputError(f"{key}: the axis {axis} is in {unit}, not in nm: give the size of a pixel first")
    return channels_within(coordinate.to_numpy().astype(float), window, key=key, unit="nm")


def _binned(image: xr.DataArray, factors: dict[str, int]) -> xr.DataArray:
    navigation = {dim: number for dim, number in factors.items() if dim != image.dims[-1]}
    extra = {name: image[name] for name in ("valid_pixel", "energy_shift") if name in image.coords}
    wide = _wide(image.dtype)
    bare = image.drop_vars(list(extra)).astype(wide)
    summed = bare.coarsen(dict(factors)).sum().astype(wide)
    for name, values in extra.items():
        reduced = values.drop_vars(list(values.coords)).coarsen(navigation)
        extra[name] = (reduced.all() if name == "valid_pixel" else reduced.mean()) if navigation else values
    for dim in image.dims:
        summed[dim] = summed[dim].assign_attrs(image[dim].attrs)
    summed = summed.assign_coords({name: (values.dims, values.data) for name, values in extra.items()})
    # a sum with a part that was never measured would look like a dark pixel
    summed = summed.where(summed.valid_pixel, summed.dtype.type(0)).astype(wide)
    if "channel_variance_to_mean" not in image.attrs:
        return summed.assign_attrs(image.attrs)
    noise = variance_to_mean_of_sums(image, factors.get(str(image.dims[-1]), 1))
    return summed.assign_attrs({**image.attrs, "channel_variance_to_mean": noise})


def _wide(dtype: np.dtype) -> np.dtype:
    if dtype.kind not in "iu":
        return dtype
    return np.dtype(f"{dtype.kind}{4 if dtype.itemsize <= 2 else 8}")


def _totals(image: xr.DataArray) -> np.ndarray:
    template = blocks.template_like(image, {"total": (image.dims[:-1], "f8")})
    return np.asarray(blocks.map_blocks(functools.partial(_total_block), image, template)["total"].to_numpy())


def _total_block(block: xr.DataArray) -> xr.Dataset:
    return xr.Dataset({"total": block.sum([block.dims[-1]], dtype=float).drop_attrs(deep=False)})


def _size(image: xr.DataArray) -> str:
    return " x ".join(str(size) for size in image.shape)


def _factors(factors: dict[str, int]) -> str:
    return " and ".join(f"{number} along {dim}" for dim, number in factors.items())
