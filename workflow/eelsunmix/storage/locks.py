"""One run at a time in a folder of results, wherever it was started; a dead run locks nobody out.

Snakemake's own lock lies in the folder where it was started, outlives a killed run, and does not say whose
it is.  This one lies beside the results.  The kernel holds it for the process and lets it go when the
process ends, however it ends; the file says who that is, for messages and for other machines.
"""

import atexit
import errno
import json
import os
import socket
import stat
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from eelsunmix.errors import InputError, unwritable
from eelsunmix.sources import real_path

LOCK = ".lock"
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_WITHOUT_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL}
_LARGEST = 10_000
_HELD: set[Path] = set()
"""Locks of this process."""


def take_lock(folder: Path) -> bool:
    """Lock a folder of results until this process ends; return whether it had not locked it before.

    Raises
    ------
    InputError
        If another run holds it; the message names machine, process and folder. If it cannot be taken.
    """
    path = folder / LOCK
    if real_path(path) in _HELD:  # parts of a workflow ask for it each
        return False
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor, may_write = _opened(path)
    except OSError as error:
        raise unwritable(path, error) from error
    owner, locked = _owner(descriptor), _locked(descriptor)
    if _is_held(locked, owner):
        os.close(descriptor)
        raise InputError(_in_use(path, owner, locked))
    try:
        if may_write:
            _write(descriptor, json.dumps(_this_run()))
    except OSError as error:
        os.close(descriptor)
        raise unwritable(path, error) from error
    _HELD.add(real_path(path))
    atexit.register(_release, descriptor, os.getpid(), may_write)
    return True


def run_in_progress(path: Path) -> str:
    """Say which run uses the results that something lies among; nothing if none is known to live."""
    return run_among(path.parent)


def run_among(results: Path) -> str:
    """Say which run uses a folder of results, or the results that it lies in, as `run_in_progress`.

    The lock itself is not tried: whoever begins a run at that moment would be refused.
    """
    for folder in (results.absolute(), *results.absolute().parents):
        with suppress(OSError):
            descriptor = os.open(folder / LOCK, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            owner = _owner(descriptor)
            os.close(descriptor)
            if owner and (_lives(owner) or not _was_here(owner)):
                return f"process {owner.get('process', '?')} on {owner.get('machine', '?')}"
    return ""


def remove_dead_locks(folder: Path, locks: Path) -> bool:
    """Remove Snakemake's locks of a run that was killed; return whether there were any.

    Parameters
    ----------
    folder : Path
        Folder of results, whose lock says that a run did not end by itself: one from this working folder, or
        any if the results lie in it.
    locks : Path
        Where Snakemake keeps its locks.
    """
    stale = sorted(locks.glob("*.lock"))
    if not stale or not _left_by_a_dead_run(folder / LOCK):
        return False
    for lock in stale:
        lock.unlink(missing_ok=True)
    return True


def _opened(path: Path) -> tuple[int, bool]:
    """Open the file of a lock, and say whether it may be written: that of somebody else may be read only."""
    if os.path.lexists(path) and not stat.S_ISREG(path.lstat().st_mode):
        raise InputError(f"{path}: cannot be written, it is no plain file; move it aside and run again")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
    except PermissionError:
        if not path.exists():
            raise
        return os.open(
            path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        ), False  # the kernel locks it as well
    with suppress(OSError):  # whoever may write to the folder may lock it, now and later
        os.fchmod(descriptor, os.fstat(descriptor).st_mode | path.parent.stat().st_mode & 0o066)
    return descriptor, True


def _left_by_a_dead_run(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        owner = _owner(descriptor)
        # Since then the folder may have been moved, or copied, with its results in it.
        from_here = owner.get("folder") == str(Path.cwd()) or real_path(path).parent.parent == Path.cwd()
        ours = bool(owner) and _was_here(owner) and from_here
        return ours and _locked(descriptor) is True  # without locks nobody knows whether that run still lives
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool | None:
    """Whether this process has the lock now; None where the file system, or the machine, knows no locks."""
    try:
        import fcntl  # not on Windows

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ImportError:
        return None
    except OSError as error:
        return None if error.errno in _WITHOUT_LOCKS else False
    return True


def _is_held(locked: bool | None, owner: Mapping[str, str]) -> bool:
    """Whether another run has the lock; where the kernel keeps none, its process is looked for.

    If that cannot be seen from here, it may live: two machines or containers may have the same name.
    """
    if locked is None:
        return bool(owner) and (_lives(owner) or not _is_seen(owner))
    return locked is False or (bool(owner) and not _was_here(owner))


def _lives(owner: Mapping[str, str]) -> bool:
    """Whether the very process runs now: a number is given again, but not with the same begin."""
    process = owner.get("process", "")
    if owner.get("boot") != _boot() or process == str(os.getpid()):
        return False
    return bool(owner.get("began")) and owner["began"] == _began(process)


def _is_seen(owner: Mapping[str, str]) -> bool:
    """Whether the process of a run would be seen from here: numbers are those of a container."""
    return bool(_boot()) and (owner.get("boot"), owner.get("processes")) == (_boot(), _processes())


def _processes() -> str:
    with suppress(OSError):
        return str(os.stat("/proc/self/ns/pid").st_ino)  # noqa: PTH116 - a special file
    return ""


def _began(process: str) -> str:
    """When a process began, in ticks since the machine did (proc(5)); nothing of one that has ended."""
    with suppress(OSError, IndexError, ValueError):
        state, *numbers = Path(f"/proc/{int(process)}/stat").read_text().rpartition(")")[2].split()
        return "" if state in "ZX" else numbers[18]
    return ""


def _owner(descriptor: int) -> Mapping[str, str]:
    """Who wrote the file; nothing after a run that ended by itself."""
    with suppress(ValueError, OSError, RecursionError):
        found = json.loads(os.pread(descriptor, _LARGEST, 0))
        if isinstance(found, dict):
            return {key: _printable(str(value)) for key, value in found.items()}
    return {}


def _printable(text: str) -> str:
    """Others may write to the file, and a message must not steer the terminal."""
    return text if text.isprintable() else repr(text)


def _this_run() -> dict[str, str]:
    return {
        "machine": socket.gethostname(),
        "boot": _boot(),
        "process": str(os.getpid()),
        "processes": _processes(),
        "began": _began(str(os.getpid())),
        "since": datetime.now().isoformat(sep=" ", timespec="seconds"),
        "folder": str(Path.cwd()),
    }


def _was_here(owner: Mapping[str, str]) -> bool:
    """Whether a run was on this machine, whose kernel has let its lock go: in another container, too."""
    return owner.get("machine") == socket.gethostname() or (bool(_boot()) and owner.get("boot") == _boot())


def _boot() -> str:
    with suppress(OSError):
        return _BOOT.read_text().strip()
    return ""


def _in_use(path: Path, owner: Mapping[str, str], locked: bool | None) -> str:
    if not owner:
        return f"{path.parent}: another run uses these results; wait for its end"
    who = "process {process} on {machine}, since {since}, started in {folder}".format_map(
        {"process": "?", "machine": "?", "since": "?", "folder": "?", **owner}
    )
    remedy = "wait for its end, or end it"
    if not _was_here(owner) or (locked is None and not _lives(owner)):
        remedy += f"; if it no longer runs there, remove {path}"
    return f"{path.parent}: another run uses these results ({who}); {remedy}"


def _write(descriptor: int, text: str) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, text.encode(), 0)
    os.fsync(descriptor)


def _release(descriptor: int, process: int, may_write: bool) -> None:
    if os.getpid() == process:  # not in a child that was forked
        with suppress(OSError):
            if may_write:
                os.ftruncate(descriptor, 0)
            os.close(descriptor)
