"""Repair of a folder of results: what is not in order is moved aside, so that a run makes it again."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from eelsunmix.configuration.places import unwritable_folder
from eelsunmix.errors import InputError, StoreError, UnreadableStoreError
from eelsunmix.recipes.verification import Verification, stores_below
from eelsunmix.sources import real_path
from eelsunmix.storage import read_page_manifest, verify
from eelsunmix.storage.drafts import is_abandoned, is_draft
from eelsunmix.storage.kept import is_kept, kept_stores, move_aside, settle
from eelsunmix.storage.locks import take_lock


def repair(results: Path, verification: Verification, *, locks: Path) -> Iterator[str]:
    """Move aside all that is not in order, and say what; nothing is deleted.

    Nothing is moved before all folders are known to be writable, and if one thing may not be renamed after
    all, the others get their places back. Every step is one change of a name, and what is
    still to be done is seen from what lies there; so a repair may be killed at any time and repeated.

    Parameters
    ----------
    results : Path
        Folder of results; ``reports`` lies beside it.
    verification : Verification
        What is held against it.
    locks : Path
        Where Snakemake keeps the locks of the working folder.

    Yields
    ------
    str
        One line about each thing that was not in order.

    Raises
    ------
    InputError
        If a run uses the results, or something that is to be moved cannot be: its folder cannot be written,
        or it may not be renamed itself.
    """
    take_lock(results)
    _refuse_unwritable(place for _, place in kept_stores(results))
    yield from _settled(results)
    stores = [store for store in stores_below(results) if not is_kept(store)]
    drafts = [store for store in stores if is_draft(store)]
    faulty: dict[Path, str] = {}
    for path, fault in _faults(verification, results, [store for store in stores if store not in drafts]):
        if path in verification.unreadable:
            yield f"{fault} (left where it is)"
        else:
            faulty[path] = fault
    of_samples = {real_path(path) for path in faulty}
    for path in [*faulty]:
        if gone := verification.source_gone(path, of_samples):
            yield f"{_without_advice(faulty.pop(path))} (left where it is: no run can make it without {gone})"
    with_pages = _with_their_pages(faulty, verification.pages_of(results))
    yield from _all_aside(_left_behind(locks, drafts) | with_pages, [])
    for draft in filter(os.path.lexists, drafts):
        yield f"{draft}: may be written by a job on another machine, or now (left where it is)"


def _left_behind(locks: Path, drafts: list[Path]) -> dict[Path, str]:
    """Whoever runs this workflow holds the lock of the results first, and that is ours now."""
    by_runs = {lock: f"{lock}: left by a run that was killed" for lock in sorted(locks.glob("*.lock"))}
    by_jobs = {draft: f"{draft}: left by a job that was killed" for draft in filter(is_abandoned, drafts)}
    return by_runs | by_jobs


def _all_aside(faults: dict[Path, str], moved: list[tuple[Path, Path]]) -> Iterator[str]:
    """Move all of them aside, or none; `moved` gains the old and the new name of each."""
    _refuse_unwritable(faults)
    for path, fault in faults.items():
        if not os.path.lexists(path):
            continue
        try:
            aside = move_aside(path)
        except PermissionError as error:  # of one entry in a folder that may be written
            yield from _put_back(moved)
            raise InputError(
                f"{path}: cannot be renamed; it is immutable (lsattr -d), or somebody else's in a folder "
                "with a sticky bit (ls -ld); ask its owner; nothing was moved"
            ) from error
        moved.append((path, aside))
        yield _moved(fault, aside)


def _put_back(moved: list[tuple[Path, Path]]) -> Iterator[str]:
    """Give what was moved aside its place back, unless something else has got that."""
    for old, new in reversed(moved):
        if not os.path.lexists(old):
            new.rename(old)
            yield f"{old}: put back"
    moved.clear()


def _refuse_unwritable(paths: Iterable[Path]) -> None:
    """Say what cannot be moved while everything is still in its place."""
    for path in paths:
        if why := unwritable_folder(path):
            raise InputError(why)


def _settled(results: Path) -> Iterator[str]:
    """Give kept stores their places back, or remove them; first clear damaged successors away."""
    moved: list[tuple[Path, Path]] = []
    yield from _all_aside(_damaged_successors(results), moved)
    try:
        yield from settle(results)
    except InputError:
        yield from _put_back(moved)
        raise


def _damaged_successors(results: Path) -> dict[Path, str]:
    """Say what is wrong with each store in the place of one that is kept until there is a whole one."""
    found: dict[Path, str] = {}
    for _, place in kept_stores(results):
        try:
            if os.path.lexists(place):
                verify(place)
        except UnreadableStoreError:
            continue
        except StoreError as error:
            found[place] = str(error)
    return found


def _faults(verification: Verification, results: Path, stores: list[Path]) -> Iterator[tuple[Path, str]]:
    looks: list[tuple[Callable[[Path], str | None], list[Path]]] = [
        (verification.of_store, stores),
        (verification.of_page, verification.pages_of(results)),
        (verification.of_page, verification.verdicts_of(results)),
    ]
    for look, paths in looks:
        yield from ((path, fault) for path in paths if (fault := look(path)))


def _with_their_pages(faulty: dict[Path, str], pages: list[Path]) -> dict[Path, str]:
    """Pages first: while a page is there, no run asks for the stores behind it."""
    with_stores = {
        page: faulty.get(page, f"{page}: shows stores that are made again")
        for page in pages
        if page in faulty or not faulty.keys().isdisjoint(_shown_by(page))
    }
    return with_stores | faulty


def _shown_by(page: Path) -> set[Path]:
    """Return the stores that a page was made of; none if it is not in order, and moved for itself."""
    try:
        names = read_page_manifest(page).inputs
    except StoreError:
        return set()
    return {Path(os.path.normpath(page.parent / name)) for name in names}


def _moved(fault: str, aside: Path) -> str:
    return f"{_without_advice(fault)}; moved to {aside}"


def _without_advice(fault: str) -> str:
    return fault.partition(";")[0]
