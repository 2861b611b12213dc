"""HDF5: blocks read lazily, and checks that reading does not make (unwritten data come back as zeros)."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from eelsunmix.errors import InputError, in_brief
from eelsunmix.io.lazy import location, read_by_blocks

LARGEST_CHUNK = 2**29
"""Bytes of a chunk, which is unpacked in memory as a whole."""
DEEPEST_GROUP = 100
"""Groups inside of groups; to walk through thousands takes minutes, and no program writes them."""
_COPY = "save the image as one file of its own"


def check_self_contained(path: Path) -> None:
    """Raise InputError if a file would have others read with it: nothing beside it belongs to the image."""
    import h5py

    def visit(name: str, item: Any) -> None:
        if name.count("/") >= DEEPEST_GROUP:
            raise InputError(
                f"{path}: holds groups nested deeper than {DEEPEST_GROUP}; it is damaged: {_COPY}"
            )
        if isinstance(item, h5py.Dataset) and (item.external or item.is_virtual):
            raise InputError(f"{path}: /{name} takes its numbers from other files; {_COPY}")
        for key in item if isinstance(item, h5py.Group) else ():
            link = item.get(key, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                place = f"{name}/{key}" if name else key
                raise InputError(
                    f"{path}: /{place} is a link to another file, {in_brief(link.filename)}; {_COPY}"
                )

    with h5py.File(path, "r") as file:
        visit("", file)
        file.visititems(visit)


def check_stored(path: Path) -> None:
    """Raise InputError if an array of the file has blocks that were never written."""
    for_each_array(path, lambda dataset: check_dataset(dataset, path))


def is_chunked(path: Path) -> bool:
    """Whether all arrays of two or more dimensions are stored in chunks."""
    found: list[bool] = []
    for_each_array(path, lambda dataset: found.append(dataset.chunks is not None or dataset.ndim < 2))
    return all(found)


def for_each_array(path: Path, visit: Callable[[Any], None]) -> None:
    """Call a function with each dataset of a file."""
    import h5py

    def visit_item(_: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            visit(item)

    with h5py.File(path, "r") as file:
        file.visititems(visit_item)


def check_dataset(dataset: Any, path: Path) -> None:
    """Raise InputError if a dataset of two or more dimensions is not wholly stored."""
    if dataset.ndim < 2 or dataset.size == 0:
        return
    chunk = math.prod(dataset.chunks or ()) * dataset.dtype.itemsize
    if chunk > LARGEST_CHUNK:
        raise InputError(
            f"{path}: {dataset.name} is stored in chunks of {chunk} bytes, each unpacked as a whole "
            "in memory; save it with smaller ones"
        )
    if dataset.chunks is None:
        complete = dataset.id.get_storage_size() >= dataset.nbytes
    else:
        expected = math.prod(
            math.ceil(size / chunk) for size, chunk in zip(dataset.shape, dataset.chunks, strict=True)
        )
        complete = dataset.id.get_num_chunks() >= expected
    if not complete:
        raise InputError(
            f"{path}: part of {dataset.name} {dataset.shape} was never written; "
            "the acquisition or the copy was interrupted: export the complete part again"
        )


def open_dataset(path: Path, name: str, chunks: tuple[int, ...]) -> Any:
    """Return a dataset as a Dask array whose blocks open the file on their own, on any worker.

    Parameters
    ----------
    path : Path
        HDF5 file.
    name : str
        Path of the dataset in it.
    chunks : tuple of int
        Shape of a block.
    """
    import h5py

    with h5py.File(path, "r") as file:
        shape, dtype = file[name].shape, file[name].dtype
    return read_by_blocks(_read_block, chunks, shape=shape, dtype=dtype, path=str(path), dataset=name)


def _read_block(path: str, dataset: str, block_info: Any = None) -> np.ndarray:
    import h5py

    with h5py.File(path, "r") as file:
        return file[dataset][location(block_info)]
