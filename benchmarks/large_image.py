"""Run the whole workflow on a large uint16 image; print CPU time and peak memory of every job, and of all.

    python benchmarks/large_image.py FOLDER                             # 376 x 372 x 900, two cores
    python benchmarks/large_image.py FOLDER --shape 1340 1112 900       # 1.49e6 pixels
    python benchmarks/large_image.py FOLDER --cores 1 2                 # two cores against one, by the clock
    python benchmarks/large_image.py FOLDER --shape 376 372 900 --shape 1504 372 900       # slope

FOLDER is made and holds a folder with image, results and page of each run (about 2 GB for 1e5 pixels). The
image is a multilayer of four materials with Poisson noise, written row by row. User and system time are those
of Snakemake and all of its jobs, so they hold on a busy machine; two cores against one needs a quiet one.
"""

import argparse
import csv
import itertools
import math
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
Shape = tuple[int, int, int]
CONFIGURATION = """
samples:
  large: {file: large.npy}
axes: {dims: [y, x, energy_loss], energy: {offset_eV: 216.0, dispersion_eV: %s}, pixel_nm: 0.12}
components: {n: 3}
edges:
  Ru_M45: {element: Ru, onset_eV: 280, fit_eV: [225, 275], integrate_eV: [285, 385]}
  Ru_M23: {element: Ru, onset_eV: 461, fit_eV: [420, 455], integrate_eV: [458, 500], reference: true}
  Co_L23: {element: Co, onset_eV: 779, fit_eV: [680, 770], integrate_eV: [778, 860], reference: true}
profiles: {all_rows: {along: x}}
methods: {nmf: {}, ica: {}, vca: {}, vca_nlm: {method: vca, input: nlm}}
"""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of the workflow: seconds by the clock, of user and system; peak MB; MB of the page."""

    shape: Shape
    cores: int
    clock: float
    user: float
    system: float
    peak: float
    page: float

    @property
    def pixels(self) -> int:
        """Pixels of the image."""
        return self.shape[0] * self.shape[1]


def write_image(path: Path, shape: Shape) -> None:
    """Stretch a small multilayer to the full size, row by row."""
    from eelsunmix.synthetic import multilayer

    rows, columns, channels = shape
    small = (-(-rows // 4), -(-columns // 4))
    scene = multilayer(shape=small, n_channels=channels, dispersion_eV=_width(shape), gain_sd=0.01, seed=1)
    rng, gain = np.random.default_rng(0), np.asarray(scene.gain)
    image = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint16, shape=shape)
    for row in range(rows):
        expected = np.repeat(scene.expected_counts.values[row // 4], 4, axis=0)[:columns]
        image[row] = rng.poisson(expected * gain)
    image.flush()


def run(folder: Path, shape: Shape, cores: int, arguments: list[str]) -> Run:
    """Make an image, run the workflow on it from the beginning, print its jobs."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "large.npy").exists():
        write_image(folder / "large.npy", shape)
    for old in ("results", "reports", ".snakemake"):
        shutil.rmtree(folder / old, ignore_errors=True)
    (folder / "config.yaml").write_text(CONFIGURATION % _width(shape))
    command = ["--cores", str(cores), "--directory", folder, "--configfile", folder / "config.yaml"]
    snakemake = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", *command, *arguments]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(snakemake, check=True)
    clock, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Run(
        shape=shape,
        cores=cores,
        clock=clock,
        user=after.ru_utime - before.ru_utime,
        system=after.ru_stime - before.ru_stime,
        peak=_print_jobs(folder / "results" / "large"),
        page=(folder / "reports" / "large.html").stat().st_size / 1e6,
    )


def _width(shape: Shape) -> float:
    """Width of a channel, so that all edges are on the axis."""
    return round(0.74 * 900 / shape[2], 4)


def _print_jobs(results: Path) -> float:
    """Print seconds and peak of each job; return the largest peak."""
    peaks = [0.0]
    print(f"{'job':24} {'seconds':>8} {'CPU s':>8} {'peak MB':>8}")
    for path in sorted((results / "benchmarks").glob("*.tsv"), key=lambda path: path.stat().st_mtime):
        with path.open() as file:
            (job,) = csv.DictReader(file, delimiter="\t")
        log = (results / "logs" / path.with_suffix(".log").name).read_text()
        said = re.search(r"(\d+) MB of memory at most", log)
        peaks.append(float(said[1]) if said else float(job["max_rss"]))
        print(f"{path.stem:24} {float(job['s']):8.1f} {float(job['cpu_time']):8.1f} {peaks[-1]:8.0f}")
    return max(peaks)


def print_runs(runs: list[Run]) -> None:
    """Print a line for each run, and what follows from several."""
    print(
        f"\nOPENBLAS_CORETYPE={os.environ.get('OPENBLAS_CORETYPE', 'not set')}, {os.cpu_count()} processors"
    )
    heads = ("shape", "cores", "clock s", "user s", "system s", "sys/user", "CPU s", "us/pixel", "peak MB")
    print(f"{heads[0]:18}", *(f"{head:>8}" for head in heads[1:]), f"{'page MB':>8}")
    for one in runs:
        cpu = one.user + one.system
        numbers = (one.clock, one.user, one.system, one.system / one.user, cpu, 1e6 * cpu / one.pixels)
        shape = " x ".join(map(str, one.shape))
        cells = (f"{one.cores:8}", *(f"{n:8.2f}" for n in numbers), f"{one.peak:8.0f}", f"{one.page:8.2f}")
        print(f"{shape:18}", *cells)
    for first, second in itertools.pairwise(runs):
        if first.shape == second.shape:
            print(
                f"{second.cores} cores against {first.cores}: {first.clock / second.clock:.2f} times as fast"
            )
        else:
            cpu = [one.user + one.system for one in (first, second)]
            ratio = second.pixels / first.pixels
            slope = math.log(cpu[1] / cpu[0]) / math.log(ratio)
            print(f"{ratio:.2f} x the pixels: CPU {cpu[1] / cpu[0]:.2f} x (slope {slope:.2f}), ", end="")
            print(f"peak {second.peak / first.peak:.2f} x")


def main() -> None:
    """Run all that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--shape", type=int, nargs=3, action="append", metavar=("Y", "X", "CHANNELS"))
    parser.add_argument("--cores", type=int, nargs="+", default=[2])
    known, others = parser.parse_known_args()
    runs = []
    for shape in map(tuple, known.shape or [(376, 372, 900)]):
        place = known.folder.absolute() / "x".join(map(str, shape))
        runs += [run(place, shape, cores, others) for cores in known.cores]
    print_runs(runs)


if __name__ == "__main__":
    main()
