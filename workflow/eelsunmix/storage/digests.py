"""Digests of files, and the files that a store consists of."""

import hashlib
from pathlib import Path


def digest_of_file(path: Path) -> str:
    """Digest of all bytes of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def digest_of_bytes(content: bytes) -> str:
    """Digest of bytes, equal to that of a file that holds them."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def files_below(path: Path) -> list[str]:
    """Paths of all files below a folder, as seen from there, in order."""
    # A link to a folder counts as a file: a store has none, and what it leads to was never sealed.
    found = (file for file in path.rglob("*") if file.is_symlink() or not file.is_dir())
    return sorted(str(file.relative_to(path)) for file in found)
