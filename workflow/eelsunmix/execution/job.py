"""The frame around one job of a workflow: its log, its threads, its end, and mistakes of the user."""

import errno
import logging
import signal
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from eelsunmix.errors import REMEDIES, InputError
from eelsunmix.execution.clusters import Execution, execution
from eelsunmix.execution.limits import enforced
from eelsunmix.execution.peak import peak_mb
from eelsunmix.execution.scratch import scratch_beside
from eelsunmix.execution.stopping import stopping_in_order
from eelsunmix.execution.sudden_end import sudden_end_told
from eelsunmix.execution.unused_libraries import leave_out_unused_libraries
from eelsunmix.failures import shortage

logger = logging.getLogger("eelsunmix")

_SURROUNDINGS = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO, errno.ESTALE}
    | {errno.ETIMEDOUT, errno.ENOTCONN}
)
"""Errors of disks, permissions and networks, which nobody repairs by reading our source."""


@contextmanager
def job(
    log: str | Path,
    *,
    threads: int = 1,
    dask: Mapping[str, Any] | None = None,
    keep_freed: bool = True,
) -> Iterator[None]:
    """Run the body with its log in a file, its blocks as `dask` says, and mistakes of the user as one line.

    Parameters
    ----------
    log : path-like
        File that takes everything logged or warned of, from the first line on.
    threads : int
        Blocks in flight at a time.
    dask : mapping, optional
        Fields of `eelsunmix.execution.clusters.Execution`.
    keep_freed : bool
        As in `eelsunmix.execution.clusters.execution`.

    Raises
    ------
    SystemExit
        With status 1 after an `InputError`, a lack of memory, or an error of the disk, whose line is the end
        of the log, as it is where the process is killed; with status 143 after SIGTERM (of a scheduler, say),
        so that nothing half-written is left. Every other exception is logged with its traceback and raised:
        it is ours, not the user's.
    """
    with _logging_to(log), sudden_end_told(log), stopping_in_order(), enforced(log), scratch_beside(log):
        try:
            leave_out_unused_libraries()
            with execution(Execution(**(dask or {})), threads=threads, keep_freed=keep_freed):
                yield
            logger.info("%d MB of memory at most", peak_mb())
            logger.info("done")
        except KeyboardInterrupt:
            logger.error("interrupted; nothing half-written is left")
            raise SystemExit(128 + signal.SIGINT) from None
        except SystemExit:
            logger.error("stopped from outside; nothing half-written is left")
            raise
        except Exception as error:
            reason = _not_our_defect(error)
            if reason is None:
                logger.exception("this is a defect of eelsunmix, please report it with this log")
                raise
            logger.error("%s", "".join(mark if mark.isprintable() else " " for mark in reason))
            raise SystemExit(1) from None


def _not_our_defect(error: Exception) -> str | None:
    """Say in one line what went wrong, if it is nothing that a traceback would help with."""
    if isinstance(error, InputError):
        return str(error)
    if line := shortage(error):
        return line
    if isinstance(error, OSError) and error.errno in _SURROUNDINGS:
        line = f"{error.filename or 'a file of this job'}: {error.strerror}"
        return f"{line}; {REMEDIES[error.errno][1]}" if error.errno in REMEDIES else line
    return None


@contextmanager
def _logging_to(log: str | Path) -> Iterator[None]:
    try:
        handler = _LogFile(log, mode="w", encoding="utf-8")
    except OSError as error:
        sys.stderr.write(f"{log}: cannot be written ({error.strerror}); check the folder\n")
        raise SystemExit(1) from None
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", datefmt="%H:%M:%S"))
    logging.captureWarnings(True)
    for source in (logger, logging.getLogger("py.warnings")):
        source.addHandler(handler)
    logger.setLevel(logging.INFO)
    warnings.simplefilter("default")
    try:
        yield
    finally:
        for source in (logger, logging.getLogger("py.warnings")):
            source.removeHandler(handler)
        logging.captureWarnings(False)
        with suppress(OSError):
            handler.close()


class _LogFile(logging.FileHandler):
    """A log file that falls back on the standard error, on a full disk for example."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - name of the base class
        """Print what could not be written."""
        sys.stderr.write(f"{self.format(record)}\n")
