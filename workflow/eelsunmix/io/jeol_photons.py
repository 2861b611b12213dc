"""Photons as JEOL lists them, and the maps that they make.

A list is made of 16-bit words: four bits say what the others, 0 to 4095, are. 8: the place along x from here
on; 9: the place along y; 10: the brightness of the electron image; 11: the channel of a photon.
"""

from typing import Any

import numpy as np

from eelsunmix.errors import InputError

_X, _Y, _BRIGHTNESS, _PHOTON = 8, 9, 10, 11
PLACES = 4096
"""Steps of a scan along x and y, of which a pixel is a part."""


def counts_of(words: np.ndarray, shape: tuple[int, int, int]) -> tuple[Any, int]:
    """Sum the photons of all complete frames, so that each pixel was lit for the same time.

    A frame is complete once its last line is reached and, where the electron image is listed too, the last
    pixel of it.  Without that image pixels that sent no photon leave no trace: a frame that was broken off
    inside its last line counts as complete.  One that was broken off inside its first line is not told from
    the next, since y does not begin anew.

    Parameters
    ----------
    words : ndarray of uint16
        The list, as in the file.
    shape : tuple of int
        Lines, pixels of a line, channels.

    Returns
    -------
    sparse.COO, shape (line, pixel, channel)
        Counts, of 16 bits where these hold all.  Where no frame is complete, those of the one that came
        farthest; its other pixels are empty, and told as such.
    int
        Frames that were left out.

    Raises
    ------
    InputError
        If photons lie outside of the map, or there are none.
    """
    frames = _frames(words)
    kept = [frame for frame in frames if _is_complete(frame, shape)]
    kept = kept or [max(frames, key=lambda frame: _last(frame, _Y, shape[0]))]
    words = np.concatenate(kept)
    (photons,) = np.nonzero(words >> 12 == _PHOTON)
    lines, pixels = (_place_at(photons, words, *one) for one in ((_Y, shape[0]), (_X, shape[1])))
    if not photons.size or lines.max() >= shape[0] or pixels.max() >= shape[1]:
        raise InputError(
            f"holds no photons, or some outside its {shape[1]} x {shape[0]} pixels; it is damaged, "
            "or scanned with pixels that are no whole steps (64, 128, 256, ... are): record it so"
        )
    places = (lines.astype(np.int64) * shape[1] + pixels) * shape[2] + _value(words[photons])
    return _summed(places, shape), len(frames) - len(kept)


def _summed(places: np.ndarray, shape: tuple[int, int, int]) -> Any:
    import sparse

    places, counts = np.unique(places, return_counts=True)
    counts = counts.astype(np.uint16 if counts.max() < 2**16 else np.uint32)
    coordinates = np.array(np.unravel_index(places, shape), np.uint16)
    return sparse.COO(coordinates, counts, shape=shape, sorted=True, has_duplicates=False)


def _frames(words: np.ndarray) -> list[np.ndarray]:
    """Cut the list where y begins anew."""
    (marks,) = np.nonzero(words >> 12 == _Y)
    heights = _value(words[marks])
    (anew,) = np.nonzero(heights[1:] < heights[:-1])
    return np.split(words, marks[anew + 1])


def _is_complete(frame: np.ndarray, shape: tuple[int, int, int]) -> bool:
    has_image = bool((frame >> 12 == _BRIGHTNESS).any())
    at_end = _last(frame, _Y, shape[0]) >= shape[0] - 1
    return at_end and (not has_image or _last(frame, _X, shape[1]) >= shape[1] - 1)


def _last(frame: np.ndarray, kind: int, size: int) -> int:
    """Return the line or the pixel where a frame ends; -1 where none is named."""
    values = _value(frame[frame >> 12 == kind])
    return int(values[-1]) // _step(size) if values.size else -1


def _place_at(photons: np.ndarray, words: np.ndarray, kind: int, size: int) -> np.ndarray:
    """Return the pixel number of each photon along x or y: that of the last mark before it."""
    (marks,) = np.nonzero(words >> 12 == kind)
    if not marks.size:
        return np.zeros(photons.size, np.uint16)
    numbers = _value(words[marks]) // _step(size)
    return numbers[np.maximum(np.searchsorted(marks, photons) - 1, 0)]


def _step(size: int) -> int:
    return PLACES // size


def _value(words: np.ndarray) -> np.ndarray:
    return words & np.uint16(0x0FFF)
