"""Values that are given on a command line, as Snakemake's ``--config KEY=VALUE`` takes them."""

from collections.abc import Sequence
from typing import Any

from eelsunmix.configuration.documents import COMMAND_LINE
from eelsunmix.configuration.problems import ConfigurationError, Problem, shown
from eelsunmix.configuration.strict_yaml import parse_yaml


def command_line_values(entries: Sequence[str]) -> dict[str, Any]:
    """Read ``key=value`` pairs; the last one of a key counts.

    Raises
    ------
    ConfigurationError
        If one is no such pair.

    Examples
    --------
    >>> command_line_values(["seed=3", "device=cpu"])
    {'seed': 3, 'device': 'cpu'}
    """
    values: dict[str, Any] = {}
    for entry in entries:
        key, sign, value = entry.partition("=")
        if not sign or not key.isidentifier():
            raise ConfigurationError([Problem(COMMAND_LINE, f"{shown(entry)}: write KEY=VALUE, as seed=3")])
        values |= parse_yaml(f"{key}: {value}", COMMAND_LINE).plain()
    return values
