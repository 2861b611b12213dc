"""The data of a page, read as its script reads them."""

import gzip
import json
from base64 import b85decode

import numpy as np


def uncompressed(text):
    """Return the bytes of a compressed text of a page."""
    return gzip.decompress(b85decode(text.translate(str.maketrans(",.:", "<>&"))))


def unpacked(text):
    """Return figures and arrays of a page: the arrays are those of the bank, by their keys."""
    content = uncompressed(text)
    start = 4 + int.from_bytes(content[:4], "little")
    tree = json.loads(content[4:start])
    arrays = {key: decoded(entry, content[start + entry["at"] :]) for key, entry in tree["arrays"].items()}
    return {**tree, "arrays": arrays}


def decoded(entry, content):
    """Return an array from its description and its bytes."""
    values = codes_of(entry, content)
    if entry["t"] == "f4":
        return values
    return np.where(values > 0, entry["lo"] + entry["st"] * (values - 1.0), np.nan)


def codes_of(entry, content):
    """Return the numbers that stand in the page, their bytes put together."""
    kind = np.dtype(f"<{entry['t']}")
    count = int(np.prod(entry["s"]))
    bytes_by_weight = np.frombuffer(content[: count * kind.itemsize], np.uint8).reshape(kind.itemsize, count)
    return np.frombuffer(bytes_by_weight.T.tobytes(), kind).reshape(entry["s"])
