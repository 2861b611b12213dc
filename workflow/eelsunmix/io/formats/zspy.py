"""HyperSpy in Zarr: zspy."""

import dataclasses
from pathlib import Path
from typing import Any

from eelsunmix.io.exports import refuse_exports
from eelsunmix.io.formats.zarr_stores import notes_of_absent_files
from eelsunmix.io.rosettasciio import RosettaFormat
from eelsunmix.io.signals import Signal


class Zspy(RosettaFormat):
    """Folders that HyperSpy writes, or the same packed into a zip."""

    suffixes = (".zspy",)
    plugin = "zspy"
    is_folder = None

    def read(self, path: Path) -> list[Signal]:
        """Return the signals, unread; each tells of chunks that are absent, as any Zarr store."""
        return [
            dataclasses.replace(signal, notes=(*signal.notes, *notes_of_absent_files(array)))
            for signal, array in zip(super().read(path), _arrays(path), strict=True)
        ]

    def check_entry(self, entry: dict[str, Any], path: Path) -> None:
        """Refuse our exports."""
        refuse_exports(entry, path)

    def call_plugin(self, path: Path, **options: Any) -> list[dict[str, Any]]:
        """Read, with no right to write, which the plugin asks for of a zip."""
        from rsciio.zspy._api import ZspyReader

        found: list[dict[str, Any]] = ZspyReader(_opened(path)).read(lazy=True)
        return found


def _opened(path: Path) -> Any:
    import zarr

    return zarr.open_group(path if path.is_dir() else zarr.storage.ZipStore(path, mode="r"), mode="r")


def _arrays(path: Path) -> list[Any]:
    """Arrays of the signals, in the order in which the plugin takes them."""
    return [group["data"] for _, group in _opened(path)["Experiments"].groups() if "data" in group]
