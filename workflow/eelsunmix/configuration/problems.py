"""What is wrong with a configuration: one line per mistake, all of them at once."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from eelsunmix.errors import InputError
from eelsunmix.mistakes import Keys

LONGEST_QUOTE = 60
MOST_LINES = 100
"""Mistakes that are shown at once; whoever has more has given another file."""
_PLAIN_TEXT = re.compile(r"\S([\S ]*\S)?")


@dataclass(frozen=True)
class Problem:
    """One mistake of the user.

    Parameters
    ----------
    file : str
        File as the user named it, or ``--config``.
    message : str
        What is wrong and what to write.
    line, column : int, optional
        Counted from one.
    path : tuple of str or int
        Keys and list positions that lead to the value.
    """

    file: str
    message: str
    line: int | None = None
    path: Keys = ()
    column: int | None = None

    def __str__(self) -> str:
        numbers = "".join(f":{number}" for number in (self.line, self.column) if number is not None)
        key = f"{dotted(self.path)}: " if self.path else ""
        return f"{shown(self.file, 300)}{numbers}: {key}{one_line(self.message)}"


class ConfigurationError(InputError):
    """Everything that is wrong with a configuration, one line per mistake.

    Parameters
    ----------
    problems : iterable of Problem
        Duplicates are dropped; shown in the order of files and lines, so many at most.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        unique = dict.fromkeys(problems)
        files = {problem.file: place for place, problem in reversed(list(enumerate(unique)))}
        self.problems = tuple(sorted(unique, key=lambda one: (files[one.file], one.line or 0)))
        rest = len(self.problems) - MOST_LINES
        lines = [str(problem) for problem in self.problems[:MOST_LINES]]
        super().__init__("\n".join([*lines, *([f"and {rest} mistakes more"] if rest > 0 else [])]))


def dotted(path: Sequence[str | int]) -> str:
    """Write a path as a user would say it.

    Examples
    --------
    >>> dotted(("edges", "Ti_L23", "fit_eV", 0))
    'edges.Ti_L23.fit_eV[0]'
    """
    parts = [f"[{part}]" if isinstance(part, int) else f".{shown(part)}" for part in path]
    return "".join(parts).removeprefix(".")


def shown(text: str, longest: int = LONGEST_QUOTE) -> str:
    r"""Text of the user, fit for one line of a terminal: as it is if harmless, else as a Python string.

    Examples
    --------
    >>> shown("Ti_L23"), shown("a\nb")
    ('Ti_L23', "'a\\nb'")
    """
    short = text if len(text) <= longest else text[:longest] + "..."
    return short if short.isprintable() and _PLAIN_TEXT.fullmatch(short) else quoted(text, longest)


def quoted(text: str, longest: int = LONGEST_QUOTE) -> str:
    """Text of the user as a Python string in ASCII, cut where it is too long."""
    whole = ascii(text)
    return whole if len(whole) <= longest + 2 else whole[:longest] + "..."


def one_line(message: str) -> str:
    """Fold a message into one printable line."""
    return "".join(mark if mark.isprintable() else ascii(mark)[1:-1] for mark in " ".join(message.split()))


def unknown_key(key: str, advice: str, *, has_value: bool) -> str:
    """Message for a key that does not belong here; `{title: A, B}` makes a key B without a value."""
    if not has_value and key.isdecimal():
        return "unknown key; decimal numbers have a point, no comma"
    comma = not has_value and not advice.startswith("did you mean")
    return f"unknown key; {advice}{' (a text that contains a comma needs quotes)' if comma else ''}"
