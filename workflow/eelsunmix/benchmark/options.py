"""What the benchmark runs: scenes, doses, replicates, methods."""

import inspect
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from eelsunmix.benchmark.labels import as_in_paper
from eelsunmix.benchmark.scene import BenchmarkScene, scene_options
from eelsunmix.errors import InputError
from eelsunmix.methods import method_class, method_names
from eelsunmix.options import BrokenRuleError, EachOnce, Options


def default_methods() -> dict[str, dict[str, Any]]:
    """Every method in both settings, where it has them, as the section `methods` would say it.

    Examples
    --------
    >>> default_methods()["vca_published"]
    {'method': 'vca', 'setting': 'published'}
    """
    found: dict[str, dict[str, Any]] = {}
    for name in as_in_paper(method_names()):
        if "setting" in inspect.signature(method_class(name)).parameters:
            found[f"{name}_published"] = {"method": name, "setting": "published"}
            found[name] = {"method": name, "setting": "eels"}
        else:
            found[name] = {"method": name}
    return found


class BenchmarkOptions(Options):
    """The paper's synthetic benchmark, ``snakemake benchmark``.

    Parameters
    ----------
    scenes : list of names
        The paper's chequerboards: ru3 (Pt, Co, Ru in 200 channels) and k4 (C, BN, B2O3, B4C in 903 channels);
        and scenes with one difficulty each, by their names under `simulate`.
    doses : list of int
        Expected counts in the first channel, mean over the pixels (of `eds`: in all channels of a pixel); the
        paper gives none.
    n_replicates : int
        Images of each scene and dose, each of other blocks and other noise.
    n_replicates_of : mapping of labels to int
        The first so many images are enough for methods that take long: ``{mtaeu_published: 5}``.
    size : int
        Pixels along y and x.
    seed : int
        Seed of the first image; the others follow it.
    methods : mapping of labels
        Methods and settings, written as in `methods` at the top level; by default every unmixing method as
        published (``vca_published``) and for counts (``vca``).
    peers_python : str, optional
        Python that has HyperSpy (``envs/peers.yaml``), for ``snakemake benchmark_peers``; not needed where
        Snakemake makes the environment (``--sdm conda``).
    """

    scenes: EachOnce[BenchmarkScene] = ("ru3", "k4")
    doses: EachOnce[Annotated[int, Field(ge=1, le=10**9)]] = (100, 1000, 10_000)
    n_replicates: int = Field(20, ge=1)
    n_replicates_of: Mapping[str, Annotated[int, Field(ge=1)]] = {}
    size: int = Field(64, ge=1)
    seed: int = Field(0, ge=0)
    methods: Mapping[str, Any] = {}
    peers_python: str | None = None

    @model_validator(mode="after")
    def _scenes_can_be_made(self) -> Self:
        try:
            for scene in self.scenes:
                scene_options(scene, self.doses[0], size=self.size, seed=self.seed)
        except InputError as error:
            raise BrokenRuleError("size", str(error).partition(": size ")[2]) from error
        return self

    def replicates_of(self, label: str) -> int:
        """Images that a method runs on."""
        return self.n_replicates_of.get(label, self.n_replicates)

    def seed_of(self, label: str) -> int:
        """Seed of a method in the first image: its own, or that of the image."""
        seed = self.methods[label].seed
        return self.seed if seed is None else int(seed)
