"""Peak memory of the jobs that read a whole image: it does not grow with the number of pixels."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr

from eelsunmix.storage import publish

STEPS = """
import json, resource, sys
from pathlib import Path
from eelsunmix.background import subtract_background
from eelsunmix.edges import Edge
from eelsunmix.execution.job import job
from eelsunmix.fitting import fit
from eelsunmix.mapping import apply
from eelsunmix.pca import DenoiseOptions, denoise
from eelsunmix.rank import estimate_endmembers
from eelsunmix.storage import open_store, publish

step, folder = sys.argv[1], Path(sys.argv[2])
edge = Edge(element="N", onset_eV=401, fit_eV=(330, 390), integrate_eV=(401, 450))
with job(folder / "log", threads=1):
    counts = open_store(folder / "corrected.zarr").counts
    if step == "pca":
        made = denoise(counts, DenoiseOptions(nlm_window_px=3))
    elif step == "bs":
        made = subtract_background(counts, {"N_K": edge}, profiles={"P": {"along": "x"}})
    elif step == "rank":
        made = estimate_endmembers(counts, open_store(folder / "pca.zarr"))
    elif step == "fit":
        made = fit(counts, "vca", n_endmembers=2, n_learning_pixels=2000)
    else:
        made = apply(open_store(folder / "fit.zarr"), counts)
    publish(made, folder / f"{step}.zarr")
print(json.dumps(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))
"""
N_CHANNELS = 24
STAGES = ("pca", "rank", "bs", "fit", "map")


def peaks(folder, side):
    """Peak memory in MB of each stage of an image of so many rows and columns."""
    folder.mkdir()
    energy = np.linspace(300.0, 480.0, N_CHANNELS)
    x = np.linspace(0, 1, side)[:, None]
    mean = 60 * (energy / 300) ** -3 + 12 * x * (energy > 401)
    rng, counts = np.random.default_rng(0), np.empty((side, side, N_CHANNELS), np.uint16)
    for row in counts:
        row[:] = rng.poisson(mean)
    coords = {"y": np.arange(side) * 1.0, "x": np.arange(side) * 1.0, "energy_loss": energy}
    image = xr.DataArray(counts, dims=tuple(coords), coords=coords, name="counts")
    for dim, unit in (("y", "nm"), ("x", "nm"), ("energy_loss", "eV")):
        image[dim].attrs["units"] = unit
    publish(image.to_dataset(), folder / "corrected.zarr")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    found = {}
    for step in STAGES:
        command = [sys.executable, "-c", STEPS, step, folder]
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
        found[step] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.slow
def test_the_peak_of_memory_does_not_grow_with_the_pixels(tmp_path):
    small, large = peaks(tmp_path / "small", 600), peaks(tmp_path / "large", 1200)
    growth = {step: large[step] / small[step] for step in STAGES}
    assert max(growth.values()) < 1.2, f"{growth} from {small}"
