"""`eelsunmix preflight`: the cluster, a profile and the current folder on one screen; the keys of a site."""

import re
import shlex
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

from eelsunmix.commands.planning import total
from eelsunmix.errors import InputError, in_brief
from eelsunmix.recipes.plan import Stage
from eelsunmix.slurm import checks, site
from eelsunmix.slurm.profile import Profile, read_profile, with_keys
from eelsunmix.storage.whole_files import write_page

CLOCKS = 5.0
"""Seconds by which clocks may differ: Snakemake compares times of files."""
_TOLD = re.compile(r"^\d+\.\d+\n\S+$", re.MULTILINE)
"""Time and node, as a trial job tells them."""
_FIRST = "what does not fit comes first"
PACKAGES = ("eelsunmix", "snakemake", "snakemake-executor-plugin-slurm")


class Keys(NamedTuple):
    """What a profile needs at a site: options of Snakemake, and resources of every job."""

    options: dict[str, Any]
    resources: dict[str, Any]


def keys_of_site(profile: Profile, *, partition: str | None = None, account: str | None = None) -> Keys:
    """Find the keys that a profile needs here: what is asked for, else what it says, else the defaults.

    Raises
    ------
    InputError
        If no SLURM answers.
    """
    there, known = site.partitions(), site.accounts()
    defaults = profile.defaults
    chosen = {
        "slurm_partition": partition or defaults.get("slurm_partition") or checks.default_partition(there),
        "slurm_account": account or defaults.get("slurm_account") or next(iter(known or []), ""),
    }
    resources = {name: value for name, value in chosen.items() if value}
    status = {"slurm-status-command": "sacct" if site.accounting().is_good else "squeue"}
    return Keys(status if "slurm_account" in resources else {**status, "slurm-no-account": True}, resources)


def refuse_misfit(folder: str, stages: list[Stage]) -> None:
    """Refuse a profile of SLURM before the first job, if jobs could not run by it.

    Parameters
    ----------
    folder : str
        Of the profile.
    stages : list of Stage
        What will be run.

    Raises
    ------
    InputError
        One line for each thing that does not fit.
    """
    profile = read_profile(folder)
    if not profile.is_of_slurm or not stages:
        return
    all_jobs = total(stages)
    request = checks.Request(all_jobs.asked_mb, all_jobs.minutes, all_jobs.disk_mb)
    if faults := checks.misfits(profile, request):
        raise InputError("\n".join(faults))


def screen(profile: Profile, keys: Keys) -> tuple[list[str], list[str]]:
    """Look at everything; return the lines of the screen, and one line for each thing that is to be mended.

    Parameters
    ----------
    profile : Profile
        Which is held against the cluster.
    keys : Keys
        Of this site; with them a short job is run, if nothing is wrong.
    """
    faults = checks.misfits(profile)
    ran = (
        _trial(checks.options_of(keys.resources)) if not faults else site.Answer(False, f"not run: {_FIRST}")
    )
    clocks = list(_clocks(ran.text if ran.is_good else ""))
    faults += [] if ran.is_good or ran.text.startswith("not run") else [f"a trial job failed: {ran.text}"]
    faults += [
        f"clock: that of {name} is {off:+.0f} s off; results would look older than what they are made of"
        for name, off in clocks
        if abs(off) > CLOCKS
    ]
    told = ", ".join(f"{name} {off:+.1f} s" for name, off in clocks)
    listed = ", ".join(f"{name}: {value}" for name, value in {**keys.resources, **keys.options}.items())
    last = (
        ("clocks", told),
        ("trial job", f"ran on {ran.text.split()[-1]}" if ran.is_good else ran.text),
        ("keys", listed),
        ("profile", str(profile.path)),
    )
    return [*_cluster(), *_here(), *(_line(*one) for one in last)], faults


def _cluster() -> Iterator[str]:
    yield _line("SLURM", site.version())
    for one in site.partitions().values():
        limit = "no limit of time" if one.minutes is None else f"{one.minutes} min"
        name = f"{one.name} (default)" if one.is_default else one.name
        nodes = f"{one.nodes} nodes of {one.cpus} CPUs and {one.mb} MB"
        yield _line("partition", f"{name}: {'up' if one.is_up else 'not up'}, {limit}, {nodes}")
    known, accounting = site.accounts(), site.accounting()
    yield _line("accounts", "none are told" if known is None else ", ".join(known))
    yield _line("status", "sacct answers" if accounting.is_good else f"by squeue; {accounting.text}")


def _here() -> Iterator[str]:
    for name, folder in (("folder", Path.cwd()), ("temporary", Path(tempfile.gettempdir()))):
        free = f"{checks.free_mb(folder) / 1000:.1f} GB free"
        wrong = next(checks.of_folder(folder), "")
        yield _line(name, wrong or f"{folder}: can be written, {free}")
    versions = [f"{name} {_version(name)}" for name in PACKAGES]
    yield _line("versions", ", ".join([*versions, f"Python {sys.version.split()[0]}"]))


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "is not installed"


def _trial(options: list[str]) -> site.Answer:
    """Let a job tell its time and its node; it fails where it does not see our folder or our Python."""
    folder = str(Path.cwd())
    looks = (
        _look("-w", folder, f"it cannot write into {folder}"),
        _look("-x", sys.executable, f"it does not see {sys.executable}"),
        "date +%s.%N; hostname",
    )
    ran = site.trial(options, "; ".join(looks))
    is_busy = "Unable to allocate" in ran.text or "does not answer" in ran.text
    if is_busy:
        return site.Answer(False, f"not run: {ran.text}")
    told = _TOLD.search(ran.text) if ran.is_good else None  # a cluster may print more, before and after
    if ran.is_good and not told:
        return site.Answer(False, f"it says {in_brief(ran.text)} instead of its time and node")
    return site.Answer(True, told[0]) if told else ran


def _look(test: str, path: str, otherwise: str) -> str:
    """Command of a shell that fails with a message; a path may have any characters."""
    return f"test {test} {shlex.quote(path)} || {{ echo {shlex.quote(otherwise)} >&2; exit 1; }}"


def _clocks(of_job: str) -> Iterator[tuple[str, float]]:
    """Yield by how many seconds other clocks are ahead of ours."""
    now = time.time()
    if of_job:
        yield "the node", float(of_job.split()[0]) - now
    yield "the file system", checks.ahead_of_us(Path.cwd())


def _line(name: str, text: str) -> str:
    return f"{name:12}{text}"


def write_profile(profile: Profile, keys: Keys, folder: Path, *, force: bool = False) -> Path:
    """Write a copy of a profile with the keys of this site.

    Raises
    ------
    InputError
        If there is a profile already, or it cannot be written.
    """
    target = folder / "config.yaml"
    text = with_keys(profile, *keys)
    if target.exists() and not force:
        raise InputError(f"{target}: is there already; name another folder, or add --force to write over it")
    return write_page(target, text)
