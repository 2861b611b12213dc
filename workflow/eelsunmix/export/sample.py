"""The stores of one sample, verified, and where they come from."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import xarray as xr

from eelsunmix.errors import InputError, StoreError, UnreadableStoreError, names_in_brief
from eelsunmix.recipes.page_words import PageWords, page_words
from eelsunmix.recipes.table import VERDICT
from eelsunmix.stage_warnings import collect_warnings
from eelsunmix.storage import open_store, read_manifest, seals
from eelsunmix.storage.locks import run_among

STAGES = ("raw", "corrected", "pca", "rank", "bs", "comparison")


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What is exported of a sample.

    Parameters
    ----------
    name : str
    folder : Path
        Of its results.
    stores : mapping of str to Dataset
        ``raw``, ``corrected``, ``pca``, ``rank``, ``bs`` and ``comparison``.
    fits, maps : mapping of str to Dataset
        Of the methods, by label; those of failed ones have no arrays.
    places : mapping of str to Path
        ``raw``, ..., ``fit/nmf``, ``map/nmf`` -> the store.
    seals : mapping of str to str
        The same names -> the seal.
    versions : mapping of str to mapping
        The same names -> versions of the software that made the store.
    """

    name: str
    folder: Path
    stores: Mapping[str, xr.Dataset]
    fits: Mapping[str, xr.Dataset]
    maps: Mapping[str, xr.Dataset]
    places: Mapping[str, Path] = field(default_factory=dict)
    seals: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @cached_property
    def all_stores(self) -> dict[str, xr.Dataset]:
        """All stores by the names of `places`."""
        named = {f"fit/{label}": store for label, store in self.fits.items()}
        return {**self.stores, **named, **{f"map/{label}": store for label, store in self.maps.items()}}

    @cached_property
    def page_words(self) -> PageWords:
        """What the page says of these results; empty where there is no such page."""
        return page_words(self.folder / VERDICT, comparison=self.seals.get("comparison", ""))

    @cached_property
    def warnings(self) -> list[str]:
        """What the stages warn of, with where each comes from."""
        known = self.page_words.warnings or collect_warnings(self.stores, self.fits, self.maps)
        return [f"{place}: {text}" for place, text in known]

    @property
    def source(self) -> dict[str, Any]:
        """The file, or the scene, from which the image comes."""
        return dict(self.stores["raw"].attrs.get("source") or {})

    @property
    def image(self) -> xr.DataArray:
        """The corrected image."""
        return self.stores["corrected"]["counts"]

    @property
    def signal_type(self) -> str:
        """Kind of its spectra, as HyperSpy calls it."""
        return "EDS_TEM" if self.image.attrs.get("signal") == "EDS" else "EELS"

    @property
    def page(self) -> Path:
        """Where the page lies."""
        return self.folder.parent.parent / "reports" / f"{self.name}.html"

    def component_name(self, label: str, endmember: int) -> str:
        """Name a component of a method as its page does, such as ``2 · Mn+La``; by its place if unknown."""
        names, number = self.stores["comparison"].get("endmember_name"), str(endmember + 1)
        if names is None or label not in names["label"].values:
            return number
        row = names.sel(label=label).values
        return str(row[endmember]) if endmember < len(row) else number


def open_sample(name: str | Path) -> Sample:
    """Open all results of a sample, every byte verified.

    Parameters
    ----------
    name : str or path-like
        Name of a sample below ``results``, or the folder of its results.

    Raises
    ------
    InputError
        If there are no such results.
    StoreError
        If a store is missing or damaged, or made from another version of another one.
    """
    folder = _folder(name)
    with _run_is_named(folder):
        used = read_manifest(folder / "comparison.zarr").inputs
        # What lies there of an earlier configuration is not taken; models of another sample are.
        paths = [folder / f"{stage}.zarr" for stage in STAGES]
        paths += [Path(_straight(folder, one)) for one in used if _of_method(one)]
        stores = {_name(path): open_store(path) for path in paths}
    places = {_name(path): path for path in paths}
    labels = [str(label) for label in stores["comparison"]["label"].values]
    return Sample(
        name=folder.name,
        folder=folder,
        stores={stage: stores[stage] for stage in STAGES},
        fits={label: stores[f"fit/{label}"] for label in labels if f"fit/{label}" in stores},
        maps={label: stores[f"map/{label}"] for label in labels if f"map/{label}" in stores},
        places=places,
        seals=dict(zip(places, seals(places.values()).values(), strict=True)),
        versions={name: read_manifest(path).versions for name, path in places.items()},
    )


def _folder(name: str | Path) -> Path:
    for folder in (Path("results") / name, Path(name)):
        if (folder / "comparison.zarr").is_dir():
            return folder if folder.name else folder.absolute()
    results = Path("results")
    if run := run_among(results):
        raise InputError(
            f"results/{name}: no finished results of this sample, but a run is in progress ({run}), "
            "which may be making them; export once it is done"
        )
    found = sorted(one.parent.name for one in results.glob("*/comparison.zarr")) if results.is_dir() else []
    there = f"there are those of {names_in_brief(found)}" if found else "run eelsunmix where they lie"
    raise InputError(f"results/{name}: no finished results of this sample; {there}, or run its configuration")


@contextmanager
def _run_is_named(folder: Path) -> Iterator[None]:
    """Who moved aside what a run in progress makes, as the advice is without a run, would end that run."""
    try:
        yield
    except UnreadableStoreError:
        raise
    except StoreError as error:
        if not (run := run_among(folder)):
            raise
        what = str(error).partition(";")[0]
        raise StoreError(
            f"{what}; a run is in progress ({run}), which may be making it; move nothing, export once it is "
            "done"
        ) from error


def _straight(folder: Path, path: str) -> str:
    """Write ``results/A/../B/fit/nmf.zarr`` without the dots; links stay as they are."""
    import os.path

    return os.path.normpath(folder / path)


def _of_method(path: str) -> bool:
    return Path(path).parent.name in ("fit", "map")


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}" if path.parent.name in ("fit", "map") else path.stem
