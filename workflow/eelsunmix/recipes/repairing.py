"""Repair of a folder of results: what is not in order is moved aside, so that a run makes it again."""

from collections.abc import Callable, Iterator
from pathlib import Path

from eelsunmix.recipes.verification import Verification, stores_below
from eelsunmix.storage.drafts import is_abandoned, is_draft
from eelsunmix.storage.kept import is_kept, move_aside, settle
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
    yield from settle(results)
    yield from _locks_aside(locks)
    stores = [store for store in stores_below(results) if not is_kept(store)]
    drafts = [store for store in stores if is_draft(store)]
    yield from _drafts_aside(drafts)
    faulty: dict[Path, str] = {}
    for path, fault in _faults(verification, results, [store for store in stores if store not in drafts]):
        if path in verification.unreadable:
            yield f"{fault} (left where it is)"
        else:
            faulty[path] = fault
    yield from _with_their_pages(faulty, results)


def _faults(verification: Verification, results: Path, stores: list[Path]) -> Iterator[tuple[Path, str]]:
    looks: list[tuple[Callable[[Path], str | None], list[Path]]] = [
        (verification.of_store, stores),
        (verification.of_page, verification.pages_of(results)),
        (verification.of_page, verification.verdicts_of(results)),
    ]
    for look, paths in looks:
        yield from ((path, fault) for path in paths if (fault := look(path)))


def _with_their_pages(faulty: dict[Path, str], results: Path) -> Iterator[str]:
    """Pages first: while a page is there, no run asks for the stores behind it."""
    pages = {path: fault for path, fault in faulty.items() if path.suffix == ".html"}
    for store in (path for path in faulty if path.suffix == ".zarr"):
        page = results.parent / "reports" / f"{store.relative_to(results).parts[0]}.html"
        if page.is_file():
            pages.setdefault(page, f"{page}: shows stores that are made again")
    for path, fault in {**dict(sorted(pages.items())), **faulty}.items():
        if path.exists() or path.is_symlink():
            yield f"{fault.partition(';')[0]}; moved to {move_aside(path)}"


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
