"""How far long work has come, as a line of the log every some seconds."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SECONDS = 15.0
"""Between two lines; quick work has none."""

logger = logging.getLogger(__name__)


class Progress:
    """Lines on work of known length.

    Parameters
    ----------
    what : str
        Name of the work.
    total : int
        Number of its steps.
    seconds : float
        Between two lines.
    clock : callable
        Time in seconds.

    Examples
    --------
    >>> times = iter([0.0, 20.0])
    >>> Progress("BLU", 100, clock=lambda: next(times)).line(25)
    'BLU: 25 of 100 steps (25 %) in 20 s; at most 1 min left'
    """

    def __init__(
        self, what: str, total: int, *, seconds: float = SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.what, self.total, self.seconds, self.clock = what, total, seconds, clock
        self.start = self.last = clock()
        self.done_before: int | None = None

    def report(self, done: int) -> None:
        """Log a line, if the last one is old enough; `done` counts the steps that are finished."""
        if self.done_before is None:
            self.done_before = done - 1  # a resumed training begins somewhere
        if self.clock() - self.last >= self.seconds:
            logger.info("%s", self.line(done))
            self.last = self.clock()

    def line(self, done: int) -> str:
        """Say how far the work has come."""
        passed = self.clock() - self.start
        steps = max(done - (self.done_before or 0), 1)
        left = passed / steps * (self.total - done)
        return (
            f"{self.what}: {done} of {self.total} steps ({done / max(self.total, 1):.0%}) in "
            f"{_time(passed)}; at most {_time(left)} left"
        ).replace("%)", " %)")


@contextmanager
def sign_of_life(what: str, *, seconds: float = SECONDS) -> Iterator[None]:
    """Log every some seconds that work of unknown length goes on, which lets nobody look inside."""
    done, start = threading.Event(), time.monotonic()

    def report() -> None:
        while not done.wait(seconds):
            logger.info("%s: at work for %s", what, _time(time.monotonic() - start))

    reporter = threading.Thread(target=report, daemon=True)
    reporter.start()
    try:
        yield
    finally:
        done.set()
        reporter.join()


def _time(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60} min" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60} min"
