"""HyperSpy: hspy, and hdf5 as it wrote before."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from eelsunmix.io.hdf5 import check_self_contained, check_stored, datasets, is_chunked, open_dataset
from eelsunmix.io.rosettasciio import RosettaFormat


class HyperSpy(RosettaFormat):
    """HDF5 files of HyperSpy."""

    suffixes = (".hspy", ".hdf5")
    plugin = "hspy"

    def is_lazy(self, path: Path) -> bool:
        """Contiguous arrays cannot be read lazily."""
        return is_chunked(path)

    def check_file(self, path: Path) -> None:
        """Refuse a file with parts that were never written, or that lie in other files."""
        check_self_contained(path)
        check_stored(path)

    def opener(self, path: Path, number: int, data: Any) -> Callable[[tuple[int, ...]], Any]:
        """Return a function that opens the dataset itself, so that any worker can read its blocks."""
        arrays = datasets(path, "Experiments/*/data")
        if number < len(arrays) and arrays[number][1] == data.shape:
            return functools.partial(open_dataset, path, arrays[number][0])
        return super().opener(path, number, data)
