"""All that formats write of a sample."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from eelsunmix.errors import InputError
from eelsunmix.export.describing import about_sample
from eelsunmix.export.gathering import quantities
from eelsunmix.export.quantities import Quantity, Single
from eelsunmix.export.sample import Sample


@dataclass(frozen=True, kw_only=True)
class Package:
    """A sample, what is said of it, and its quantities."""

    sample: Sample
    about: Mapping[str, Any]
    quantities: Sequence[Quantity]

    def of_kind(self, *kinds: str) -> Iterator[Quantity]:
        """Yield the quantities of some kinds."""
        return (one for one in self.quantities if one.kind in kinds)

    @cached_property
    def single_maps(self) -> list[Single]:
        """Every map by itself."""
        return [single for one in self.of_kind("map") for single in one.single()]


def package_of(sample: Sample) -> Package:
    """Gather what is exported of a sample.

    Raises
    ------
    InputError
        If two things would have files of one name.
    """
    about = about_sample(sample)
    package = Package(sample=sample, about=about, quantities=tuple(quantities(sample, about)))
    _check_names([one.stem for one in package.quantities])
    _check_names([one.stem for one in package.single_maps])
    return package


def _check_names(stems: Sequence[str]) -> None:
    seen: set[str] = set()
    for stem in stems:
        for name in (stem.lower(), f"{stem.lower()}_sd"):
            if name in seen:
                raise InputError(
                    f"{stem}: two maps or spectra would have files of this name; give one of the edges or "
                    "methods another name in the configuration"
                )
        seen.update((stem.lower(), f"{stem.lower()}_sd"))
