"""What lies among the results, held against what the configuration asks for now."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from eelsunmix.errors import LONGEST_LIST, StoreError
from eelsunmix.plain import digest_of
from eelsunmix.recipes.asked import Recipes
from eelsunmix.recipes.table import Product
from eelsunmix.recipes.words import Difference, difference
from eelsunmix.storage import Manifest, is_a_page, manifest_at, read_page_manifest, read_record, verify_page
from eelsunmix.storage.kept import move_aside

WHOLE_PAGES = 2**30
"""Bytes of pages that are read as a whole, 200 pages or a second; of further ones the end and the length."""


class Present:
    """Stores and pages that are there, each looked at once.

    Parameters
    ----------
    recipes : Recipes
        What is asked for.
    """

    def __init__(self, recipes: Recipes) -> None:
        self._recipes = recipes
        self._manifests: dict[Path, Manifest | None] = {}
        self._said = self._bytes = 0

    def fault(self, product: Product) -> Difference | None:
        """Say why a product has to be made again; None if it is as asked for, absent, or unreadable.

        Notes
        -----
        A store whose manifest is damaged is refused by name by whoever opens it. A page is opened by nobody,
        and a verdict is made by the job that makes the page.
        """
        path = Path(product.path)
        if product.store in ("page", "verdict"):
            return self._of_whole(path, product)
        manifest = self._manifest(path)
        return None if manifest is None else self._outdated(path, manifest, product)

    def fault_of(self, store: str, settings: Mapping[str, Any]) -> Difference | None:
        """Hold a store without a recipe against the parameters that its rule has now; as `fault`."""
        manifest = self._manifest(Path(store))
        if manifest is None or digest_of(manifest.settings) == digest_of(settings):
            return None
        return difference(manifest.settings, settings)

    def line(self, path: str, found: Difference) -> str | None:
        """Say that a product is made again, and why; None if that follows from others, or after many."""
        self._said += found.first
        if not found.first or self._said > LONGEST_LIST:
            return None
        more = "; further ones are not listed" if self._said == LONGEST_LIST else ""
        return f"{path}: {found.reason}; it is made again{more}"

    def keep(self, product: Product) -> str | None:
        """Move aside what stands in the place of a page and does not look like one: it may be the user's.

        Returns
        -------
        str, optional
            What was done, in one line.
        """
        path = Path(product.path)
        if product.store != "page" or not path.is_file() or is_a_page(path):
            return None
        return f"{path}: does not begin like a page of this workflow; kept as {move_aside(path)}"

    def _of_whole(self, path: Path, product: Product) -> Difference | None:
        """As `fault`, of what is read to its last byte."""
        if not path.exists():
            return None
        try:
            manifest = read_record(path)[1] if product.store == "verdict" else self._of_page(path)
        except (StoreError, OSError) as error:
            return Difference(str(error).removeprefix(f"{path}: ").partition(";")[0])
        return self._outdated(path, manifest, product)

    def _of_page(self, path: Path) -> Manifest:
        self._bytes += path.stat().st_size
        return verify_page(path) if self._bytes <= WHOLE_PAGES else read_page_manifest(path)

    def _outdated(self, path: Path, manifest: Manifest, product: Product) -> Difference | None:
        if digest_of(manifest.settings) != self._recipes.digest(product):
            return difference(manifest.settings, self._recipes.settings(product))
        for name, seal in manifest.inputs.items():
            source = Path(os.path.normpath(path.parent / name))
            found = self._manifest(source)
            if found is not None and found.seal != seal:
                return Difference(f"made from another {source} than the one that is there now")
        return None

    def _manifest(self, path: Path) -> Manifest | None:
        if path not in self._manifests:
            self._manifests[path] = _or_none(manifest_at, path)
        return self._manifests[path]


def _or_none(read: Callable[[Path], Manifest], path: Path) -> Manifest | None:
    try:
        return read(path)
    except StoreError:
        return None
