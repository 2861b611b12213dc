"""Run the whole workflow on a 376 x 372 x 900 uint16 image; print time and peak memory of every job.

    python benchmarks/large_image.py FOLDER [snakemake arguments]

FOLDER is made and holds the image, the results and the report (about 2 GB). The image is a multilayer of four
materials with Poisson noise, written row by row.
"""

import csv
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
SHAPE = (376, 372, 900)
CONFIGURATION = """
samples:
  large: {file: large.npy}
axes: {dims: [y, x, energy_loss], energy: {offset_eV: 216.0, dispersion_eV: 0.74}, pixel_nm: 0.12}
components: {n: 3}
edges:
  Ru_M45: {element: Ru, onset_eV: 280, fit_eV: [225, 275], integrate_eV: [285, 385]}
  Ru_M23: {element: Ru, onset_eV: 461, fit_eV: [420, 455], integrate_eV: [458, 500], reference: true}
  Co_L23: {element: Co, onset_eV: 779, fit_eV: [680, 770], integrate_eV: [778, 860], reference: true}
profiles: {all_rows: {along: x}}
methods: {nmf: {}, ica: {}, vca: {}, vca_nlm: {method: vca, input: nlm}}
"""


def write_image(path: Path) -> None:
    """Stretch the small multilayer to the full size, row by row."""
    from eelsunmix.synthetic import multilayer

    scene = multilayer(
        shape=(SHAPE[0] // 4, 93), n_channels=SHAPE[2], dispersion_eV=0.74, gain_sd=0.01, seed=1
    )
    rng = np.random.default_rng(0)
    image = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint16, shape=SHAPE)
    for row in range(SHAPE[0]):
        expected = np.repeat(scene.expected_counts.values[row // 4], 4, axis=0)
        image[row] = rng.poisson(expected * np.asarray(scene.gain))
    image.flush()


def main(folder: Path, arguments: list[str]) -> None:
    """Make the image, run the workflow, print the table."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "large.npy").exists():
        write_image(folder / "large.npy")
    (folder / "config.yaml").write_text(textwrap.dedent(CONFIGURATION))
    command = ["--cores", "2", "--directory", folder, "--configfile", folder / "config.yaml", *arguments]
    snakemake = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", *command]
    subprocess.run(snakemake, check=True)
    print(f"{'job':24} {'seconds':>8} {'peak MB':>8} {'CPU s':>8}")
    for path in sorted(
        (folder / "results/large/benchmarks").glob("*.tsv"), key=lambda path: path.stat().st_mtime
    ):
        with path.open() as file:
            (job,) = csv.DictReader(file, delimiter="\t")
        seconds, peak, cpu = (float(job[key]) for key in ("s", "max_rss", "cpu_time"))
        print(f"{path.stem:24} {seconds:8.1f} {peak:8.0f} {cpu:8.1f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
