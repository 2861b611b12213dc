"""Figures as JSON that is small and safe inside a page.

Arrays are kept once each in a bank, whatever number of figures shows them, as base64 of 16-bit steps between
their extremes (the colour scales have 256 steps) or of float32; the page's script turns them into numbers.
"""

import base64
import hashlib
import json
import math
from typing import Any

import numpy as np

INLINE = 24
"""Arrays up to this size are written as plain lists."""


class ArrayBank:
    """The arrays of all figures of a page, each once."""

    def __init__(self) -> None:
        self.entries: dict[str, dict[str, Any]] = {}

    def strip(self, tree: Any) -> Any:
        """Return a copy of `tree` whose arrays are references to the bank."""
        if isinstance(tree, dict):
            return {key: self.strip(item) for key, item in tree.items()}
        if isinstance(tree, list | tuple):
            return [self.strip(item) for item in tree]
        if isinstance(tree, np.ndarray):
            return self._reference(tree)
        if isinstance(tree, np.generic):
            tree = tree.item()
        if isinstance(tree, float):
            return float(f"{tree:.7g}") if math.isfinite(tree) else None
        return tree

    def _reference(self, array: np.ndarray) -> Any:
        if array.size <= INLINE or array.dtype.kind not in "fiub":
            return self.strip(array.tolist())
        entry = encode_map(array) if array.ndim == 2 else encode_line(array)
        key = hashlib.blake2b(json.dumps(entry).encode(), digest_size=9).hexdigest()
        self.entries.setdefault(key, entry)
        return {"$": key}


def encode_map(array: np.ndarray) -> dict[str, Any]:
    """Encode a map in 16-bit steps between its extremes; step 0 is left to pixels without a value.

    Parameters
    ----------
    array : ndarray, shape (row, column)

    Returns
    -------
    dict
        ``value = low + step * (code - 1)``, with an error of at most half a step: 1/131 000 of the range.
    """
    finite = np.isfinite(array)
    low, high = (float(array[finite].min()), float(array[finite].max())) if finite.any() else (0.0, 0.0)
    step = (high - low) / 65534 or 1.0
    codes = np.zeros(array.shape, "<u2")
    codes[finite] = np.rint((array[finite].astype(float) - low) / step).astype("<u2") + np.uint16(1)
    return {"t": "u2", "s": list(array.shape), "lo": low, "st": step, "d": _base64(codes)}


def encode_line(array: np.ndarray) -> dict[str, Any]:
    """Encode any other array as float32, flat."""
    return {"t": "f4", "s": [array.size], "d": _base64(array.astype("<f4").ravel())}


def script_json(tree: Any) -> str:
    """Write JSON that cannot end the script element in which it stands."""
    text = json.dumps(tree, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def script_hash(source: str) -> str:
    """Return the content-security-policy source of an inline script."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"


def _base64(array: np.ndarray) -> str:
    return base64.b64encode(array.tobytes()).decode()
