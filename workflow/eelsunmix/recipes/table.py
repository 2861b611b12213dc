"""One recipe for each rule: the settings that its job gets, the code behind it, and what it reads."""

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from eelsunmix.configuration import SampleSettings
from eelsunmix.io import reader_module
from eelsunmix.methods._lookup import method_class
from eelsunmix.methods._references import references
from eelsunmix.plain import field_values, plain_values
from eelsunmix.recipes.content import OfFiles
from eelsunmix.words import COMPARED, RECOMMENDED

Value = Callable[[Any, str], Any]
"""From the settings of a sample (of the index: the recipes) and the label of a method to a plain value."""

VERDICT = "verdict.json"
"""Name of the verdict in the folder of its sample."""


class Product(NamedTuple):
    """A store of a sample, its ``page`` or its ``verdict``; `label` is that of a method, if any."""

    sample: str
    store: str
    label: str = ""

    @property
    def path(self) -> str:
        """Path, seen from where Snakemake runs."""
        if self.store == "page":
            return f"reports/{self.sample}.html"
        if self.store == "verdict":
            return f"results/{self.sample}/{VERDICT}"
        return f"results/{self.sample}/{'/'.join(filter(None, (self.store, self.label)))}.zarr"


INDEX = Product("index", "page")
"""The page of all samples; none is called so."""
BENCHMARK_PAGE = "reports/benchmark.html"


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What a rule makes, and of what.

    Parameters
    ----------
    store : str
        What is made, as in `Product`.
    beside : tuple of str
        What the same job makes too.
    inputs : tuple of str
        Stores that are read. ``fit`` is that of the sample whose models are applied; for a product without
        a label, ``fit`` and ``map`` are those of all methods.
    settings : mapping of str to Value or OfFiles
        Parameters of the rule, by name.
    modules : callable
        Modules whose code makes it.
    """

    store: str
    beside: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    settings: Mapping[str, Value | OfFiles] = field(default_factory=dict)
    modules: Callable[[SampleSettings, str], Iterable[str]]

    @property
    def names(self) -> list[str]:
        """Names of all parameters of the rule."""
        return [*self.settings, *(["made_of"] if self.inputs else []), "code"]

    @property
    def reads_files(self) -> bool:
        """Whether it takes files of the user, without which it cannot be made again."""
        return any(isinstance(setting, OfFiles) for setting in self.settings.values())


def rule_of(product: Product, sample: Any) -> str:
    """Return the rule that makes a product of a sample, or the index, as `RECIPES` names it."""
    if product == INDEX:
        return "index"
    if product.store == "raw":
        return "import_image" if sample.file else "simulate_image"
    if product.label == RECOMMENDED:
        return f"{product.store}_recommended"
    return next(rule for rule, one in RECIPES.items() if product.store in (one.store, *one.beside))


def log_of(product: Product, sample: Any) -> str:
    """Path of the log of the job that makes a product of a sample, as the rules have it."""
    rule = rule_of(product, sample)
    named = rule if product.label in ("", RECOMMENDED) else f"{rule}_{product.label}"
    return f"results/{product.sample}/logs/{named}.log"


def recipe_of(product: Product, sample: Any) -> Recipe:
    """Return the recipe of a product of a sample, or of the index."""
    return RECIPES[rule_of(product, sample)]


_plain: dict[int, tuple[Any, Any]] = {}


def plain_once(value: Any) -> Any:
    """Reduce a value to plain ones, sections that samples share only once; nobody may alter the result."""
    if isinstance(value, str | int | float | None):
        return value
    if id(value) not in _plain:
        _plain[id(value)] = (
            value,
            plain_values(value),
        )  # kept alive, so that no other gets its number
    return _plain[id(value)][1]


def _of_sample(*names: str) -> dict[str, Value]:
    def value(name: str) -> Value:
        return lambda sample, label: plain_once(getattr(sample, name))

    return {name: value(name) for name in names}


_unshared: dict[int, dict[str, Any]] = {}


def _unshared_edges(sample: SampleSettings, label: str) -> dict[str, Any]:
    """Edges but for `shared`, which anchoring alone reads: nothing else is made again for it."""
    edges = plain_once(sample.edges)  # kept alive, so that no other gets its number
    if id(edges) not in _unshared:
        _unshared[id(edges)] = {
            name: {key: value for key, value in edge.items() if key != "shared"}
            for name, edge in edges.items()
        }
    return _unshared[id(edges)]


def _of_method(*names: str) -> dict[str, Value]:
    def value(name: str) -> Value:
        return lambda sample, label: plain_once(getattr(sample.methods[label], name))

    return {name: value(name) for name in names}


def _code(*modules: str) -> Callable[[SampleSettings, str], Iterable[str]]:
    return lambda sample, label: modules


def _code_of_fit(sample: SampleSettings, label: str) -> list[str]:
    method = sample.methods[label].method
    # Where edges are needed, so is the choice of their windows; see `eelsunmix.learning`.
    choice = ["eelsunmix.edge_choice"] if "edges" in _class(method).needs else []
    anchoring = ["eelsunmix.anchored_fit"] if sample.methods[label].anchor == "edges" else []
    # Where nuisance is taken out, so is the place of regions; see `eelsunmix.nuisance`.
    regions = ["eelsunmix.profile_geometry"] if sample.methods[label].nuisance != 0 else []
    more = [*choice, *anchoring, *regions]
    return ["eelsunmix.inputs", "eelsunmix.fitting", f"eelsunmix.methods.{method}", *more]


def _all_settings(sample: SampleSettings, label: str) -> dict[str, Any]:
    return {name: plain_once(value) for name, value in field_values(sample).items()}


def _literature_of_methods(sample: SampleSettings, label: str) -> dict[str, list[str]]:
    return {one.method: _references(one.method) for one in sample.methods.values()}


_references, _class = functools.cache(references), functools.cache(method_class)

RECIPES: dict[str, Recipe] = {
    "import_image": Recipe(
        store="raw",
        settings={
            **_of_sample("file", "signal", "axes", "detector", "invalid_pixels"),
            "content": OfFiles(lambda sample: [sample.file or ""], single=True),
        },
        modules=lambda sample, label: ("eelsunmix.io.importing", reader_module(sample.file or "")),
    ),
    "simulate_image": Recipe(
        store="raw",
        settings={
            **_of_sample("scene"),
            "options": lambda sample, label: plain_once(sample.simulate),
        },
        modules=_code("eelsunmix.synthetic"),
    ),
    "correct_gain": Recipe(
        store="corrected",
        inputs=("raw",),
        settings={
            **_of_sample("corrections", "detector", "vacuum"),
            "edges": _unshared_edges,
            "references": OfFiles(lambda sample: sample.references),
        },
        modules=lambda sample, label: (
            "eelsunmix.corrections",
            "eelsunmix.edges",
            *map(reader_module, sample.references),
        ),
    ),
    "denoise": Recipe(
        store="pca",
        inputs=("corrected",),
        settings=_of_sample("denoise"),
        modules=_code("eelsunmix.pca"),
    ),
    "estimate_endmembers": Recipe(
        store="rank",
        inputs=("corrected", "pca"),
        settings=_of_sample("components"),
        modules=_code("eelsunmix.rank"),
    ),
    "subtract_background": Recipe(
        store="bs",
        inputs=("corrected",),
        settings={**_of_sample("background", "profiles", "regions"), "edges": _unshared_edges},
        modules=_code("eelsunmix.background"),
    ),
    "fit": Recipe(
        store="fit",
        inputs=("corrected", "pca", "rank"),
        settings={
            **_of_method("method", "input", "brightness", "nuisance", "anchor", "options"),
            "seed": lambda sample, label: sample.seed_of(label),
            "edges": lambda sample, label: sample.edges_for(label),
            "edge_free": lambda sample, label: sample.edge_free_for(label),
            **_of_sample("n_learning_pixels"),
        },
        modules=_code_of_fit,
    ),
    "map": Recipe(
        store="map",
        inputs=("fit", "corrected", "pca", "rank"),
        settings=_of_method("input"),
        modules=_code("eelsunmix.inputs", "eelsunmix.mapping", "eelsunmix.mapping.timing"),
    ),
    "fit_recommended": Recipe(
        store="fit",
        inputs=("corrected", "pca", "rank"),
        settings={"seed": lambda sample, label: sample.seed_of(label), **_of_sample("edges")},
        modules=_code("eelsunmix.recommended", *(f"eelsunmix.methods.{name}" for name in COMPARED)),
    ),
    "map_recommended": Recipe(
        store="map",
        inputs=("fit", "corrected", "pca", "rank"),
        settings={"same_image": lambda sample, label: sample.model_source == sample.name},
        modules=_code("eelsunmix.recommended"),
    ),
    "compare": Recipe(
        store="comparison",
        inputs=("raw", "corrected", "bs", "fit", "map"),
        settings={**_of_sample("profiles", "regions", "component_names"), "edges": _unshared_edges},
        modules=_code("eelsunmix.comparison"),
    ),
    "report": Recipe(
        store="page",
        beside=("verdict",),
        inputs=("raw", "corrected", "pca", "rank", "bs", "comparison", "fit", "map"),
        settings={
            "title": lambda sample, label: sample.report.title,
            "settings": _all_settings,
            "literature": _literature_of_methods,  # of docstrings, which no fingerprint sees
            "benchmarks": lambda sample, label: f"results/{sample.name}/benchmarks",
        },
        modules=_code("eelsunmix.report"),
    ),
    "index": Recipe(
        store="page",
        inputs=("verdict",),
        settings={
            "skipped": lambda recipes, label: recipes.skipped,
            "benchmark": lambda recipes, label: Path(BENCHMARK_PAGE).is_file(),
        },
        modules=_code("eelsunmix.report.index"),
    ),
}
"""Rule -> its recipe."""
