"""NeXus: nxs."""

from pathlib import Path
from typing import Any

from eelsunmix.io.exports import refuse_exports
from eelsunmix.io.hdf5 import check_self_contained, check_stored
from eelsunmix.io.rosettasciio import RosettaFormat


class Nexus(RosettaFormat):
    """Groups of data with their axes (NXdata), and bare arrays."""

    suffixes = (".nxs",)
    plugin = "nexus"

    def is_lazy(self, path: Path) -> bool:
        """Read at once: lazily, the plugin leaves the file open."""
        return False

    def check_file(self, path: Path) -> None:
        """Refuse a file with parts that were never written, or that lie in other files."""
        check_self_contained(path)
        check_stored(path)

    def check_entry(self, entry: dict[str, Any], path: Path) -> None:
        """Refuse our exports."""
        refuse_exports(entry, path)

    def call_plugin(self, path: Path, **options: Any) -> list[dict[str, Any]]:
        """Read; bare arrays have axes of which nothing is known but the size."""
        found = super().call_plugin(path, **options)
        for entry in found:
            entry["axes"] = entry["axes"] or [{"size": size} for size in entry["data"].shape]
        return found
