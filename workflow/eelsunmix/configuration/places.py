"""Where a run writes and deletes: what must not lie there, and which sources must lie elsewhere."""

import errno
import os
import stat
import tempfile
import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from eelsunmix.errors import REMEDIES, InputError
from eelsunmix.sources import real_path

WRITTEN = (".", ".snakemake", "results", "reports")
"""Folders, seen from where Snakemake runs, in which a run writes."""
_OWN = WRITTEN[1:]
_RECORDS = Path(".snakemake/metadata")
_PLAIN = ("logs", "benchmarks")
_FILES = {".html": "page", ".json": "verdict"}
_MANIFEST, _TIMESTAMP = "manifest.json", ".snakemake_timestamp"

_NOT_OURS = (
    f"has no {_MANIFEST}, so it was not made by this workflow or is damaged, and a run would remove it"
)

LARGEST_LEAD = 60.0
"""Seconds by which clocks of one network may differ."""


def check_folders() -> None:
    """Raise InputError before any work if the results could not be written."""
    for folder in map(Path, WRITTEN):
        if os.path.lexists(folder) and not folder.is_dir():
            raise InputError(
                f"{folder.absolute()}: is no folder, and a run writes there; move it aside, or run elsewhere"
            )
        if folder.exists() and (why := _why_not_written(folder)):
            raise InputError(f"{folder.absolute()}: cannot be written, {why}; run in your own folder")


def refuse_storage(provider: str | None) -> None:
    """Raise InputError where results would go to a storage of Snakemake's plugins.

    Jobs know their stores by their places, and seal and verify them there. A plugin gives each job
    copies at other places.

    Parameters
    ----------
    provider : str or None
        Name of the plugin, as in ``default-storage-provider``.
    """
    if provider:
        raise InputError(
            f"default-storage-provider {provider}: results are sealed where they are written, so they need a "
            "folder, local or shared; leave the key out, and copy results/ and reports/ to the storage "
            "afterwards: seals are checked wherever they are opened"
        )


def endangered(path: Path) -> str | None:
    """Say why a source must not lie where it does; None where it may.

    Snakemake deletes what stands at the path of an output, so nothing that is read may lie where results do,
    neither by its name nor by what its links lead to.

    Parameters
    ----------
    path : Path
        File or folder that is read, relative to where Snakemake runs.
    """
    # The name as written counts too, with links of its folders followed, but not its own.
    places = {real_path(path), path.absolute(), real_path(path.parent) / path.name}
    for name in _OWN:
        own = {Path(name).absolute(), real_path(Path(name))}
        if any(_inside(folder, place) and not _inside(place, folder) for place in places for folder in own):
            return "is a folder that holds the results of a run, not an image; write the path of the image"
        if any(_inside(place, folder) for place in places for folder in own):
            return (
                f"lies in the folder {name}, where a run writes and deletes; move it to a folder of its own, "
                "for example data"
            )
    return None


def unwritable_folder(path: Path) -> str | None:
    """Say in one line why a result cannot be written at a path; None if it can be tried."""
    folder = next(parent for parent in path.parents if os.path.lexists(parent))
    if not folder.is_dir():
        return f"{folder}: cannot be written, a file stands where a folder is needed; move it aside"
    if why := _why_not_written(folder):
        return f"{folder.absolute()}: cannot be written, {why}; ask its owner, or run in your own folder"
    return None


def _why_not_written(folder: Path) -> str | None:
    """Say what the system says to a file in a folder that is not to be written to; None if it is."""
    if os.access(folder, os.W_OK | os.X_OK):
        return None
    try:
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as error:
        return REMEDIES.get(error.errno or 0, (error.strerror,))[0]


def check_results(names: Iterable[str]) -> None:
    """Refuse to start over what is not ours in the folders of results and records, or bears a time to come.

    Parameters
    ----------
    names : iterable of str
        Folders below ``results``: the samples, and ``benchmark``.

    Raises
    ------
    InputError
        At the first fault, with what to do.
    """
    try:
        _check_records()
        for path, fault in _faults(names, time.time() + LARGEST_LEAD):
            raise InputError(f"{path}: {fault}")
    except OSError as error:
        raise InputError(f"{error.filename}: cannot be looked at ({error.strerror}); check it") from error


def _check_records() -> None:
    """Refuse records of Snakemake that another user has left: they alone may read them."""
    if not all(os.access(path, needed) for path, needed in _records()):
        raise InputError(
            f"{_RECORDS.parent.absolute()}: has records of a run of another user, who alone may read them; "
            "move this folder aside, which loses no result, or run in your own folder"
        )


def _records() -> Iterator[tuple[str, int]]:
    """Yield each folder of records before it is entered, and each record; and how they are to be open."""
    if not os.path.lexists(_RECORDS):
        return
    yield str(_RECORDS), os.R_OK | os.X_OK
    for folder, folders, names in os.walk(_RECORDS, onerror=_reraised):
        for needed, entries in ((os.R_OK | os.X_OK, folders), (os.R_OK, names)):
            yield from ((os.path.join(folder, name), needed) for name in entries)  # noqa: PTH118 - quicker


def _reraised(error: OSError) -> None:
    if error.errno != errno.ENOENT:  # removed meanwhile
        raise error


def _faults(names: Iterable[str], latest: float) -> Iterator[tuple[Path, str]]:
    for name in names:
        files = (Path("reports") / f"{name}.html", Path("results") / name / "verdict.json")
        for path in (*_entries(Path("results") / name), *filter(os.path.lexists, files)):
            if fault := _foreign(path) or _in_future(path, latest):
                yield path, fault


def _inside(path: Path, folder: Path) -> bool:
    """Whether a path lies in a folder, or is it, whatever names lead there."""
    if path.is_relative_to(folder):
        return True
    return any(_same(parent, folder) for parent in (path, *path.parents))


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def _entries(folder: Path) -> Iterator[Path]:
    """Yield stores, logs and records below a folder of results; stores are not entered."""
    if not folder.is_dir():
        return
    for entry in sorted(folder.glob("[!.]*")):  # drafts have names that begin with a dot
        if entry.suffix == ".zarr" or folder.name in _PLAIN or entry.name in _PLAIN:
            yield entry
        if entry.is_dir() and not entry.suffix.startswith((".zarr", ".aside")) and not entry.is_symlink():
            yield from _entries(entry)


def _foreign(path: Path) -> str | None:
    if path.suffix == ".zarr":
        ours = (path / _MANIFEST).is_file() or _is_broken_link(path)
        return None if ours else f"{_NOT_OURS}; move it aside"
    if path.suffix in _FILES and path.is_dir():
        return f"is a folder, and a run would write a {_FILES[path.suffix]} there; move it aside"
    if path.is_symlink():
        return "is a link, and a run would write to where it leads; move it aside"
    if path.name not in _PLAIN and not stat.S_ISREG(path.stat().st_mode) and not path.is_dir():
        return "is no plain file, and a run would write to it; move it aside"
    return None


def _is_broken_link(path: Path) -> bool:
    return path.is_symlink() and not path.exists()


def _in_future(path: Path, latest: float) -> str | None:
    """Say that a store or page is later than now; what is made of it would seem older."""
    if path.suffix not in (".zarr", *_FILES):
        return None
    stamp = path / _TIMESTAMP
    try:
        changed = (stamp if stamp.is_file() else path).stat().st_mtime
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return None
        raise
    if changed <= latest:
        return None
    folders = " ".join(f"{name}/" for name in ("results", "reports") if Path(name).is_dir())
    # One time for all: what is touched earlier would seem older than what it was made of, and be made again.
    now = datetime.now().isoformat(timespec="seconds")
    return (
        f"bears the time {datetime.fromtimestamp(changed):%Y-%m-%d %H:%M:%S}, which is still to come; "
        f"if the clock of this machine is right: find {folders} -newermt now -exec touch -d {now} {{}} +"
    )
