"""What a run costs before it is begun: jobs, computing, memory and disk, by the size of the images."""

import functools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from eelsunmix.configuration import SampleSettings
from eelsunmix.configuration.file_axes import file_shape
from eelsunmix.errors import InputError
from eelsunmix.recipes.asked import Recipes
from eelsunmix.recipes.disk import KEPT
from eelsunmix.recipes.image_sizes import ImageSize, image_size
from eelsunmix.recipes.needs import READ_RAW, needs_of
from eelsunmix.recipes.table import Product, rule_of

USUAL = 4
"""Endmembers, where they are still to be counted."""

Fault = Callable[[Product], object]
"""What is wrong with a product that is there; nothing if it is as asked for."""


class Stage(NamedTuple):
    """Jobs of one rule: seconds and MB on the disk of all together, peak of memory (MB) of the largest.

    `asked_mb` and `minutes` are what the largest and the longest of them ask of a cluster.
    """

    rule: str
    jobs: int
    seconds: float
    peak_mb: float
    disk_mb: float
    asked_mb: int = 0
    minutes: int = 0

    def joined(self, other: "Stage") -> "Stage":
        """Take further jobs of the rule in."""
        return Stage(
            self.rule,
            self.jobs + other.jobs,
            self.seconds + other.seconds,
            max(self.peak_mb, other.peak_mb),
            self.disk_mb + other.disk_mb,
            max(self.asked_mb, other.asked_mb),
            max(self.minutes, other.minutes),
        )


_NO_IMAGE = ImageSize(0, 0)
"""Of the page of all samples."""


def missing(recipes: Recipes, fault: Fault) -> Iterator[Product]:
    """Yield what a run would make: what is absent or not as asked for, and what is made of that.

    Parameters
    ----------
    recipes : Recipes
        What is asked for.
    fault : callable
        As `eelsunmix.recipes.present.Present.fault`.
    """

    @functools.cache
    def is_made(product: Product) -> bool:
        return (
            not Path(product.path).exists()
            or any(map(is_made, recipes.inputs(product)))
            or bool(fault(product))
        )

    return filter(is_made, recipes.products())


def stages(samples: Mapping[str, SampleSettings], products: Iterable[Product]) -> list[Stage]:
    """Estimate what the jobs that make `products` need, rule by rule in the order of the work.

    Parameters
    ----------
    samples : mapping of str to SampleSettings
    products : iterable of Product
    """
    sizes = {name: _sizes(sample) for name, sample in samples.items()}
    found: dict[str, Stage] = {}
    jobs = {
        (product.sample, rule_of(product, samples.get(product.sample)), product.label): product
        for product in products
    }  # a page and its verdict are of one job
    for product in jobs.values():
        sample, (raw, corrected) = samples.get(product.sample), sizes.get(product.sample, (_NO_IMAGE,) * 2)
        one = _estimate(product, sample, raw, corrected)
        found[one.rule] = found[one.rule].joined(one) if one.rule in found else one
    return [found[rule] for rule in KEPT if rule in found]


def _estimate(product: Product, sample: SampleSettings | None, raw: ImageSize, corrected: ImageSize) -> Stage:
    rule = rule_of(product, sample)
    needs = needs_of(rule, sample, product.label, raw if rule in READ_RAW else corrected)
    kept = KEPT[rule].megabytes(raw if product.store == "raw" else corrected, **_numbers(sample))
    asked = needs.mem_mb(needs.threads, elsewhere=True)
    peak = needs.used_mb(needs.threads)
    return Stage(rule, 1, needs.used_seconds, peak, kept, asked, needs.minutes())


def _numbers(sample: SampleSettings | None) -> dict[str, int]:
    """Numbers of what a pixel has values of."""
    if sample is None:
        return {"edges": 0, "endmembers": 0, "methods": 0}
    endmembers = sample.components.n if isinstance(sample.components.n, int) else USUAL
    return {"edges": len(sample.edges), "endmembers": endmembers, "methods": len(sample.methods)}


def _sizes(sample: SampleSettings) -> tuple[ImageSize, ImageSize]:
    """Sizes of the image as it comes and corrected: of the stores, or as the head of the file promises."""
    if sample.file and not Path(f"results/{sample.name}/raw.zarr").exists():
        with suppress(InputError):
            return _of_head(sample)
    return image_size(sample, corrected=False), image_size(sample)


def _of_head(sample: SampleSettings) -> tuple[ImageSize, ImageSize]:
    *navigation, channels = file_shape(sample).values()
    raw = ImageSize(math.prod(navigation), channels)
    factors = sample.corrections.bin
    return raw, ImageSize(raw.pixels // (factors.x * factors.y), channels // factors.energy)
