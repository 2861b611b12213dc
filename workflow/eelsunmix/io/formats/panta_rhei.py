"""CEOS Panta Rhei: prz."""

import zipfile
from pathlib import Path

from eelsunmix.errors import InputError
from eelsunmix.io.rosettasciio import RosettaFormat


class PantaRhei(RosettaFormat):
    """A zip of NumPy arrays and of metadata as JSON."""

    suffixes = (".prz",)
    plugin = "pantarhei"

    def is_lazy(self, path: Path) -> bool:
        """Unpacked at once: lazily, the plugin takes packed bytes for numbers."""
        return False

    def check_file(self, path: Path) -> None:
        """Refuse metadata that are Python objects: without them there are no axes."""
        with zipfile.ZipFile(path) as archive:
            if "meta_data_json.npy" not in archive.namelist():
                raise InputError(
                    f"{path}: has its metadata as Python objects, which can run code (Panta Rhei before "
                    "24.03, or HyperSpy); save it with a newer Panta Rhei, or save it as .hspy in HyperSpy"
                )
