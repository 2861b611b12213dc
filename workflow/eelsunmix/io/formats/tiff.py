"""TIFF, as DigitalMicrograph and others export it: tif and tiff."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from eelsunmix.errors import InputError
from eelsunmix.io.rosettasciio import RosettaFormat


class Tiff(RosettaFormat):
    """Stacks of one page per channel; the configuration says which axis is energy (`axes`)."""

    suffixes = (".tif", ".tiff")
    plugin = "tiff"

    def call_plugin(self, path: Path, **options: Any) -> list[dict[str, Any]]:
        """Read this file alone: OME-TIFF may name others, by any path."""
        with _complete(path):
            return super().call_plugin(path, _multifile=False, **options)

    def is_lazy(self, path: Path) -> bool:
        """Pages are small, and read at once while the limits of readers hold."""
        return False


@contextmanager
def _complete(path: Path) -> Iterator[None]:
    """Refuse a file of which pages are absent: tifffile logs them and goes on without."""
    complaints: list[str] = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = lambda record: complaints.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("tifffile")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
    if complaints:
        raise InputError(f"{path}: is truncated or damaged ({complaints[0][:100]}); copy it again")
