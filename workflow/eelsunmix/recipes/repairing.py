"""Repair of a folder of results: what is not in order is moved aside, so that a run makes it again."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from eelsunmix.errors import StoreError, UnreadableStoreError
from eelsunmix.recipes.verification import Verification, stores_below
from eelsunmix.storage import read_page_manifest, verify
from eelsunmix.storage.drafts import is_abandoned, is_draft
from eelsunmix.storage.kept import is_kept, kept_stores, move_aside, settle
from eelsunmix.storage.locks import take_lock


def repair(results: Path, verification: Verification, *, locks: Path) -> Iterator[str]:
    """Move aside all that is not in order, and say what; nothing is deleted.

    Every step is one change of a name, and what is still to be done is seen from what lies there; so a repair
    may be killed at any time and repeated.

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
        If a run uses the results.
    """
    take_lock(results)
    yield from _locks_aside(locks)
    yield from _damaged_successors_aside(results)
    yield from settle(results)
    stores = [store for store in stores_below(results) if not is_kept(store)]
    drafts = [store for store in stores if is_draft(store)]
    yield from _drafts_aside(drafts)
    faulty: dict[Path, str] = {}
    for path, fault in _faults(verification, results, [store for store in stores if store not in drafts]):
        if path in verification.unreadable:
            yield f"{fault} (left where it is)"
        else:
            faulty[path] = fault
    yield from _with_their_pages(faulty, verification.pages_of(results))


def _damaged_successors_aside(results: Path) -> Iterator[str]:
    """Clear the places of stores that are kept until there is a whole one, so that they get them back."""
    for _, place in kept_stores(results):
        try:
            if os.path.lexists(place):
                verify(place)
        except UnreadableStoreError:
            continue
        except StoreError as error:
            yield _moved(place, str(error))


def _faults(verification: Verification, results: Path, stores: list[Path]) -> Iterator[tuple[Path, str]]:
    looks: list[tuple[Callable[[Path], str | None], list[Path]]] = [
        (verification.of_store, stores),
        (verification.of_page, verification.pages_of(results)),
        (verification.of_page, verification.verdicts_of(results)),
    ]
    for look, paths in looks:
        yield from ((path, fault) for path in paths if (fault := look(path)))


def _with_their_pages(faulty: dict[Path, str], pages: list[Path]) -> Iterator[str]:
    """Pages first: while a page is there, no run asks for the stores behind it."""
    with_stores = {
        page: faulty.get(page, f"{page}: shows stores that are made again")
        for page in pages
        if page in faulty or not faulty.keys().isdisjoint(_shown_by(page))
    }
    for path, fault in (with_stores | faulty).items():
        if path.exists() or path.is_symlink():
            yield _moved(path, fault)


def _shown_by(page: Path) -> set[Path]:
    """Return the stores that a page was made of; none if it is not in order, and moved for itself."""
    try:
        names = read_page_manifest(page).inputs
    except StoreError:
        return set()
    return {Path(os.path.normpath(page.parent / name)) for name in names}


def _moved(path: Path, fault: str) -> str:
    return f"{fault.partition(';')[0]}; moved to {move_aside(path)}"


def _drafts_aside(drafts: list[Path]) -> Iterator[str]:
    for draft in drafts:
        if is_abandoned(draft):
            yield f"{draft}: left by a job that was killed; moved to {move_aside(draft)}"
        else:
            yield f"{draft}: may be written by a job on another machine, or now (left where it is)"


def _locks_aside(locks: Path) -> Iterator[str]:
    """Whoever runs this workflow holds the lock of the results first, and that is ours now."""
    for lock in sorted(locks.glob("*.lock")):
        yield f"{lock}: left by a run that was killed; moved to {move_aside(lock)}"
