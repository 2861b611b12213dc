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
        declared, held = _declared(entry), _raw(path).stat().st_size
        if held < declared:
            raise InputError(
                f"{path}: describes {declared} bytes, but {_raw(path).name} holds {held}; "
                "it is truncated, or of another image: copy both files again"
            )

    def notes_of(self, entry: dict[str, Any], path: Path) -> tuple[str, ...]:
        """Tell of bytes beyond those described."""
        raw = _raw(path)
        more = raw.stat().st_size - _declared(entry)
        note = (
            f"{raw.name} holds {more} bytes more than {path.name} describes: if it was copied as text, "
            "or is of another image, all counts are wrong; compare both files with the originals"
        )
        return (note,) if more else ()


def _raw(path: Path) -> Path:
    return companions(path)[0]  # as the plugin chooses, .raw before .RAW


def _declared(entry: dict[str, Any]) -> int:
    offset = int(entry["original_metadata"].get("offset", 0))
    return math.prod(entry["data"].shape) * entry["data"].dtype.itemsize + offset
