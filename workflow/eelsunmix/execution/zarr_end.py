"""The end of a command in whose process Zarr has been at work."""

import logging
import sys
import warnings

ASYNCIO = "asyncio"
"""Logger of the tasks of a loop."""
_PATIENCE = 60.0
"""Seconds; the thread ends as soon as the machine lets it run."""


def let_zarr_end() -> None:
    """Stop the thread of Zarr and wait for it.

    Zarr does so itself, but waits 0.2 s only: on a busy machine a command that has gone well ended in a
    traceback.
    """
    sync = sys.modules.get("zarr.core.sync")
    loops, threads = getattr(sync, "loop", [None]), getattr(sync, "iothread", [None])
    if loops[0] is not None and threads[0] is not None:
        loops[0].call_soon_threadsafe(loops[0].stop)
        threads[0].join(_PATIENCE)
        if sync is not None and not threads[0].is_alive():
            sync.cleanup_resources()  # whoever uses Zarr afterwards, as in a notebook, gets a new thread


def leave_tasks() -> None:
    """Let nothing be said of what Zarr was reading when the command was stopped: no file is damaged by it."""
    logging.getLogger(ASYNCIO).setLevel(logging.CRITICAL + 1)
    warnings.filterwarnings("ignore", message="coroutine .* was never awaited", category=RuntimeWarning)
