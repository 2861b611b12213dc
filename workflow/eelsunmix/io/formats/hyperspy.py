"""HyperSpy: hspy, and hdf5 as it wrote before."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from eelsunmix.io.exports import refuse_exports
from eelsunmix.io.hdf5 import check_self_contained, check_stored, is_chunked, open_dataset
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

    def check_entry(self, entry: dict[str, Any], path: Path) -> None:
        """Refuse our exports."""
        refuse_exports(entry, path)

    def opener(self, path: Path, number: int, data: Any) -> Callable[[tuple[int, ...]], Any]:
        """Return a function that opens the dataset itself, so that any worker can read its blocks."""
        return functools.partial(open_dataset, path, _names_of_data(path)[number])


def _names_of_data(path: Path) -> list[str]:
    """Names of the datasets of the signals, in the order in which the plugin takes them.

    A walk through the whole file has another order where the file keeps its own, and passes links over.
    """
    import h5py

    with h5py.File(path, "r") as file:
        signals = file["Experiments"]
        return [
            f"/Experiments/{name}/data"
            for name in signals
            if isinstance(signals[name], h5py.Group) and "data" in signals[name]
        ]
