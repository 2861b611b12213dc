"""Stores that cannot be made again once the user's files are gone: kept until their successors are there.

Snakemake deletes what stands at the path of an output before the job begins. A job that reads the user's
files may fail, because they were damaged or taken away since. So the store that is there gets a private name
beside its place for the time of the run, and its place back if the run leaves that empty, however it ends.
"""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from eelsunmix.errors import StoreError, unwritable
from eelsunmix.storage.drafts import draft_of
from eelsunmix.storage.manifest import verify

_END = ".kept"


def is_aside(path: Path) -> bool:
    """Whether a folder or file was moved aside, for the user to look at or to remove."""
    return re.fullmatch(r"\.aside\d+", path.suffix) is not None


def move_aside(path: Path) -> Path:
    """Give what stands at a path another name beside it, and return that; nothing is ever written over."""
    name = path.name.removeprefix(".")
    number = next(i for i in range(1, 10**6) if not os.path.lexists(path.with_name(f"{name}.aside{i}")))
    return path.rename(path.with_name(f"{name}.aside{number}"))


def is_kept(path: Path) -> bool:
    """Whether a folder is a store that is kept while it is made again."""
    return path.name.startswith(".") and path.name.endswith(f".zarr{_END}")


def kept_stores(results: Path) -> list[tuple[Path, Path]]:
    """Return the stores in a folder of results that are kept, each with the place that it had."""
    found = filter(is_kept, sorted(results.glob(f"*/.*{_END}")))
    return [(kept, kept.with_name(kept.name.removeprefix(".").removesuffix(_END))) for kept in found]


def keep(path: Path) -> None:
    """Give a store its private name; whoever holds the lock of the results may.

    Raises
    ------
    InputError
        If its folder cannot be written.
    """
    kept = path.with_name(f".{path.name}{_END}")
    if os.path.lexists(path) and not os.path.lexists(kept):
        _rename(path, kept)


def settle(results: Path) -> Iterator[str]:
    """End what `keep` began, in this run or in one that was killed, and say what was put back.

    A kept store goes once its successor is there and whole. While its place is empty, it gets that back.
    Where something else stands there, both stay.

    Parameters
    ----------
    results : Path
        Folder of results, whose lock this process holds.

    Raises
    ------
    InputError
        If a folder cannot be written.
    """
    for kept, path in kept_stores(results):
        if not os.path.lexists(path):
            _rename(kept, path)
            yield f"{path}: was not made again; what was there before is put back"
        elif _is_whole(path):
            _discard(kept, path)
        else:
            yield f"{path}: is no whole store; what was there before is kept as {kept}"


def _rename(path: Path, new: Path) -> None:
    try:
        path.rename(new)
    except OSError as error:
        raise unwritable(new, error) from error


def _is_whole(path: Path) -> bool:
    """Every byte: what is discarded for it may be the only copy of the counts."""
    try:
        verify(path)
    except StoreError:
        return False
    return True


def _discard(kept: Path, path: Path) -> None:
    """Remove a kept store under the name of a draft: one of which a part is gone must not be put back."""
    rest = draft_of(path)
    _rename(kept, rest)
    if rest.is_dir() and not rest.is_symlink():
        shutil.rmtree(rest, ignore_errors=True)  # what is left of it, the next job of this store removes
    else:
        rest.unlink(missing_ok=True)
