"""A profile of Snakemake: what it asks of SLURM, and a copy of it with the keys of a site."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from eelsunmix.errors import InputError


@dataclass(frozen=True)
class Profile:
    """What a profile says.

    Parameters
    ----------
    path : Path
        Its file.
    text : str
    keys : mapping
        Options of Snakemake by their names.
    """

    path: Path
    text: str
    keys: Mapping[str, Any]

    @property
    def is_of_slurm(self) -> bool:
        """Whether its jobs become jobs of SLURM."""
        return self.keys.get("executor") == "slurm"

    @property
    def defaults(self) -> dict[str, Any]:
        """Resources of every job."""
        return _resources(self.keys.get("default-resources"))

    @property
    def of_rules(self) -> list[dict[str, Any]]:
        """Resources of each rule that has others."""
        rules = self.keys.get("set-resources")
        others = rules.values() if isinstance(rules, Mapping) else []
        return [{**self.defaults, **_resources(one)} for one in others]


def read_profile(folder: str) -> Profile:
    """Read the profile in a folder.

    Raises
    ------
    InputError
        If there is none, or it cannot be read.
    """
    path = next(iter(sorted(Path(folder).glob("config*.yaml"))), Path(folder) / "config.yaml")
    if path.exists() and not path.is_file():
        raise InputError(f"{path}: is no plain file, and reading from it might never end; name a profile")
    try:
        text = path.read_text(encoding="utf-8")
        # A few lines of aliases can stand for more values than any memory holds.
        aliases = any(isinstance(one, yaml.AliasEvent) for one in yaml.parse(text, Loader=yaml.SafeLoader))
        keys = {} if aliases else yaml.safe_load(text) or {}
        str(keys).encode("utf-8")  # half of a letter can be written as an escape, and be told to no command
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}); name the folder of a profile"
        ) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # a date that is none is a ValueError
        raise InputError(f"{path}: is no YAML ({' '.join(str(error).split())}); mend it there") from error
    if aliases:
        raise InputError(f"{path}: an alias (*name) is not read here; write what it stands for")
    if not isinstance(keys, dict):
        raise InputError(f"{path}: holds no keys; a profile has one option of Snakemake in each line")
    return Profile(path, text, keys)


def _resources(written: Any) -> dict[str, Any]:
    """Read resources, which may be a mapping, or one or a list of ``name=value``."""
    if isinstance(written, Mapping):
        return dict(written)
    listed = written if isinstance(written, list) else [written]
    return dict(str(one).split("=", 1) for one in listed if "=" in str(one))


def with_keys(profile: Profile, keys: Mapping[str, Any], resources: Mapping[str, Any]) -> str:
    """Return the text of a profile with keys of a site in it; its other lines and comments stay.

    Parameters
    ----------
    profile : Profile
    keys : mapping
        Options of Snakemake.
    resources : mapping
        Resources of every job.

    Raises
    ------
    InputError
        If the profile is written in a way that leaves no place for them.
    """
    lines = [*_without(profile.text, keys), *(f"{name}: {_scalar(value)}" for name, value in keys.items())]
    text = "\n".join([*_with_resources(lines, resources), ""])
    if not _says(text, {**profile.keys, **keys}, {**profile.defaults, **resources}):
        wanted = [*keys.items(), *resources.items()]
        listed = ", ".join(f"{name}: {_scalar(value)}" for name, value in wanted)
        raise InputError(f"{profile.path}: has no place for keys; write them by hand: {listed}")
    return text


def _without(text: str, keys: Iterable[str]) -> list[str]:
    """Lines without those of some keys: a key that is commented out, or one with all lines of its value."""
    names = "|".join(map(re.escape, keys)) or "(?!)"
    written = rf"^(?:#\s*(?:{names})\s*:.*|(?:{names})\s*:.*(?:\n[ \t]+\S.*)*)(?:\n|\Z)"
    return re.sub(written, "", text, flags=re.MULTILINE).splitlines()


def _with_resources(lines: list[str], resources: Mapping[str, Any]) -> list[str]:
    """Put resources first below ``default-resources``, in the place of those that are there."""
    heads = [number for number, line in enumerate(lines) if line.rstrip().startswith("default-resources:")]
    if not heads:
        lines, heads = [*lines, "default-resources:"], [len(lines)]
    start = heads[0] + 1
    end = next((n for n in range(start, len(lines)) if re.match(r"[^\s#-]", lines[n])), len(lines))
    block, names = lines[start:end], "|".join(map(re.escape, resources))
    listed = any(re.match(r"\s*- ", line) for line in block)
    indent = next((re.match(r"\s*", line)[0] for line in block if line.strip()), "  ")  # type: ignore[index]
    block = [line for line in block if not (names and re.match(rf"\s*(- )?[\"']?({names})\s*[:=]", line))]
    new = [
        f"- {name}={value}" if listed else f"{name}: {_scalar(value)}" for name, value in resources.items()
    ]
    return [*lines[:start], *(indent + line for line in new), *block, *lines[end:]]


def _says(text: str, keys: Mapping[str, Any], resources: Mapping[str, Any]) -> bool:
    """Whether a profile has these options, these resources of every job, and nothing else."""
    wanted = {name: value for name, value in keys.items() if name != "default-resources"}
    try:
        found = yaml.safe_load(text)
        as_text = {
            name: str(value) for name, value in _resources(found.pop("default-resources", None)).items()
        }
        return found == wanted and as_text == {name: str(value) for name, value in resources.items()}
    except (yaml.YAMLError, ValueError, RecursionError):  # the last of a list that holds itself
        return False


def _scalar(value: Any) -> str:
    return yaml.safe_dump(value).removesuffix("\n").removesuffix("\n...")
