"""The manifest of a sealed store: what it consists of, where it comes from, whether that is still so."""

import errno
import json
import os
import re
import stat
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import TypeAdapter

from eelsunmix.errors import StoreError, UnreadableStoreError
from eelsunmix.plain import digest_of
from eelsunmix.storage.digests import agrees_file, described_file, files_below
from eelsunmix.storage.versions import versions_used

MANIFEST = "manifest.json"
REMEDY = "move this folder aside and run the workflow again"
REMEDY_OF_PAGE = "run the workflow again, which makes the page anew"
REMEDY_OF_RECORD = "run the workflow again, which writes it anew"

LARGEST_MANIFEST = 2**28
"""Bytes; a manifest has some 120 for each file of its store."""

_FOREIGN = {MANIFEST, ".snakemake_timestamp"}
_OF_SYSTEMS = re.compile(r"\.DS_Store|\._.+|\.nfs[0-9a-f]+|Thumbs\.db|desktop\.ini")
"""Files that a system puts into every folder that somebody looks at; no array is called so."""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a sealed store consists of and where it comes from.

    Parameters
    ----------
    files : dict
        Path inside the store -> ``{"size": bytes, "blake3": hexadecimal digest}``.
    inputs : dict
        Path of each store that was read, relative to the folder of this one -> its seal.
    settings : dict
        Options that made the result, plain values.
    versions : dict
        Versions of Python and of the packages that made it.
    created : str
        Time of sealing, ISO 8601, UTC.
    sources : dict
        Path of each file of the user that was read -> its ``sha256`` and ``state`` by `eelsunmix.sources`.
    seal : str
        Digest of `files`, `inputs` and `settings`: equal seals mean equal results from equal sources.
    checksum : str
        Digest of everything above.
    """

    files: dict[str, dict[str, Any]]
    inputs: dict[str, str] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    created: str = ""
    sources: dict[str, dict[str, str]] = field(default_factory=dict)
    seal: str = ""
    checksum: str = ""

    def sealed(self) -> "Manifest":
        """Return the manifest with its seal and its checksum."""
        whole = replace(self, seal=digest_of([self.files, self.inputs, self.settings]), checksum="")
        return replace(whole, checksum=digest_of(whole.content()))

    def content(self) -> dict[str, Any]:
        """Return what the file holds; sources only where there are any, as in manifests from before them."""
        return {name: value for name, value in vars(self).items() if value or name != "sources"}

    def to_json(self) -> bytes:
        """Return the text of the file."""
        return json.dumps(self.content(), indent=1, sort_keys=True).encode()


_TYPES = {name: TypeAdapter(kind) for name, kind in get_type_hints(Manifest).items()}


def manifest_of(
    path: Path,
    inputs: Mapping[str, str],
    settings: Mapping[str, Any],
    sources: Mapping[str, dict[str, str]] | None = None,
) -> Manifest:
    """Describe a folder as it is now; `inputs`, `settings` and `sources` as in `Manifest`."""
    return Manifest(
        files={name: described_file(path / name) for name in files_below(path)},
        inputs=dict(inputs),
        settings=dict(settings),
        versions=versions_used(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        sources=dict(sources or {}),
    ).sealed()


def read_manifest(path: str | Path) -> Manifest:
    """Read the manifest of a sealed store, without reading its data.

    Raises
    ------
    StoreError
        If there is no store, no manifest, or the manifest does not agree with itself.
    """
    path = Path(path)
    if not path.is_dir():
        found = "is a file, not a store; move it away" if path.exists() else "no such store"
        raise StoreError(f"{path}: {found}; run the workflow that makes it")
    try:
        manifest = _parsed(path / MANIFEST)
    except FileNotFoundError as error:
        raise StoreError(
            f"{path}: was never sealed (no {MANIFEST}), so it is incomplete; {REMEDY}"
        ) from error
    except OSError as error:
        raise _unreadable(path, MANIFEST, error) from error
    except (ValueError, TypeError, RecursionError) as error:
        raise StoreError(f"{path}: {MANIFEST} is damaged; {REMEDY}") from error
    if manifest != manifest.sealed():
        raise StoreError(f"{path}: {MANIFEST} is damaged (its seal differs); {REMEDY}")
    return manifest


def _parsed(file: Path) -> Manifest:
    """Read a manifest: a plain file of bounded size, with what a manifest declares.

    Raises
    ------
    OSError, ValueError, TypeError, RecursionError
        It is none.
    """
    if not stat.S_ISREG(file.stat().st_mode):
        raise ValueError("not a plain file")  # reading a device might never end
    with file.open("rb") as opened:  # no more than there is: as much memory is asked for
        text = opened.read(min(os.fstat(opened.fileno()).st_size, LARGEST_MANIFEST) + 1)
    if len(text) > LARGEST_MANIFEST:
        raise ValueError("too large")
    return parsed(text)


def parsed(text: bytes) -> Manifest:
    """Read a manifest from its text.

    Raises
    ------
    ValueError, TypeError, RecursionError
        It is none.
    """
    manifest = Manifest(**json.loads(text))
    for name, kind in _TYPES.items():
        kind.validate_python(getattr(manifest, name), strict=True)
    return manifest


def verify_parts(path: Path, manifest: Manifest, names: Collection[str]) -> None:
    """Compare some files, and all files of some folders, of a store with its manifest.

    Raises
    ------
    StoreError
        At the first difference; the message names the file.
    """
    for name in sorted(manifest.files):
        if Path(name).parts[0] in names:
            _compare(path, name, manifest, is_there=os.path.lexists(path / name))


def verify(path: str | Path) -> Manifest:
    """Compare every file of a store with its manifest.

    Raises
    ------
    StoreError
        At the first difference; the message names the file.
    """
    path = Path(path)
    manifest = read_manifest(path)
    present = {name for name in files_below(path) if name not in _FOREIGN}
    present -= {name for name in present - manifest.files.keys() if _OF_SYSTEMS.fullmatch(Path(name).name)}
    for name in sorted(manifest.files.keys() | present):
        if name not in manifest.files:
            raise StoreError(f"{path}: {name} does not belong to the store; {REMEDY}")
        _compare(path, name, manifest, is_there=name in present)
    return manifest


def _compare(path: Path, name: str, manifest: Manifest, *, is_there: bool) -> None:
    if not is_there:
        raise StoreError(f"{path}: {name} is missing; {REMEDY}")
    if not _agrees(path, name, manifest):
        raise StoreError(f"{path}: {name} is damaged (its checksum differs); {REMEDY}")


def _agrees(path: Path, name: str, manifest: Manifest) -> bool:
    try:
        # Reading from what is no plain file might never end.
        is_plain = stat.S_ISREG((path / name).stat().st_mode)
        return is_plain and agrees_file(path / name, manifest.files[name])
    except OSError as error:
        raise _unreadable(path, name, error) from error


def _unreadable(path: Path, name: str, error: OSError) -> UnreadableStoreError:
    remedy = "ask for the permission" if error.errno in (errno.EACCES, errno.EPERM) else "check the disk"
    return UnreadableStoreError(f"{path}: {name} cannot be read ({error.strerror}); {remedy}")
