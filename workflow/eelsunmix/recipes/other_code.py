"""Stores that other code has made than that of now, told by their manifests, without a configuration."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from eelsunmix.errors import InputError
from eelsunmix.recipes.code import code_of
from eelsunmix.recipes.table import Product, recipe_of
from eelsunmix.storage import read_manifest
from eelsunmix.words import RECOMMENDED


def of_other_code(stores: Iterable[Path]) -> list[Path]:
    """Return those of some stores that another version of the code has made.

    A store that was published in a notebook says nothing of its code, and is none of them.

    Raises
    ------
    StoreError
        If a manifest is missing or damaged.
    """
    return [store for store in stores if _is_of_other_code(store)]


def modules_behind(store: Path, settings: Mapping[str, Any]) -> list[str]:
    """Return the modules whose code makes a store now.

    Parameters
    ----------
    store : Path
        ``results/S1/raw.zarr``, ``results/S1/fit/nmf.zarr`` ...
    settings : mapping
        Those of its manifest: the parameters of its rule.

    Raises
    ------
    InputError
        If its method does not exist any more.
    """
    # A sample may be called so, too: its own stores know of no method, and of no input of one.
    known = bool({"method", "input"} & settings.keys()) or store.stem == RECOMMENDED
    label = store.stem if store.parent.name in ("fit", "map") and known else ""
    product = Product("", store.parent.name if label else store.stem, label)
    gain = settings.get("corrections", {}).get("gain", {})
    sample: Any = SimpleNamespace(
        file=settings.get("file"),
        references=[path for path in (gain.get("reference"), gain.get("dark")) if path],
        methods={
            label: SimpleNamespace(
                method=settings.get("method"),
                anchor=settings.get("anchor"),
                nuisance=settings.get("nuisance", 0),
            )
        },
    )
    return [*recipe_of(product, sample).modules(sample, label)]


def _is_of_other_code(store: Path) -> bool:
    settings = read_manifest(store).settings
    if "code" not in settings:
        return False
    try:
        modules = modules_behind(store, settings)
    except (InputError, StopIteration):  # of a store that no rule makes any more
        return True
    return bool(settings["code"] != code_of(*modules))
