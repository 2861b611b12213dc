"""Maps and composites as small PNG images inside the page: there at once, on paper too, without a script."""

import base64
import struct
import zlib
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from eelsunmix.report.figures.mapview import limits
from eelsunmix.report.figures.style import NO_DATA, sequential_colours

Bytes = NDArray[np.uint8]
CLIPPED = 0.005
"""Part of the values beyond the end of a scale."""


def map_png(
    image: NDArray[np.float32], *, from_zero: bool = True, end: float = float("nan")
) -> tuple[str, float, float]:
    """Return a map as the address of an image, and the limits of its scale.

    The scale begins at zero, so that dark is none, or where 0.5 % of the values are below; it ends alike, or
    where `end` says.
    """
    low, high = scale_of(image, end) if from_zero else limits([image], clipped=CLIPPED)
    codes = 1 + np.clip(np.nan_to_num((image - low) / (high - low)) * 254, 0, 254).astype(np.uint8)
    codes[~np.isfinite(image)] = 0
    return _address(_png(codes, 3, palette())), low, high


def scale_of(image: NDArray[np.float32], end: float = float("nan")) -> tuple[float, float]:
    """Return from where to where the colours of a map go."""
    high = end if end > 0 else limits([image], clipped=CLIPPED)[1]
    return (0.0, high) if high > 0 else (high - 1.0, high)


def composite_png(images: Sequence[NDArray[np.float32]], ends: Sequence[float] = (), *, bits: int = 8) -> str:
    """Return up to three maps as red, green and blue of one image, each from zero to its own end.

    Fewer than 8 bits of a colour take less room: the noise of maps is hard to compress.
    """
    height, width = images[0].shape
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    known = np.isfinite(images[0])
    ends = ends or [float("nan")] * len(images)
    for channel, (image, end) in enumerate(zip(images, ends, strict=True)):
        low, high = scale_of(image, end)
        pixels[..., channel] = np.clip(np.nan_to_num((image - low) / (high - low)) * 255, 0, 255)
    pixels = np.right_shift(pixels, 8 - bits, dtype=np.uint8) * np.uint8(255 // (2**bits - 1))
    pixels[~known] = _rgb(NO_DATA)
    return _address(_png(pixels.reshape(height, -1), 2, None, width))


@cache
def palette() -> tuple[tuple[int, int, int], ...]:
    """Return 256 colours: the first for what is not known, then cividis from dark to bright."""
    stops = np.array([_rgb(one) for one in sequential_colours()])
    places = np.linspace(0, len(stops) - 1, 255)
    columns = [np.interp(places, np.arange(len(stops)), stops[:, channel]).round() for channel in range(3)]
    colours = [(int(red), int(green), int(blue)) for red, green, blue in zip(*columns, strict=True)]
    return (_rgb(NO_DATA), *colours)


def gradient() -> str:
    """Return the colours as a CSS gradient from left to right."""
    colours = palette()[1::32] + palette()[-1:]
    return f"linear-gradient(90deg, {', '.join('#' + bytes(colour).hex() for colour in colours)})"


def _rgb(colour: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(colour[1:])
    return red, green, blue


def _address(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _png(
    rows: Bytes, kind: int, colours: Sequence[tuple[int, int, int]] | None, width: int | None = None
) -> bytes:
    """Write a PNG of 8 bits: of indices into a palette (kind 3) or of colours (kind 2).

    References
    ----------
    ISO/IEC 15948:2004, sections 9 to 11.
    """
    height = len(rows)
    header = struct.pack(">IIBBBBB", width or rows.shape[1], height, 8, kind, 0, 0, 0)
    unfiltered = np.concatenate([np.zeros((height, 1), np.uint8), rows], axis=1).tobytes()
    chunks = [(b"IHDR", header)]
    chunks += [(b"PLTE", bytes(sum(colours, ())))] if colours else []
    chunks += [(b"IDAT", zlib.compress(unfiltered, 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*one) for one in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
