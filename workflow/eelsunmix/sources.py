"""The files that a user gives: their digests, and whether they are still the same."""

import errno
import hashlib
import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from eelsunmix.errors import InputError

_SAMPLES, _SAMPLE_BYTES = 64, 2**14
COMPANIONS = {
    ".rpl": (".raw", ".RAW"),
    ".spd": (".spc", "_Img.ipr"),
    ".lsd": (".spc", ".csv"),
    ".emi": tuple(f"_{number}.ser" for number in range(10)),
}
"""Ending of a file -> endings of the files of the same name that belong to it: one source with it."""


def real_path(path: Path) -> Path:
    """Return where a path leads, links followed; `Path.resolve` raises where a link leads to itself."""
    return Path(os.path.realpath(path))


def companions(path: Path) -> list[Path]:
    """Return the files beside a file that belong to it, those that are there.

    Raises
    ------
    InputError
        If one of them is a link out of the folder, or no plain file: the user has named neither.
    """
    endings = COMPANIONS.get(path.suffix.lower(), ())
    found = [path.with_name(path.stem + ending) for ending in endings]
    found = [one for one in found if os.path.lexists(one)]
    for one in found:
        if real_path(one).parent != real_path(path.parent):
            raise InputError(f"{path}: {one.name} beside it is a link that leads elsewhere; copy both files")
        if not one.is_file():
            raise InputError(f"{path}: {one.name} beside it is no plain file; copy both files again")
    return [one for one in found if not any(_is_same(one, other) for other in found[: found.index(one)])]


def _is_same(one: Path, other: Path) -> bool:
    return one.samefile(other)  # .raw and .RAW, where the disk does not tell them apart


def checksum(path: Path) -> tuple[str, int]:
    """Return SHA-256 (hexadecimal) and size in bytes of a file, or of all files of a directory in order.

    Of a file with others that belong to it (`companions`), of all as if they were the directory.
    """
    beside = companions(path)
    if path.is_file() and not beside:
        return _digest(path), path.stat().st_size
    folder = path.parent if beside else path
    parts = [path, *beside] if beside else [part for part in path.rglob("*") if part.is_file()]
    total, size = hashlib.sha256(), 0
    for part in sorted(parts):
        digest, part_size = _digest(part), part.stat().st_size
        total.update(f"{part.relative_to(folder).as_posix()} {digest}\n".encode())
        size += part_size
    return total.hexdigest(), size


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checksums(paths: Iterable[str | Path]) -> dict[str, str]:
    """Return the SHA-256 of each file that can be read, by path; whoever reads the others says why not."""
    found = {}
    for path in map(str, paths):
        try:
            _plain_files(Path(path))  # nothing else is ever opened
            found[path] = checksum(Path(path))[0]
        except OSError:
            continue
    return found


def check_unchanged(files: Mapping[str | Path, str]) -> None:
    """Raise InputError if a file has another SHA-256 than before it was read, or cannot be read any more."""
    for file, digest in files.items():
        try:
            now = checksum(Path(file))[0]
        except OSError as error:
            raise _taken_away(file, error) from error
        if now != digest:
            raise InputError(f"{file}: was changed while it was read; run again once nobody writes to it")


def recorded(files: Mapping[str | Path, str]) -> dict[str, dict[str, str]]:
    """Describe files that have been read, as a manifest holds them: SHA-256 as it was, state as it is now.

    Raises
    ------
    InputError
        If a file cannot be looked at any more.
    """
    found = {}
    for file, digest in files.items():
        try:
            found[str(file)] = {"sha256": digest, "state": file_state(file)}
        except OSError as error:
            raise _taken_away(file, error) from error
    return found


def _taken_away(file: str | Path, error: OSError) -> InputError:
    return InputError(f"{file}: cannot be read any more ({error.strerror}); run again once it is there")


def file_state(path: str | Path) -> str:
    """Tell cheaply whether somebody may have written to a file, or to any file of a folder, since.

    Returns
    -------
    str
        16 hexadecimal digits, of names, sizes, times and inodes; the content is not read.

    Raises
    ------
    OSError
        If it is not there, cannot be looked at, or is no plain file.
    """
    found = [
        (name, state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino)
        for name, _, state in _plain_files(Path(path))
    ]
    return hashlib.blake2b(repr(found).encode(), digest_size=8).hexdigest()


def file_fingerprint(path: str | Path) -> str:
    """Hash the sizes of a file, or of all files of a folder, and a megabyte of samples spread over them.

    Two acquisitions differ there, whatever their times of modification say: files are copied with old ones.
    A change between two samples, which may be a 63rd of the whole apart, is seen by `recipes.content`: it
    compares every byte with what was imported, once somebody may have written to the file.

    Parameters
    ----------
    path : path-like
        File or folder that a job reads.

    Returns
    -------
    str
        16 hexadecimal digits; in words, where it cannot be read. The job that needs it says why.
    """
    path, digest = Path(path), hashlib.blake2b(digest_size=8)
    try:
        files = _plain_files(path)
        digest.update(repr([(name, state.st_size) for name, _, state in files]).encode())
        _add_samples(digest, [(file, state.st_size) for _, file, state in files])
    except OSError as error:
        return f"unreadable: {error.strerror}"
    return digest.hexdigest()


def _plain_files(path: Path) -> list[tuple[str, Path, os.stat_result]]:
    """Name, place and state of a file, or of all files of a folder; nothing else is ever opened."""
    if not path.is_dir():
        try:
            found = {"": path} | {one.name: one for one in companions(path)}
        except InputError as error:  # whoever reads the file says so
            raise OSError(errno.EINVAL, "a file beside it is not plain") from error
    else:
        found = {str(file.relative_to(path)): file for file in sorted(path.rglob("*")) if not file.is_dir()}
    states = {name: file.stat() for name, file in found.items()}
    if not all(stat.S_ISREG(state.st_mode) for state in states.values()):
        raise OSError(errno.EINVAL, "not a plain file")
    return [(name, file, states[name]) for name, file in found.items()]


def _add_samples(digest: Any, files: list[tuple[Path, int]]) -> None:
    """Add samples at even distances over all files, as if they lay one behind the other; ends included."""
    total = sum(size for _, size in files)
    step = max(total - _SAMPLE_BYTES, 0) / (_SAMPLES - 1)
    starts = sorted({round(number * step) for number in range(_SAMPLES)})
    passed = 0
    for file, size in files:
        inside = [
            (max(start - passed, 0), start - passed + _SAMPLE_BYTES)
            for start in starts
            if start < passed + size and start + _SAMPLE_BYTES > passed
        ]
        if inside:
            with file.open("rb") as opened:
                for first, end in inside:
                    opened.seek(first)
                    digest.update(opened.read(end - first))
        passed += size
