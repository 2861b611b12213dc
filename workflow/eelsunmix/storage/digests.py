"""Digests of what a manifest describes, and the files that a store consists of."""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from blake3 import blake3

DIGEST = "blake3"
"""Name of the digest in a manifest: as strong as BLAKE2b, and several times as fast."""
_BEFORE = "blake2b"
"""That of manifests from before BLAKE3: what they describe stays what it is."""
_LENGTH = 16


def digest_of_bytes(content: Any, kind: str = DIGEST) -> str:
    """Digest of bytes, or of any buffer of them."""
    total = _new(kind)
    total.update(content)
    return _text(total)


def digest_of_file(path: Path, kind: str = DIGEST) -> str:
    """Digest of all bytes of a file, equal to that of the bytes."""
    with path.open("rb") as file:
        return _text(hashlib.file_digest(file, lambda: _new(kind)))


def described(content: bytes) -> dict[str, Any]:
    """Size and digest of bytes, as a manifest holds them."""
    return {"size": len(content), DIGEST: digest_of_bytes(content)}


def described_file(path: Path) -> dict[str, Any]:
    """Size and digest of a file, as a manifest holds them."""
    return {"size": path.stat().st_size, DIGEST: digest_of_file(path)}


def agrees(content: bytes, entry: Mapping[str, Any]) -> bool:
    """Whether bytes are what an entry of a manifest describes."""
    same_size = len(content) == entry.get("size")
    return same_size and _all_agree(entry, lambda kind: digest_of_bytes(content, kind))


def agrees_file(path: Path, entry: Mapping[str, Any]) -> bool:
    """Whether a file is what an entry of a manifest describes; one of another size is not read."""
    same_size = path.stat().st_size == entry.get("size")
    return same_size and _all_agree(entry, lambda kind: digest_of_file(path, kind))


def _new(kind: str) -> Any:
    return hashlib.blake2b(digest_size=_LENGTH) if kind == _BEFORE else blake3()


def _text(total: Any) -> str:
    return str(total.digest()[:_LENGTH].hex())


def _all_agree(entry: Mapping[str, Any], digest: Callable[[str], str]) -> bool:
    """Whether all digests of an entry, of which there must be one, are right."""
    kinds = entry.keys() & {DIGEST, _BEFORE}
    return bool(kinds) and all(digest(kind) == entry[kind] for kind in kinds)


def files_below(path: Path) -> list[str]:
    """Paths of all files below a folder, as seen from there, in order."""
    # A link to a folder counts as a file: a store has none, and what it leads to was never sealed.
    found = (file for file in path.rglob("*") if file.is_symlink() or not file.is_dir())
    return sorted(str(file.relative_to(path)) for file in found)
