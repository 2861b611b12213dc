"""Who runs the blocks: threads of this process, a local cluster, a SLURM cluster, or a running scheduler."""

import ctypes
import logging
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Literal, Self

import dask
from pydantic import Field, model_validator
from threadpoolctl import threadpool_limits

from eelsunmix.errors import InputError
from eelsunmix.options import BrokenRuleError, Options

logger = logging.getLogger(__name__)


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
    """

    mode: Literal["threads", "processes", "slurm", "address"] = "threads"
    workers: Annotated[int, Field(ge=1)] | None = None
    address: str | None = None
    slurm: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _address_is_given(self) -> Self:
        if self.mode == "address" and not self.address:
            raise BrokenRuleError(
                "address", "is needed for the mode address, for example tcp://127.0.0.1:8786"
            )
        return self


@contextmanager
def execution(options: Execution | None = None, *, threads: int = 1) -> Iterator[None]:
    """Run the blocks of everything computed inside this context as `options` say.

    Parameters
    ----------
    options : Execution, optional
        Threads of this process by default.
    threads : int
        Blocks in flight at a time. BLAS is held to one thread, so that this is also the number of busy cores.
    """
    options = options or Execution()
    _return_freed_blocks()
    # The limits are for the BLAS that is loaded, the environment for that of SciPy, which comes when needed.
    with _one_thread_each(), threadpool_limits(limits=1):
        if options.mode == "threads":
            with dask.config.set(scheduler="threads", num_workers=threads):
                yield
        else:
            with _distributed_client(options, threads):
                yield


def _return_freed_blocks() -> None:
    """Let the C library give the memory of every freed block back at once, where it is glibc.

    Its threshold for doing so grows with use, up to 32 MB, just above our blocks: a fold then peaks at twice
    the memory that it holds.
    """
    mmap_threshold = -3
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(mmap_threshold, 2**20)


@contextmanager
def _distributed_client(options: Execution, threads: int) -> Iterator[None]:
    try:
        from distributed import Client, KilledWorker
    except ImportError as error:
        raise InputError(f"dask mode {options.mode!r} needs: pip install 'eelsunmix[cluster]'") from error
    try:
        if options.mode == "address":
            with _client_at(str(options.address)):
                yield
        else:
            with _cluster(options, options.workers or threads) as cluster, Client(cluster):
                yield
    except KilledWorker as error:
        raise InputError(
            "dask: a worker kept dying, probably because it ran out of memory; take fewer workers, or give "
            "each more memory"
        ) from error


@contextmanager
def _client_at(address: str) -> Iterator[None]:
    from distributed import Client

    try:
        client = Client(address, timeout="10s")
    except (OSError, ValueError) as error:
        raise InputError(f"dask.address: no Dask scheduler answers at {address}") from error
    with client:
        yield


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Hold libraries to one thread that load from now on: here, and in workers, which inherit this."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def _cluster(options: Execution, workers: int) -> Any:
    """Start a cluster; by default Dask's dashboards listen on all interfaces, here on this machine only."""
    local = "127.0.0.1:0"
    if options.mode == "processes":
        return _local_cluster(workers, {"host": "127.0.0.1", "dashboard_address": local})
    return _slurm_cluster(
        workers, {"scheduler_options": {"dashboard_address": local}, **(options.slurm or {})}
    )


def _slurm_cluster(workers: int, slurm: dict[str, Any]) -> Any:
    from dask_jobqueue import SLURMCluster

    try:
        cluster = SLURMCluster(**slurm)
    except (TypeError, ValueError) as error:
        raise InputError(f"dask.slurm: {error}") from error
    try:
        _check_submission(cluster.job_script())
    except InputError:
        cluster.close()
        raise
    cluster.scale(jobs=workers)
    logger.info("dask: %d jobs submitted to SLURM; the blocks wait for the first that runs", workers)
    return cluster


def _check_submission(script: str) -> None:
    """Ask SLURM whether it would take the job of a worker: nobody hears of one that it refuses later."""
    command = ["sbatch", "--test-only"]
    try:
        done = subprocess.run(command, input=script, capture_output=True, text=True, check=False)  # noqa: S603
    except OSError as error:
        raise InputError(f"dask.mode slurm: sbatch cannot be run here ({error.strerror})") from error
    if done.returncode:
        raise InputError(f"dask.slurm: {' '.join(done.stderr.split())}")


def _local_cluster(workers: int, address: dict[str, str]) -> Any:
    """Start worker processes whose scheduler lives in this one, so that nothing outlives a killed job.

    Not LocalCluster: its workers run the main script again, and a job's script has no guard for it.
    """
    from distributed import Scheduler, SpecCluster
    from distributed.deploy.subprocess import SubprocessWorker

    kwargs = {**address, "nthreads": 1, "death_timeout": "60s", "silence_logs": logging.WARNING}
    worker = {"cls": SubprocessWorker, "options": {"worker_kwargs": kwargs}}
    return SpecCluster(
        workers=dict.fromkeys(range(workers), worker),
        scheduler={"cls": Scheduler, "options": address},
        silence_logs=logging.WARNING,
    )
