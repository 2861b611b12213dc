"""Verify all stores below some folders: ``python -m eelsunmix.storage results``."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from eelsunmix.errors import StoreError
from eelsunmix.storage.drafts import is_draft
from eelsunmix.storage.manifest import check_sources, verify


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify all stores below some folders; one line for each that is damaged or out of date."""
    parser = argparse.ArgumentParser(
        prog="python -m eelsunmix.storage",
        description="Verify every byte of all stores below the folders.",
    )
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="for example: results")
    folders = parser.parse_args(arguments).folders
    for folder in folders:
        if not folder.is_dir():
            parser.error(f"{folder}: no such folder")
    found = [store for folder in folders for store in stores_below(folder)]
    faults = [fault for store in found if (fault := _fault(store))]
    for line in faults:
        sys.stderr.write(f"{line}\n")
    sys.stdout.write(f"{len(found)} stores, {len(faults)} of them not in order\n")
    return 1 if faults or not found else 0


def stores_below(folder: Path) -> Iterator[Path]:
    """Yield all stores below a folder, or the folder itself if it is one.

    Drafts too, and whatever else has the name of a store.
    """
    if folder.suffix == ".zarr" or is_draft(folder):
        yield folder
        return
    for entry in sorted(folder.iterdir()):
        if entry.suffix == ".zarr" or (entry.is_dir() and not entry.is_symlink()):
            yield from stores_below(entry)


def _fault(store: Path) -> str | None:
    if is_draft(store):
        return f"{store}: left by a job that was killed, unless it runs now; delete it then"
    try:
        check_sources(store, verify(store))
    except StoreError as error:
        return str(error)
    return None


if __name__ == "__main__":
    sys.exit(main())
