"""A Dask cluster of one job that nobody else on the machine or the network can enter or look into."""

import copy
import logging
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import dask

from eelsunmix.errors import InputError
from eelsunmix.failures import shortage

logger = logging.getLogger(__name__)

_HERE = "127.0.0.1"
_NO_PAGES = {"dashboard": False, "dashboard_address": f"{_HERE}:0"}
"""Of a scheduler, which by default shows its dashboard to the whole network."""
_JOB_PROLOGUE = ("umask 077", "export DASK_DISTRIBUTED__WORKER__HTTP__ROUTES=[]")
"""Lines of a job script: scratch folders for its owner alone, no pages served."""
LOOK_SECONDS, IDLE_LOOKS = 2, 30
"""How often it is asked how many jobs the blocks need, and after how many such times an idle one ends."""
GIVEN_UP = "Task %s marked as failed because it timed out waiting"
"""How the scheduler says so of a block."""
LOST_SECONDS = 30
"""After which a job is sent again whose worker has gone, and was not started anew within it."""
_NOT_STARTED = "Cluster failed to start: "
"""How Dask begins what it says then."""


@contextmanager
def private_cluster(
    workers: int, slurm: Mapping[str, Any] | None = None, *, wait_minutes: float
) -> Iterator[Any]:
    """Start a Dask cluster that nobody but this job can enter.

    Parameters
    ----------
    workers : int
        Number of worker processes of this machine, or of jobs of SLURM.
    slurm : mapping, optional
        Keyword arguments of ``dask_jobqueue.SLURMCluster``; a local cluster without it.
    wait_minutes : float
        Blocks fail with ``distributed.scheduler.NoWorkerError`` once no worker has been there for so long.

    Raises
    ------
    InputError
        If a library is missing, or SLURM does not take the arguments.
    """
    security = _certificates()
    with ExitStack() as stack:
        stack.enter_context(_no_pages())
        stack.enter_context(_patience(wait_minutes))
        if slurm is None:
            stack.enter_context(_worker_environment(security))
            cluster = _local_cluster(workers, security)
        else:
            folder = stack.enter_context(_shared_folder(slurm.get("shared_temp_directory")))
            cluster = _slurm_cluster(workers, slurm, _with_files(security, folder), folder)
        yield stack.enter_context(cluster)


def log_directory(slurm: Mapping[str, Any]) -> str | None:
    """Where the logs of jobs stay, by these arguments or by the site's jobqueue.yaml; None if they go."""
    return slurm.get("log_directory") or dask.config.get("jobqueue.slurm.log-directory", None)


def _slurm_cluster(workers: int, slurm: Mapping[str, Any], security: Any, folder: Path) -> Any:
    from dask_jobqueue import SLURMCluster

    always = {
        "security": security,
        "protocol": "tls://",
        "log_directory": log_directory(slurm) or str(folder),
        "job_script_prologue": [*_JOB_PROLOGUE, *slurm.get("job_script_prologue", [])],
    }
    try:
        cluster = SLURMCluster(**{"scheduler_options": _NO_PAGES, **slurm, **always})
    except (TypeError, ValueError) as error:
        raise InputError(f"dask.slurm: {error}") from error
    try:
        _check_submission(cluster.job_script())
    except InputError:
        cluster.close()
        raise
    logger.info("dask: up to %d jobs of SLURM, submitted when there are blocks to compute", workers)
    cluster.adapt(
        minimum_jobs=0,
        maximum_jobs=workers,
        Adaptive=_adaptive(),
        interval=f"{LOOK_SECONDS}s",
        wait_count=IDLE_LOOKS,
        target_duration="1s",
    )
    return cluster


def _adaptive() -> type:
    """Return what asks for as many jobs as the blocks need, and again for those that were lost.

    Dask's own counts jobs that it once asked for, whether they are still there or not.
    """
    from distributed.deploy.adaptive import Adaptive

    class Replacing(Adaptive):
        @property
        def plan(self) -> set[Any]:
            there: set[Any] = self.cluster.requested
            return there

    return Replacing


def _check_submission(script: str) -> None:
    """Ask SLURM whether it would take the job of a worker: nobody hears of one that it refuses later."""
    command = ["sbatch", "--test-only"]
    try:
        done = subprocess.run(command, input=script, capture_output=True, text=True, check=False)  # noqa: S603
    except OSError as error:
        raise InputError(f"dask.mode slurm: sbatch cannot be run here ({error.strerror})") from error
    if done.returncode:
        raise InputError(f"dask.slurm: {' '.join(done.stderr.split())}")


def _local_cluster(workers: int, security: Any) -> Any:
    """Start worker processes whose scheduler lives in this one, so that nothing outlives a killed job.

    Not LocalCluster: its workers run the main script again, and a job's script has no guard for it.
    """
    from distributed import Scheduler, SpecCluster
    from distributed.deploy.subprocess import SubprocessWorker

    kwargs = {
        "host": _HERE,
        "dashboard_address": f"{_HERE}:0",
        "nthreads": 1,
        "death_timeout": "60s",
        "silence_logs": logging.WARNING,
    }
    worker = {"cls": SubprocessWorker, "options": {"worker_kwargs": kwargs}}
    scheduler = {
        "cls": Scheduler,
        "options": {**_NO_PAGES, "host": _HERE, "protocol": "tls://", "security": security},
    }
    try:
        return SpecCluster(
            workers=dict.fromkeys(range(workers), worker),
            scheduler=scheduler,
            silence_logs=logging.WARNING,
            security=security,
        )
    except RuntimeError as error:
        if not str(error).startswith(_NOT_STARTED) or shortage(error):
            raise
        raise InputError(
            f"dask: the worker processes do not start ({str(error).removeprefix(_NOT_STARTED)}); look at "
            "your settings of Dask (variables DASK_..., ~/.config/dask), or take dask: {mode: threads}"
        ) from error


def _certificates() -> Any:
    """Make certificates for one cluster alone, as a `distributed.Security`.

    Without them, Dask's scheduler runs the code of whoever reaches its port.
    """
    from distributed import Security

    try:
        return Security.temporary()
    except ImportError as error:
        raise InputError("dask: certificates need: pip install 'eelsunmix[cluster]'") from error


@contextmanager
def _no_pages() -> Iterator[None]:
    """Let schedulers started meanwhile serve none of their pages, which ask nobody who looks."""
    with dask.config.set({"distributed.scheduler.http.routes": []}):
        yield


@contextmanager
def _patience(minutes: float) -> Iterator[None]:
    """Let schedulers started meanwhile give blocks up that no worker takes, and miss lost workers soon."""
    waiting = {
        "distributed.scheduler.no-workers-timeout": f"{60 * minutes:g}s",
        "distributed.deploy.lost-worker-timeout": f"{LOST_SECONDS}s",
    }
    said = logging.getLogger("distributed.scheduler")
    said.addFilter(_is_worth_saying)
    try:
        with dask.config.set(waiting):
            yield
    finally:
        said.removeFilter(_is_worth_saying)


def _is_worth_saying(record: logging.LogRecord) -> bool:
    """Leave out that a block was given up: there is a line for each, and the job says it in one."""
    return not str(record.msg).startswith(GIVEN_UP)


@contextmanager
def _worker_environment(security: Any) -> Iterator[None]:
    """Let worker processes started meanwhile find their certificates, and a scratch folder of their own."""
    with (
        tempfile.TemporaryDirectory(prefix="eelsunmix-dask-", ignore_cleanup_errors=True) as scratch,  # 0700
        environment(_of_workers(security, scratch)),
    ):
        yield


@contextmanager
def _shared_folder(place: str | None) -> Iterator[Path]:
    """Give a folder that jobs on other machines see and other users do not; where we run, or at a place."""
    try:
        folder = tempfile.TemporaryDirectory(prefix=".dask-", dir=place or Path.cwd())
    except OSError as error:
        raise InputError(
            f"dask.slurm: {place or Path.cwd()}: cannot be written ({error.strerror})"
        ) from error
    with folder as name:
        yield Path(name)


def _with_files(security: Any, folder: Path) -> Any:
    """Let jobs read what belongs to workers from files."""
    security = copy.copy(security)
    for name in ("tls_ca_file", "tls_worker_cert", "tls_worker_key"):
        (folder / name).touch(mode=0o600)
        (folder / name).write_text(getattr(security, name))
        setattr(security, name, str(folder / name))
    return security


@contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set variables that processes started meanwhile inherit."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def _of_workers(security: Any, scratch: str) -> dict[str, str]:
    """Options of Dask as its variables; the environment of a process is open to its owner only."""
    tls = security.get_tls_config_for_role("worker")
    return {
        "DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION": "True",
        "DASK_DISTRIBUTED__COMM__TLS__CA_FILE": tls["ca_file"],
        "DASK_DISTRIBUTED__COMM__TLS__WORKER__CERT": tls["cert"],
        "DASK_DISTRIBUTED__COMM__TLS__WORKER__KEY": tls["key"],
        "DASK_DISTRIBUTED__WORKER__HTTP__ROUTES": "[]",
        "DASK_TEMPORARY_DIRECTORY": scratch,
    }
