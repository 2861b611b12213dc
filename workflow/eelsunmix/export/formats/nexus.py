"""NeXus: one HDF5 file that h5web, silx, NeXpy and DAWN plot at once; also the microscope's metadata.

Names follow the NeXus base classes. The application definition NXem is not claimed: it demands much that no
vendor's file says.
"""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import xarray as xr

from eelsunmix.export.axes import axis_of
from eelsunmix.export.describing import as_text
from eelsunmix.export.hdf5_stream import hdf5_stream
from eelsunmix.export.package import Package
from eelsunmix.export.quantities import Quantity

_UNITS = {"1": "", "px": "pixels", "frame": ""}
"""Units as NeXus writes them."""
_SHOWN_FIRST = ("net_counts", "element_map", "abundance")


def write(package: Package, folder: Path) -> None:
    """Write all quantities into one file."""
    path = folder / f"{package.sample.name}.nxs"
    with hdf5_stream(path) as stream, h5py.File(stream, "w", track_order=True) as file:
        entry = _group(file, "entry", "NXentry")
        file.attrs["default"] = "entry"
        file.attrs["NX_class"] = "NXroot"
        _write_entry(entry, package)
        for one in package.quantities:
            write_data(entry, one)
            if stream.error is not None:
                return
        entry.attrs["default"] = _shown_first(package)


def write_data(entry: h5py.Group, one: Quantity) -> None:
    """Write one quantity as NXdata: signal, errors, axes, and the names of what counts along an axis."""
    group = _group(entry, one.stem, "NXdata")
    dims = [str(dim) for dim in one.array.dims]
    _write_array(group, one.variable, one.array, one.unit, long_name=f"{one.title} ({one.unit})")
    group[one.variable].attrs["interpretation"] = "image" if one.kind == "map" else "spectrum"
    if one.deviation is not None:
        _write_array(group, f"{one.variable}_errors", one.deviation, one.unit, long_name="standard deviation")
    group.attrs["signal"] = one.variable
    group.attrs["axes"] = [f"{dim}_axis" for dim in dims]
    for number, dim in enumerate(dims):
        group.attrs[f"{dim}_axis_indices"] = number
        axis = axis_of(one.array, dim)
        placed = _write(
            group, f"{dim}_axis", axis.values, long_name=f"{dim.replace('_', ' ')} {axis.unit}".strip()
        )
        placed.attrs["units"] = _UNITS.get(axis.unit, axis.unit)
    for dim, names in one.names.items():
        group.create_dataset(f"{dim}_names", data=list(names), dtype=h5py.string_dtype())
    group["title"] = one.title
    _note(group, "description", as_text({"meaning": one.meaning, **one.about}))


def _write_entry(entry: h5py.Group, package: Package) -> None:
    about, source = package.about, package.about["source"]
    entry["title"] = package.sample.name
    sample = _group(entry, "sample", "NXsample")
    sample["name"] = package.sample.name
    process = _group(entry, "process", "NXprocess")
    process["program"] = "eelsunmix"
    process["version"] = str(about["software"].get("eelsunmix", ""))
    _note(process, "settings_and_seals", as_text(about))
    instrument = _group(entry, "instrument", "NXinstrument")
    _write_microscope(instrument, about["microscope"])
    origin = _group(entry, "source_file", "NXnote")
    for key in ("file", "sha256", "scene"):
        if source.get(key):
            origin["file_name" if key == "file" else key] = str(source[key])
    if package.sample.warnings:
        _note(entry, "warnings", "\n".join(package.sample.warnings))


def _write_microscope(instrument: h5py.Group, said: dict[str, Any]) -> None:
    """Write what is known, each with its unit: ``beam energy (keV)`` becomes ``beam_energy``."""
    for name, value in said.items():
        words, _, unit = name.partition(" (")
        placed = instrument.create_dataset(
            "name" if words == "microscope" else words.replace(" ", "_"), data=value
        )
        if unit:
            placed.attrs["units"] = unit.rstrip(")")


def _shown_first(package: Package) -> str:
    """Name what viewers plot on opening: the maps of background subtraction, or the first maps there are."""
    named = {one.variable: one.stem for one in reversed(package.quantities) if one.kind == "map"}
    return next((named[name] for name in _SHOWN_FIRST if name in named), package.quantities[0].stem)


def _write_array(group: h5py.Group, name: str, array: xr.DataArray, unit: str, *, long_name: str) -> None:
    placed = _write(group, name, array.values, long_name=long_name, compression="gzip", shuffle=True)
    placed.attrs["units"] = _UNITS.get(unit, unit)


def _write(
    group: h5py.Group, name: str, values: np.ndarray, *, long_name: str, **storage: Any
) -> h5py.Dataset:
    placed = group.create_dataset(name, data=values, **storage)
    placed.attrs["long_name"] = long_name
    return placed


def _group(parent: h5py.Group, name: str, nexus_class: str) -> h5py.Group:
    group = parent.create_group(name)
    group.attrs["NX_class"] = nexus_class
    return group


def _note(parent: h5py.Group, name: str, text: str) -> None:
    note = _group(parent, name, "NXnote")
    note["type"] = "application/json" if text.startswith("{") else "text/plain"
    note["data"] = text
