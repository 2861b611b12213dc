"""EMSA/MAS: msa."""

from pathlib import Path
from typing import Any

from eelsunmix.errors import InputError
from eelsunmix.io.rosettasciio import RosettaFormat


class Emsa(RosettaFormat):
    """Text files of single spectra after EMSA/MAS."""

    suffixes = (".msa",)
    plugin = "msa"

    def is_lazy(self, path: Path) -> bool:
        """Text is small and read at once."""
        return False

    def check_entry(self, entry: dict[str, Any], path: Path) -> None:
        """Refuse a file with fewer numbers than its keyword NPOINTS says."""
        declared, found = entry["original_metadata"].get("NPOINTS"), len(entry["data"])
        if isinstance(declared, int | float) and found < declared:
            raise InputError(
                f"{path}: declares #NPOINTS {declared:g}, but holds {found}; it is truncated: copy it again"
            )
