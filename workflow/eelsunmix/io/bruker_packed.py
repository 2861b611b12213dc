"""The packed counts of a Bruker map, walked through before they are unpacked.

The unpacking of RosettaSciIO is compiled, and checks neither where a pixel lies nor where its bytes end: a
damaged file would write into other pixels, or end the process.  The layout is that of its own source.
"""

import struct
from collections.abc import Iterable

from eelsunmix.errors import InputError

FIRST_LINE = 0x1A0
SIZES = (0, 1, 2, 4, 8)
"""Bytes of a smallest count; what others have more takes half as many; of none, all channels are empty."""
_LINE = struct.Struct("<I")
_PIXEL = struct.Struct("<I8xHHHI")
"""Place on the line; channels and a constant; kind; size in short; photons; size of what follows."""


def check_packed(chunks: Iterable[bytes], chunk_size: int, shape: tuple[int, int]) -> None:
    """Refuse packed counts of which a pixel lies off the map, or its bytes beyond the data.

    Parameters
    ----------
    chunks : iterable of bytes
        The packed counts.
    chunk_size : int
        Bytes of each but the last.
    shape : tuple of int
        Lines of the map, and pixels on each.

    Raises
    ------
    InputError
        Without the name of the file.
    """
    pieces = list(chunks)
    if any(len(piece) != chunk_size for piece in pieces[:-1]):
        raise _damaged("a part of the packed counts is too short")
    data = b"".join(pieces)
    try:
        if struct.unpack_from("<II", data) != shape:
            raise _damaged("the packed counts are of another size than the map")
        at = FIRST_LINE
        for line in range(shape[0]):
            (number,) = _LINE.unpack_from(data, at)
            at += _LINE.size
            for _ in range(number):
                at = _end_of_pixel(data, at, shape[1], chunk_size, line)
    except struct.error:
        raise _damaged("the packed counts end too early") from None


def _end_of_pixel(data: bytes, at: int, width: int, chunk_size: int, line: int) -> int:
    pixel, kind, _, photons, size = _PIXEL.unpack_from(data, at)
    at += _PIXEL.size
    end = at + size
    if pixel >= width or size > chunk_size or end > len(data):
        raise _damaged(f"line {line} has a pixel {pixel} of {size} bytes")
    if kind > 1:
        fits = size >= 4 and _end_of_bunches(data, at, end - 4) <= end - 4
        end += 2 * photons
    else:
        fits = size >= (2 * photons if kind == 0 else 6 * (photons // 4) + 2 * (photons % 4))
    if not fits or end > len(data):
        raise _damaged(f"pixel {pixel} of line {line} has more counts than bytes")
    return end


def _end_of_bunches(data: bytes, at: int, end: int) -> int:
    """Return where the last bunch of channels ends: a smallest count, and what each channel has more."""
    while at < end:
        size, channels = data[at], data[at + 1]
        if size not in SIZES:
            raise _damaged(f"a smallest count has {size} bytes")
        at += 2 + size + (channels * size + 1) // 2
    return at


def _damaged(what: str) -> InputError:
    return InputError(f"{what}; it is damaged: compare it with the original and copy it again")
