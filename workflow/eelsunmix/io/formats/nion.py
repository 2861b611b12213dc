"""Files of Nion Swift: ndata1 (npy and json in a zip) and HDF5, which RosettaSciIO does not read."""

import functools
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from eelsunmix.errors import InputError
from eelsunmix.io.format import Format
from eelsunmix.io.hdf5 import check_dataset, check_self_contained, open_dataset
from eelsunmix.io.metadata import plain
from eelsunmix.io.npy import zip_member
from eelsunmix.io.signals import FileAxis, Signal

LARGEST_METADATA = 2**25
"""Bytes of metadata beyond which a file is refused: a megabyte of zip can unpack to a gigabyte."""


class NionItem(Format):
    """An exported (ndata1) or library (ndata) file: a zip archive with data.npy and metadata.json."""

    suffixes = (".ndata1", ".ndata")

    def read(self, path: Path) -> list[Signal]:
        """Return the one signal, unread."""
        return _read_zip(path)


class NionLibrary(Format):
    """A library file (h5: dataset ``data``) or an export (nhdf: group ``data``)."""

    suffixes = (".h5", ".nhdf")

    def read(self, path: Path) -> list[Signal]:
        """Return the signals, unread."""
        return _read_hdf5(path)


def _read_zip(path: Path) -> list[Signal]:
    with zipfile.ZipFile(path) as archive:
        missing = {"data.npy", "metadata.json"} - set(archive.namelist())
        if missing:
            raise InputError(
                f"{path}: {' and '.join(sorted(missing))} missing; export the data item from Swift again"
            )
        size = archive.getinfo("metadata.json").file_size
        if size > LARGEST_METADATA:
            raise InputError(
                f"{path}: metadata.json holds {size} bytes, which are no metadata; export it again"
            )
        properties = json.loads(archive.read("metadata.json"))
    member = zip_member(path, "data.npy")
    return [_signal(properties, member.shape, member.dtype, member.open, path)]


def _read_hdf5(path: Path) -> list[Signal]:
    import h5py

    check_self_contained(path)
    with h5py.File(path, "r") as file:
        top = file.get("data")
        found = {"data": top} if isinstance(top, h5py.Dataset) else dict(_group_items(top))
        found = {key: item for key, item in found.items() if "properties" in item.attrs}
        if not found:
            raise InputError(
                f"{path}: not written by Nion Swift (no dataset 'data' with an attribute 'properties'); "
                "save it as .hspy in HyperSpy, or as .npy"
            )
        for dataset in found.values():
            check_dataset(dataset, path)
        return [
            _signal(
                json.loads(dataset.attrs["properties"]),
                dataset.shape,
                dataset.dtype,
                functools.partial(open_dataset, path, dataset.name),
                path,
            )
            for dataset in found.values()
        ]


def _group_items(group: Any) -> list[tuple[str, Any]]:
    import h5py

    if not isinstance(group, h5py.Group):
        return []
    return [(key, item) for key, item in group.items() if isinstance(item, h5py.Dataset)]


def _signal(properties: Any, shape: tuple[int, ...], dtype: np.dtype, opener: Any, path: Path) -> Signal:
    item = _data_item(properties, path)
    known = item.get("spatial_calibrations") or item.get("dimensional_calibrations") or []
    if known and len(known) != len(shape):
        raise InputError(
            f"{path}: {len(known)} calibrations for data of shape {shape}; export it from Swift again"
        )
    metadata = item.get("metadata") or {}
    return Signal(
        open=opener,
        dtype=np.dtype(dtype),
        axes=tuple(
            _axis(calibration, size)
            for calibration, size in zip(known or [{}] * len(shape), shape, strict=True)
        ),
        title=str(properties.get("title") or item.get("title") or path.stem),
        kind=_kind(metadata),
        reader="Nion Swift",
        metadata=plain({"title": properties.get("title"), "created": properties.get("created"), **metadata}),
    )


def _data_item(properties: Any, path: Path) -> dict[str, Any]:
    """Return the part that describes the array; older libraries keep it one level down."""
    if not isinstance(properties, dict):
        raise InputError(
            f"{path}: its properties are not a dictionary; export the data item from Swift again"
        )
    sources = properties.get("data_sources") or [properties.get("data_source")]
    return sources[0] if isinstance(sources[0], dict) else properties


def _axis(calibration: dict[str, Any], size: int) -> FileAxis:
    return FileAxis(
        size=size,
        units=str(calibration.get("units") or "").strip(),
        offset=float(calibration["offset"]) if "offset" in calibration else None,
        scale=float(calibration["scale"]) if "scale" in calibration else None,
    )


def _kind(metadata: dict[str, Any]) -> str:
    hardware = metadata.get("hardware_source")
    said = str(hardware.get("signal_type", "")) if isinstance(hardware, dict) else ""
    return said.upper() if said.upper() in ("EELS", "EDS") else ""
