"""Whether a profile fits the cluster, asked before the first job: one line for each thing that does not."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from eelsunmix.errors import unwritable
from eelsunmix.slurm import site
from eelsunmix.slurm.profile import Profile

PROBE = bytes(2**20)
"""What is written to see whether a folder takes anything: quotas show in no amount of free space."""


class Request(NamedTuple):
    """What the largest and the longest job of a run ask for, and the disk that all need."""

    mem_mb: int
    minutes: int
    disk_mb: float


SMALLEST = Request(mem_mb=100, minutes=1, disk_mb=0)


def misfits(profile: Profile, request: Request = SMALLEST) -> list[str]:
    """Say what of a profile does not fit the cluster, or the folder where results go.

    Where rules have resources of their own, it is not known here which job is the largest: none is asked for.
    """
    there, known = site.partitions(), site.accounts()
    request = request._replace(mem_mb=SMALLEST.mem_mb, minutes=1) if profile.of_rules else request
    found: dict[str, None] = {}
    for resources in (profile.defaults, *profile.of_rules):
        wrong = [*_of_partition(resources, there, request), *_of_account(resources, known)]
        found |= dict.fromkeys(wrong or _of_submission(resources, request))
    found |= dict.fromkeys(of_status(profile))
    return [*(f"{profile.path}: {line}" for line in found), *of_folder(Path.cwd(), request.disk_mb)]


def _of_partition(
    resources: Mapping[str, Any], there: Mapping[str, site.Partition], request: Request
) -> Iterator[str]:
    """SLURM takes several, between commas, and starts a job in the first that is free."""
    written = str(resources.get("slurm_partition") or default_partition(there))
    names = [name.strip() for name in written.split(",") if name.strip()]
    absent = [name for name in names if name not in there]
    limits = [there[name].minutes for name in names if name in there and there[name].is_up]
    if not names:
        yield f"slurm_partition: is needed, there is no default; there are {', '.join(there)}"
    elif absent:
        yield f"slurm_partition: there is no partition {', '.join(absent)}; there are {', '.join(there)}"
    elif not limits:
        yield f"slurm_partition: partition {written} is not up; ask those who run the cluster"
    elif None not in limits and (limit := max(filter(None, limits), default=0)) < request.minutes:
        yield (
            f"slurm_partition: partition {written} allows jobs of {limit} minutes, and the longest asks for "
            f"{request.minutes}; take another one, or write runtime into set-resources"
        )


def default_partition(there: Mapping[str, site.Partition]) -> str:
    """Name of the partition that SLURM takes where none is given; empty if there is none."""
    return next((one.name for one in there.values() if one.is_default), "")


def _of_account(resources: Mapping[str, Any], known: list[str] | None) -> Iterator[str]:
    account = resources.get("slurm_account")
    if account and known is not None and str(account) not in known:
        yield f"slurm_account: {account} is no account of yours; yours are {', '.join(known)}"


def _of_submission(resources: Mapping[str, Any], request: Request) -> Iterator[str]:
    options = [*options_of(resources), f"--mem={request.mem_mb}", f"--time={request.minutes}"]
    if reason := site.refusal(options):
        yield (
            f"SLURM does not take a job of {request.mem_mb} MB and {request.minutes} minutes ({reason}); "
            "check slurm_partition, slurm_account and the limits of the cluster"
        )


def options_of(resources: Mapping[str, Any]) -> list[str]:
    """Options of sbatch that choose partition and account."""
    names = {"slurm_partition": "--partition", "slurm_account": "--account"}
    return [f"{option}={resources[name]}" for name, option in names.items() if resources.get(name)]


def of_status(profile: Profile) -> Iterator[str]:
    """Say whether Snakemake would hear of the end of a job: it waits for ever where sacct does not answer."""
    chosen = profile.keys.get("slurm-status-command")
    if chosen != "squeue" and shutil.which("sacct") and not (answer := site.accounting()).is_good:
        yield (
            f"slurm-status-command: sacct does not answer ({answer.text}), jobs would never end; write "
            "slurm-status-command: squeue, or have it written: eelsunmix preflight --write FOLDER"
        )
    uses_squeue = chosen == "squeue" or not shutil.which("sacct")
    if uses_squeue and (age := site.job_age()) is not None and age < site.LEAST_JOB_AGE:
        yield (
            f"slurm-status-command: squeue forgets jobs {age} s after their end, sooner than Snakemake "
            f"asks; the cluster needs MinJobAge {site.LEAST_JOB_AGE} or accounting"
        )


def of_folder(folder: Path, disk_mb: float = 0) -> Iterator[str]:
    """Say whether a folder takes what will be written."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".eelsunmix-") as file:
            file.write(PROBE)
            file.flush()
            os.fsync(file.fileno())
        free = free_mb(folder)
    except OSError as error:
        yield str(unwritable(folder, error))
        return
    if free < disk_mb:
        yield (
            f"{folder}: {free:.0f} MB are free, about {disk_mb:.0f} MB are needed; "
            "free some space, or run in another folder"
        )


def free_mb(folder: Path) -> float:
    """Free space of a folder in MB, of 10^6 bytes."""
    return shutil.disk_usage(folder).free / 1e6


def ahead_of_us(folder: Path) -> float:
    """Seconds by which the clock of the file system of a folder is ahead of ours."""
    before = time.time()
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".eelsunmix-") as file:
        return Path(file.name).stat().st_mtime - (before + time.time()) / 2
