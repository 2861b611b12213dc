"""What the benchmark runs: scenes, doses, replicates, methods."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field

from eelsunmix.synthetic import ChequerboardOptions

UNMIXING = ("nmf", "ica", "vca", "blu", "udas", "daeu", "mtaeu", "cnnaeu")
"""The paper's methods in the order of its figures; background subtraction always stands beside them."""

BACKGROUND = {"bs_published": "pixel", "bs": "local"}
"""Labels of background subtraction, and where the exponent of the background comes from."""

PEERS = ("hyperspy_bs", "hyperspy_nmf", "hyperspy_ica")
RESERVED = frozenset({"oracle", "report", "peers", "scenes", *BACKGROUND, *PEERS})
"""Labels that the workflow uses itself."""


def default_methods() -> dict[str, dict[str, Any]]:
    """Every method of the paper in both settings, as the section `methods` would say it.

    Examples
    --------
    >>> default_methods()["vca_published"]
    {'method': 'vca', 'setting': 'published'}
    """
    return {
        name if setting == "eels" else f"{name}_{setting}": {"method": name, "setting": setting}
        for name in UNMIXING
        for setting in ("published", "eels")
    }


@dataclass(frozen=True, kw_only=True)
class BenchmarkOptions:
    """The paper's synthetic benchmark, ``snakemake benchmark``.

    Parameters
    ----------
    scenes : list of {"ru3", "k4"}
        Sets of endmembers: Pt, Co, Ru in 200 channels; C, BN, B2O3, B4C in 903 channels.
    doses : list of int
        Expected counts in the first channel, mean over the pixels; the paper gives none.
    n_replicates : int
        Images of each scene and dose, each of other blocks and other noise.
    n_replicates_of : mapping of labels to int
        The first so many images are enough for methods that take long: ``{mtaeu_published: 5}``.
    size : int
        Pixels along y and x.
    seed : int
        Seed of the first image; the others follow it.
    methods : mapping of labels
        Methods and settings, written as in `methods` at the top level; by default the eight unmixing methods
        of the paper as published (``vca_published``) and for counts (``vca``).
    peers_python : str, optional
        Python that has HyperSpy (``envs/peers.yaml``), for ``snakemake benchmark_peers``; not needed where
        Snakemake makes the environment (``--sdm conda``).
    """

    scenes: tuple[Literal["ru3", "k4"], ...] = ("ru3", "k4")
    doses: tuple[Annotated[int, Field(ge=1, le=10**9)], ...] = (100, 1000, 10_000)
    n_replicates: Annotated[int, Field(ge=1)] = 20
    n_replicates_of: Mapping[str, Annotated[int, Field(ge=1)]] = field(default_factory=dict)
    size: Annotated[int, Field(ge=1)] = 64
    seed: Annotated[int, Field(ge=0)] = 0
    methods: Mapping[str, Any] = field(default_factory=dict)
    peers_python: str | None = None

    def __post_init__(self) -> None:
        for name in ("scenes", "doses"):
            values = getattr(self, name)
            if not values or len(set(values)) != len(values):
                raise ValueError(f"{name} needs at least one entry, each once, not {list(values)}")
        for scene in self.scenes:
            scene_options(scene, self.doses[0], size=self.size, seed=self.seed)

    def replicates_of(self, label: str) -> int:
        """Images that a method runs on."""
        return self.n_replicates_of.get(label, self.n_replicates)

    def seed_of(self, label: str) -> int:
        """Seed of a method in the first image: its own, or that of the image."""
        seed = self.methods[label].seed
        return self.seed if seed is None else int(seed)


def scene_options(scene: str, counts: float, *, size: int = 64, seed: int = 0) -> ChequerboardOptions:
    """Options of the first image of a scene."""
    return ChequerboardOptions(endmembers=scene, size=size, counts=float(counts), seed=seed)  # type: ignore[arg-type]


def reserved_label_fault(label: str) -> str | None:
    """Say what is wrong with a label of the benchmark; None if nothing is."""
    if label.lower() in RESERVED or label.lower().startswith("peers_"):
        return "this label is used by the benchmark itself; choose another one and add method: NAME"
    return None
