"""HyperSpy in Zarr: zspy."""

import dataclasses
from pathlib import Path
from typing import Any

from eelsunmix.io.formats.zarr_stores import notes_of_absent_files
from eelsunmix.io.rosettasciio import RosettaFormat
from eelsunmix.io.signals import Signal


class Zspy(RosettaFormat):
    """Folders that HyperSpy writes; those packed into a zip have to be unpacked."""

    suffixes = (".zspy",)
    plugin = "zspy"
    is_folder = True

    def read(self, path: Path) -> list[Signal]:
        """Return the signals, unread; each tells of chunks that are absent, as any Zarr store."""
        return [
            dataclasses.replace(signal, notes=(*signal.notes, *notes_of_absent_files(array)))
            for signal, array in zip(super().read(path), _arrays(path), strict=True)
        ]

    def call_plugin(self, path: Path, **options: Any) -> list[dict[str, Any]]:
        """Read, with no right to write."""
        return super().call_plugin(path, mode="r", **options)


def _arrays(path: Path) -> list[Any]:
    """Arrays of the signals, in the order in which the plugin takes them."""
    import zarr

    experiments = zarr.open_group(path, mode="r")["Experiments"]
    return [group["data"] for _, group in experiments.groups() if "data" in group]  # type: ignore[union-attr]
