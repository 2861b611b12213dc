"""Jobs that failed, as Snakemake tells of them, and why: by their logs, and by what SLURM says."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from eelsunmix.errors import REMEDIES
from eelsunmix.execution.log_ends import LogEnd, log_end
from eelsunmix.execution.sudden_end import KILLED
from eelsunmix.failures import shortage
from eelsunmix.slurm.ends import reason

_ERROR = re.compile(r"Error in rule (\w+).*")
_IN_GROUP = re.compile(r"        rule (\w+):")
_DETAIL = re.compile(r"\s+(message|jobid|log): (.*)")
_HINT = re.compile(r" \(check log file.*")
_SHOWN = re.compile(r"Logfile .*:")
"""Head of a log that is shown as it is, between two equal lines."""
_DIED = re.compile(r"Command '.*' died with <Signals\.(\w+): \d+>\.")
_RAISED = re.compile(r"(?!Workflow|Rule|CalledProcess)[\w.]+(?:Error|Exception)(?:: \S.*)?")
"""How a job ended that never came to write into its log."""
_UNLOGGED = re.compile(r"\d\d:\d\d:\d\d ERROR (.*)")
"""What a job says on the terminal where its log takes nothing, as on a full disk."""
_OF_TRACEBACK = re.compile(
    r"\s*(?:(?!Workflow|Rule|CalledProcess|Input|Store)[\w.]+(?:Error|Exception)\b|\[Errno \d+\]).*"
)
_ERRNO = re.compile(r".*?\[Errno (\d+)\] [^:]*(?:: '(.*?)')?.*")
_ADVICE = "what is finished stays; mend the reason and run again"
_OF_GROUP = (
    "the jobs of a small sample are one submission: where one failed, all of them are made again; all else "
    "that is finished stays; mend the reason and run again"
)


@dataclass
class Failure:
    """A job that failed.

    Parameters
    ----------
    rule, job : str
        Its rule and its number.
    message : str
        What Snakemake says.
    logs : list of str
        That of the job; then that of SLURM, if it ran there.
    ended : str
        How it ended, if that was said.
    began : int
        When the run began; logs that were written before are of an earlier one.
    """

    rule: str
    job: str = ""
    message: str = ""
    logs: list[str] = field(default_factory=list)
    ended: str = ""
    began: int = 0

    @property
    def own_log(self) -> LogEnd:
        """End of the log of the job itself."""
        return log_end(self.logs[0], began=self.began) if self.logs else LogEnd("")

    @property
    def is_silent(self) -> bool:
        """Whether neither the job nor Snakemake says how it ended."""
        return not self.ended and not any(log_end(log, began=self.began).text for log in self.logs)

    def why(self, lack: str = "") -> str:
        """Say why, and where more stands; `lack` is what the machine was short of in this run."""
        if not self.logs:
            named = reason(self.message, "", self.rule)
            return named or "Snakemake names no log; run snakemake itself to see all that it says"
        texts = {log: end.text for log in self.logs if (end := log_end(log, began=self.began)).text}
        found = reason(self.message, texts.get(self.logs[-1], ""), self.rule) or self.own_log.error
        where = ", ".join(texts)
        if found:
            return f"{found} (log: {where})" if where else found
        if where:
            return f"see its log {where}"
        if not Path(self.logs[0]).is_file():
            return f"its log {self.logs[0]} cannot be read"
        how = self.ended or lack or "run snakemake itself to see all that it says"
        return f"it ended before it wrote into its log {self.logs[0]}; {how}"


class Failures:
    """Follows what Snakemake says of jobs that fail, and of those that it tries again.

    Parameters
    ----------
    began : int
        When the run began, in nanoseconds by the clock of the disk of the results.

    Attributes
    ----------
    lack : str
        What the machine was short of, or what a disk refused, with the remedy; empty if nothing was said.
    """

    def __init__(self, *, began: int = 0) -> None:
        self.lack = ""
        self._began, self._ended = began, ""
        self._failed: list[list[Failure]] = []
        self._shared = Failure("")
        self._told = False
        self._frame: str | None = None

    def take(self, line: str) -> bool:
        """Read one line; say whether it belongs to a failure, or to a log that is only shown."""
        if self._is_shown(line):
            return True
        if not line.startswith(" "):
            self._shared, self._told = Failure(""), False
        if (match := _ERROR.fullmatch(line)) or (match := _IN_GROUP.fullmatch(line)):
            self._begin(match[1])
        elif match := _DETAIL.fullmatch(line):
            self._note(match[1], match[2])
        else:
            self._note_end(line)
            return False
        return True

    def restarted(self, job: str) -> Iterator[tuple[str, str]]:
        """Yield the rule of each job that is tried again, and why it had failed.

        Parameters
        ----------
        job : str
            Number of the job, or name of the group of jobs that has just failed.
        """
        again = [jobs for jobs in self._failed if job in [one.job for one in jobs]] or self._failed[-1:]
        self._failed = [jobs for jobs in self._failed if jobs not in again]
        yield from ((one.rule, one.why(self.lack)) for jobs in again for one in _culprits(jobs))

    def in_words(self, *, stopped: bool = False) -> list[str]:
        """Say of each job that failed in the end why it did, and what stays; nothing where none failed.

        Parameters
        ----------
        stopped : bool
            Whether a signal ended the run; it reaches jobs before they begin, too, which need no word.
        """
        said = [
            f"{one.rule} failed: {one.why(self.lack)}"
            for jobs in self._failed
            for one in _culprits(jobs)
            if not (stopped and one.is_silent)
        ]
        advice = _OF_GROUP if any(len(jobs) > 1 for jobs in self._failed) else _ADVICE
        return [*dict.fromkeys(said), advice] if said else []

    def _begin(self, rule: str) -> None:
        """Begin a failure; jobs of a group follow each other, and share what is said of the group."""
        one = Failure(
            rule,
            message=self._shared.message,
            logs=[*self._shared.logs],
            ended=self._ended,
            began=self._began,
        )
        self._ended = ""
        self._failed = (
            [*self._failed[:-1], [*self._failed[-1], one]] if self._told else [*self._failed, [one]]
        )
        self._told = True

    def _note(self, name: str, text: str) -> None:
        one = self._failed[-1][-1] if self._told else self._shared
        if name == "log":
            one.logs = [*_HINT.sub("", text).split(", "), *one.logs]
        elif name == "jobid":
            one.job = text
        else:
            one.message = text

    def _note_end(self, line: str) -> None:
        if match := _DIED.fullmatch(line):
            self._ended = KILLED if match[1] == "SIGKILL" else f"it was ended by {match[1]}"
        elif match := _UNLOGGED.fullmatch(line):
            self._ended = match[1]
        elif found := _lack(line):
            self._ended = self.lack = found
        elif _RAISED.fullmatch(line):
            self._ended = line

    def _is_shown(self, line: str) -> bool:
        """Whether a line belongs to a log that is shown, which may tell of failures of its own."""
        if self._frame is None:
            self._frame = "" if _SHOWN.fullmatch(line) else None
            return self._frame is not None
        if self._frame == "":
            self._frame = line
        elif line == self._frame:
            self._frame = None
        return True


def _culprits(jobs: list[Failure]) -> list[Failure]:
    """Jobs of a group that failed by themselves; or that were at work; or the first, for all of them."""
    mistaken = [one for one in jobs if one.own_log.error]
    unfinished = [one for one in jobs if one.own_log.text and not one.own_log.is_good]
    return mistaken or unfinished or jobs[:1]


def _lack(line: str) -> str | None:
    """Say what the machine was short of, or what a disk refused, by the line that ends a traceback."""
    if not _OF_TRACEBACK.fullmatch(line):
        return None
    if (match := _ERRNO.fullmatch(line)) and (known := REMEDIES.get(int(match[1]))):
        return f"{match[2]}: {'; '.join(known)}" if match[2] else "; ".join(known)
    return shortage(RuntimeError(line))
