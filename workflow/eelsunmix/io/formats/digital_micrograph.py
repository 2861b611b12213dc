"""DigitalMicrograph: dm3 and dm4."""

import functools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from eelsunmix.errors import InputError
from eelsunmix.io.rosettasciio import RosettaFormat, follow


class DigitalMicrograph(RosettaFormat):
    """Files of Gatan's DigitalMicrograph."""

    suffixes = (".dm3", ".dm4")
    plugin = "digitalmicrograph"

    def call_plugin(self, path: Path, **options: Any) -> list[dict[str, Any]]:
        """Return what the file holds, in one block unless told: a damaged size would be cut into millions."""
        return super().call_plugin(path, **{"chunks": -1, **options})

    def check_entry(self, entry: dict[str, Any], path: Path) -> None:
        """Refuse a damaged file that lazy reading would only notice much later."""
        stored = follow(entry["original_metadata"], "ImageList.TagGroup0.ImageData.Data")
        declared = math.prod(entry["data"].shape)
        if isinstance(stored, dict) and stored.get("size") != declared:
            raise InputError(
                f"{path}: declares {entry['data'].shape}, {declared} values, "
                f"but stores {stored.get('size')}; it is damaged: copy it again"
            )

    def opener(self, path: Path, number: int, data: Any) -> Callable[[tuple[int, ...]], Any]:
        """Return a function that reads the file again, in blocks of the shape asked for."""
        return functools.partial(self._open, path, number)

    def _open(self, path: Path, number: int, chunks: tuple[int, ...]) -> Any:
        # By axis number, because other signals of the file may have fewer axes.
        return self.call_plugin(path, chunks=dict(enumerate(chunks)))[number]["data"]
