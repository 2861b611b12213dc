"""Speed of the numerical kernels against what bounds them, and against HyperSpy: CPU seconds of one thread.

    python benchmarks/kernels.py [--rows 376] [--repeats 3] [--hyperspy PYTHON]

Weighted PCA with scores of ROWS x 372 x 900 uint16 counts in one of our stores, against the bare float32
product of the same counts in memory (numpy's ``X.T @ X``, which is BLAS syrk), one reading of it, and,
where the interpreter PYTHON has it, HyperSpy's lazy PCA; exact constrained least squares of four endmembers;
Poisson power laws.
Every figure is the median of fresh processes, without imports; peaks are theirs (VmHWM).
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
COLUMNS, CHANNELS, PIXELS = 372, 900, 300_000

MEASURE = """
import json, sys, time
def measured(work):
    began = time.process_time()
    work()
    seconds = time.process_time() - began
    peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    print(json.dumps([seconds, int(peak.split()[1]) / 1000]))
"""
WRITE = """
import dask.array as da, numpy as np, xarray as xr
from eelsunmix.storage.store import publish
from eelsunmix.synthetic import multilayer
expected = multilayer(shape=(93, 93), n_channels=900, dispersion_eV=0.74, seed=1).expected_counts.values
def rows(block_info):
    first, last = block_info[None]["array-location"][0]
    mean = np.repeat(expected[np.arange(first, last) // 4 % 93], 4, axis=1)
    return np.random.default_rng(first).poisson(mean).astype("u2")
counts = da.map_blocks(rows, chunks=((8,) * ({rows} // 8), 372, 900), dtype="u2")
image = xr.DataArray(counts, dims=("y", "x", "energy_loss"), coords=dict(energy_loss=np.arange(900.0)))
publish(image.to_dataset(name="counts"), {store!r})
"""
PCA = """
from eelsunmix.execution.clusters import execution
from eelsunmix.pca import DenoiseOptions, denoise
from eelsunmix.storage.store import open_store
with execution(threads=1):
    image = open_store({store!r})["counts"]
    denoise(image[:8, :40].compute())
    measured(lambda: denoise(image, DenoiseOptions(spatial="none"))["score"].compute())
"""
READ = """
import zarr
counts = zarr.open_array({store!r} + "/counts")
def work():
    for first in range(0, counts.shape[0], counts.shards[0]):
        counts[first:first + counts.shards[0]]
counts[:25]
measured(work)
"""
SYRK = """
import numpy as np, zarr
counts = zarr.open_array({store!r} + "/counts")[:].reshape(-1, 900).astype("f4")
def work():
    for first in range(0, len(counts), 8192):
        part = counts[first:first + 8192]
        part.T @ part
measured(work)
"""
HYPERSPY = """
import dask.array as da, hyperspy.api as hs, warnings
warnings.simplefilter("ignore")
signal = hs.signals.Signal1D(da.from_zarr({store!r}, component="counts")).as_lazy()
signal.change_dtype("float32")
measured(lambda: signal.decomposition(algorithm="PCA", normalize_poissonian_noise=True, output_dimension=10))
"""
LEAST_SQUARES = """
import numpy as np
from eelsunmix.numerics.abundances import {name}
rng = np.random.default_rng(0)
endmembers = rng.gamma(2.0, 50.0, (4, 24))
spectra = rng.poisson(rng.dirichlet(np.full(4, 0.7), {pixels}) @ endmembers).astype(float)
{name}(spectra[:100], endmembers)
measured(lambda: {name}(spectra, endmembers))
"""
POWER_LAW = """
import numpy as np
from eelsunmix.background.power_law import fit_power_law
rng = np.random.default_rng(0)
bounds = np.linspace(400.0, 450.0, 26)
expected = 49 * (bounds[:-1] / 400) ** -rng.normal(3.0, 0.2, ({pixels}, 1))
counts = rng.poisson(expected)
fit_power_law(counts[:100], bounds)
measured(lambda: fit_power_law(counts, bounds))
"""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=376, help="a multiple of 8")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--pixels", type=int, default=PIXELS)
    parser.add_argument("--hyperspy", default=sys.executable, help="interpreter that has HyperSpy")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        values = {"store": f"{folder}/counts.zarr", "rows": chosen.rows, "pixels": chosen.pixels}
        subprocess.run([sys.executable, "-c", WRITE.format(**values)], check=True, env=_environment())
        syrk, _ = figures(SYRK, values, chosen.repeats)
        read, _ = figures(READ, values, chosen.repeats)
        pca, peak = figures(PCA, values, chosen.repeats)
        print(f"OPENBLAS_CORETYPE={os.environ.get('OPENBLAS_CORETYPE', 'not set')}, one thread")
        print(f"{'bare float32 syrk':44} {syrk:8.2f} s")
        print(f"{'reading the store once':44} {read:8.2f} s")
        print(f"{'weighted PCA with scores':44} {pca:8.2f} s  {pca / syrk:6.2f} x syrk  {peak:6.0f} MB")
        if subprocess.run([chosen.hyperspy, "-c", "import hyperspy"], capture_output=True).returncode:
            print(f"{'HyperSpy lazy PCA':44} not installed in {chosen.hyperspy}; give --hyperspy")
        else:
            other, peak = figures(HYPERSPY, values, 1, chosen.hyperspy)
            print(f"{'HyperSpy lazy PCA':44} {other:8.2f} s  {other / pca:6.1f} x ours  {peak:6.0f} MB")
    for name in ("non_negative", "fully_constrained"):
        seconds, _ = figures(LEAST_SQUARES, values | {"name": name}, chosen.repeats)
        print(
            f"{f'least squares, {name}, R = 4, 24 channels':44} {chosen.pixels / seconds / 1e6:8.2f} 1e6 px/s"
        )
    seconds, _ = figures(POWER_LAW, values, chosen.repeats)
    print(f"{'Poisson power law, 25 channels':44} {chosen.pixels / seconds / 1e6:8.2f} 1e6 px/s")


def figures(code: str, values: dict[str, object], repeats: int, python: str = sys.executable) -> list[float]:
    """Median CPU seconds and peak MB of fresh processes."""
    command = [python, "-c", MEASURE + code.format(**values)]
    runs = [
        subprocess.run(command, check=True, env=_environment(), stdout=subprocess.PIPE)
        for _ in range(repeats)
    ]
    found = [json.loads(run.stdout.splitlines()[-1]) for run in runs]
    return [statistics.median(column) for column in zip(*found, strict=True)]


def _environment() -> dict[str, str]:
    return {**os.environ, **ONE_THREAD, "PYTHONPATH": str(ROOT / "workflow")}


if __name__ == "__main__":
    main()
