"""What Snakemake prints, as one line per step; and what failed, as one line per job."""

import itertools
import re
import signal
import time
from collections.abc import Callable, Sequence

from eelsunmix.commands.job_failures import Failures
from eelsunmix.errors import names_in_brief
from eelsunmix.failures import for_command
from eelsunmix.words import numbered

_JOB = re.compile(r"(?:Job|Rule) (\d+): (.+)")
_DONE = re.compile(r"Finished jobid: (\d+)")
_COUNT = re.compile(r"(\d+) of (\d+) steps")
_RESTARTED = re.compile(r"Trying to restart job (\S+)\.")
_LAST = re.compile(r"all\s+1")
"""The rule that only gathers: no step for the user."""
_PLANNED = re.compile(r"total\s+(\d+)")
_LOCKED = "cannot be locked"
_IN_USE = re.compile(r"\S+: another run uses these results[ ;].*|.*: cannot be written, .*")
_OF_FILES = re.compile(
    r"\S.*: (?:cannot be read \(.*\); nothing is made again for that|was not made again; .*"
    r"|is no whole store; .*|.*; kept as \S.*|.*; it is made again(?:; further ones are not listed)?)"
)
"""What is said of files and of what was made of them, for the user as it is."""
_PAGE = re.compile(r"report of (all samples: .*)")
_MISTAKE = re.compile(r'WorkflowError(?: in file ".*", line \d+)?:')
_PLACE = re.compile(r'File ".*", line \d+.*')
_GOES_ON = "what is finished stays, and the same command goes on from there"
_NOTHING_TO_DO = "nothing to do: all results are there and match the configuration"
_PAGES_ALONE = "nothing to do: the pages are there and match the configuration"
_KEPT = 400
"""Lines of Snakemake that are kept, to look for a reason."""


class Progress:
    """Follows a run by the lines that Snakemake prints.

    Parameters
    ----------
    echo : callable
        Takes each line for the user.
    clock : callable
        Seconds.
    began : int
        When the run began, in nanoseconds by the clock of the disk of the results: what was written before is
        of an earlier run.
    """

    def __init__(
        self, *, echo: Callable[[str], None], clock: Callable[[], float] = time.monotonic, began: int = 0
    ) -> None:
        self._echo, self._clock, self._start = echo, clock, clock()
        self._first_job: float | None = None
        self._names: dict[str, str] = {}
        self._finished: list[str] = []
        self._failures = Failures(began=began)
        self._lines: list[str] = []
        self._planned = self._gathering = 0

    def take(self, line: str) -> None:
        """Read one line."""
        self._lines = [*self._lines[-_KEPT:], line]
        if self._is_of_failures(line):
            return
        if match := _JOB.fullmatch(line):
            self._names[match[1]] = match[2]
            self._first_job = self._clock() if self._first_job is None else self._first_job
        elif match := _DONE.match(line):
            self._finished.append(match[1])
        elif match := _COUNT.match(line):
            self._count(int(match[1]), int(match[2]))
        elif _LAST.fullmatch(line.strip()):
            self._gathering = 1
        elif _OF_FILES.fullmatch(line):
            self._echo(line)
        elif match := _PLANNED.fullmatch(line.strip()):
            self._planned = int(match[1])

    def _is_of_failures(self, line: str) -> bool:
        if self._failures.take(line):
            return True
        match = _RESTARTED.fullmatch(line)
        for rule, why in self._failures.restarted(match[1]) if match else ():
            self._echo(f"{rule} failed and is tried again: {why.partition('; ')[0]}")
        return match is not None

    def _count(self, done: int, planned: int) -> None:
        now, planned = self._clock(), planned - self._gathering
        passed, working = now - self._start, now - (self._first_job or self._start)
        left = f", about {duration(working / done * (planned - done))} left" if 1 < done < planned else ""
        for number in self._finished:
            if number in self._names:  # the rule `all` has no message
                self._echo(f"[{done}/{planned}] {self._names[number]} ({duration(passed)}{left})")
        self._finished = []

    def end(self, *, dry_run: bool = False, gone: Sequence[str] = ()) -> str:
        """Say how it ended well; `gone` are stores that no run asks for behind a page."""
        if any("Nothing to be done" in line for line in self._lines):
            return f"{_PAGES_ALONE}{_behind('them', gone)}" if gone else _NOTHING_TO_DO
        if dry_run:
            steps = list(dict.fromkeys(self._names.values()))
            return "\n".join([*steps, f"{numbered(self._planned - self._gathering, 'step')} would run"])
        return f"done in {duration(self._clock() - self._start)}{_behind('the pages', gone) if gone else ''}"

    def failures(self, *, ended_by: int = 0) -> list[str]:
        """Say what failed: the last error in the log of each job, or what Snakemake says of itself.

        Parameters
        ----------
        ended_by : int
            Signal that ended the run, if one did.
        """
        stopped = [f"stopped by {signal.Signals(ended_by).name}; {_GOES_ON}"] if ended_by else []
        if found := self._failures.in_words(stopped=bool(ended_by)):
            pages = [f"page of {match[1]}" for line in self._lines if (match := _PAGE.fullmatch(line))]
            return [*found[:-1], *(stopped or found[-1:]), *pages]
        if stopped:
            return stopped
        if refused := self.refusal():
            return refused
        if lack := self._failures.lack:
            return [f"Snakemake stopped: {for_command(lack)}"]
        return ["Snakemake stopped:", *self._said()[-5:]]

    def refusal(self) -> list[str]:
        """Say why the run was refused before any job, which the user can mend; nothing if it was not."""
        if self._first_job is not None or self._failures.in_words():
            return []
        if used := [match[0] for line in self._lines if (match := _IN_USE.fullmatch(line))]:
            return used[:1]
        if any(_LOCKED in line for line in self._lines):
            return [
                "another run is going on in this folder, or one was killed; make sure that none is, then "
                "type: snakemake --unlock"
            ]
        return _mistakes(self._said())

    def _said(self) -> list[str]:
        return [line.strip() for line in self._lines if line.strip()]


def _behind(pages: str, gone: Sequence[str]) -> str:
    return (
        f"; but of the results behind {pages} "
        f"{numbered(len(gone), 'store')} {'is' if len(gone) == 1 else 'are'} gone: "
        f"{names_in_brief(gone, most=5)}; to have them made again, move their pages aside and run again"
    )


def _mistakes(lines: list[str]) -> list[str]:
    """Lines with which this workflow refused to begin, without what Snakemake puts around them."""
    begins = [number for number, line in enumerate(lines) if _MISTAKE.fullmatch(line)]
    if not begins:
        return []
    return list(itertools.takewhile(lambda line: not _PLACE.fullmatch(line), lines[begins[-1] + 1 :]))


def duration(seconds: float) -> str:
    """Write a time for people.

    Examples
    --------
    >>> duration(7.2), duration(84), duration(7300)
    ('7 s', '1 min 24 s', '2 h 1 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
