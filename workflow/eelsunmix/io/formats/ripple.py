"""Lispix ripple, of many programs: rpl, with the numbers in a raw file of the same name."""

import math
from pathlib import Path
from typing import Any

from eelsunmix.errors import InputError
from eelsunmix.io.rosettasciio import RosettaFormat
from eelsunmix.sources import companions


class Ripple(RosettaFormat):
    """A text that describes the raw numbers beside it."""

    suffixes = (".rpl",)
    plugin = "ripple"

    def check_file(self, path: Path) -> None:
        """Refuse a description without numbers."""
        if not companions(path):
            raise InputError(f"{path}: {path.stem}.raw is not beside it; copy both files into one folder")

    def check_entry(self, entry: dict[str, Any], path: Path) -> None:
        """Refuse numbers that are fewer than described."""
        raw = companions(path)[0]  # as the plugin chooses, .raw before .RAW
        declared = math.prod(entry["data"].shape) * entry["data"].dtype.itemsize
        declared += int(entry["original_metadata"].get("offset", 0))
        if raw.stat().st_size < declared:
            raise InputError(
                f"{path}: describes {declared} bytes, but {raw.name} holds {raw.stat().st_size}; "
                "it is truncated, or of another image: copy both files again"
            )
