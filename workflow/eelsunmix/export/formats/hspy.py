"""HyperSpy: signals with axes and the microscope's metadata, opened by hs.load; one file per quantity.

Written by RosettaSciIO, as HyperSpy itself does. Components, edges and profiles count along a navigation
axis; their names stand in the metadata. Maps are images, spectra are of type EELS or EDS_TEM.
"""

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.export.axes import Axis, axis_of
from eelsunmix.export.describing import hyperspy_instrument
from eelsunmix.export.hdf5_stream import hdf5_stream
from eelsunmix.export.package import Package
from eelsunmix.export.quantities import Quantity
from eelsunmix.plain import plain_values

ENERGIES = ("energy_loss", "energy", "raw_energy")
_NAMES = {"eV": "Energy loss", "keV": "Energy"}
"""Unit of the energies -> what HyperSpy calls them."""


def write(package: Package, folder: Path) -> None:
    """Write every quantity, and its deviation beside it."""
    for one in package.of_kind("map", "spectrum", "profile"):
        place = one.folder_in(folder)
        write_signal(place / f"{one.stem}.hspy", one.array, one, package)
        if one.deviation is not None:
            write_signal(place / f"{one.stem}_sd.hspy", one.deviation, one, package, what="deviation of ")


def write_signal(path: Path, array: xr.DataArray, one: Quantity, package: Package, *, what: str = "") -> None:
    """Write one array as a signal."""
    from rsciio.hspy import file_writer

    array = _without_single_lines(array, one)
    dims, signal_dims = [str(dim) for dim in array.dims], _signal_dims(array, one)
    axes = [_axis(axis_of(array, dim), dim in signal_dims) for dim in dims]
    signal = {
        "data": np.ascontiguousarray(array.values),
        "axes": axes,
        "metadata": _metadata(one, package, f"{what}{one.title}", is_energy=signal_dims[-1] in ENERGIES),
        "original_metadata": {"eelsunmix": _bare({"names": dict(one.names), **one.about})},
        "attributes": {"_lazy": False, "ragged": False},
        "learning_results": {},
        "models": {},
        "tmp_parameters": {},
        "package_info": {"package": "hyperspy", "package_version": "2.0"},
    }
    with hdf5_stream(path) as stream:
        file_writer(stream, signal, show_progressbar=False)


def _without_single_lines(array: xr.DataArray, one: Quantity) -> xr.DataArray:
    """Make maps of a line scan lines: an image of one row says nothing in HyperSpy."""
    if one.kind != "map":
        return array
    single = [dim for dim in ("y", "x") if array.sizes[dim] == 1][:1]
    return array.squeeze(single, drop=True)


def _signal_dims(array: xr.DataArray, one: Quantity) -> list[str]:
    return [str(dim) for dim in array.dims if dim in one.own_dims and dim != "frame"] or [str(array.dims[-1])]


def _axis(axis: Axis, is_signal: bool) -> dict[str, Any]:
    found = {
        "name": _NAMES.get(axis.unit, axis.name) if axis.name in ENERGIES else axis.name,
        "units": axis.unit or None,
        "navigate": not is_signal,
        "size": axis.size,
        "is_binned": axis.name in ENERGIES,
    }
    if axis.is_even:
        return found | {"_type": "UniformDataAxis", "offset": axis.offset, "scale": axis.scale}
    return found | {"_type": "DataAxis", "axis": axis.values}


def _metadata(one: Quantity, package: Package, title: str, *, is_energy: bool) -> dict[str, Any]:
    source = dict(one.about["source"])
    return {
        "General": {"title": title, "original_filename": Path(str(source.get("file", ""))).name},
        "Signal": {
            "signal_type": package.sample.signal_type if is_energy else "",
            "quantity": f"{one.meaning} ({one.unit})",
        },
        "Acquisition_instrument": _bare(hyperspy_instrument(package.sample)),
        "_HyperSpy": {
            "Folding": {
                "unfolded": False,
                "signal_unfolded": False,
                "original_shape": None,
                "original_axes_manager": None,
            }
        },
        "eelsunmix": {"stack": _bare(one.names), "warnings": list(one.about["warnings"])},
    }


def _bare(tree: Any) -> Any:
    """Reduce to what the file can hold: no slash in names, no empty lists."""
    plain = plain_values(tree, finite=True)
    if isinstance(plain, dict):
        return {key.replace("/", "."): _bare(item) for key, item in plain.items()}
    if isinstance(plain, list):
        return [_bare(item) for item in plain]
    return plain
