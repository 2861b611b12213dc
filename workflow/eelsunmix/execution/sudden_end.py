"""The last line in the log of a job that is killed, which it cannot write itself: want of memory, mostly."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from eelsunmix.failures import MORE_MEMORY

KILLED = (
    "the job was killed without a word, as the system does when the memory is used up (SIGKILL); if nobody "
    f"stopped it: {MORE_MEMORY}"
)
_WATCHER = """
read -r end
[ "$end" = end ] && exit
tail -n 1 "$1" | grep -q ' ERROR ' || printf '%s ERROR %s\\n' "$(date +%H:%M:%S)" "$2" >> "$1"
"""
"""The pipe closes with the process, however it ends. Who kills it for a reason has written that already."""


@contextmanager
def sudden_end_told(log: str | Path) -> Iterator[None]:
    """Let a small process write into the log, should this one be killed inside the context."""
    command = ["/bin/sh", "-c", _WATCHER, "sh", str(log), KILLED]
    try:
        watcher = subprocess.Popen(  # noqa: S603 - our own script, the log is an argument
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:  # no shell, or no further process: the job does without
        yield
        return
    try:
        yield
    finally:
        with suppress(OSError):
            watcher.communicate(b"end\n")
