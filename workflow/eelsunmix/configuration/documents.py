"""Files and command line -> one tree of values."""

from collections.abc import Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import Any

from eelsunmix.configuration.nodes import Node, merged, node_of
from eelsunmix.configuration.problems import ConfigurationError, Problem
from eelsunmix.configuration.strict_yaml import read_yaml

COMMAND_LINE = "--config"


def read_documents(paths: Sequence[Path], overrides: Mapping[str, Any]) -> Node:
    """Read all files and lay each over those before it, and the command line over all.

    Raises
    ------
    ConfigurationError
        With the mistakes of all files.
    """
    trees: list[Node] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            trees.append(read_yaml(short_path(path)))
        except ConfigurationError as error:
            problems += error.problems
    if not paths:
        problems.append(Problem("configuration", "no file is given; write config/config.yaml"))
    if problems:
        raise ConfigurationError(problems)
    return reduce(merged, [*trees, node_of(overrides, COMMAND_LINE)] if overrides else trees)


def short_path(path: Path | str) -> Path:
    """Return the path as seen from here, where that is shorter; Snakemake makes all paths absolute."""
    here = Path.cwd()
    return Path(path).relative_to(here) if Path(path).is_relative_to(here) else Path(path)
