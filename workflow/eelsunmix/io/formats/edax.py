"""EDAX TEAM and Genesis: spd maps and lsd lines, with energies (spc) and distances (ipr, csv) beside them."""

from pathlib import Path
from typing import Any

from eelsunmix.errors import InputError
from eelsunmix.io.rosettasciio import RosettaFormat
from eelsunmix.sources import companions


class Edax(RosettaFormat):
    """EDS maps and line scans."""

    suffixes = (".spd", ".lsd")
    plugin = "edax"

    def call_plugin(self, path: Path, **options: Any) -> list[dict[str, Any]]:
        """Read with the files of the same name alone: the header may name others."""
        beside = {one.suffix.lower(): str(one) for one in companions(path)}
        names = {f"{kind}_fname": beside.get(f".{kind}", "") for kind in ("spc", "ipr", "csv")}
        return super().call_plugin(path, **names, **options)

    def check_entry(self, entry: dict[str, Any], path: Path) -> None:
        """Refuse fewer bytes than the header says."""
        header = entry["original_metadata"]["spd_header"]
        declared = int(header["dataOffset"]) + entry["data"].nbytes
        if path.stat().st_size < declared:
            raise InputError(
                f"{path}: declares {declared} bytes, but holds {path.stat().st_size}; "
                "it is truncated: copy it again"
            )
