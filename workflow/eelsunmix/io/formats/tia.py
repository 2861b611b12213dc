"""FEI TIA: ser, and emi with the ser files of the same acquisition beside it."""

from pathlib import Path
from typing import Any

import numpy as np

from eelsunmix.errors import InputError
from eelsunmix.io.rosettasciio import RosettaFormat
from eelsunmix.sources import companions

WIDEST_EELS_CHANNEL_eV = 4.0
"""X-ray analysers of TIA have channels of 5, 10 or 20 eV; no spectrometer of energy losses is that coarse."""
LARGEST_OFF = 0.1
"""Part of a pixel by which a position may lie beside its row or column."""
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
        if _is_map(entry) and not _is_by_rows(entry, tags):
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


def _is_by_rows(entry: dict[str, Any], tags: dict[str, Any]) -> bool:
    """Whether all pixels of a row have one y, and all of a column one x: not so in a serpentine."""
    shape = entry["data"].shape[:-1]
    x, y = (np.asarray(tags.get(name, ())) for name in ("PositionX", "PositionY"))
    if x.size != np.prod(shape) or y.size != x.size or y.size < 2 or y[0] != y[1]:  # as the plugin compares
        return False
    x, y = x.reshape(shape), y.reshape(shape)
    return bool(np.ptp(y, axis=1).max() <= _off(y[:, 0]) and np.ptp(x, axis=0).max() <= _off(x[0]))


def _off(places: np.ndarray) -> float:
    """Return the part of a step that places may be off."""
    return LARGEST_OFF * float(np.abs(np.diff(places)).mean()) if places.size > 1 else 0.0
