"""Example data: public files that are found on this machine or downloaded, checked, and never committed.

``python -m eelsunmix.examples [names...]`` fetches them into ``data/examples``;
with ``--for my.yaml``, those that a configuration names.
"""

import argparse
import functools
import hashlib
import json
import logging
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from eelsunmix.errors import InputError

FOLDER_VARIABLE = "EELSUNMIX_DATA"
DIRECTORY = Path("data/examples")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Example:
    """One public file.

    Parameters
    ----------
    name : str
        Name here, as a path relative to the folder of examples.
    url : str
        The raw file in a public repository, at a fixed commit.
    sha256, licence, description : str
        Checksum of the file; its licence; what it shows.
    size_bytes : int
        Size of the file.
    """

    name: str
    url: str
    sha256: str
    size_bytes: int
    licence: str
    description: str


@functools.cache
def registry() -> dict[str, Example]:
    """Return all examples by name.

    Examples
    --------
    >>> registry()["STO-LMO_EELS_SI.dm3"].licence
    'MIT'
    """
    text = resources.files("eelsunmix").joinpath("examples.json").read_text()
    return {name: Example(name=name, **entry) for name, entry in json.loads(text).items()}


def example(name: str) -> Example:
    """Return an example by name; raise InputError, with the known names, for another."""
    if name not in registry():
        raise InputError(f"example {name!r} is not known; known are {', '.join(registry())}")
    return registry()[name]


def find_example(name: str, directory: str | Path = DIRECTORY) -> Path | None:
    """Return where an example lies on this machine, checksum verified, without network.

    Parameters
    ----------
    name : str
        Name in the registry.
    directory : str or Path
        Folder of downloads, tried after the folder named by the environment variable EELSUNMIX_DATA.

    Returns
    -------
    Path or None
        None where it is in neither folder, or only with another content.

    Raises
    ------
    InputError
        If the name is not in the registry.
    """
    entry = example(name)
    folders = [Path(folder) for folder in (os.environ.get(FOLDER_VARIABLE), directory) if folder]
    for path in (folder / name for folder in folders):
        if path.is_file():
            if _sha256(path) == entry.sha256:
                return path
            logger.warning("%s: not the registered file (its SHA-256 differs); it is ignored", path)
    return None


def fetch_example(name: str, directory: str | Path = DIRECTORY) -> Path:
    """Return where an example lies, after downloading it if it is not on this machine.

    Parameters
    ----------
    name, directory
        As for `find_example`; downloads go to `directory`.

    Raises
    ------
    InputError
        If the name is unknown, or the file can neither be found nor downloaded, or has another checksum.
    """
    entry = example(name)
    return find_example(name, directory) or _download(entry, Path(directory))


def _download(entry: Example, directory: Path) -> Path:
    import pooch
    import requests

    target = directory / entry.name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        pooch.retrieve(
            entry.url,
            known_hash=f"sha256:{entry.sha256}",
            path=target.parent,
            fname=target.name,
            downloader=pooch.HTTPDownloader(timeout=30),
        )
    except (requests.RequestException, OSError, ValueError) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:160]
        if isinstance(error, requests.ConnectionError):
            reason = f"no connection to {entry.url.split('/')[2]}"
        raise InputError(
            f"example {entry.name}: cannot be fetched from {entry.url} ({reason}); download it yourself and "
            f"name its folder in {FOLDER_VARIABLE}"
        ) from error
    return target


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def report(name: str, directory: Path) -> str:
    """Fetch one example and say in one line what came of it."""
    found = find_example(name, directory)
    if found is not None:
        return f"{name}: found in {found.parent}"
    try:
        return f"{name}: fetched to {fetch_example(name, directory)}"
    except InputError as error:
        why = str(error).removeprefix(f"example {name}: ")
        return f"{name}: not available, samples that need it will be skipped: {why}"


def named_in(configuration: Path) -> list[str]:
    """Return the known examples that a configuration names; its check says what else is wrong there."""
    text = re.sub(r"(?m)(^|\s)#.*$", "", configuration.read_text(encoding="utf-8"))
    found = dict.fromkeys(re.findall(r"example:([^\s\"',}\]]+)", text))
    return [name for name in found if name in registry()]


def main(arguments: Sequence[str] | None = None) -> int:
    """Fetch the examples named on the command line, all by default; a missing network is no failure."""
    parser = argparse.ArgumentParser(prog="python -m eelsunmix.examples", description="Fetch example data.")
    parser.add_argument("names", nargs="*", metavar="name", help=f"one of {', '.join(registry())}")
    parser.add_argument("--for", type=Path, dest="configuration", metavar="FILE", help="those that it names")
    parser.add_argument("--directory", type=Path, default=DIRECTORY, help="folder of downloads")
    chosen = parser.parse_args(arguments)
    if chosen.configuration is not None:
        if not chosen.configuration.is_file():
            parser.error(f"{chosen.configuration}: no such file")
        chosen.names += named_in(chosen.configuration)
    unknown = sorted(set(chosen.names) - set(registry()))
    if unknown:
        parser.error(f"unknown example {unknown[0]!r}; known are {', '.join(registry())}")
    for name in chosen.names if chosen.configuration else chosen.names or registry():
        sys.stdout.write(report(name, chosen.directory) + "\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
