"""The last line in the log of a job that is killed, which it cannot write itself: want of memory, mostly."""

import faulthandler
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from eelsunmix.failures import MORE_MEMORY

KILLED = (
    "the job was killed without a word, as the system does when the memory is used up (SIGKILL); if nobody "
    f"stopped it: {MORE_MEMORY}"
)
_CUT_SHORT = (
    "a file was cut short, or its disk went away, just when the job read it (SIGBUS): the image, or a store; "
    "run again once nobody writes to it"
)
_CRASHED = "a library crashed; run again, and if it does so again report it with this log"
_WATCHER = """
PATH=$PATH:/usr/bin:/bin
read -r end
case "$end" in
    end) exit ;;
    *'Bus error'*) why=$3 ;;
    *'Fatal Python error: '*) why="$4 (${end#*: })" ;;
    *) why=$2 ;;
esac
tail -n 1 "$1" | grep -q ' ERROR ' || printf '%s ERROR %s\\n' "$(date +%H:%M:%S)" "$why" >> "$1"
"""
"""The pipe closes with the process, however it ends. Who kills it for a reason has written that already.

Of a fault Python itself writes the name into the pipe, since nothing else can be done then.
"""


@contextmanager
def sudden_end_told(log: str | Path) -> Iterator[None]:
    """Let a small process write into the log, should this one be killed, or crash, inside the context."""
    command = ["/bin/sh", "-c", _WATCHER, "sh", str(log), KILLED, _CUT_SHORT, _CRASHED]
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
    is_ours = not faulthandler.is_enabled()  # a debugger's goes first
    if is_ours and watcher.stdin is not None:
        faulthandler.enable(watcher.stdin, all_threads=False)
    try:
        yield
    finally:
        if is_ours:
            faulthandler.disable()
        with suppress(OSError):
            watcher.communicate(b"end\n")
