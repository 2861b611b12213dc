"""Velox: emd."""

from pathlib import Path

from eelsunmix.io.hdf5 import check_self_contained
from eelsunmix.io.rosettasciio import RosettaFormat


class Velox(RosettaFormat):
    """EMD files of Velox, and of NCEM.

    Of EELS images the plugin lists the axes as they lie in the array and numbers x and y the other way round.
    """

    suffixes = (".emd",)
    plugin = "emd"
    numbers_axes_wrongly = True

    def check_file(self, path: Path) -> None:
        """Refuse a file with parts that lie in other files."""
        check_self_contained(path)
