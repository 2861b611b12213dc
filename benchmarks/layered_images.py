"""Whether images are taken for layered (`eelsunmix.proposal.layers`), kind by kind, and along which axis.

``python benchmarks/layered_images.py [FIRST_SEED [SEEDS]]`` on simulated images of fresh seeds, each as it is
and turned, then on the files of `EELSUNMIX_DATA` with the edges that `eelsunmix new` proposes for them.
"""

import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from eelsunmix import synthetic
from eelsunmix.errors import InputError
from eelsunmix.io import open_image
from eelsunmix.proposal import propose_edges
from eelsunmix.proposal.layers import layered_along, varies_along

SIZE = (23, 37)
FILES = ("STO-LMO_EELS_SI.dm3", "NMC_core-loss_2x21.dm3", "EDS_80x80.hspy", "Velox_EDS_16x16.emd")


def main(arguments: list[str]) -> None:
    """Count the answers for every kind."""
    first, seeds = (int(text) for text in [*arguments, *("5400", "20")[len(arguments) :]])
    found: dict[str, Counter[str]] = {}
    for seed in range(first, first + seeds):
        for kind, scene in scenes(seed):
            image = scene.spectrum_image
            answers = found.setdefault(kind, Counter())
            answers[str(varies_along(image, scene.edges))] += 1
            turned = image.rename({"y": "x", "x": "y"}).transpose("y", "x", ...)
            answers[f"turned {varies_along(turned, scene.edges)}"] += 1
    for kind, answers in found.items():
        print(f"| {kind} | {', '.join(f'{answer} {n}' for answer, n in sorted(answers.items()))} |")
    for file in FILES:
        print(f"| {file} | {of_file(Path(os.environ['EELSUNMIX_DATA']) / file)} |")


def scenes(seed: int) -> Iterator[tuple[str, synthetic.Scene]]:
    """Yield kinds of images and their scenes."""
    for level in ("linear", "thickness", "realistic"):
        for counts in (40, 800):
            options = {"shape": SIZE, "level": level, "counts": counts, "seed": seed}
            yield f"multilayer, {level}, {counts} counts", synthetic.multilayer(**options)
    for roughness in (0.0, 0.7, 2.0):
        options = {"size": SIZE, "roughness": roughness, "seed": seed}
        yield f"stack, roughness {roughness} px", synthetic.stack(**options)
    yield "chequerboard", synthetic.chequerboard(size=35, seed=seed)
    for name in ("particles", "columns", "gradient", "rare", "drift", "vacuum", "eds"):
        yield name, synthetic.simulate(synthetic.SCENES[name](size=SIZE, seed=seed))


def of_file(path: Path) -> str:
    """Answer for a file, with the edges that are proposed."""
    try:
        image = open_image(path)
    except InputError:
        image = open_image(path, invalid_pixels="mask")
    return str(layered_along(image, propose_edges(image)))


if __name__ == "__main__":
    main(sys.argv[1:])
