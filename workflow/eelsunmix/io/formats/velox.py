"""Velox: emd."""

import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from eelsunmix.errors import InputError, in_brief
from eelsunmix.io.formats.velox_streams import find_doubts
from eelsunmix.io.hdf5 import check_dataset, check_self_contained, for_each_array
from eelsunmix.io.rosettasciio import RosettaFormat
from eelsunmix.io.signals import Signal
from eelsunmix.units import is_computed


class Velox(RosettaFormat):
    """EMD files of Velox, and of NCEM.

    Of EELS images the plugin lists the axes as they lie in the array and numbers x and y the other way round.
    """

    suffixes = (".emd",)
    plugin = "emd"
    numbers_axes_wrongly = True
    unheeded = ("The file contains only one spectrum stream",)

    def read(self, path: Path) -> list[Signal]:
        """Return the signals of a file; X-ray maps are held against the scan."""
        return [
            _held_against_scan(one, path) if one.kind == "EDS" and len(one.shape) == 3 else one
            for one in super().read(path)
        ]

    def check_file(self, path: Path) -> None:
        """Refuse a file with parts that lie in other files, or with spectra that cannot be read."""
        check_self_contained(path)

        def check(dataset: Any) -> None:
            # Frames of images beside the spectra may be laid out before they are recorded.
            if not dataset.name.startswith("/Data/Image/"):
                check_dataset(dataset, path)
            if Path(dataset.name).match("/Data/SpectrumStream/*/Data"):
                _check_stream(dataset, path)
            _check_unit(dataset, path)

        for_each_array(path, check)


def _check_unit(dataset: Any, path: Path) -> None:
    """Refuse a unit that the plugin would compute: of pixels by Velox, of an axis by NCEM."""
    unit = dataset.attrs.get("units")
    if Path(dataset.name).match("/Data/*/*/Metadata"):
        with suppress(LookupError, TypeError, ValueError):
            unit = json.loads(dataset[:, 0].tobytes().rstrip(b"\0"))["BinaryResult"]["PixelUnitX"]
    unit = unit.decode(errors="replace") if isinstance(unit, bytes) else unit
    if isinstance(unit, str) and is_computed(unit):
        raise InputError(
            f"{path}: {dataset.name} gives {in_brief(unit)} as a unit; it is damaged: copy it again"
        )


def _check_stream(stream: Any, path: Path) -> None:
    if stream.dtype != np.dtype("<u2") or stream.ndim != 2 or stream.shape[1] != 1:
        raise InputError(
            f"{path}: {stream.name} holds {stream.shape} {stream.dtype.str}, not one column of <u2 "
            "as streams of X-ray events do; it is damaged: copy it again"
        )


def _held_against_scan(map_: Signal, path: Path) -> Signal:
    """Add what speaks against a map; one in wrong pixels is refused when it is opened: others may be good."""
    doubts = find_doubts(map_.shape, path)

    def refuse(_: tuple[int, ...]) -> Any:
        raise InputError(f"{path}: {doubts.refusal}")

    if doubts.refusal:
        return replace(map_, open=refuse)
    return replace(map_, notes=(*map_.notes, *doubts.notes))
