"""EDAX TEAM and Genesis: spd, with the energies in an spc and the pixel size in an ipr file beside it."""

from pathlib import Path
from typing import Any

from eelsunmix.errors import InputError
from eelsunmix.io.rosettasciio import RosettaFormat
from eelsunmix.sources import companions


class Edax(RosettaFormat):
    """EDS maps."""

    suffixes = (".spd",)
    plugin = "edax"

    def call_plugin(self, path: Path, **options: Any) -> list[dict[str, Any]]:
        """Read with the files of the same name alone: the header may name others."""
        beside = {one.suffix.lower(): str(one) for one in companions(path)}
        return super().call_plugin(
            path, spc_fname=beside.get(".spc", ""), ipr_fname=beside.get(".ipr", ""), **options
        )

    def check_entry(self, entry: dict[str, Any], path: Path) -> None:
        """Refuse a map of fewer bytes than its header says."""
        header = entry["original_metadata"]["spd_header"]
        declared = int(header["dataOffset"]) + entry["data"].nbytes
        if path.stat().st_size < declared:
            raise InputError(
                f"{path}: declares {declared} bytes, but holds {path.stat().st_size}; "
                "it is truncated: copy it again"
            )
