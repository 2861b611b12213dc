"""Velox: emd."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from eelsunmix.errors import InputError
from eelsunmix.io.formats.velox_streams import find_doubts
from eelsunmix.io.hdf5 import check_dataset, check_self_contained, for_each_array
from eelsunmix.io.rosettasciio import RosettaFormat
from eelsunmix.io.signals import Signal


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

        for_each_array(path, check)


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
