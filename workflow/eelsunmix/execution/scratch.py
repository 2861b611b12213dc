"""A folder for what does not fit into memory; it vanishes with its job, a killed job's with the next one."""

import atexit
import contextvars
import glob
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from eelsunmix.sources import real_path

_BESIDE: contextvars.ContextVar[Path | None] = contextvars.ContextVar("beside", default=None)
"""File of the job beside which its folder is made; None where this is no job."""
_FOLDERS: dict[Path | None, tuple[Path, int | None]] = {}
"""Folder, and the descriptor whose lock says that its process lives."""
_MARK = ".scratch-"
_LOCK = ".in-use"
"""A file, opened for writing: over NFS nothing else can be locked."""


@contextmanager
def scratch_beside(path: str | Path) -> Iterator[None]:
    """Let `scratch_folder` lie beside a file inside this context, and remove it at the end.

    Folders that killed jobs have left beside the same file are removed first. Not the folder for temporary
    files of the machine: that may be small, in memory, or unseen by workers on other machines.
    """
    path = Path(path)
    _remove_abandoned(path)
    token = _BESIDE.set(path)
    try:
        yield
    finally:
        _BESIDE.reset(token)
        if path in _FOLDERS:
            folder, descriptor = _FOLDERS.pop(path)
            if descriptor is not None:
                os.close(descriptor)  # first: over NFS what is open leaves a file behind
            shutil.rmtree(folder, ignore_errors=True)


def scratch_folder() -> Path:
    """Return a new, empty folder, of a job or, in a notebook, of the machine; it is removed at the end."""
    beside = _BESIDE.get()
    if beside not in _FOLDERS:
        _FOLDERS[beside] = _locked(beside) if beside else (_until_exit(), None)
    return Path(tempfile.mkdtemp(dir=_FOLDERS[beside][0]))


def _locked(beside: Path) -> tuple[Path, int]:
    folder = Path(tempfile.mkdtemp(prefix=f".{beside.name}{_MARK}", dir=real_path(beside.parent)))
    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    with suppress(OSError, ImportError):  # without locks nobody removes it then
        _lock(descriptor)
    return folder, descriptor


def _lock(descriptor: int) -> None:
    import fcntl  # not on Windows

    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _until_exit() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="eelsunmix-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _remove_abandoned(path: Path) -> None:
    for folder in path.parent.glob(f"{glob.escape(f'.{path.name}{_MARK}')}*"):
        with suppress(OSError, ImportError):  # it is in use, or nobody can tell
            descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
            try:
                _lock(descriptor)
            finally:
                os.close(descriptor)
            shutil.rmtree(folder, ignore_errors=True)
