"""Threads for compiled kernels that run without the lock of the interpreter."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

Run = Callable[[Callable[[int], None], int], None]
"""Function of (task, number) that calls the task with 0, 1, ... number - 1, in any order."""


def n_threads_allowed() -> int:
    """Threads that NUMBA_NUM_THREADS or OMP_NUM_THREADS allows, else the cores open to this process."""
    for name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS"):
        value = os.environ.get(name, "")
        if value.isdigit() and int(value) > 0:
            return int(value)
    affinity = getattr(os, "sched_getaffinity", None)  # Linux only
    return len(affinity(0)) if affinity else os.cpu_count() or 1


@contextmanager
def mapping(n_threads: int) -> Iterator[Run]:
    """Give a function that calls a task for each number, in threads where there are several."""
    if n_threads == 1:
        yield _one_by_one
        return
    with ThreadPoolExecutor(n_threads) as pool:

        def in_threads(task: Callable[[int], None], number: int) -> None:
            # The list waits for all, and raises what one has raised.
            list(pool.map(task, range(number)))

        yield in_threads


def _one_by_one(task: Callable[[int], None], number: int) -> None:
    for item in range(number):
        task(item)
