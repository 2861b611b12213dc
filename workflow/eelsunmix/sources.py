"""The files that a user gives: their digests, and whether they are still the same."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from eelsunmix.errors import InputError


def checksum(path: Path) -> tuple[str, int]:
    """Return SHA-256 (hexadecimal) and size in bytes of a file, or of all files of a directory in order."""
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size
    total, size = hashlib.sha256(), 0
    for part in sorted(part for part in path.rglob("*") if part.is_file()):
        digest, part_size = checksum(part)
        total.update(f"{part.relative_to(path).as_posix()} {digest}\n".encode())
        size += part_size
    return total.hexdigest(), size


def check_unchanged(files: Mapping[str | Path, str]) -> None:
    """Raise InputError if a file has another SHA-256 than the one it had before it was read."""
    for file, digest in files.items():
        if checksum(Path(file))[0] != digest:
            raise InputError(f"{file}: was changed while it was read; run again once nobody writes to it")
