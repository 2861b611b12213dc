"""Limits of time and memory for the readers of files, which a damaged file may keep busy for ever.

A loop inside a C library hears no signal and no exception. So, while a reader works in a job, a small process
watches the time that it computes; it writes the line of error into the log and ends the job. The job is a
process of its own anyway: a reader in a further one would have to be loaded, and its numbers passed on, at
the cost of every good file. In a notebook, which nobody may end, there are no limits.
"""

import contextvars
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

TERMINAL = Path("/dev/stderr")
"""In the place of a log: the line is for whoever has typed the command."""

_LOG: contextvars.ContextVar[Path | None] = contextvars.ContextVar("log", default=None)
"""Log of the job that this process is; None where it is no job."""

_WATCHER = """
import os, select, signal, sys, time

job, seconds, log, line = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3], sys.argv[4]

def computed():
    try:
        with open(f"/proc/{job}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
        return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")
    except OSError:
        return time.monotonic()

start = computed()
# The pipe is closed when the reader, or the job, is done.
while not select.select([sys.stdin], [], [], 0.5)[0]:
    if computed() - start > seconds:
        try:
            if log == "/dev/stderr":
                print(line, file=sys.stderr, flush=True)
            else:
                with open(log, "a", encoding="utf-8") as file:
                    file.write(time.strftime("%H:%M:%S") + " ERROR " + line + os.linesep)
        finally:  # also where the line has no place, as on a full disk
            os.kill(job, signal.SIGKILL)
        break
"""


@contextmanager
def enforced(log: str | Path) -> Iterator[None]:
    """Let limits hold inside this context: the process is a job, with this log, or has a terminal."""
    token = _LOG.set(Path(log))
    try:
        yield
    finally:
        _LOG.reset(token)


@contextmanager
def limited(path: Path, *, seconds: float, size_bytes: int | None = None) -> Iterator[None]:
    """Hold what reads a file to limits, where this is a job.

    Parameters
    ----------
    path : Path
        File that is read, for the message.
    seconds : float
        Of computing; waiting for a slow disk does not count. Beyond it, the job is killed.
    size_bytes : int, optional
        Memory beyond what the process has now; requests for more raise MemoryError. No limit without it.
    """
    log = _LOG.get()
    if log is None:
        yield
        return
    with _watched(path, seconds, log), nullcontext() if size_bytes is None else _address_space(size_bytes):
        yield


@contextmanager
def _watched(path: Path, seconds: float, log: Path) -> Iterator[None]:
    line = (
        f"{path}: reading it has taken {seconds:.0f} s of computing and does not end; it is damaged: "
        "compare it with the original and copy it again"
    )
    command = [sys.executable, "-I", "-S", "-c", _WATCHER, str(os.getpid()), str(seconds), str(log), line]
    with subprocess.Popen(  # noqa: S603 - our own interpreter
        command,
        stdin=subprocess.PIPE,
        stderr=None if log == TERMINAL else subprocess.DEVNULL,
        start_new_session=True,
    ):  # its end closes the pipe and waits
        yield


@contextmanager
def _address_space(size_bytes: int) -> Iterator[None]:
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (ImportError, OSError):  # not Linux
        yield
        return
    before, most = resource.getrlimit(resource.RLIMIT_AS)
    wanted = pages * resource.getpagesize() + size_bytes
    allowed = [limit for limit in (before, wanted) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_AS, (min(allowed), most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (before, most))
