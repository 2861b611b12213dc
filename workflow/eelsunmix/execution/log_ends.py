"""How jobs ended, by the ends of their logs, which `eelsunmix.execution.job` writes."""

import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_ERROR = re.compile(r"^\d\d:\d\d:\d\d ERROR (.*)", re.MULTILINE)
_DONE = " INFO done"
_END = 2**16
"""Bytes at the end of a log in which the reason stands."""


class LogEnd(NamedTuple):
    """End of a log; empty if there is none, or if it is of an earlier run."""

    text: str

    @property
    def is_good(self) -> bool:
        """Whether the job did what it was to do."""
        return self.text.rstrip().endswith(_DONE)

    @property
    def error(self) -> str:
        """Last error of the job; empty if there is none."""
        return next(reversed(_ERROR.findall(self.text)), "")


def log_end(log: str | Path, *, began: int = 0) -> LogEnd:
    """Read the end of a log.

    Parameters
    ----------
    log : path-like
    began : int
        When the run began, as `now_on_disk`: on a cluster nobody removes the log of an earlier run before the
        job itself begins.
    """
    with suppress(OSError), Path(log).open("rb") as file:
        state = os.fstat(file.fileno())
        if state.st_mtime_ns >= began:
            file.seek(max(0, state.st_size - _END))
            return LogEnd(file.read().decode("utf-8", errors="replace"))
    return LogEnd("")


def now_on_disk(folder: Path) -> int:
    """Nanoseconds, by the clock that gives the files of a folder their times; 0 where none can be written."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            return os.fstat(file.fileno()).st_mtime_ns
    except OSError:
        return 0
