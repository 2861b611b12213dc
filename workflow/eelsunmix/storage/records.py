"""A sealed record: JSON that says at its end from which stores and with which settings it was made.

It is read whole or not at all: every byte is what writing its content again gives, and the manifest holds the
digest of the content.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eelsunmix.errors import StoreError, UnreadableStoreError
from eelsunmix.plain import plain_values
from eelsunmix.storage.digests import agrees
from eelsunmix.storage.manifest import LARGEST_MANIFEST, REMEDY_OF_RECORD, Manifest, parsed
from eelsunmix.storage.sealing import manifest_of

RECORD = ".json"
"""Suffix of a record."""
_MANIFEST, _CONTENT = "manifest", "record"


def sealed_record(
    content: Mapping[str, Any],
    path: str | os.PathLike[str],
    *,
    seals: Mapping[str, str],
    settings: Mapping[str, Any] | None = None,
) -> str:
    """Return the text of a record with its manifest, which is its last entry.

    Parameters
    ----------
    content : mapping
        Plain values; numbers that are not finite become null.
    path : path-like
        Where it will lie.
    seals : mapping of str to str
        Path of each store that it was made from -> its seal.
    settings : mapping, optional
        Options that made it.
    """
    plain = plain_values(dict(content), finite=True)
    manifest = manifest_of(_CONTENT, _text(plain).encode(), path, seals=seals, settings=settings)
    return _text({**plain, _MANIFEST: manifest.content()})


def read_record(path: str | os.PathLike[str]) -> tuple[dict[str, Any], Manifest]:
    """Read a record and compare every byte with its manifest.

    Returns
    -------
    content : dict
        Without the manifest.
    manifest : Manifest

    Raises
    ------
    StoreError
        If there is no record, or none that is whole.
    """
    path = Path(path)
    text = _read(path)
    try:
        content = json.loads(text)
        whole = _text(content) == text
        manifest = parsed(json.dumps(content.pop(_MANIFEST)).encode())
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise StoreError(f"{path}: is damaged (not a record that was sealed); {REMEDY_OF_RECORD}") from error
    sealed = agrees(_text(content).encode(), manifest.files.get(_CONTENT, {}))
    if not (whole and sealed and manifest == manifest.sealed()):
        raise StoreError(f"{path}: is damaged (its checksum differs); {REMEDY_OF_RECORD}")
    return content, manifest


def _text(content: Any) -> str:
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _read(path: Path) -> str:
    if os.path.lexists(path) and not path.is_file():  # reading a pipe might never end
        raise StoreError(f"{path}: is no plain file, so no record; move it aside and run the workflow again")
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST_MANIFEST + 1)
        if len(text) > LARGEST_MANIFEST:
            raise StoreError(f"{path}: is too large for a record; {REMEDY_OF_RECORD}")
        return text.decode()
    except FileNotFoundError as error:
        raise StoreError(f"{path}: no such record; run the workflow that makes it") from error
    except UnicodeDecodeError as error:
        raise StoreError(f"{path}: is damaged (not a text); {REMEDY_OF_RECORD}") from error
    except OSError as error:
        raise UnreadableStoreError(f"{path}: cannot be read ({error.strerror}); check it") from error
