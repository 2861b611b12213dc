"""What the job of a rule needs of a machine, from the size of its image: the only place that says so.

Measured from 10^3 to 10^6 pixels, and checked against these measurements: docs/decisions/039. Beyond them
it is extrapolated. Nothing here is a parameter of a rule, so nothing is ever made again because of it.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

from eelsunmix.configuration import SampleSettings
from eelsunmix.recipes.image_sizes import ImageSize, image_size
from eelsunmix.words import RECOMMENDED

BLOCK_ELEMENTS = 2**23
"""As in `eelsunmix.execution.blocks`, which is not imported: Snakemake would load Dask and xarray with it."""

MARGIN = 1.1
"""Memory asked for, over what was measured: libraries and systems differ."""

SLOWER = 10
"""Time asked for, over what the job computed here: other machines, and disks that many share."""

SCORES = 12
"""Components that a PCA keeps, unless told otherwise."""

MANY_BLOCKS = 32
"""For each thread, where other jobs of the sample can run beside: of fewer blocks half of a job is no work on
blocks, so that two jobs with a thread each are done sooner than two with two threads, one after the other."""

STEP_MB, STEP_MINUTES = 50, 10
"""Rounded up to so much."""

SHORT_SECONDS = 300
"""Of computing for all jobs of a sample, which are then submitted together."""

SNAKEMAKE_MB = 300
"""Of a job on a cluster, where two processes of Snakemake count as well."""


@dataclass(frozen=True, kw_only=True)
class Costs:
    """What a job costs, by what.

    Parameters
    ----------
    mb : float
        Python, libraries and what is small.
    block : float
        Bytes for each count of the blocks that are worked on at a time.
    image : float
        Bytes for each count of the image, where it is held as a whole.
    pixel : float
        Bytes of a pixel.
    scored : float
        Bytes of a pixel in a block of scores, or in the sample that the comparison takes.
    learned : float
        Bytes for each count of what a method learns from.
    square : float
        Matrices of the channels in memory at a time.
    seconds : float
        Computing, whatever the image.
    count, learned_count : float
        Nanoseconds of computing for each count of the image, and of what is learned from.
    threads : int
        At most; an image of one block has one.
    blocks_per_thread : int
        Blocks of the image from which each further one pays.
    """

    mb: float
    block: float = 0.0
    image: float = 0.0
    pixel: float = 0.0
    scored: float = 0.0
    learned: float = 0.0
    square: float = 0.0
    seconds: float = 3.0
    count: float = 0.0
    learned_count: float = 0.0
    threads: int = 1
    blocks_per_thread: int = 1


COSTS = {
    "import_image": Costs(mb=200, block=15, count=20, threads=2),
    "simulate_image": Costs(mb=200, image=10, count=200),
    "correct_gain": Costs(mb=250, block=34.5, count=100, threads=2),
    "denoise": Costs(
        mb=210, block=11, scored=225, square=5, count=170, threads=2, blocks_per_thread=MANY_BLOCKS
    ),
    "estimate_endmembers": Costs(mb=235, block=6, pixel=40, scored=60, square=2, count=120),
    "subtract_background": Costs(
        mb=205, block=19.5, pixel=5, count=60, threads=2, blocks_per_thread=MANY_BLOCKS
    ),
    "fit": Costs(mb=200, learned=20, scored=450, count=20, learned_count=1000),
    "fit_recommended": Costs(mb=340, block=70, pixel=300, count=300, seconds=25, threads=2),
    "map_recommended": Costs(
        mb=230, block=11.5, pixel=150, count=300, threads=2, blocks_per_thread=MANY_BLOCKS
    ),
    "map": Costs(mb=230, block=11.5, pixel=45, count=300, threads=2, blocks_per_thread=MANY_BLOCKS),
    "compare": Costs(mb=190, block=8, scored=120, pixel=40, count=460),
    "report": Costs(mb=245, block=8, pixel=20, count=80),
    "index": Costs(mb=200),
}
"""Rule -> costs; those of all fits and of all maps in common, but for `OTHERWISE`."""

_NETWORK: dict[str, Any] = {"mb": 600.0, "learned": 60.0, "learned_count": 300_000.0}
OTHERWISE: dict[str, dict[str, Any]] = {
    "vendor": {"image": 1.0},
    "udas": {"mb": 265, "learned_count": 20_000},
    "blu": {"mb": 300, "learned_count": 20_000},
    "ica": {"mb": 265},
    "nmf": {"mb": 265, "learned_count": 5000},
    **{name: _NETWORK for name in ("daeu", "mtaeu", "cnnaeu")},
}
"""Method -> what its fit costs otherwise; also a vendor's file, which some readers hold as a whole."""


@dataclass(frozen=True)
class Needs:
    """Memory, time and threads of a job.

    Parameters
    ----------
    costs : Costs
    size : ImageSize
    learning_pixels : int
        Pixels that a method learns from at most.
    """

    costs: Costs
    size: ImageSize
    learning_pixels: int = 20_000

    @property
    def threads(self) -> int:
        """Blocks that may be worked on at a time."""
        blocks = -(-self.size.counts // BLOCK_ELEMENTS)
        return max(1, min(self.costs.threads, blocks // self.costs.blocks_per_thread))

    def used_mb(self, threads: int) -> float:
        """Peak of memory (MB) with so many threads, as measured."""
        costs, size = self.costs, self.size
        in_blocks = min(size.counts, threads * BLOCK_ELEMENTS)
        matrix = 8 * min(size.channels, size.pixels) ** 2
        parts = (
            costs.block * in_blocks,
            costs.image * size.counts,
            costs.pixel * size.pixels,
            costs.scored * min(size.pixels, BLOCK_ELEMENTS // SCORES),
            costs.learned * self._learned,
            costs.square * matrix,
        )
        return costs.mb + sum(parts) / 2**20

    def mem_mb(self, threads: int, attempt: int = 1, *, elsewhere: bool = False) -> int:
        """Memory (MB) to ask for; at every further attempt as much again.

        Parameters
        ----------
        threads : int
            That the job has got.
        attempt : int
            From 1.
        elsewhere : bool
            Whether Snakemake itself runs within what is asked for, as on a cluster.
        """
        asked = MARGIN * self.used_mb(threads) + (SNAKEMAKE_MB if elsewhere else 0)
        return STEP_MB * math.ceil(asked / STEP_MB) * attempt

    @property
    def used_seconds(self) -> float:
        """Seconds of computing, as measured."""
        costs = self.costs
        return costs.seconds + 1e-9 * (costs.count * self.size.counts + costs.learned_count * self._learned)

    def minutes(self, attempt: int = 1, *, step: int = STEP_MINUTES) -> int:
        """Time (minutes) to ask for, rounded up to `step`; at every further attempt as much again."""
        return step * math.ceil(SLOWER * self.used_seconds / 60 / step) * attempt

    @property
    def _learned(self) -> int:
        return min(self.size.pixels, self.learning_pixels) * self.size.channels


READ_RAW = ("import_image", "simulate_image", "correct_gain")
"""Rules whose jobs see the image as it came; others see it corrected."""


def needs_of(
    rule: str, sample: SampleSettings | None, label: str = "", size: ImageSize | None = None
) -> Needs:
    """Say what the job of a rule needs.

    Parameters
    ----------
    rule : str
        Key of `COSTS`.
    sample : SampleSettings, optional
        Of the job; the index, which has none, reads no image.
    label : str
        Of its method, if it has one.
    size : ImageSize, optional
        Of its image; as `image_size` finds it, where it is not given.
    """
    if sample is None:
        return Needs(COSTS[rule], ImageSize(0, 0))
    kind = sample.methods[label].method if rule == "fit" else ""
    if rule == "import_image" and not str(sample.file).endswith(".npy"):
        kind = "vendor"
    costs = costs_of(rule, kind)
    size = size or image_size(sample, corrected=rule not in READ_RAW)
    return Needs(costs, size, sample.n_learning_pixels)


def costs_of(rule: str, kind: str = "") -> Costs:
    """Costs of a rule, of one of the kinds in `OTHERWISE`."""
    return replace(COSTS[rule], **OTHERWISE.get(kind, {}))


_ONCE = ("correct_gain", "denoise", "estimate_endmembers", "subtract_background", "compare", "report")
"""Rules with one job for each sample, whatever its source and its methods."""


def group_name(sample: SampleSettings) -> str | None:
    """Name the group whose jobs are submitted together, where all jobs of a sample are short.

    Samples that use the models of another one have a group of their own: with those of the other, all of
    them would become one submission.
    """
    jobs = [("import_image" if sample.file else "simulate_image", ""), *((rule, "") for rule in _ONCE)]
    for label in sample.methods:
        ending = f"_{RECOMMENDED}" if label == RECOMMENDED else ""
        jobs += [(f"{rule}{ending}", label) for rule in ("fit", "map")]
    seconds = sum(needs_of(rule, sample, label).used_seconds for rule, label in jobs)
    if seconds > SHORT_SECONDS:
        return None
    return "sample" if sample.model_source == sample.name else "mapped"
