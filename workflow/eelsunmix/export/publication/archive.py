"""The zip: every file has its digest in a manifest, and every byte counts in that of the whole.

The comment at the end of the zip holds the digest of all that stands before it; so a flipped bit is found
even where no file has it. All are BLAKE2b, which any Python has: who reads a zip may have nothing of ours.
"""

import hashlib
import lzma
import zipfile
import zlib
from collections import Counter
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import IO

from eelsunmix.configuration.documents import SUFFIXES
from eelsunmix.errors import InputError, StoreError
from eelsunmix.storage import MANIFEST, Manifest
from eelsunmix.storage.manifest import parsed
from eelsunmix.storage.versions import versions_used

KIND = "publication"
_MARK = b"eelsunmix blake2b "
_LENGTH = len(_MARK) + 32
_PIECE = 2**20
_blake2b = partial(hashlib.blake2b, digest_size=16)
_LARGEST_MANIFEST = 2**24
"""Bytes; a zip comes from anywhere, and has some hundred files of some 120 bytes in its manifest each."""
_REMEDY = "fetch it again, or export it again"
_BAD_FILE = (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, UnicodeDecodeError)
_BAD_CONTENT = (*_BAD_FILE, zlib.error, lzma.LZMAError, ValueError, TypeError, MemoryError)
"""What Python says of a damaged zip, and of a file in it; a bomb takes all memory."""


def write_archive(
    path: Path, contents: Mapping[str, bytes | Path], *, seals: Mapping[str, str], sample: str
) -> None:
    """Write files into a zip that says what it holds.

    Parameters
    ----------
    path : Path
    contents : mapping of str to bytes or Path
        Name in the zip -> content, or a file with it.
    seals : mapping of str to str
        Of the stores behind it.
    sample : str
    """
    manifest = Manifest(
        files={name: _described(content) for name, content in contents.items()},
        inputs=dict(seals),
        settings={"kind": KIND, "sample": sample},
        versions=versions_used(),
    ).sealed()
    with zipfile.ZipFile(path, "x", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {MANIFEST: manifest.to_json(), **contents}.items():
            # The time of each file is fixed: equal contents make equal zips.
            entry = zipfile.ZipInfo(name)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, content if isinstance(content, bytes) else content.read_bytes())
        archive.comment = _MARK + b"0" * 32
    _put_digest(path)


def verify_archive(path: str | Path) -> Manifest:
    """Compare every byte of a zip with its manifest.

    Raises
    ------
    InputError
        If the file is no zip.
    StoreError
        At the first difference; the message names the file in the zip.
    """
    path = Path(path)
    if path.suffix.lower() in SUFFIXES:
        raise InputError(f"{path}: is a configuration; type: eelsunmix verify --configfile {path}")
    if path.suffix != ".zip" and not zipfile.is_zipfile(path):
        raise InputError(f"{path}: is no zip; name a zip, a page, or a folder of results or of an export")
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = _manifest(path, archive)
            _check_files(path, archive, manifest)
    except _BAD_FILE as error:
        raise StoreError(f"{path}: is damaged, or no zip at all ({error}); {_REMEDY}") from error
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror or error}); check it") from error
    with path.open("rb") as file:
        body, comment = _digest(file)
    if comment != _MARK + body:
        raise StoreError(f"{path}: is damaged between its files (its checksum differs); {_REMEDY}")
    return manifest


def _described(content: bytes | Path) -> dict[str, object]:
    content = content if isinstance(content, bytes) else content.read_bytes()
    return {"size": len(content), "blake2b": _blake2b(content).hexdigest()}


def _put_digest(path: Path) -> None:
    with path.open("r+b") as file:
        digest, _ = _digest(file)
        file.seek(-32, 2)
        file.write(digest)


def _digest(file: IO[bytes]) -> tuple[bytes, bytes]:
    """Return the digest of all before the comment, and the comment."""
    size = max(file.seek(0, 2) - _LENGTH, 0)
    file.seek(0)
    total, left = _blake2b(), size
    while left and (piece := file.read(min(left, _PIECE))):
        total.update(piece)
        left -= len(piece)
    return total.hexdigest().encode(), file.read()


def _manifest(path: Path, archive: zipfile.ZipFile) -> Manifest:
    try:
        with archive.open(MANIFEST) as file:  # no further than that, whatever the zip claims
            content = file.read(_LARGEST_MANIFEST + 1)
        if len(content) > _LARGEST_MANIFEST:
            raise ValueError("too large")
        manifest = parsed(content)
    except KeyError as error:
        raise StoreError(f"{path}: has no {MANIFEST}, so it is no export of eelsunmix; {_REMEDY}") from error
    except _BAD_CONTENT as error:
        raise StoreError(f"{path}: {MANIFEST} is damaged; {_REMEDY}") from error
    if manifest != manifest.sealed() or manifest.settings.get("kind") != KIND:
        raise StoreError(f"{path}: {MANIFEST} is damaged (its seal differs); {_REMEDY}")
    return manifest


def _check_files(path: Path, archive: zipfile.ZipFile, manifest: Manifest) -> None:
    names = Counter(archive.namelist())
    for name in sorted({*names, *manifest.files} - ({MANIFEST} if names[MANIFEST] == 1 else set())):
        if name not in manifest.files or names[name] != 1:
            fault = "is missing" if name not in names else "does not belong to the zip"
            raise StoreError(f"{path}: {name} {fault}; {_REMEDY}")
        if not _agrees(archive, name, manifest.files[name]):
            raise StoreError(f"{path}: {name} is damaged (its checksum differs); {_REMEDY}")


def _agrees(archive: zipfile.ZipFile, name: str, expected: Mapping[str, object]) -> bool:
    """Whether a file unpacks to what it should; no further than that, whatever the zip claims."""
    total, size = _blake2b(), 0
    try:
        with archive.open(name) as file:
            while (piece := file.read(_PIECE)) and size <= int(str(expected.get("size"))):
                total.update(piece)
                size += len(piece)
    except _BAD_CONTENT:
        return False
    return size == expected.get("size") and total.hexdigest() == expected.get("blake2b")
