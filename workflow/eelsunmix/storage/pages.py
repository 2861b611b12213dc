"""The seal of a page: its manifest stands at its end, as a comment of the HTML.

It says from which stores and with which settings the page was made, and holds the digest of all that stands
before it; so a page that was cut, overwritten with zeros, or has one flipped bit is told from a whole one.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eelsunmix.errors import StoreError, UnreadableStoreError
from eelsunmix.storage.digests import agrees
from eelsunmix.storage.manifest import LARGEST_MANIFEST, REMEDY_OF_PAGE, Manifest, parsed
from eelsunmix.storage.sealing import manifest_of

_BEGIN, _END = b"\n<!-- manifest: ", b" -->\n"
_TAIL = 2**20
_HEAD, _OURS = 2**16, b"eelsunmix</title>"


def sealed_page(
    text: str,
    path: str | os.PathLike[str],
    *,
    seals: Mapping[str, str],
    settings: Mapping[str, Any] | None = None,
) -> str:
    """Return a page with its manifest at the end.

    Parameters
    ----------
    text : str
        The page.
    path : path-like
        Where it will lie.
    seals : mapping of str to str
        Path of each store that it was made from -> its seal.
    settings : mapping, optional
        Options that made it.
    """
    manifest = manifest_of("page", text.encode(), path, seals=seals, settings=settings)
    line = json.dumps(manifest.content(), sort_keys=True)
    for mark in "<>&":  # no text of the user may end the comment
        line = line.replace(mark, f"\\u{ord(mark):04x}")
    return f"{text}{_BEGIN.decode()}{line}{_END.decode()}"


def read_page_manifest(path: str | Path) -> Manifest:
    """Read the manifest of a page, without reading the page: its length is compared, its content is not.

    Raises
    ------
    StoreError
        If there is no page, or none that is whole.
    """
    path = Path(path)
    with _opened(path) as file:
        size = file.seek(0, os.SEEK_END)
        for length in (_TAIL, LARGEST_MANIFEST):
            file.seek(max(size - length, 0))
            tail = file.read()
            if _BEGIN in tail:
                break
    begin = tail.rfind(_BEGIN)
    if begin < 0 or not tail.endswith(_END):
        raise StoreError(f"{path}: has no seal at its end, so it was cut off or damaged; {REMEDY_OF_PAGE}")
    try:
        manifest = parsed(tail[begin + len(_BEGIN) : -len(_END)])
    except (ValueError, TypeError, RecursionError) as error:
        raise StoreError(f"{path}: its seal is damaged; {REMEDY_OF_PAGE}") from error
    if manifest != manifest.sealed():
        raise StoreError(f"{path}: its seal is damaged; {REMEDY_OF_PAGE}")
    if manifest.files.get("page", {}).get("size") != size - len(tail) + begin:
        raise StoreError(f"{path}: is damaged (its length differs); {REMEDY_OF_PAGE}")
    return manifest


def verify_page(path: str | Path) -> Manifest:
    """Compare every byte of a page with its manifest.

    Raises
    ------
    StoreError
        If the page is missing, was cut or damaged.
    """
    manifest = read_page_manifest(path)
    page = manifest.files["page"]
    with _opened(Path(path)) as file:
        if not agrees(file.read(int(page["size"])), page):
            raise StoreError(f"{path}: is damaged (its checksum differs); {REMEDY_OF_PAGE}")
    return manifest


def is_a_page(path: str | Path) -> bool:
    """Whether a file begins as our pages do, so that it may be replaced."""
    with _opened(Path(path)) as file:
        return _OURS in file.read(_HEAD)


def _opened(path: Path) -> Any:
    if os.path.lexists(path) and not path.is_file():  # reading a pipe might never end
        raise StoreError(f"{path}: is no plain file, so no page; move it aside and run the workflow again")
    if not path.is_file():
        raise StoreError(f"{path}: no such page; run the workflow that makes it")
    try:
        return path.open("rb")
    except OSError as error:
        raise UnreadableStoreError(f"{path}: cannot be read ({error.strerror}); check it") from error
