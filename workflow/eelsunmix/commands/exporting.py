"""`eelsunmix export`, and the check of what was exported."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from eelsunmix.errors import InputError, StoreError, names_in_brief
from eelsunmix.execution.stopping import stopping_in_order
from eelsunmix.execution.unused_libraries import leave_out_unused_libraries
from eelsunmix.exit_codes import FAILED, MISTAKEN
from eelsunmix.export.exporting import README, export_sample
from eelsunmix.export.publication.archive import verify_archive
from eelsunmix.proposal.drawing import is_windows_page
from eelsunmix.recipes.other_code import of_other_code
from eelsunmix.recipes.verification import stores_below
from eelsunmix.recipes.words import OTHER_CODE
from eelsunmix.storage import MANIFEST, Manifest, read_manifest, verify, verify_page
from eelsunmix.terminal import say
from eelsunmix.words import numbered


def export(name: str, formats: Sequence[str], *, to: Path | None, publication: bool) -> str:
    """Export a sample and say where it lies."""
    leave_out_unused_libraries()
    with stopping_in_order():
        folder = export_sample(name, formats, to=to, publication=publication)
        if line := _of_other_code(folder):
            say(line, err=True)
    files = [path for path in folder.rglob("*") if path.is_file()]
    said = [f"wrote {len(files)} files to {folder}; begin with {folder / README}"]
    if publication:
        archive = next(folder.glob("*_publication.zip"))
        said += [f"for a publication: {archive}; check it anywhere with: eelsunmix verify {archive}"]
    return "\n".join(said)


def _of_other_code(folder: Path) -> str | None:
    """Say which stores of an export another version of the code has made; None if none of them."""
    stores = [Path(os.path.normpath(folder.parent / one)) for one in read_manifest(folder).inputs]
    try:
        found = of_other_code(stores)
    except StoreError:  # a run or a repair has moved one aside since it was exported
        return None
    if not found:
        return None
    return (
        f"{names_in_brief([str(store) for store in found], most=3)}: {OTHER_CODE}; "
        "exported as they are; eelsunmix run makes them again"
    )


def is_exported(path: Path) -> bool:
    """Whether a path is an export: a zip, or a folder with a manifest that is no store; a page counts too."""
    return path.is_file() or ((path / MANIFEST).is_file() and path.suffix != ".zarr")


def exports_in(folder: Path) -> list[Path]:
    """Return the exports that lie in a folder that is none itself."""
    if not folder.is_dir() or folder.suffix == ".zarr":
        return []
    return [path for path in sorted(folder.iterdir()) if path.is_dir() and is_exported(path)]


def holds_only_exports(path: Path) -> bool:
    """Whether a path is a zip or page, or a folder without stores."""
    return path.is_file() or not any(stores_below(path))


def verify_exports(paths: Iterable[Path]) -> int:
    """Verify every byte of exports and pages, one line for each; return the exit code."""
    failed = 0
    for path in paths:
        try:
            say(f"{path}: {numbered(len(_manifest(path).files), 'file')}, all in order")
        except StoreError as error:
            say(error, err=True)
            failed = FAILED
        except InputError as error:
            say(error, err=True)
            failed = failed or MISTAKEN
    return failed


def _manifest(path: Path) -> Manifest:
    if path.is_file() and path.suffix == ".html":
        if is_windows_page(path):
            raise InputError(f"{path}: the windows that `eelsunmix new` has drawn; such a page has no seal")
        return verify_page(path)
    if path.is_file():
        return verify_archive(path)
    try:
        return verify(path)
    except StoreError as error:
        raise StoreError(f"{str(error).rpartition(';')[0]}; export it again") from error
