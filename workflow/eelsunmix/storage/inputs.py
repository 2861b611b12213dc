"""What a job reads, stores and records: their seals, and whether they are still those that it opened."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from eelsunmix.errors import StoreError
from eelsunmix.plain import digest_of
from eelsunmix.storage.manifest import (
    MANIFEST,
    REMEDY,
    REMEDY_OF_PAGE,
    REMEDY_OF_RECORD,
    Manifest,
    read_manifest,
)
from eelsunmix.storage.records import RECORD, read_record

REMEDIES = {".html": REMEDY_OF_PAGE, RECORD: REMEDY_OF_RECORD}
"""What helps, where a file is not in order; a store is a folder."""

_OPENED: dict[Path, tuple[Any, ...]] = {}
"""Stores that this process has opened, so that none is exchanged while it is read."""


def remember(path: Path, manifest: Manifest) -> None:
    """Remember a store that is being opened."""
    _OPENED[path.absolute()] = _identity(path, manifest)


def check_inputs(asked: Mapping[str, str]) -> None:
    """Refuse stores that were made otherwise than the configuration asks for now.

    Parameters
    ----------
    asked : mapping of str to str
        Path of each store or record -> digest of the settings that it must have been made with.

    Raises
    ------
    StoreError
        At the first one that was made with others.
    """
    for path, digest in asked.items():
        if digest_of(manifest_at(path).settings) != digest:
            raise StoreError(
                f"{path}: was made otherwise than the configuration asks for now; run the workflow again "
                "(python -m eelsunmix.storage results says what differs)"
            )


def manifest_at(path: str | Path) -> Manifest:
    """Read the manifest of a store, without its data, or of a record.

    Raises
    ------
    StoreError
        If there is none that is whole.
    """
    return read_record(path)[1] if Path(path).suffix == RECORD else read_manifest(path)


def check_sources(path: Path, manifest: Manifest, among: Iterable[Path] | None = None) -> None:
    """Raise StoreError if something was made from another version of a store than the one that is there now.

    Parameters
    ----------
    path : Path
        Store, page or record.
    manifest : Manifest
        Its manifest.
    among : iterable of Path, optional
        Look at these only; by default at all that exist and whose manifests are whole: a damaged one says
        nothing against what was made of its store.
    """
    chosen = None if among is None else {_place(source) for source in among}
    for name, seal in manifest.inputs.items():
        source = _place(path.parent / name)
        if chosen is None:
            found = _seal_of_whole(source)
        else:
            found = manifest_at(source).seal if source in chosen else None
        if found not in (None, seal):
            raise StoreError(
                f"{path}: was made from another {os.path.relpath(source)} than the one that is there now; "
                f"{REMEDIES.get(path.suffix, REMEDY)}"
            )


def versions_of(paths: Iterable[str | Path]) -> dict[str, dict[str, str]]:
    """Versions of the packages that made each store, by path."""
    return {str(path): read_manifest(path).versions for path in paths}


def seals(paths: Iterable[str | Path]) -> dict[str, str]:
    """Seal of each store, by path.

    Raises
    ------
    StoreError
        If one of them was made from another version of another one, or was exchanged since it was opened.
    """
    return {str(path): seal for path, seal in seals_of([Path(path) for path in paths]).items()}


def seals_of(paths: Sequence[Path]) -> dict[Path, str]:
    """Seal of each store; see `seals`."""
    manifests = {path: read_manifest(path) for path in paths}
    for path, manifest in manifests.items():
        check_sources(path, manifest, among=paths)
        now = _identity(path, manifest)
        if _OPENED.get(path.absolute(), now) != now:
            raise StoreError(f"{path}: was exchanged while it was being read; run again")
    return {path: manifest.seal for path, manifest in manifests.items()}


def _identity(path: Path, manifest: Manifest) -> tuple[Any, ...]:
    """Tell a store from one with the same content: while they were exchanged, its chunks read as zeros."""
    file = (path / MANIFEST).stat()
    return manifest.seal, file.st_ino, file.st_mtime_ns


def _seal_of_whole(path: Path) -> str | None:
    try:
        return manifest_at(path).seal
    except StoreError:
        return None


def _place(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links, which may have moved
