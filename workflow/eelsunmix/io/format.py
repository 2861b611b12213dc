"""What a format of files is to us."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from eelsunmix.io.signals import Signal


class Format(ABC):
    """A kind of file, or a family of them.

    Each stands in a module of its own in `eelsunmix.io.formats` and is found there; nothing else names it.
    Libraries that only it needs are imported where it reads.
    """

    suffixes: ClassVar[tuple[str, ...]]
    """Endings of its names, lower case, with the dot."""

    is_folder: ClassVar[bool | None] = False
    """Whether an image is a folder rather than a file; None where it may be either."""

    @abstractmethod
    def read(self, path: Path) -> list[Signal]:
        """Return what a file holds, unread; raise InputError where it can say what is wrong with it."""

    def errors(self) -> tuple[type[Exception], ...]:
        """Exceptions of its libraries on damaged files, besides Python's own."""
        return ()
