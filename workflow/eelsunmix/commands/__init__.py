"""The command line: `eelsunmix new`, `check`, `run`, `demo`, `verify`."""

from eelsunmix.commands.entry import main

__all__ = ["main"]
