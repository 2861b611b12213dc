"""Files and command line -> one tree of values."""

import json
import os
import shlex
import stat
from collections.abc import Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import Any

import yaml

from eelsunmix.configuration.nodes import Node, merged, node_of
from eelsunmix.configuration.problems import ConfigurationError, Problem
from eelsunmix.configuration.strict_yaml import parse_yaml
from eelsunmix.errors import suggestion
from eelsunmix.io.formats import format_of

COMMAND_LINE = "--config"
SUFFIXES = (".yaml", ".yml")
"""Of the names of configurations."""
SAVE, NO_TEXT = "save the file as UTF-8", "it is no text: an image stands under samples: NAME: {file: ...}"
MAX_BYTES = 2_000_000


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


def read_leniently(paths: Sequence[Path], overrides: Mapping[str, Any]) -> Any:
    """Read the files as Snakemake does by itself: JSON or YAML 1.1, of keys written twice the last one.

    Returns
    -------
    object
        Plain values; None where it cannot be done.
    """
    try:
        trees = [node_of(_lenient(path.read_text("utf-8")), str(path)) for path in paths]
    except (OSError, ValueError, yaml.YAMLError, RecursionError):
        return None
    return reduce(merged, [*trees, node_of(overrides, COMMAND_LINE)]).plain()


def _lenient(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return yaml.safe_load(text)


def short_path(path: Path | str) -> Path:
    """Return the path as seen from here, where that is shorter; Snakemake makes all paths absolute."""
    here = Path.cwd()
    return Path(path).relative_to(here) if Path(path).is_relative_to(here) else Path(path)


def read_yaml(path: Path) -> Node:
    """Read one YAML file.

    Parameters
    ----------
    path : Path
        A file in UTF-8.

    Returns
    -------
    Node
        A mapping.

    Raises
    ------
    ConfigurationError
        If the file is missing, an image or not YAML, or holds what a configuration must not hold; names the
        lines.
    """
    if fault := _is_none(path):
        raise ConfigurationError([Problem(str(path), fault)])
    return parse_yaml(read_text(path), str(path))


def _is_none(path: Path) -> str | None:
    """Say what stands in the place of a configuration; None if it may be one."""
    if not os.path.lexists(path):
        there = [one.name for one in configurations_in(path.parent)]
        advice = suggestion(f"{path.stem}.yaml", there) if there else "eelsunmix new writes one"
        return f"no such file; {advice}"
    if (path / "manifest.json").is_file():
        return "is a result of eelsunmix; name a configuration, a file that ends in .yaml"
    if format_of(path):
        command = f"eelsunmix new {shlex.quote(str(path))}"
        return f"is an image; name a configuration, such as {command} writes"
    return "is a folder; name a configuration, a file that ends in .yaml" if path.is_dir() else None


def configurations_in(folder: Path) -> list[Path]:
    """Return what has the name of a configuration in a folder; those with a dot first are of other tools."""
    return sorted(path for path in folder.glob("[!.]*") if path.suffix.lower() in SUFFIXES)


def read_text(path: Path) -> str:
    """Read a text file in UTF-8, with or without byte order mark."""
    try:
        if (fault := _fault(path.stat())) and not path.is_dir():
            raise ConfigurationError([Problem(str(path), fault)])
        data = path.read_bytes()
    except ConfigurationError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigurationError([Problem(str(path), f"cannot be read: {reason}")]) from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        message = f"byte {data[error.start]:#04x} is not UTF-8; {NO_TEXT if _is_binary(data) else SAVE}"
        raise ConfigurationError([Problem(str(path), message, line)]) from error


def _is_binary(data: bytes) -> bool:
    """Whether a file has a byte that text has in no encoding of 8 bits, and does not begin as UTF-16."""
    return b"\0" in data[:4096] and not data.startswith((b"\xff\xfe", b"\xfe\xff"))


def _fault(state: os.stat_result) -> str | None:
    """Say why a file is not even opened."""
    if not stat.S_ISREG(state.st_mode):
        return "is no plain file, and reading from it might never end"
    return f"more than {MAX_BYTES} bytes: not a configuration" if state.st_size > MAX_BYTES else None
