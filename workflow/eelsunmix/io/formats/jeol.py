"""JEOL Analysis Station: pts."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from eelsunmix.errors import InputError
from eelsunmix.io.jeol_photons import counts_of
from eelsunmix.io.lazy import sliced_by_blocks
from eelsunmix.io.rosettasciio import RosettaFormat
from eelsunmix.words import numbered

CHANNELS = 4096
_MAGIC = 304


class Jeol(RosettaFormat):
    """Maps of X-rays as a list of photons; complete frames are summed.

    The plugin reads the header. Its maps are dense, 2 GB of 512 x 512 pixels, so the photons are read here.
    """

    suffixes = (".pts",)
    plugin = "jeol"

    def call_plugin(self, path: Path, **options: Any) -> list[dict[str, Any]]:
        """Return the map, sparse."""
        header, photons = _parts(path)
        measured = header["PTTD Data"]["AnalyzableMap MeasData"]
        width, height = map(int, measured["Meas Cond"]["Pixels"].split("x"))
        if not (0 < width <= CHANNELS and 0 < height <= CHANNELS):
            raise InputError(f"{path}: declares {width} x {height} pixels; it is damaged: copy it again")
        try:
            counts, n_left_out = counts_of(photons, (height, width, CHANNELS))
        except InputError as error:
            raise InputError(f"{path}: {error}") from None
        axes = _axes(header, measured, width, height)
        metadata = _metadata(measured, path)
        return [{"data": counts, "axes": axes, "metadata": metadata, "n_left_out": n_left_out}]

    def notes_of(self, entry: dict[str, Any], path: Path) -> tuple[str, ...]:
        """Tell frames that were left out."""
        if not entry["n_left_out"]:
            return ()
        frames = numbered(entry["n_left_out"], "frame")
        return (f"left out: {frames} that ended before the map did, so that no pixel has more dose",)

    def opener(self, path: Path, number: int, data: Any) -> Callable[[tuple[int, ...]], Any]:
        """Return a function that makes the map dense, in blocks."""
        return functools.partial(sliced_by_blocks, data)


def _parts(path: Path) -> tuple[dict[str, Any], np.ndarray]:
    """Read the header and the list of photons."""
    from rsciio.jeol._api import _parsejeol

    with path.open("rb") as file:
        if np.fromfile(file, "<u4", 1)[0] != _MAGIC:
            raise InputError(f"{path}: is not a .pts file of JEOL's Analysis Station; name the map itself")
        _, _, header_at, _, photons_at, length = map(int, np.fromfile(file, "<u4", 6, offset=8))
        file.seek(header_at + 12)
        header: dict[str, Any] = _parsejeol(file)
        file.seek(photons_at)
        words = np.fromfile(file, "<u2", length // 2)
    size = path.stat().st_size
    if size < photons_at + length and size != length:  # some programs count from the beginning of the file
        raise InputError(
            f"{path}: declares {photons_at + length} bytes, but holds {size}; it is truncated: copy it again"
        )
    return header, words


def _axes(header: dict[str, Any], measured: dict[str, Any], width: int, height: int) -> list[dict[str, Any]]:
    """Describe y, x and energy; of maps that are not square it is not known which side the field is."""
    pages = header["PTTD Param"]["Params"]
    doc, zero = measured["Doc"], pages["PARAMPAGE1_EDXRF"]["Tpl"][measured["Meas Cond"]["Tpl"]]["DigZ"]
    field_mm = pages["PARAMPAGE0_SEM"]["ScanSize"] / measured["MeasCond"]["Mag"]
    place = {"scale": 1e6 * field_mm / width, "units": "nm"} if width == height else {"scale": 1.0}
    energy = {"scale": doc["CoefA"], "offset": doc["CoefB"] - doc["CoefA"] * zero, "units": "keV"}
    return [
        {"name": "y", "size": height, "offset": 0.0, **place},
        {"name": "x", "size": width, "offset": 0.0, **place},
        {"name": "Energy", "size": CHANNELS, **energy},
    ]


def _metadata(measured: dict[str, Any], path: Path) -> dict[str, Any]:
    voltage_kV = float(measured["MeasCond"]["AccKV"])
    mode = "SEM" if voltage_kV <= 30 else "TEM"
    instrument = {"beam_energy": voltage_kV, "magnification": float(measured["MeasCond"]["Mag"])}
    return {
        "General": {"title": path.stem},
        "Signal": {"signal_type": f"EDS_{mode}"},
        "Acquisition_instrument": {mode: instrument},
    }
