"""Verify all stores below some folders: ``python -m eelsunmix.storage results``."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import zarr

from eelsunmix.errors import StoreError
from eelsunmix.sources import checksum
from eelsunmix.storage.drafts import is_draft
from eelsunmix.storage.manifest import check_sources, verify


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify all stores below some folders; one line for each that is damaged or out of date."""
    parser = argparse.ArgumentParser(
        prog="python -m eelsunmix.storage",
        description="Verify every byte of all stores below the folders.",
    )
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="for example: results")
    parser.add_argument(
        "--sources",
        action="store_true",
        help="compare every byte of the imported files too; run it where snakemake runs",
    )
    options = parser.parse_args(arguments)
    folders = options.folders
    for folder in folders:
        if not folder.is_dir():
            parser.error(f"{folder}: no such folder")
    found = [store for folder in folders for store in stores_below(folder)]
    faults = [fault for store in found if (fault := _fault(store, options.sources))]
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


def _fault(store: Path, with_source: bool) -> str | None:
    if is_draft(store):
        return (
            f"{store}: left by a job that was killed, unless it runs now; "
            "the next job that writes the store removes it"
        )
    try:
        check_sources(store, verify(store))
        if with_source:
            _check_file(store)
    except StoreError as error:
        return str(error)
    return None


def _check_file(store: Path) -> None:
    """Raise StoreError if a store was imported from a file that is another one today."""
    source = zarr.open_group(store, mode="r").attrs.get("source")
    if not isinstance(source, dict) or not isinstance(file := source.get("file"), str):
        return  # simulated, or made of other stores
    if not Path(file).exists():
        raise StoreError(f"{store}: {file}, from which it was imported, is no longer there")
    if checksum(Path(file))[0] != source.get("sha256"):
        raise StoreError(
            f"{store}: {file} differs from what was imported (its SHA-256 is another); "
            "put the original back, or move this folder aside and run the workflow again"
        )


if __name__ == "__main__":
    sys.exit(main())
