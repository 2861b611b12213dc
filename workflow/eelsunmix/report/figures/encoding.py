"""The data of a page: figures as JSON, their arrays as bytes, packed into one compressed text.

Arrays are kept once each in a bank, whatever number of figures shows them: maps as steps between their
extremes (the colour scales have 256 steps), lines as float32 without the digits that nobody sees. Bytes of
equal weight stand together, which compresses better. The page's script unpacks them.
"""

import base64
import gzip
import hashlib
import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

INLINE = 24
"""Arrays up to this size are written as plain lists."""
STEPS = 4094
"""Between the extremes of a map: a hundredth of the noise of a map whose noise is 2.5 % of its range."""
WHOLE = 65534
"""Whole numbers of up to this range are kept exactly."""
COLOUR_STEPS = 254
SEEN_BITS = 14
"""Binary digits of the numbers of a line: four decimal ones, as the page writes at most."""
INTO_LETTERS = str.maketrans("<>&", ",.:")
"""Letters of base85 that mean something in HTML, and what stands for them."""


@dataclass(frozen=True)
class Coarse:
    """A map that is only looked at: it is kept in as many steps as a colour scale has."""

    image: np.ndarray


class ArrayBank:
    """The arrays of all figures of a page, each once."""

    def __init__(self) -> None:
        self.entries: dict[str, dict[str, Any]] = {}
        self._bytes = bytearray()

    @property
    def content(self) -> bytes:
        """The bytes of all arrays; each entry says where its own begin (``at``)."""
        return bytes(self._bytes)

    def strip(self, tree: Any) -> Any:
        """Return a copy of `tree` whose arrays are references to the bank."""
        if isinstance(tree, dict):
            return {key: self.strip(item) for key, item in tree.items()}
        if isinstance(tree, list | tuple):
            return [self.strip(item) for item in tree]
        if isinstance(tree, np.ndarray):
            return self._reference(tree)
        if isinstance(tree, Coarse):
            return self._kept(*encode_map(tree.image, steps=COLOUR_STEPS, whole=COLOUR_STEPS))
        if isinstance(tree, np.generic):
            tree = tree.item()
        if isinstance(tree, float):
            return float(f"{tree:.7g}") if math.isfinite(tree) else None
        return tree

    def _reference(self, array: np.ndarray) -> Any:
        if array.size <= INLINE or array.dtype.kind not in "fiub":
            return self.strip(array.tolist())
        entry, content = encode_map(array) if array.ndim == 2 else encode_line(array)
        return self._kept(entry, content)

    def _kept(self, entry: dict[str, Any], content: bytes) -> dict[str, str]:
        key = hashlib.blake2b(json.dumps(entry).encode() + content, digest_size=9).hexdigest()
        if key not in self.entries:
            self.entries[key] = {**entry, "at": len(self._bytes)}
            self._bytes += content
        return {"$": key}


def encode_map(array: np.ndarray, *, steps: int = STEPS, whole: int = WHOLE) -> tuple[dict[str, Any], bytes]:
    """Encode a map in steps between its extremes; step 0 is left to pixels without a value.

    Parameters
    ----------
    array : ndarray, shape (row, column)
    steps : int
        Between the extremes.
    whole : int
        Whole numbers of up to this range are kept exactly.

    Returns
    -------
    dict
        ``value = lo + st * (code - 1)``, with an error of at most half a step: 1/8 000 of the range, if
        not told otherwise. Whole numbers have steps of one.
    bytes
        The low bytes of all codes, then the high ones.
    """
    finite = np.isfinite(array)
    known = array[finite].astype(float)
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    exact = high - low <= whole and bool(np.all(known == np.rint(known)))
    step = 1.0 if exact else (high - low) / steps or 1.0
    codes = np.zeros(array.shape, "<u2")
    codes[finite] = np.rint((known - low) / step).astype("<u2") + np.uint16(1)
    return {"t": "u2", "s": list(array.shape), "lo": low, "st": step}, _by_weight(codes)


def encode_line(array: np.ndarray) -> tuple[dict[str, Any], bytes]:
    """Encode any other array as float32, flat; all first bytes, then all second ones, and so on.

    Rising ones, as energies, are kept as they are.
    """
    values = array.astype("<f4").ravel()
    if not np.all(np.diff(values) > 0):
        values = _rounded(values)
    return {"t": "f4", "s": [array.size]}, _by_weight(values)


def _rounded(values: np.ndarray) -> np.ndarray:
    """Round to `SEEN_BITS` binary digits, so that the bytes of the others are zero."""
    mantissa, exponent = np.frexp(values)
    found: np.ndarray = np.ldexp(np.rint(np.ldexp(mantissa, SEEN_BITS)), exponent - SEEN_BITS).astype("<f4")
    return found


def packed(tree: Any, content: bytes) -> str:
    """Return JSON and bytes as one compressed text: length of the JSON in four bytes, JSON, bytes."""
    text = json.dumps(tree, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode()
    return compressed(len(text).to_bytes(4, "little") + text + content)


def compressed(content: bytes) -> str:
    """Return bytes as base85 of gzip, the same text for the same bytes.

    Base85 takes 5 letters for 4 bytes, where base64 takes 4 for 3.
    """
    return base64.b85encode(gzip.compress(content, 9, mtime=0)).decode().translate(INTO_LETTERS)


def script_hash(source: str) -> str:
    """Return the content-security-policy source of an inline script."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"


def _by_weight(array: np.ndarray) -> bytes:
    return np.frombuffer(array.tobytes(), np.uint8).reshape(-1, array.itemsize).T.tobytes()
