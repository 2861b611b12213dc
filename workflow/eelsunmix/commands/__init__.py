"""The command line: `eelsunmix new`, `check`, `run`, `demo`, `export`, `verify`."""

from eelsunmix.commands.entry import main

__all__ = ["main"]
