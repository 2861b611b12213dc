"""The stores that a job reads: their seals, and whether they are still those that it opened."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from eelsunmix.errors import StoreError
from eelsunmix.plain import digest_of
from eelsunmix.storage.manifest import MANIFEST, Manifest, check_sources, read_manifest

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
        Path of each store -> digest of the settings that it must have been made with.

    Raises
    ------
    StoreError
        At the first store that was made with others.
    """
    for path, digest in asked.items():
        if digest_of(read_manifest(path).settings) != digest:
            raise StoreError(
                f"{path}: was made otherwise than the configuration asks for now; run the workflow again "
                "(python -m eelsunmix.storage results says what differs)"
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
