"""X-ray maps of Velox, held against the scan that their file declares.

Velox stores a map as a stream of events in the order of the scan: the channel of each, and a mark at the end
of each pixel. RosettaSciIO counts the marks to know the pixel, in the size of the last image of the file. If
that is not the image of the scan, or if marks are missing, the counts come into wrong pixels.
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_MARK = 65535
_BLOCK = 2**22


@dataclass(frozen=True)
class Doubts:
    """What speaks against a map: why it must be refused, or sentences for the user."""

    refusal: str | None = None
    notes: tuple[str, ...] = ()


def find_doubts(shape: tuple[int, ...], path: Path) -> Doubts:
    """Compare a map with the scan, the frames and the streams of its file.

    Parameters
    ----------
    shape : tuple of int
        Of the map as it was read, (y, x, ...).
    path : Path

    Notes
    -----
    The last frame of real files lacks up to a few marks (7 of 1280, 1 of 320): where less than a row is
    missing nothing is said, and single marks lost within a stream are not found.
    """
    import h5py

    size = (shape[0], shape[1])
    with h5py.File(path, "r") as file:
        streams = [group["Data"] for group in file.get("Data/SpectrumStream", {}).values()]
        if not streams:
            return Doubts()
        counts = [_n_marks(stream) for stream in streams]
        images = {group["Data"].shape[:2] for group in file["Data/Image"].values()}
        scan, frames = _scan(file), _frames(file)
    lengths = () if frames is None else _notes_of_lengths(counts, frames, size)
    found, declared = f"{size[0]} x {size[1]} pixels", scan and f"{scan[0]} x {scan[1]} pixels"
    if not any(counts):
        return Doubts(
            "its streams of X-ray events have no marks between pixels; it is damaged: copy it again"
        )
    if scan is None and len(images) > 1:
        return Doubts(
            "holds images of different sizes and does not say which the X-ray map was scanned in; "
            "save the map with the image of its scan only"
        )
    if scan in (None, size):
        return Doubts(notes=lengths)
    if len(images) > 1 or lengths:
        return Doubts(
            f"the X-ray map was scanned in {declared}, but would be read in {found} of another image; "
            "save the map with the image of its scan only"
        )
    return Doubts(notes=(f"the X-ray map is read in {found}, but its scan declares {declared}; check it",))


def _n_marks(stream: Any) -> int:
    """Count pixels, a block of the stream in memory at a time."""
    starts = range(0, stream.shape[0], _BLOCK)
    return sum(int((stream[start : start + _BLOCK, 0] == _MARK).sum()) for start in starts)


def _notes_of_lengths(counts: list[int], frames: int, size: tuple[int, int]) -> tuple[str, ...]:
    expected = frames * math.prod(size)
    declared = f"{expected} pixels that the file declares (size {size[0]} x {size[1]}, frames: {frames})"
    notes = []
    if short := [n for n in counts if n < expected - size[1]]:
        notes.append(
            f"{len(short)} of {len(counts)} streams of X-ray events end early, the first after {min(short)} "
            f"of {declared}: the scan was stopped or the file cut, and the last pixels have less dose"
        )
    if long := [n for n in counts if n > expected]:
        notes.append(
            f"{len(long)} of {len(counts)} streams of X-ray events hold up to {max(long)} pixels, "
            f"more than the {declared}; the rest was left out"
        )
    return tuple(notes)


def _scan(file: Any) -> tuple[int, int] | None:
    """Return (rows, columns) of the scanned area, None if the file does not say."""
    try:
        described = _first(file["Data/SpectrumStream"])["Metadata"][:, 0].tobytes().rstrip(b"\0")
        scan = json.loads(described)["Scan"]
        size, area = scan["ScanSize"], scan["ScanArea"]
        rows = float(size["height"]) * (float(area["bottom"]) - float(area["top"]))
        columns = float(size["width"]) * (float(area["right"]) - float(area["left"]))
        return round(rows), round(columns)
    except (LookupError, TypeError, ValueError, OverflowError):
        return None


def _frames(file: Any) -> int | None:
    """Return the number of frames as the plugin reads it, None if the file does not say."""
    try:
        settings = json.loads(_first(file["Data/SpectrumImage"])["SpectrumImageSettings"][0])
        frames = int(settings["endFramePosition"])
    except (LookupError, TypeError, ValueError, OverflowError):
        return None
    return frames if frames > 0 else None


def _first(group: Any) -> Any:
    return group[next(iter(group))]
