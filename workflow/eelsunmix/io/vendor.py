"""Files of microscope makers, through RosettaSciIO: DigitalMicrograph, HyperSpy, Velox, EMSA/MAS."""

import copy
import functools
import importlib
import logging
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from eelsunmix.errors import InputError
from eelsunmix.io.hdf5 import check_stored, datasets, is_chunked, open_dataset
from eelsunmix.io.signals import FileAxis, Signal

PLUGINS = {
    ".dm3": "digitalmicrograph",
    ".dm4": "digitalmicrograph",
    ".hspy": "hspy",
    ".emd": "emd",
    ".msa": "msa",
}
"""Suffix -> module of RosettaSciIO."""

LONGEST_METADATA = 32
"""Elements of a list in the metadata beyond which it is left out."""

logger = logging.getLogger(__name__)


def read(path: Path) -> list[Signal]:
    """Return the signals of a vendor file, unread (EMSA/MAS text, which is small, excepted).

    RosettaSciIO's axes are taken as they come: which one is energy is settled later, by its unit.
    """
    plugin = PLUGINS[path.suffix.lower()]
    if plugin == "hspy":
        check_stored(path)
    # HyperSpy files may also hold models without data.
    found = [entry for entry in _call_reader(path) if "data" in entry]
    if plugin == "digitalmicrograph":
        for entry in found:
            _check_length(entry, path)
    return [_signal(entry, number, path) for number, entry in enumerate(found)]


def reader_errors() -> tuple[type[Exception], ...]:
    """Return the exceptions of RosettaSciIO and its helpers that derive from nothing more telling."""
    from box.exceptions import BoxError
    from rsciio import exceptions

    own = [error for error in vars(exceptions).values() if isinstance(error, type)]
    return (
        BoxError,
        *(error for error in own if issubclass(error, Exception) and not issubclass(error, Warning)),
    )


def _call_reader(path: Path, **options: Any) -> list[dict[str, Any]]:
    plugin = PLUGINS[path.suffix.lower()]
    module = importlib.import_module(f"rsciio.{plugin}")
    # The library prints its log to the standard output; ours goes where the caller of logging wants it.
    logging.getLogger("rsciio").handlers.clear()
    # Neither text nor contiguous HyperSpy arrays can be read lazily.
    if plugin != "msa" and (plugin != "hspy" or is_chunked(path)):
        options["lazy"] = True
    return module.file_reader(str(path), **options)


def _signal(entry: dict[str, Any], number: int, path: Path) -> Signal:
    data, metadata = entry["data"], _dict(entry.get("metadata"))
    general, signal = _dict(metadata.get("General")), _dict(metadata.get("Signal"))
    axes = sorted(entry["axes"], key=lambda axis: axis.get("index_in_array", 0))
    if tuple(int(axis["size"]) for axis in axes) != data.shape and "axis" not in str(axes):
        raise InputError(f"{path}: axes and data do not have the same sizes; it is damaged: copy it again")
    return Signal(
        open=_opener(path, number, data),
        dtype=np.dtype(data.dtype),
        axes=tuple(_axis(axis, size) for axis, size in zip(axes, data.shape, strict=True)),
        title=str(general.get("title") or path.stem),
        kind=_kind(str(signal.get("signal_type", ""))),
        reader="RosettaSciIO",
        metadata=plain(_with_mapped(metadata, entry)),
    )


def _opener(path: Path, number: int, data: Any) -> Callable[[tuple[int, ...]], Any]:
    if PLUGINS[path.suffix.lower()] == "digitalmicrograph":
        return functools.partial(_open_dm, path, number)
    if PLUGINS[path.suffix.lower()] == "hspy":
        arrays = datasets(path, "Experiments/*/data")
        if number < len(arrays) and arrays[number][1] == data.shape:
            return functools.partial(open_dataset, path, arrays[number][0])
    return lambda chunks: data


def _open_dm(path: Path, number: int, chunks: tuple[int, ...]) -> Any:
    # By axis number, because other signals of the file may have fewer axes.
    return _call_reader(path, chunks=dict(enumerate(chunks)))[number]["data"]


def _check_length(entry: dict[str, Any], path: Path) -> None:
    """Refuse a damaged DigitalMicrograph file that lazy reading would only notice much later."""
    stored = _follow(entry["original_metadata"], "ImageList.TagGroup0.ImageData.Data")
    declared = math.prod(entry["data"].shape)
    if isinstance(stored, dict) and stored.get("size") != declared:
        raise InputError(
            f"{path}: declares {entry['data'].shape}, {declared} values, but stores {stored.get('size')}; "
            "it is damaged: copy it again"
        )


def _axis(axis: dict[str, Any], size: int) -> FileAxis:
    values = axis.get("axis")
    units = axis.get("units")
    return FileAxis(
        size=size,
        name=str(axis.get("name") or ""),
        units=units.strip() if isinstance(units, str) else "",
        offset=_number(axis.get("offset")),
        scale=_number(axis.get("scale")),
        values=None if values is None else np.asarray(values, dtype=float),
    )


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _kind(signal_type: str) -> str:
    return next((kind for kind in ("EELS", "EDS") if signal_type.upper().startswith(kind)), "")


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _follow(tree: Any, dotted: str) -> Any:
    for key in dotted.split("."):
        tree = tree.get(key) if isinstance(tree, dict) else None
    return tree


def _with_mapped(metadata: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
    """Add what RosettaSciIO's own table extracts from the maker's tags (voltage, angles, exposure)."""
    result = copy.deepcopy(metadata)
    for source, (target, convert) in (entry.get("mapping") or {}).items():
        value = _follow(entry.get("original_metadata"), source)
        if value is None:
            continue
        try:
            _put(result, target, convert(value) if convert else value)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            logger.debug("metadata %s: %s", source, error)
    return result


def _put(tree: dict[str, Any], dotted: str, value: Any) -> None:
    *branches, leaf = dotted.split(".")
    for branch in branches:
        tree = tree.setdefault(branch, {})
    tree.setdefault(leaf, value)


def plain(value: Any) -> Any:
    """Return what JSON can hold of metadata: text, numbers, short lists, dictionaries; the rest left out."""
    if isinstance(value, dict):
        items = {str(key): plain(item) for key, item in value.items() if not str(key).startswith("_")}
        return {key: item for key, item in items.items() if item is not None and item != {}}
    if isinstance(value, np.generic | np.ndarray):
        return plain(value.tolist()) if value.size <= LONGEST_METADATA else None
    if isinstance(value, list | tuple):
        return [plain(item) for item in value] if len(value) <= LONGEST_METADATA else None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, str | int | bool) else None
