"""The recommended result against the oracle, plain VCA and any other method, on scenes of known truth.

    .venv/bin/python benchmarks/recommended.py --seeds 5 --methods vca,blu,udas

prints, for each scene, medians over the seeds of the scale-free NMSE of the maps (mean over the endmembers)
and of the NMSE as returned. The oracle is weighted non-negative least squares with the true spectra; where
the brightness is constant, fully constrained too. Limits: `Cramer-Rao` of unbiased maps of single pixels that
know the spectra (averages over neighbours and non-negativity go below), and what is `identifiable` without
noise by the edges. The result is recommended with the edges of the scene, as a configuration names them, and
without (not with ``--with-edges-alone``). Maps are thickness-weighted where the truth has a thickness.
Of each image it also prints which part of the shares above 0.1 lies within 1.96 of their deviations.
"""

import argparse
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import xarray as xr

import eelsunmix as eu
from eelsunmix import synthetic
from eelsunmix.anchored_fit import net_counts_of_elements
from eelsunmix.anchoring import least_scales
from eelsunmix.benchmark.limits import cramer_rao_nmse
from eelsunmix.benchmark.scores import Truth, matched, scores, truth_of
from eelsunmix.edges import Edge
from eelsunmix.mapping.brightness import brightness, sums_to_one
from eelsunmix.numerics.abundances import fully_constrained, non_negative
from eelsunmix.synthetic import Scene
from eelsunmix.typing import Floats

Maker = Callable[..., Scene]
PURE: dict[str, Any] = {"co_nm": 2.2, "ru_nm": 1.8, "diffused_fraction": 0.05, "probe_sd_nm": 0.1}
BENT: dict[str, Any] = {"level": "thickness", "wedge": 1.2}
MULTILAYER: dict[str, dict[str, Any]] = {
    "multilayer": {"counts": 3000.0},
    "multilayer, thickness, 2000 counts": {"level": "thickness", "counts": 2000.0},
    "multilayer, thickness, 200 counts": {"level": "thickness", "counts": 200.0},
    "multilayer, pure, thick wedge, 2000 counts": {"counts": 2000.0, **PURE, **BENT},
    "multilayer, pure, thick wedge, 200 counts": {"counts": 200.0, **PURE, **BENT},
}
FURTHER = ("particles", "columns", "stack", "gradient", "eds", "rare", "drift", "vacuum")
Score = tuple[Floats, Floats, float]
"""Scale-free NMSE and NMSE of each endmember, and the seconds that it took."""


def scenes(size: int) -> dict[str, Callable[[int], Scene]]:
    """Name of a scene -> what makes it with a seed."""
    made: dict[str, Callable[[int], Scene]] = {}
    for board in ("ru3", "k4"):
        made[board] = lambda seed, board=board: synthetic.chequerboard(endmembers=board, size=size, seed=seed)
    for name in FURTHER:
        made[name] = lambda seed, name=name: getattr(synthetic, name)(size=size, seed=seed)
    for name, options in MULTILAYER.items():
        made[name] = lambda seed, options=options: synthetic.multilayer(seed=seed, **options)
    return made


def scored(truth: Truth, spectra: Floats, maps: Floats, seconds: float) -> Score:
    """Compare maps with the truth; pixels without a value count as zero."""
    order = matched(truth, spectra)
    found = scores(truth, spectra[order], np.nan_to_num(maps[..., order]))
    return found["nmse_scale_free"], found["nmse"], seconds


def oracle(scene: Scene, truth: Truth, *, sum_to_one: bool) -> Score:
    """Weighted least squares with the true spectra."""
    solve = fully_constrained if sum_to_one else non_negative
    counts = scene.spectrum_image.to_numpy().reshape(-1, truth.spectra.shape[1])
    maps = solve(counts, truth.spectra, channel_weight=truth.deviation).reshape(truth.abundance.shape)
    return scored(truth, truth.spectra, maps * scene.sample.to_numpy()[..., None], 0.0)


def cramer_rao(truth: Truth) -> Score:
    """Least error of unbiased maps of single pixels with the true spectra."""
    least = cramer_rao_nmse(truth.spectra, truth.abundance, sum_to_one=not truth.varies)
    return least, least, 0.0


def identifiable(scene: Scene, truth: Truth) -> Score | None:
    """Error without any noise of the simplex that clean edges and non-negative shares allow.

    Edges say where a material is but not how much of it a pure pixel has: that is the least that leaves the
    material without edges non-negative (`eelsunmix.anchoring`). None where edges do not say so much.
    """
    energy = scene.spectrum_image[scene.spectrum_image.dims[-1]]
    mean = truth.spectra.mean(axis=0)
    net = net_counts_of_elements(truth.spectra, scene.edges, energy, mean)[0]
    owner = net.argmax(axis=0)
    free = np.setdiff1d(np.arange(len(net)), owner)
    if len(free) != 1 or len(set(owner.tolist())) < len(owner):
        return None
    total = truth.abundance.sum(axis=-1, keepdims=True)
    shares = np.divide(truth.abundance, total, out=np.zeros_like(truth.abundance), where=total > 0)
    scales = least_scales(shares.reshape(-1, len(net))[:, owner])
    maps = shares.copy()
    maps[..., owner] /= scales
    maps[..., free] = 1 - maps[..., owner].sum(axis=-1, keepdims=True)
    return scored(truth, truth.spectra, np.maximum(maps, 0.0) * total, 0.0)


def of_method(scene: Scene, truth: Truth, method: str, seed: int) -> Score:
    """One method with its defaults, brought to the brightness where the truth has one."""
    image, start = scene.spectrum_image, time.process_time()
    model = eu.fit(image, method, n_endmembers=len(truth.spectra), seed=seed)
    maps = eu.apply(model, image)["abundance"]
    spectra = model["endmember_spectrum"].to_numpy().astype(float)
    if truth.varies and sums_to_one(model):
        totals = image.sum(str(image.dims[-1]), dtype=float)
        maps = (maps * brightness(maps, spectra, totals)).transpose(*maps.dims)
    return scored(truth, spectra, maps.to_numpy().astype(float), time.process_time() - start)


def of_recommended(
    scene: Scene, truth: Truth, seed: int, edges: Mapping[str, Edge] | None
) -> tuple[Score, xr.Dataset]:
    """Return the scores of the recommended result, and the result."""
    start = time.process_time()
    result = eu.recommend(scene.spectrum_image, n_endmembers=len(truth.spectra), seed=seed, edges=edges)
    name = "thickness_weighted_abundance" if truth.varies else "abundance"
    maps, spectra = result[name].to_numpy().astype(float), result["endmember_spectrum"].to_numpy()
    return scored(truth, spectra, maps, time.process_time() - start), result


def coverage(scene: Scene, truth: Truth, result: xr.Dataset) -> str:
    """Part of the shares above 0.1 within 1.96 deviations, and the median width over the peak, in words."""
    order = matched(truth, result["endmember_spectrum"].to_numpy())
    found, sd = (result[name].to_numpy()[..., order] for name in ("abundance", "abundance_sd"))
    true = scene.abundance.to_numpy()
    inside, width = np.abs(found - true) <= 1.96 * sd, 2 * 1.96 * sd / true.max(axis=(0, 1))
    known = found.sum(axis=-1) > 0  # not what was taken for vacuum
    strong = [known & (true[..., one] > 0.1) for one in range(len(order))]
    covered = [f"{inside[pixels, one].mean():.2f}" for one, pixels in enumerate(strong)]
    widths = [f"{np.median(width[pixels, one]):.2f}" for one, pixels in enumerate(strong)]
    return f"covered {' '.join(covered)}, width {' '.join(widths)}"


def runs(scene: Scene, methods: list[str], seed: int, *, blind: bool) -> Iterator[tuple[str, Score]]:
    """Yield the label and the scores of everything on one image."""
    truth = truth_of(scene)
    yield "oracle", oracle(scene, truth, sum_to_one=False)
    if not truth.varies:
        yield "oracle, sum to one", oracle(scene, truth, sum_to_one=True)
    yield "Cramer-Rao", cramer_rao(truth)
    if (limit := identifiable(scene, truth)) is not None:
        yield "identifiable", limit
    for method in methods:
        yield method, of_method(scene, truth, method, seed)
    found, result = of_recommended(scene, truth, seed, scene.edges)
    yield "recommended", found
    used = result.attrs["method"].endswith("by edges") or result.attrs["nuisance"]
    said = f"{result.attrs['method']} ({result.attrs['brightness']} brightness)" + used * ", edges of use"
    print(f"    seed {seed}: {said}; {coverage(scene, truth, result)}", flush=True)
    if not blind:
        return
    # Edges that are of no use leave the result as it is.
    yield "recommended, no edges", of_recommended(scene, truth, seed, None)[0] if used else found


def main() -> None:
    """Print a table of each scene."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=7000, help="first seed")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--methods", default="vca")
    parser.add_argument("--scenes", default="")
    parser.add_argument("--with-edges-alone", action="store_true")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    chosen, methods = scenes(asked.size), asked.methods.split(",")
    for name in asked.scenes.split(";") if asked.scenes else chosen:
        print(name, flush=True)
        table: dict[str, list[Score]] = {}
        for seed in range(asked.first, asked.first + asked.seeds):
            for label, score in runs(chosen[name](seed), methods, seed, blind=not asked.with_edges_alone):
                table.setdefault(label, []).append(score)
        for label, found in table.items():
            free, plain = (np.median([one[index] for one in found], axis=0) for index in (0, 1))
            means = [np.median([one[index].mean() for one in found]) for index in (0, 1)]
            each = " ".join(f"{value:.4f}" for value in free)
            seconds = np.median([one[2] for one in found])
            raw = " ".join(f"{value:.4f}" for value in plain)
            print(
                f"  {label:20} {means[0]:.5f} ({each})  raw {means[1]:.5f} ({raw})  {seconds:.1f} s CPU",
                flush=True,
            )


if __name__ == "__main__":
    main()
