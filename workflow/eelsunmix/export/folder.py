"""The folder of an export: written beside its place, sealed, and renamed; no file of the user is touched."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from eelsunmix.errors import InputError, StoreError, unwritable
from eelsunmix.storage import MANIFEST, seals, verify
from eelsunmix.storage.drafts import abandoned_drafts, draft_of, make_durable, written_beside
from eelsunmix.storage.manifest import manifest_of, read_manifest

KIND = "export"
"""What the manifest of an export says that it is."""
_ADVICE = "choose another folder with --to, or move it aside"


@contextmanager
def export_folder(target: Path, *, stores: Mapping[str, Path], settings: Mapping[str, Any]) -> Iterator[Path]:
    """Give a private folder, which becomes `target` at the end; an older export there is replaced.

    Parameters
    ----------
    target : Path
    stores : mapping of str to Path
        Stores that are read; their seals go into the manifest.
    settings : mapping
        What was asked for.

    Raises
    ------
    InputError
        If something else stands there, or an export to which a file was added or in which one was changed; if
        it cannot be written; if a store was exchanged while it was read. Nothing is left behind then.
    """
    _finish_killed(target)
    check_target(target)
    aside: Path | None = None
    try:
        # An older export stays in its place until the new one is whole.
        with written_beside(target, is_equal=lambda draft: draft is None) as draft:
            yield draft
            _seal(draft, target, stores, settings)
            aside = _moved_aside(target)
    except BaseException:
        if aside is not None and not target.exists():
            aside.rename(target)
        raise
    if aside is not None:
        shutil.rmtree(aside, ignore_errors=True)


def check_target(target: Path) -> None:
    """Refuse a target that is anything else than an untouched export, or an empty folder.

    Raises
    ------
    InputError
        With what stands there.
    """
    if target.parts and target.parts[0].startswith("~"):  # who tidies up would type rm -r ~
        raise InputError(f"{target}: ~ is not expanded; write the whole path")
    if target.is_symlink():
        raise InputError(f"{target}: is a link; name the folder itself with --to")
    if not target.exists():
        return
    if not target.is_dir():
        raise InputError(f"{target}: is a file; {_ADVICE}")
    if not any(_entries(target)):
        return
    if not is_export(target):
        raise InputError(f"{target}: holds files that are no export of eelsunmix; {_ADVICE}")
    try:
        verify(target)
    except StoreError as error:
        what = str(error).removeprefix(f"{target}: ").partition(";")[0]
        raise InputError(f"{target}: was changed since it was exported ({what}); {_ADVICE}") from error


def is_export(folder: Path) -> bool:
    """Whether a folder is an export, by its manifest."""
    if not (folder / MANIFEST).is_file():
        return False
    try:
        return read_manifest(folder).settings.get("kind") == KIND
    except StoreError:
        return False


def _entries(folder: Path) -> Iterator[Path]:
    try:
        yield from folder.iterdir()
    except OSError as error:
        raise unwritable(folder, error) from error


def _seal(draft: Path, target: Path, stores: Mapping[str, Path], settings: Mapping[str, Any]) -> None:
    now = seals(stores.values())  # once more: large maps were read until now
    inputs = {os.path.relpath(path, target.parent): seal for path, seal in now.items()}
    manifest = manifest_of(draft, inputs=inputs, settings={"kind": KIND, **settings})
    (draft / MANIFEST).write_bytes(manifest.to_json())
    make_durable(draft)


def _finish_killed(target: Path) -> None:
    """Put the newest whole export in its place, if an export was killed between the two renames.

    Before anything is written: that removes abandoned drafts, and may fail itself.
    """
    if os.path.lexists(target):
        return
    whole = [draft for draft in abandoned_drafts(target) if is_export(draft) and _is_whole(draft)]
    if whole:
        newest = max(whole, key=_sealing_time)
        with suppress(OSError):  # another export was faster, or the folder cannot be written: it will be said
            newest.rename(target)


def _sealing_time(draft: Path) -> int:
    return (draft / MANIFEST).stat().st_mtime_ns


def _is_whole(draft: Path) -> bool:
    try:
        verify(draft)
    except StoreError:  # its removal was begun
        return False
    return True


def _moved_aside(target: Path) -> Path | None:
    if not target.exists():
        return None
    check_target(target)  # it may have been changed in the meantime
    # Named as a draft is: if this process is killed right now, the next export puts one of the two in place.
    aside = draft_of(target)
    try:
        target.rename(aside)
    except FileNotFoundError:  # another export to this place was faster
        return None
    return aside
