"""Drafts: private folders in which a store is written before it gets its name, and their removal."""

import errno
import glob
import os
import re
import shutil
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from eelsunmix.errors import REMEDIES, StoreError

LONGEST_PAUSE = 2 * 24 * 3600
"""Seconds without a write after which a draft of another machine counts as abandoned."""

_MARK = ".tmp-"
_NAME = re.compile(rf"\..+{re.escape(_MARK)}(?P<machine>.+-\d+)-(?P<process>\d+)-[0-9a-f]{{8}}", re.DOTALL)
"""Of a draft as `draft_of` gives it. Drafts of pages lie in folders of the user, whose files are none."""


@contextmanager
def written_beside(
    path: Path, *, is_equal: Callable[[Path | None], bool] = lambda draft: False
) -> Iterator[Path]:
    """Give a private folder beside `path`; rename it to `path` at the end, or leave nothing.

    Parameters
    ----------
    path : Path
    is_equal : callable
        Asked where something stands at `path`: whether it is what the draft holds, or, before there is one,
        whether it may be. Then it is kept, and the draft dropped: a job of a killed run may have come first.

    Raises
    ------
    StoreError
        If `path` exists, before or after, or cannot be written; the message says why.
    """
    if path.exists() and not is_equal(None):
        raise StoreError(f"{path}: exists already, a finished result is never changed; move it aside first")
    draft = draft_of(path)
    try:
        make_folder(path.parent)
        draft.mkdir()
        remove_abandoned(path, own=draft)
        yield draft
        _give_name(draft, path, is_equal)
    except OSError as error:
        raise _explained(error, path, draft) from error
    finally:
        _remove(draft)


def draft_of(path: Path) -> Path:
    """Return a new name for a draft of a store, which tells whose it is."""
    return path.parent / f".{path.name}{_MARK}{_machine()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"


def is_draft(path: Path) -> bool:
    """Whether a folder or file is a draft, of a job that runs or of one that was killed, by its name."""
    return _NAME.fullmatch(path.name) is not None


def is_abandoned(draft: Path, now: float | None = None) -> bool:
    """Whether whoever wrote a draft was killed, as far as can be known here.

    Parameters
    ----------
    draft : Path
    now : float, optional
        By the clock of the file system, where it is known; else by that of this machine.
    """
    now = time.time() if now is None else now
    return _is_dead(draft) or now - _last_write(draft, now) > LONGEST_PAUSE


def abandoned_drafts(path: Path, now: float | None = None) -> list[Path]:
    """Return the drafts of `path` whose writer was killed; `now` as in `is_abandoned`."""
    beside = path.parent.glob(f"{glob.escape(f'.{path.name}{_MARK}')}*")
    return [draft for draft in beside if is_draft(draft) and is_abandoned(draft, now)]


def remove_abandoned(path: Path, own: Path) -> None:
    """Delete the other drafts of `path`, folders or files, whose writer was killed; `own` tells the time."""
    for draft in abandoned_drafts(path, now=own.stat().st_mtime):
        if draft != own:
            _remove(draft)


def make_durable(path: Path) -> None:
    """Flush every file and folder of a draft to disk, so that a rename never outlives the data."""
    for entry in [*path.rglob("*"), path]:
        flush(entry)


def flush(path: Path) -> None:
    """Flush a file or a folder to disk; whoever reads the file then asks the disk, not the memory."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some file systems cannot flush a folder
            raise
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, so that what lies in it does not go with it in a power cut."""
    new = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for one in new:
        flush(one.parent)


def _give_name(draft: Path, path: Path, is_equal: Callable[[Path | None], bool]) -> None:
    try:
        draft.rename(path)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        if is_equal(draft):
            return
        raise StoreError(
            f"{path}: another process has written it in the meantime; its result is kept, this one dropped"
        ) from error
    flush(path.parent)


def _explained(error: OSError, path: Path, draft: Path) -> Exception:
    if error.errno in REMEDIES:
        return StoreError(f"{path}: cannot be written, {'; '.join(REMEDIES[error.errno])}")
    if error.errno == errno.ENOENT and not draft.exists():
        return StoreError(f"{path}: cannot be written, its draft was deleted meanwhile; run again")
    return error  # not of the writing: an input that cannot be read, for example


def _machine() -> str:
    """Name of what gives processes their numbers: the host, and the container if there is one."""
    try:
        return f"{socket.gethostname()}-{os.stat('/proc/self/ns/pid').st_ino}"  # noqa: PTH116 - a special file
    except OSError:
        return f"{socket.gethostname()}-0"


def _is_dead(draft: Path) -> bool:
    found = _NAME.fullmatch(draft.name)
    return found is not None and found["machine"] == _machine() and not _runs(int(found["process"]))


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it runs, but belongs to somebody else
        return True
    return True


def _last_write(draft: Path, now: float) -> float:
    try:
        return max(entry.lstat().st_mtime for entry in (draft, *draft.rglob("*")))
    except OSError:  # it is being written, or removed, right now
        return now


def _remove(draft: Path) -> None:
    """Delete a draft for good: writes that were under way at the time of an error may bring it back."""
    absent = 0 if draft.exists() else 10
    for _ in range(200):
        if absent == 10:
            return
        if draft.is_dir():
            shutil.rmtree(draft, ignore_errors=True)
        else:
            with suppress(OSError):
                draft.unlink()
        time.sleep(0.02)
        absent = 0 if draft.exists() else absent + 1
