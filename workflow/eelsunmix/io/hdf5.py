"""Checks of HDF5 files that reading alone does not make: unwritten data come back as zeros there."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from eelsunmix.errors import InputError


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
    if dataset.chunks is None:
        complete = dataset.id.get_storage_size() >= dataset.nbytes or dataset.external
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
