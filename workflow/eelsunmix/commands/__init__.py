"""The command line: `eelsunmix new`, `check`, `run`, `demo`, `export`, `verify`, `repair`."""

from eelsunmix.commands.entry import main

__all__ = ["main"]
