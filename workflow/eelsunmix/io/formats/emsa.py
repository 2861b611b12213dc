"""EMSA/MAS: msa."""

from pathlib import Path

from eelsunmix.io.rosettasciio import RosettaFormat


class Emsa(RosettaFormat):
    """Text files of single spectra after EMSA/MAS."""

    suffixes = (".msa",)
    plugin = "msa"

    def is_lazy(self, path: Path) -> bool:
        """Text is small and read at once."""
        return False
