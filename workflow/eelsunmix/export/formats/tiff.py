"""TIFF: 32-bit maps that ImageJ and Fiji open with their calibration, one file each.

ImageJ's own kind of TIFF: ImageJ reads its pixel size, unit, origin and frames without a plugin. Of OME-TIFF,
ImageJ alone ignores the pixel size.
"""

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.export.axes import Axis, axis_of, frame_names
from eelsunmix.export.describing import as_text
from eelsunmix.export.package import Package
from eelsunmix.export.quantities import Single

_PIXELS = {"px": "pixel", "": "pixel"}


def write(package: Package, folder: Path) -> None:
    """Write every map, and its deviation beside it."""
    for single in package.single_maps:
        place = single.quantity.folder_in(folder)
        write_map(place / f"{single.stem}.tif", single.array, single)
        if single.deviation is not None:
            write_map(place / f"{single.stem}_sd.tif", single.deviation, single)


def write_map(path: Path, array: xr.DataArray, single: Single) -> None:
    """Write one map of shape (y, x) or (frame, y, x); NaN stays NaN: ImageJ leaves it out."""
    import tifffile

    x, y = axis_of(array, "x"), axis_of(array, "y")
    values = np.ascontiguousarray(array.values, dtype=np.float32)
    tifffile.imwrite(
        path,
        values,
        imagej=True,
        resolution=(1 / x.scale, 1 / y.scale),
        resolutionunit="NONE",
        metadata=_imagej(array, values, x, y) | {"Info": as_text(_about(single))},
    )


def _imagej(array: xr.DataArray, values: np.ndarray, x: Axis, y: Axis) -> dict[str, Any]:
    """Return what ImageJ reads: unit, origin in pixels, range of the display, frames."""
    found: dict[str, Any] = {"unit": _PIXELS.get(x.unit, x.unit), "axes": "TYX" if array.ndim == 3 else "YX"}
    found |= {"xorigin": 0.0 - x.offset / x.scale, "yorigin": 0.0 - y.offset / y.scale}
    if np.isfinite(values).any():
        found |= {"min": float(np.nanmin(values)), "max": float(np.nanmax(values))}
    if "frame" in array.dims:
        found["Labels"] = list(frame_names(array))
    return found


def _about(single: Single) -> dict[str, Any]:
    one = single.quantity
    return {"title": single.title, "unit": one.unit, "names": dict(single.names), **one.about}
