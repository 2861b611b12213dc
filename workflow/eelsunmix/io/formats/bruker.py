"""Bruker Esprit: bcf."""

from pathlib import Path

from eelsunmix.io.rosettasciio import RosettaFormat


class Bruker(RosettaFormat):
    """Composite files of EDS maps; the maps are compressed, so they are unpacked as a whole."""

    suffixes = (".bcf",)
    plugin = "bruker"

    def is_lazy(self, path: Path) -> bool:
        """Unpacked at once, while the limits of readers hold."""
        return False
