"""Who runs the blocks: threads of this process, a local cluster, a SLURM cluster, or a running scheduler."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Literal, Self

import dask
import dask.threaded
from pydantic import Field, model_validator
from threadpoolctl import threadpool_limits

from eelsunmix.errors import InputError
from eelsunmix.execution.private_clusters import environment, log_directory, private_cluster
from eelsunmix.execution.unused_libraries import hidden
from eelsunmix.failures import MORE_MEMORY
from eelsunmix.options import BrokenRuleError, Options, Positive

_ONE_THREAD_EACH = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""For libraries that load from now on: here, and in workers, which inherit our environment."""
KEPT_FREE = 2**27
"""Bytes at the end of the heap: two blocks in float64."""
_gives_back = False
"""Whether this process was told to give freed blocks back at once."""
SECONDS_TO_ANSWER = 10.0
"""In which a scheduler that runs already must answer."""


class Execution(Options):
    """Who runs the blocks.

    Parameters
    ----------
    mode : {"threads", "processes", "slurm", "address"}
        Threads of the job itself; a local cluster of worker processes; workers submitted to SLURM;
        a Dask scheduler that runs already.
    workers : int, optional
        Number of worker processes or SLURM jobs; the rule's threads where it is not given.
    address : str, optional
        Address of the running scheduler, for mode "address".
    slurm : dict
        Keyword arguments of ``dask_jobqueue.SLURMCluster``, for mode "slurm".
    wait_minutes : float
        The job stops, and says so, when no worker has been there for so long, for modes "processes" and
        "slurm".
    """

    mode: Literal["threads", "processes", "slurm", "address"] = "threads"
    workers: Annotated[int, Field(ge=1)] | None = None
    address: str | None = None
    slurm: dict[str, Any] | None = None
    wait_minutes: Positive = 60.0

    @model_validator(mode="after")
    def _address_is_given(self) -> Self:
        if self.mode == "address" and not self.address:
            raise BrokenRuleError(
                "address", "is needed for the mode address, for example tcp://127.0.0.1:8786"
            )
        return self


@contextmanager
def execution(
    options: Execution | None = None, *, threads: int = 1, keep_freed: bool = True
) -> Iterator[None]:
    """Run the blocks of everything computed inside this context as `options` say.

    Parameters
    ----------
    options : Execution, optional
        Threads of this process by default.
    threads : int
        Blocks in flight at a time. BLAS is held to one thread, so that this is also the number of busy cores.
    keep_freed : bool
        Whether memory of freed blocks is kept for the next ones: faster, but not for work on whole maps.
    """
    options = options or Execution()
    treat_freed_blocks(keep=keep_freed)
    # The limits are for the BLAS that is loaded, the environment for that of SciPy, which comes when needed.
    with environment(_ONE_THREAD_EACH), threadpool_limits(limits=1):
        if options.mode == "threads":
            # Dask would load `distributed` to ask for its client, and whether a task is one of its kind.
            scheduler = {"scheduler": dask.threaded.get, "num_workers": threads}
            with hidden("distributed"), dask.config.set(scheduler):
                yield
        else:
            with _distributed_client(options, threads):
                yield


def treat_freed_blocks(*, keep: bool) -> None:
    """Let the C library, where it is glibc, keep freed blocks for the next ones, or give each back at once.

    What is given back is asked from the system anew, which zeroes it page by page: that takes
    longer than the work itself (docs/decisions/044). What is kept lies in one heap, because what
    the heap of one thread keeps no other can use; beyond `KEPT_FREE`, its free end is given back.
    But between whole maps of an image, holes stay empty: there a job needs less where each block
    goes back.
    """
    global _gives_back
    trim_threshold, mmap_threshold, mmap_max, arena_max = -1, -3, -4, -8
    library = ctypes.CDLL(None)
    if not hasattr(library, "mallopt"):
        return
    _gives_back = not keep
    library.mallopt(arena_max, 1)
    if keep:
        library.mallopt(mmap_max, 0)
        library.mallopt(trim_threshold, KEPT_FREE)
    else:
        library.mallopt(mmap_max, 2**16)
        library.mallopt(mmap_threshold, 2**18)


@contextmanager
def freed_blocks_kept() -> Iterator[None]:
    """Keep freed blocks for the next ones inside this context, in a job that gives them back otherwise.

    For a pass over blocks between whole maps: at its end all that is free goes back.
    """
    if not _gives_back:
        yield
        return
    treat_freed_blocks(keep=True)
    try:
        yield
    finally:
        treat_freed_blocks(keep=False)
        ctypes.CDLL(None).malloc_trim(0)


@contextmanager
def _distributed_client(options: Execution, threads: int) -> Iterator[None]:
    try:
        from distributed import Client, KilledWorker
        from distributed.scheduler import NoValidWorkerError, NoWorkerError
    except ImportError as error:
        raise InputError(f"dask mode {options.mode!r} needs: pip install 'eelsunmix[cluster]'") from error
    try:
        if options.mode == "address":
            with _client_at(str(options.address)):
                yield
        else:
            slurm = (options.slurm or {}) if options.mode == "slurm" else None
            workers, minutes = options.workers or threads, options.wait_minutes
            with private_cluster(workers, slurm, wait_minutes=minutes) as cluster, Client(cluster):
                yield
    except (NoWorkerError, NoValidWorkerError) as error:
        raise InputError(_nobody_came(options)) from error
    except KilledWorker as error:
        raise InputError(
            "dask: a worker kept dying, probably because the memory is used up; take fewer workers "
            f"(dask.workers), or {MORE_MEMORY}"
        ) from error


def _nobody_came(options: Execution) -> str:
    logs = log_directory(options.slurm or {})
    where = f"see their logs in {logs}" if logs else "dask.slurm: {log_directory: logs} keeps their logs"
    jobs = f"; squeue says why jobs wait, or they end at once ({where}): raise dask.wait_minutes, or"
    return (
        f"dask: no worker was there for {options.wait_minutes:g} minutes"
        f"{jobs if options.mode == 'slurm' else ':'} take dask: {{mode: threads}}"
    )


@contextmanager
def _client_at(address: str) -> Iterator[None]:
    from distributed import Client

    try:
        client = Client(address, timeout=SECONDS_TO_ANSWER)
    except (OSError, ValueError) as error:
        raise InputError(f"dask.address: no Dask scheduler answers at {address}") from error
    with client:
        yield
