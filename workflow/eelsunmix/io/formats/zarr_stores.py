"""Zarr stores: arrays with the axes that the store names."""

import functools
import math
from pathlib import Path
from typing import Any

import numpy as np

from eelsunmix.errors import InputError
from eelsunmix.image import SPECTRAL_DIMS
from eelsunmix.io.format import Format
from eelsunmix.io.lazy import sliced_by_blocks
from eelsunmix.io.metadata import plain
from eelsunmix.io.signals import FileAxis, Signal


class ZarrStore(Format):
    """A Zarr array or group."""

    suffixes = (".zarr",)
    is_folder = True

    def read(self, path: Path) -> list[Signal]:
        """Return the arrays that are not coordinates of others, unread."""
        import zarr

        root = zarr.open(path, mode="r")
        if isinstance(root, zarr.Array):
            return [_zarr_signal(root, {}, path)]
        found = dict(root.arrays())
        _refuse_results(found, path)
        return [
            _zarr_signal(array, found, path)
            for name, array in found.items()
            if array.ndim and _dimension_names(array) != (name,)
        ]


def _refuse_results(arrays: dict[str, Any], path: Path) -> None:
    """Refuse a store that this package has sealed, unless a user has put a single image in it."""
    dims = [_dimension_names(array) or () for array in arrays.values()]
    spectral = [names for names in dims if set(names) & set(SPECTRAL_DIMS)]
    images = [names for names in spectral if set(names) >= {"y", "x"}]
    is_image = len(images) == 1 and len(spectral) == 2  # beside it nothing but its own axis
    if (path / "manifest.json").is_file() and not is_image:
        raise InputError(
            f"{path}: is a result of eelsunmix, not a file of a microscope; name the file that it was made "
            "from, or open it in Python with eelsunmix.open_store"
        )


def _dimension_names(array: Any) -> tuple[str, ...] | None:
    names = getattr(array.metadata, "dimension_names", None) or array.attrs.get("_ARRAY_DIMENSIONS")
    return tuple(str(name) for name in names) if names else None


def _zarr_signal(array: Any, siblings: dict[str, Any], path: Path) -> Signal:
    names = _dimension_names(array) or ("",) * array.ndim
    return Signal(
        open=functools.partial(sliced_by_blocks, array),
        dtype=np.dtype(array.dtype),
        axes=tuple(
            _zarr_axis(siblings.get(name), name, size) for name, size in zip(names, array.shape, strict=True)
        ),
        title=array.basename or path.stem,
        reader="Zarr",
        metadata=plain(dict(array.attrs)),
        notes=notes_of_absent_files(array),
    )


def notes_of_absent_files(array: Any) -> tuple[str, ...]:
    """Tell of the files of an array that are absent; nothing where none is."""
    absent = absent_files(array)
    if not absent:
        return ()
    return (
        f"{absent} are not in the Zarr store and were read as {array.fill_value}: "
        "they hold nothing else, or the store was copied in part; compare it with the original.",
    )


def absent_files(array: Any) -> str:
    """Count the files of an array that are absent: Zarr leaves out those without counts, a copy in part any.

    A file holds a chunk, or a shard of many; Zarr counts the chunks of a shard at the rim as if it were full.

    Returns
    -------
    str
        Empty if none is.
    """
    files = array.shards or array.chunks
    expected = math.prod(-(-size // length) for size, length in zip(array.shape, files, strict=True))
    per_file = math.prod(length // chunk for length, chunk in zip(files, array.chunks, strict=True))
    absent = expected - array.nchunks_initialized // per_file
    return f"{absent} of {expected} {'shards' if array.shards else 'chunks'}" if absent > 0 else ""


def _zarr_axis(coordinate: Any, name: str, size: int) -> FileAxis:
    if coordinate is None or coordinate.shape != (size,):
        return FileAxis(size=size, name=name)
    units = str(coordinate.attrs.get("units", ""))
    return FileAxis(size=size, name=name, units=units, values=np.asarray(coordinate[:], dtype=float))
