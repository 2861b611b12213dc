"""The end at SIGTERM and Ctrl-C: in order, and not in the middle of what cannot be left."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StoppedError(SystemExit):
    """The end at SIGTERM, with the status of a shell."""


@contextmanager
def stopping_in_order() -> Iterator[None]:
    """Leave through SystemExit at SIGTERM, so that drafts of stores are removed and workers stopped."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def holding_signals_back() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM wait for the end of the block, where the first that came is raised.

    For libraries that call back into Python and cannot bear an exception there.
    """
    if threading.current_thread() is not threading.main_thread():  # signals are handled in the main one alone
        yield
        return
    came: list[int] = []
    ignored = (signal.SIG_IGN, None)
    numbers = [n for n in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(n) not in ignored]
    before = {number: signal.signal(number, lambda number, _frame: came.append(number)) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])


def _stop(number: int, frame: FrameType | None) -> None:
    raise StoppedError(128 + number)
