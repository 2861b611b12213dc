"""Run the whole workflow on an image of any shape and print the peak of memory of each job, from its log.

    python benchmarks/peaks.py FOLDER [--shape Y X CHANNELS] [--methods vca nmf blu] [--keep]

The image is written row by row: three materials in layers, Poisson counts as uint16. FOLDER is removed at the
end unless it is to be kept. Numbers: docs/decisions/039.
"""

import argparse
import csv
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
CONFIGURATION = """
samples:
  image: {{file: image.npy}}
axes: {{dims: [y, x, energy_loss], energy: {{offset_eV: 300.0, dispersion_eV: {dispersion}}}, pixel_nm: 0.1}}
edges:
  N_K: {{element: N, onset_eV: 401, fit_eV: [330, 390], integrate_eV: [401, 450]}}
  O_K: {{element: O, onset_eV: 532, fit_eV: [470, 520], integrate_eV: [532, 580]}}
profiles: {{all_rows: {{along: x}}}}
methods: {{{methods}}}
"""


def write_image(path: Path, shape: tuple[int, int, int]) -> None:
    """Write layers of three materials across x, row by row."""
    energy = np.linspace(300.0, 600.0, shape[2])
    background = 4000 * (energy / 300) ** -3.0 / shape[2] * 40
    spectra = np.stack([background, *(background + 0.2 * background[0] * (energy > at) for at in (401, 532))])
    layers = np.repeat(np.eye(3), 1 + shape[1] // 12, axis=0)
    shares = np.tile(layers, (5, 1))[: shape[1]]
    mean, rng = shares @ spectra * 0.2, np.random.default_rng(0)
    image = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint16, shape=shape)
    for row in image:
        row[:] = rng.poisson(mean)
    image.flush()


def run(folder: Path, shape: tuple[int, int, int], methods: list[str]) -> None:
    """Make the image and run the workflow."""
    folder.mkdir(parents=True)
    write_image(folder / "image.npy", shape)
    labels = ", ".join(f"{method}: {{}}" for method in methods)
    (folder / "config.yaml").write_text(CONFIGURATION.format(dispersion=300 / (shape[2] - 1), methods=labels))
    command = ["--cores", "2", "--directory", folder, "--configfile", folder / "config.yaml"]
    snakemake = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", *command]
    subprocess.run(snakemake, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def table(folder: Path) -> list[tuple[str, int, float]]:
    """Read peak memory (MB) and time of computing (s) of each job."""
    found = []
    for log in sorted((folder / "results/image/logs").glob("*.log"), key=lambda path: path.stat().st_mtime):
        peak = re.search(r"(\d+) MB of memory at most", log.read_text())
        with (folder / f"results/image/benchmarks/{log.stem}.tsv").open() as file:
            (job,) = csv.DictReader(file, delimiter="\t")
        found.append((log.stem, int(peak[1]) if peak else 0, float(job["cpu_time"])))
    return found


def main() -> None:
    """Run, print, remove."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--shape", type=int, nargs=3, default=(256, 256, 100))
    parser.add_argument("--methods", nargs="+", default=["vca", "nmf", "blu"])
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    run(options.folder, tuple(options.shape), options.methods)
    print(f"{' x '.join(map(str, options.shape)):24} {'peak MB':>8} {'CPU s':>8}")
    for rule, peak, seconds in table(options.folder):
        print(f"{rule:24} {peak:8d} {seconds:8.1f}")
    if not options.keep:
        shutil.rmtree(options.folder)


if __name__ == "__main__":
    main()
