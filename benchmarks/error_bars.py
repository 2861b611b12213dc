"""Whether the error bars hold the truth: noise on images with pure pixels, noise and ambiguity on all scenes.

    .venv/bin/python benchmarks/error_bars.py --seeds 3 --methods vca,blu,udas
    .venv/bin/python benchmarks/error_bars.py --ambiguity --seeds 3 --methods vca,udas --anchor edges

The first prints the part of the abundances above 0.1 within 1.96 standard deviations of the truth, at three
doses; of networks, which have no deviation of their own, those of the refit. The second prints, for the
element of each edge, the part of the pixels (and of those above 0.1) within the range of other simplices
widened by the noise, the width of the range over the peak of the truth, and its scale beside the true one.
"""

import argparse
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr

import eelsunmix as eu
from eelsunmix import metrics
from eelsunmix.background import BackgroundOptions, subtract_background
from eelsunmix.comparison import compare
from eelsunmix.synthetic import SCENES, Scene, simulate
from eelsunmix.typing import Floats

REACH, STRONG = 1.96, 0.1
PURE: dict[str, tuple[str, dict[str, Any]]] = {
    "ru3": ("chequerboard", {"size": (40, 48)}),
    "k4": ("chequerboard", {"endmembers": "k4", "size": (40, 48)}),
    "multilayer, pure": ("multilayer", {"shape": (40, 75), "ru_nm": 1.6, "diffused_fraction": 0.0}),
}
DOSES = (100, 1000, 10_000)
SIZE, FURTHER = {"size": (44, 48)}, ("columns", "particles", "stack", "gradient", "rare", "drift", "vacuum")
ALL: dict[str, tuple[str, dict[str, Any]]] = {
    **{name: (scene, options | {"counts": 1000}) for name, (scene, options) in PURE.items()},
    "ru3, 100 counts": ("chequerboard", {"size": (40, 48), "counts": 100}),
    "multilayer": ("multilayer", {"shape": (40, 75), "counts": 2000}),
    "multilayer, 200 counts": ("multilayer", {"shape": (40, 75), "counts": 200}),
    "multilayer, thickness": ("multilayer", {"shape": (40, 75), "counts": 2000, "level": "thickness"}),
    **{
        name: (name, SIZE)
        for name in ("columns", "particles", "stack", "gradient", "rare", "drift", "vacuum")
    },
}


def made(scene: tuple[str, dict[str, Any]], **options: Any) -> Scene:
    """Simulate a scene."""
    name, known = scene
    return simulate(SCENES[name](**{**known, **options}))


def fitted(scene: Scene, method: str, seed: int, anchor: str) -> tuple[xr.Dataset, xr.Dataset]:
    """Fit a method with its defaults, and map it."""
    image, number = scene.spectrum_image, scene.abundance.sizes["endmember"]
    options = {} if method == "nmf" else {"anchor": anchor}
    model = eu.fit(image, method, n_endmembers=number, seed=seed, edges=scene.edges or None, **options)
    return model, eu.apply(model, image)


def covered_by_noise(scene: Scene, maps: xr.Dataset) -> float:
    """Part of the abundances that are `STRONG` within `REACH` deviations."""
    name = "abundance" if "abundance_sd" in maps else "refit_abundance"
    order = metrics.match(_rows(scene.abundance).T, _rows(maps[name]).T)
    found, deviation = (_rows(maps[key])[:, order] for key in (name, f"{name}_sd"))
    truth = _rows(scene.abundance)
    inside = np.abs(found - truth) < REACH * deviation
    return float(inside[truth > STRONG].mean())


def ranges(scene: Scene, methods: list[str], seed: int, anchor: str) -> Iterator[tuple[str, str, Floats]]:
    """Yield label, element, and what the ranges of one image are worth, for each method and element."""
    runs = {method: fitted(scene, method, seed, anchor) for method in methods}
    fits, maps = ({label: run[part] for label, run in runs.items()} for part in (0, 1))
    image = scene.spectrum_image
    bs = subtract_background(image, scene.edges, BackgroundOptions())
    result = compare(image, bs, fits, maps, edges=scene.edges)
    first = {edge.element: name for name, edge in reversed(scene.edges.items())}
    for label in methods:
        for element, edge in first.items():
            at = result.sel(label=label, edge=edge)
            if int(at["owner"]) >= 0 and np.isfinite(float(at["scale_low"])):
                yield label, element, _judged(scene, maps[label], at)


def _judged(scene: Scene, maps: xr.Dataset, at: xr.Dataset) -> Floats:
    """Cover of all and of strong pixels, width, least and greatest scale, true scale, pure pixels."""
    own = maps.isel(endmember=int(at["owner"]))
    found = own["abundance"].to_numpy().ravel().astype(float)
    deviation = own["abundance_sd" if "abundance_sd" in own else "refit_abundance_sd"].to_numpy().ravel()
    truths = _rows(scene.abundance)
    truth = truths[:, np.argmax([np.corrcoef(found, one)[0, 1] for one in truths.T])]
    low, high = (at[f"owner_abundance_{end}"].to_numpy().ravel() for end in ("low", "high"))
    known = np.isfinite(low)
    reach = REACH * deviation * max(1.0, float(at["scale_high"]))
    inside, strong = (truth >= low - reach) & (truth <= high + reach), known & (truth > STRONG)
    width = np.median((high - low)[strong]) / truth.max()
    factor = float(truth @ found) / float(found @ found)
    scales = (float(at["scale_low"]), float(at["scale_high"]), factor, float(at["pure_pixels"]))
    return np.array([inside[known].mean(), inside[strong].mean(), width, *scales])


def _rows(maps: xr.DataArray) -> Floats:
    values: Floats = maps.transpose("y", "x", "endmember").to_numpy().astype(float)
    return values.reshape(-1, values.shape[-1])


def print_noise(asked: argparse.Namespace) -> None:
    """Print the cover of noise alone, medians over the seeds."""
    for name, scene in PURE.items():
        for method in asked.methods.split(","):
            cells = []
            for counts in DOSES:
                scenes = {seed: made(scene, seed=seed, counts=counts) for seed in asked.all_seeds}
                maps = {seed: fitted(one, method, seed, "none")[1] for seed, one in scenes.items()}
                found = [covered_by_noise(one, maps[seed]) for seed, one in scenes.items()]
                cells.append(f"{np.median(found):.3f} ({min(found):.3f} to {max(found):.3f})")
            print(f"{name:20} {method:7}", *cells, sep="  ", flush=True)


def print_ambiguity(asked: argparse.Namespace) -> None:
    """Print the cover of noise and ambiguity: the worst seed, but medians of the width."""
    for name in asked.scenes.split(";") if asked.scenes else ALL:
        table: dict[tuple[str, str], list[Floats]] = {}
        for seed in asked.all_seeds:
            scene, methods = made(ALL[name], seed=seed), asked.methods.split(",")
            for label, element, values in ranges(scene, methods, seed, asked.anchor):
                table.setdefault((label, element), []).append(values)
        for (label, element), rows in table.items():
            one = np.array(rows)
            print(
                f"{name:24} {label:5} {element:3} cover {one[:, 0].min():.3f}; {one[:, 1].min():.3f}  "
                f"width {np.median(one[:, 2]):.2f}  scale {one[:, 3].min():.2f} to {one[:, 4].max():.2f}, "
                f"true {one[:, 5].min():.2f} to {one[:, 5].max():.2f}  pure {one[:, 6].astype(int).tolist()}",
                flush=True,
            )


def main() -> None:
    """Print one of the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--ambiguity", action="store_true")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=9500, help="first seed")
    parser.add_argument("--methods", default="vca,udas")
    parser.add_argument("--anchor", choices=["none", "edges"], default="none")
    parser.add_argument("--scenes", default="", help="names, with semicolons between")
    asked = parser.parse_args()
    asked.all_seeds = range(asked.first, asked.first + asked.seeds)
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    (print_ambiguity if asked.ambiguity else print_noise)(asked)


if __name__ == "__main__":
    main()
