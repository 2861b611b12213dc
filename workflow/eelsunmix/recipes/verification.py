"""Everything that lies among the results, held against its seal and against the configuration."""

import os
from collections.abc import Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import Any

import zarr

from eelsunmix.configuration import SampleSettings, available_samples, read_configuration
from eelsunmix.configuration.documents import configurations_in
from eelsunmix.errors import StoreError, UnreadableStoreError
from eelsunmix.recipes.asked import Recipes
from eelsunmix.recipes.present import Present
from eelsunmix.recipes.table import INDEX, VERDICT, Product
from eelsunmix.sources import checksum, real_path
from eelsunmix.storage import Manifest, check_sources, is_a_page, read_record, verify, verify_page
from eelsunmix.storage.drafts import is_abandoned, is_draft
from eelsunmix.storage.kept import is_aside, is_kept
from eelsunmix.storage.locks import run_in_progress
from eelsunmix.storage.manifest import MANIFEST
from eelsunmix.storage.records import RECORD

CONFIGURATION = Path("config/config.yaml")


class Verification:
    """What is wrong with stores and pages, one line each.

    Parameters
    ----------
    configuration : sequence of Path
        Files of the configuration; without any, settings are not compared.
    overrides : mapping, optional
        Values of the command line, laid over all files.
    with_sources : bool
        Whether every byte of the imported files is compared too.

    Raises
    ------
    ConfigurationError
        If the configuration has mistakes.

    Attributes
    ----------
    compared : set of str
        Samples of which settings were compared.
    not_compared : set of str
        Samples, or stores of those that the configuration names, for which it does not ask.
    unreadable : set of Path
        Those among the faulty ones that may be whole, but cannot be read.
    """

    def __init__(
        self,
        configuration: Sequence[Path] = (),
        overrides: Mapping[str, Any] | None = None,
        *,
        with_sources: bool = False,
    ) -> None:
        self._with_sources = with_sources
        self.compared: set[str] = set()
        self.not_compared: set[str] = set()
        self.unreadable: set[Path] = set()
        read = read_configuration(configuration, overrides, must_exist=False) if configuration else None
        samples = read.samples if read else {}
        self._recipes = recipes = Recipes(*available_samples(samples))
        self._samples, self._present = set(samples), Present(recipes)
        self._asked: dict[Path, Product] = {real_path(Path(one.path)): one for one in recipes.products()}

    def of_run(self, store: Path) -> str | None:
        """Say what a run in progress does with a store, which is no fault; None if it is none of its own."""
        if not (is_kept(store) or is_draft(store)) or not (run := run_in_progress(store)):
            return None
        if is_kept(store):
            return f"{store}: kept until it is made again by the run in progress ({run})"
        return None if is_abandoned(store) else f"{store}: is being written in the run in progress ({run})"

    def of_store(self, store: Path) -> str | None:
        """Say what is wrong with a store; None if nothing is."""
        if is_draft(store):
            return (
                f"{store}: left by a job that was killed, unless it runs now; "
                "the next job that writes the store removes it"
            )
        if is_kept(store):
            return f"{store}: kept by a run that was killed; the next one puts it back or has made it again"
        try:
            manifest = verify(store)
            check_sources(store, manifest)
            if self._with_sources:
                _check_files(store, manifest.sources)
        except StoreError as error:
            return self._said(store, error)
        return self._of_settings(store)

    def of_page(self, page: Path) -> str | None:
        """Say what is wrong with a page or a verdict; None if nothing is."""
        if page.is_symlink():
            return f"{page}: is a link, and a run would write to where it leads; move it aside"
        try:
            manifest = read_record(page)[1] if page.suffix == RECORD else verify_page(page)
            check_sources(page, manifest)
        except StoreError as error:
            return self._said(page, error)
        if self._is_of_others(page, manifest):
            self.not_compared.add(str(page))
            return None
        return self._of_settings(page)

    def product_of(self, path: Path) -> Product | None:
        """Return what the configuration asks for at a path."""
        return self._asked.get(real_path(path))

    def source_gone(self, path: Path, faulty: Set[Path]) -> str | None:
        """Return the missing file without which no run can make again what a path holds; None if none is.

        A file may be missing as long as what was read of it is in order. Otherwise the sample stays as it is,
        and so does each one that its models are applied to.

        Parameters
        ----------
        path : Path
        faulty : set of Path
            All that is not in order, links resolved.
        """
        product = self.product_of(path)
        sample = self._recipes.samples.get(product.sample) if product else None
        if sample is None:
            return None
        samples = (sample, self._recipes.samples[sample.model_source])
        return next(filter(None, (_gone(one, faulty) for one in samples)), None)

    def pages_of(self, folder: Path) -> list[Path]:
        """Return the pages in a folder, and those in ``reports`` of samples in it, or configured."""
        own = [page for page in sorted(folder.glob("*.html")) if page.is_file() and self._is_ours(page)]
        names = {entry.name for entry in folder.iterdir()} | {one.sample for one in self._asked.values()}
        beside = [folder.parent / "reports" / f"{name}.html" for name in sorted(names)]
        # A link to nowhere or a folder in the place of a page is a fault, and none to pass over.
        return own + [page for page in beside if os.path.lexists(page) and page not in own]

    def verdicts_of(self, folder: Path) -> list[Path]:
        """Return the verdicts in a folder and in those of samples in it."""
        found = (
            folder / VERDICT,
            *(entry / VERDICT for entry in sorted(folder.iterdir()) if not is_aside(entry)),
        )
        return [path for path in found if os.path.lexists(path)]

    def _said(self, path: Path, error: StoreError) -> str:
        if isinstance(error, UnreadableStoreError):
            self.unreadable.add(path)
        return str(error)

    def _is_ours(self, page: Path) -> bool:
        return real_path(page) in self._asked or is_a_page(page)

    def _is_of_others(self, page: Path, manifest: Manifest) -> bool:
        """Whether a page is the index of another configuration, with samples that this one does not name."""
        shown = {Path(verdict).parent.name for verdict in manifest.inputs}
        is_whole = all((page.parent / verdict).exists() for verdict in manifest.inputs)
        return self.product_of(page) == INDEX and is_whole and not shown <= self._samples

    def _of_settings(self, path: Path) -> str | None:
        product = self._asked.get(real_path(path))
        if product is None:
            sample = _sample_of(path)
            self.not_compared.add(str(path) if sample in self._samples else sample)
            return None
        self.compared |= {product.sample} - {INDEX.sample}
        found = self._present.fault(product)
        return f"{path}: {found.reason}; run the workflow again" if found else None


def own_configuration() -> str:
    """Return what a user would type as the configuration here, for advice: the only one, or a stand-in."""
    found = configurations_in(Path())
    return str(found[0]) if len(found) == 1 else "FILE.yaml"


def _sample_of(path: Path) -> str:
    """Name of the sample that a store, page or verdict belongs to."""
    if path.suffix == ".html":
        return path.stem
    folder = path.absolute().parent
    return (folder.parent if folder.name in ("fit", "map") else folder).name


def stores_below(folder: Path, above: frozenset[Path] = frozenset()) -> Iterator[Path]:
    """Yield all stores below a folder, or the folder itself if it is one.

    Drafts too, and whatever else has the name of a store. A link is followed where sealed stores lie in its
    folder, as in that of a sample on another disk: a run follows it, too.

    Parameters
    ----------
    folder : Path
    above : frozenset of Path
        Folders that led here, links resolved; none is entered twice.
    """
    if folder.suffix == ".zarr" or is_draft(folder) or is_kept(folder):
        yield folder
        return
    if is_aside(folder):
        return
    above |= {real_path(folder)}
    for entry in sorted(folder.iterdir()):
        if entry.suffix == ".zarr" or _is_entered(entry, above):
            yield from stores_below(entry, above)


def _is_entered(entry: Path, above: frozenset[Path]) -> bool:
    if not entry.is_dir() or not entry.is_symlink():
        return entry.is_dir()
    return real_path(entry) not in above and any(
        (store / MANIFEST).is_file() for store in entry.glob("*.zarr")
    )


def _check_files(store: Path, read: Mapping[str, Mapping[str, str]]) -> None:
    """Raise StoreError if a file of the user, image or gain reference, is another one than was read.

    Parameters
    ----------
    store : Path
    read : mapping
        `sources` of its manifest; an image that was imported in a notebook has none, but a record of its own.
    """
    digests = {file: found["sha256"] for file, found in read.items()}
    source = zarr.open_group(store, mode="r").attrs.get("source")
    if isinstance(source, dict) and isinstance(file := source.get("file"), str):
        digests.setdefault(file, str(source.get("sha256")))
    for file, digest in digests.items():
        if not Path(file).exists():
            raise StoreError(f"{store}: {file}, from which it was imported, is no longer there")
        if checksum(Path(file))[0] != digest:
            raise StoreError(
                f"{store}: {file} differs from what was imported (its SHA-256 is another); "
                "put the original back, or move this folder aside and run the workflow again"
            )


def _gone(sample: SampleSettings, faulty: Set[Path]) -> str | None:
    needed = {"raw": [sample.file] if sample.file else [], "corrected": sample.references}
    return next(
        (
            file
            for store, files in needed.items()
            if real_path(Path(Product(sample.name, store).path)) in faulty
            for file in files
            if not os.path.exists(file)  # noqa: PTH110 - that of Path raises for folders not to enter
        ),
        None,
    )
