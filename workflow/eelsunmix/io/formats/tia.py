"""FEI TIA: ser, and emi with the ser files of the same acquisition beside it."""

from pathlib import Path
from typing import Any

import numpy as np

from eelsunmix.errors import InputError
from eelsunmix.io.rosettasciio import RosettaFormat
from eelsunmix.sources import companions

WIDEST_EELS_CHANNEL_eV = 4.0
"""X-ray analysers of TIA have channels of 5, 10 or 20 eV; no spectrometer of energy losses is that coarse."""
_OF_EACH = ("DataType", "ArrayLength", "CalibrationOffset", "CalibrationDelta")
"""What a file says of each spectrum, and the plugin takes of the first."""


class Tia(RosettaFormat):
    """Numbers lie in ser files; an emi file has the microscope's settings, and belongs to all of them."""

    suffixes = (".ser", ".emi")
    plugin = "tia"

    def is_lazy(self, path: Path) -> bool:
        """Spectra lie between tags, and are read at once while the limits of readers hold."""
        return False

    def check_file(self, path: Path) -> None:
        """Refuse settings without numbers."""
        if path.suffix.lower() == ".emi" and not companions(path):
            raise InputError(f"{path}: {path.stem}_1.ser is not beside it; copy both files into one folder")

    def call_plugin(self, path: Path, **options: Any) -> list[dict[str, Any]]:
        """Read, and say what the plugin leaves out: titles, distances of pixels, the kind of spectra."""
        found = super().call_plugin(path, **options)
        for entry in found:
            for axis in entry["axes"]:
                _place(axis)
            general = entry["metadata"]["General"]
            general["title"] = Path(general["original_filename"]).stem
            entry["metadata"]["Signal"]["signal_type"] = _kind(entry["axes"][-1])
        return found

    def check_entry(self, entry: dict[str, Any], path: Path) -> None:
        """Refuse maps that were not scanned row by row, which the plugin mixes up, and unequal spectra."""
        tags = entry["original_metadata"]["ser_header_parameters"]
        if any(np.unique(tags[name]).size > 1 for name in _OF_EACH if name in tags):
            raise InputError(
                f"{path}: its spectra are not of the same channels; it is damaged: copy it again"
            )
        if _is_map(entry) and not _is_by_rows(tags):
            raise InputError(
                f"{path}: its pixels do not lie row by row, by the positions that it stores; "
                "export the spectrum image from TIA without drift correction, or as .dm3"
            )


def _place(axis: dict[str, Any]) -> None:
    """Count pixels from the first one on: y falls along the rows, and offsets are metres called nm."""
    if axis["units"] != "nm":
        return
    axis["offset"], axis["scale"] = 0.0, abs(axis["scale"])
    if axis["scale"] >= 1e6:  # a millimetre: TIA writes one metre where it knows nothing
        axis["units"] = ""


def _kind(axis: dict[str, Any]) -> str:
    """Tell energy losses from X-rays by the channels: the files do not say it."""
    if axis["units"] != "eV":
        return ""
    return "EELS" if axis["scale"] < WIDEST_EELS_CHANNEL_eV else "EDS"


def _is_map(entry: dict[str, Any]) -> bool:
    return entry["data"].ndim == 3 and entry["axes"][-1]["units"] == "eV"


def _is_by_rows(tags: dict[str, Any]) -> bool:
    rows = np.asarray(tags.get("PositionY", ()))
    return rows.size > 1 and bool(rows[0] == rows[1])
