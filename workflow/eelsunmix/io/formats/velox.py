"""Velox: emd."""

from pathlib import Path
from typing import Any

from eelsunmix.io.hdf5 import check_dataset, check_self_contained, for_each_array
from eelsunmix.io.rosettasciio import RosettaFormat


class Velox(RosettaFormat):
    """EMD files of Velox, and of NCEM.

    Of EELS images the plugin lists the axes as they lie in the array and numbers x and y the other way round.
    """

    suffixes = (".emd",)
    plugin = "emd"
    numbers_axes_wrongly = True

    def check_file(self, path: Path) -> None:
        """Refuse a file with parts that lie in other files, or with spectra that were never written."""
        check_self_contained(path)

        def check(dataset: Any) -> None:
            # Frames of images beside the spectra may be laid out before they are recorded.
            if not dataset.name.startswith("/Data/Image/"):
                check_dataset(dataset, path)

        for_each_array(path, check)
