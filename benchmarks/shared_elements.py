"""Whether shapes of edges tell compounds that share an element from mixtures, on scenes of known truth.

    .venv/bin/python benchmarks/shared_elements.py --seeds 2 --first 300

prints, for each image and method, the elements that more than one material is found to hold, and which edges
a spectrum without its owner has: a miss, where compounds share B and none is found; a false alarm, where an
element has one owner and is found all the same.
"""

import argparse
import warnings
from collections.abc import Callable

import numpy as np

import eelsunmix as eu
from eelsunmix import synthetic
from eelsunmix.anchored_fit import net_counts_of_elements, shared_by_shape
from eelsunmix.edges import Edge, elements_of
from eelsunmix.synthetic import Scene

METHODS = ("udas", "blu")
BORON = ("B_K", "C_K", "N_K")
Maker = Callable[[int], Scene]
COMPOUNDS: dict[str, Maker] = {
    "drift": lambda seed: synthetic.drift(seed=seed),
    "drift, 200 counts": lambda seed: synthetic.drift(seed=seed, counts=200.0),
    "drift, 100 counts": lambda seed: synthetic.drift(seed=seed, counts=100.0),
    "stack": lambda seed: synthetic.stack(seed=seed),
    "k4": lambda seed: synthetic.chequerboard(endmembers="k4", seed=seed),
}
MIXTURES: dict[str, Maker] = {
    "multilayer": lambda seed: synthetic.multilayer(seed=seed),
    "multilayer, 200 counts": lambda seed: synthetic.multilayer(seed=seed, counts=200.0),
    "multilayer, thickness": lambda seed: synthetic.multilayer(seed=seed, level="thickness", counts=2000.0),
    "multilayer, realistic": lambda seed: synthetic.multilayer(seed=seed, level="realistic", counts=1000.0),
    "columns": lambda seed: synthetic.columns(seed=seed),
    "particles": lambda seed: synthetic.particles(seed=seed),
    "gradient": lambda seed: synthetic.gradient(seed=seed),
}


def judged(scene: Scene, edges: dict[str, Edge], method: str, seed: int) -> tuple[set[str], dict[str, float]]:
    """Return the elements found in several materials, and the largest foreign part of each edge."""
    image = scene.spectrum_image
    brightness = "constant" if scene.brightness is None else "variable"
    number = scene.abundance.sizes["endmember"]
    model = eu.fit(image, method, n_endmembers=number, seed=seed, brightness=brightness)
    shares = eu.apply(model, image)["abundance"].to_numpy().reshape(-1, number).astype(float)
    spectra, energy = model["endmember_spectrum"].to_numpy().astype(float), image[image.dims[-1]]
    mean = image.to_numpy().reshape(-1, image.shape[-1]).mean(axis=0)
    found = shared_by_shape(spectra, shares, edges, energy, mean_spectrum=mean, variance_to_mean=1.0)
    net = net_counts_of_elements(spectra, edges, energy, mean)[0]
    foreign = np.sort(net / net.max(axis=0), axis=0)[-2]
    return found, dict(zip(elements_of(edges.values()), foreign.round(2).tolist(), strict=True))


def main() -> None:
    """Print a line for each image and method, and the counts of errors."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--first", type=int, default=300, help="first seed")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    for kind, scenes in (("misses", COMPOUNDS), ("false alarms", MIXTURES)):
        errors = []
        for name, make in scenes.items():
            for seed in range(asked.first, asked.first + asked.seeds):
                scene = make(seed)
                edges = {key: scene.edges[key] for key in BORON} if kind == "misses" else scene.edges
                for method in METHODS:
                    found, foreign = judged(scene, edges, method, seed)
                    errors.append(("B" not in found) if kind == "misses" else bool(found))
                    print(f"  {name}, seed {seed}, {method}: {sorted(found)} of {foreign}", flush=True)
        print(f"{kind}: {sum(errors)} of {len(errors)}", flush=True)


if __name__ == "__main__":
    main()
