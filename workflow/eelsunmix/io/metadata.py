"""Metadata of files, reduced to what JSON can hold."""

import math
from typing import Any

import numpy as np

LONGEST_METADATA = 32
"""Elements of a list in the metadata beyond which it is left out."""

LONGEST_TEXT = 300
"""Characters of a name, unit or note of a file that are kept: pages and exports show them all."""


def shortened(text: str) -> str:
    """Cut text that nobody would read to its end.

    Examples
    --------
    >>> shortened("Titan"), len(shortened("A" * 60000))
    ('Titan', 300)
    """
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 3]}..."


def plain(value: Any) -> Any:
    """Return what JSON can hold of metadata: text, cut if it is long, numbers, short lists, dictionaries."""
    if isinstance(value, dict):
        items = {
            shortened(str(key)): plain(item) for key, item in value.items() if not str(key).startswith("_")
        }
        return {key: item for key, item in items.items() if item is not None and item != {}}
    if isinstance(value, np.generic | np.ndarray):
        return plain(value.tolist()) if value.size <= LONGEST_METADATA else None
    if isinstance(value, list | tuple):
        return [plain(item) for item in value] if len(value) <= LONGEST_METADATA else None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return shortened(value)
    return value if isinstance(value, int | bool) else None
