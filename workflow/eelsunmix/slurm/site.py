"""What a SLURM cluster answers when it is asked. Only `trial` runs a job."""

import getpass
import re
import subprocess
from typing import NamedTuple

from eelsunmix.errors import InputError

SECONDS_TO_ANSWER = 30
SECONDS_FOR_A_NODE = 60
"""In which a trial job must begin."""
LEAST_JOB_AGE = 180
"""Seconds that squeue must remember a job that has ended: Snakemake asks that seldom where jobs are long."""

_FIELDS = "%P|%a|%l|%D|%c|%m"
"""Of a partition, as sinfo calls them: name, state, limit of time, nodes, CPUs, memory."""
_LIMIT = re.compile(r"(?:(\d+)-)?(?:(\d+):)?(\d+):\d+")


class Answer(NamedTuple):
    """What a command has said: its output, or one line about why there is none."""

    is_good: bool
    text: str


class Partition(NamedTuple):
    """A partition; its largest node, and the longest time of a job, None without limit."""

    name: str
    is_default: bool
    is_up: bool
    minutes: int | None
    nodes: int
    cpus: int
    mb: int


def ask(*command: str, seconds: int = SECONDS_TO_ANSWER) -> Answer:
    """Run a command that answers and changes nothing."""
    try:
        done = subprocess.run(  # noqa: S603 - our own commands; their arguments are no shell's
            command, capture_output=True, text=True, errors="replace", check=False, timeout=seconds
        )
    except OSError as error:
        return Answer(False, f"{command[0]} cannot be run here ({error.strerror})")
    except ValueError as error:  # a name with a zero byte, or with half of a letter
        return Answer(False, f"{command[0]} cannot be asked ({error})")
    except subprocess.TimeoutExpired:
        return Answer(False, f"{command[0]} does not answer within {seconds} s")
    if done.returncode:
        said = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        return Answer(False, f"{command[0]}: {re.sub(rf'^({command[0]}: |error: )+', '', said[0])}")
    return Answer(True, done.stdout.strip())


def partitions() -> dict[str, Partition]:
    """All partitions, by name.

    Raises
    ------
    InputError
        If SLURM is not here, does not answer, or answers otherwise than it should.
    """
    answer = ask("sinfo", "-h", "-o", _FIELDS)
    if not answer.is_good:
        raise InputError(f"no SLURM answers: {answer.text}; call it where jobs are submitted from")
    found: dict[str, Partition] = {}
    for line in answer.text.splitlines():
        one = _partition(line)
        other = found.get(one.name, one)
        found[one.name] = one._replace(
            nodes=one.nodes + (other.nodes if other is not one else 0),
            cpus=max(one.cpus, other.cpus),
            mb=max(one.mb, other.mb),
        )
    if not found:
        raise InputError("sinfo names no partition; ask those who run the cluster which one is yours")
    return found


def _partition(line: str) -> Partition:
    fields = line.split("|")
    if len(fields) != len(_FIELDS.split("|")):
        raise InputError(f"sinfo answers {line!r} instead of {_FIELDS}; ask those who run the cluster")
    name, state, limit, nodes, cpus, mb = fields
    whole = [int(re.sub(r"\D", "", number) or 0) for number in (nodes, cpus, mb)]  # "32+" where nodes differ
    return Partition(name.rstrip("*"), name.endswith("*"), state == "up", minutes_of(limit), *whole)


def minutes_of(limit: str) -> int | None:
    """Read a limit of SLURM; None where there is none.

    Examples
    --------
    >>> minutes_of("1-02:00:00"), minutes_of("30:00"), minutes_of("infinite")
    (1560, 30, None)
    """
    found = _LIMIT.fullmatch(limit)
    days, hours, minutes = (int(part or 0) for part in found.groups()) if found else (0, 0, 0)
    return days * 1440 + hours * 60 + minutes if found else None


def accounts() -> list[str] | None:
    """Accounts of the user, the default one first; None where SLURM keeps none, or does not tell."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # in a container, the number of the user may have no name
        return None
    listed = ask("sacctmgr", "-nPs", "list", "user", user, "format=account")
    if not listed.is_good or not listed.text:
        return None
    default = ask("sacctmgr", "-nP", "show", "user", user, "format=defaultaccount")
    first = default.text.splitlines()[:1] if default.is_good else []
    return list(dict.fromkeys(filter(None, [*first, *listed.text.splitlines()])))


def accounting() -> Answer:
    """Say whether sacct answers: it is there on clusters without accounting too."""
    return ask("sacct", "-n", "-X", "-S", "now")


def job_age() -> int | None:
    """Seconds for which squeue remembers a job that has ended; None if that is not known."""
    found = re.search(r"MinJobAge\s*=\s*(\d+)", ask("scontrol", "show", "config").text)
    return int(found[1]) if found else None


def version() -> str:
    """Version of SLURM."""
    return ask("sinfo", "--version").text.rpartition(" ")[2]


def refusal(options: list[str]) -> str | None:
    """Ask whether a job with these options would be taken, without submitting it; say why not."""
    answer = ask("sbatch", "--test-only", *options, "--wrap", "true")
    return None if answer.is_good else answer.text.removeprefix("sbatch: ")


def trial(options: list[str], command: str) -> Answer:
    """Run a command of a shell as a job of one minute, if a node is free soon."""
    wait = f"--immediate={SECONDS_FOR_A_NODE}"
    limits = ["--ntasks=1", "--time=1", "--mem=200", wait]
    return ask("srun", "--quiet", *limits, *options, "sh", "-c", command, seconds=SECONDS_FOR_A_NODE + 60)
