"""Peak memory of the jobs that read a whole image: it does not grow with the number of pixels."""

import json
import os
import subprocess
import sys

import pytest

JOBS = """
import json, os, resource, sys
from pathlib import Path

import numpy as np
import xarray as xr

from eelsunmix.execution import blocks, map_stacks

blocks.BLOCK_ELEMENTS = 2**18  # before others take it: small images then have many blocks and shards
map_stacks.LOADED = 2**16  # the same of maps, which a comparison loads up to 2**22 values of each method

from eelsunmix.background import subtract_background
from eelsunmix.comparison import compare
from eelsunmix.edges import Edge
from eelsunmix.execution.clusters import treat_freed_blocks
from eelsunmix.execution.job import job
from eelsunmix.fitting import fit
from eelsunmix.mapping import apply
from eelsunmix.pca import DenoiseOptions, denoise
from eelsunmix.rank import estimate_endmembers
from eelsunmix.storage import open_store, open_stores, publish

STEPS = ("pca", "rank", "bs", "fit", "map", "compare")
EDGE = Edge(element="N", onset_eV=401, fit_eV=(330, 390), integrate_eV=(401, 450))


def in_child(step, folder, shape):
    # Of a process of its own, with all imports done.
    child = os.fork()
    if child == 0:
        treat_freed_blocks(keep=step != "rank")  # as the scripts do
        made = scene(*shape) if step == "corrected" else result(step, folder)
        publish(made, folder / f"{step}.zarr")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        (folder / step).write_text(str(peak / 1024))
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    return float((folder / step).read_text())


def scene(n_y, n_x):
    energy = np.linspace(300.0, 480.0, 24)
    mean = 60 * (energy / 300) ** -3 + 12 * np.linspace(0, 1, n_x)[:, None] * (energy > 401)
    rng, counts = np.random.default_rng(0), np.empty((n_y, n_x, 24), np.uint16)
    for row in counts:
        row[:] = rng.poisson(mean)
    coords = {"y": np.arange(n_y) * 1.0, "x": np.arange(n_x) * 1.0, "energy_loss": energy}
    image = xr.DataArray(counts, dims=tuple(coords), coords=coords, name="counts")
    for dim, unit in (("y", "nm"), ("x", "nm"), ("energy_loss", "eV")):
        image[dim].attrs["units"] = unit
    # As the correction has it: to find it takes some 36 bytes per pixel, which `needs` asks for there.
    return image.to_dataset().assign(vacuum=xr.zeros_like(image[..., 0], dtype=bool))


def result(step, folder):
    counts = open_store(folder / "corrected.zarr").counts
    if step == "pca":
        return denoise(counts, DenoiseOptions(n_components=6, nlm_window_px=3))
    if step == "bs":
        return subtract_background(counts, {"N_K": EDGE}, profiles={"P": {"along": "x"}})
    if step == "rank":
        return estimate_endmembers(counts, open_store(folder / "pca.zarr"))
    if step == "fit":
        return fit(counts[:40].load(), "vca", n_endmembers=2)
    if step == "compare":
        return comparison(counts, **open_stores(folder / f"{name}.zarr" for name in ("bs", "fit", "map")))
    return apply(open_store(folder / "fit.zarr"), counts, vacuum=open_store(folder / "corrected.zarr").vacuum)


def comparison(counts, bs, fit, map):
    fits, maps = (dict.fromkeys("abc", store) for store in (fit, map))
    return compare(counts, bs, fits, maps, edges={"N_K": EDGE}, profiles={"P": {"along": "x"}})


with job(sys.argv[1] + "/log", threads=1):
    found = []
    for name, shape in (("small", (400, 500)), ("large", (800, 1000))):
        folder = Path(sys.argv[1]) / name
        folder.mkdir()
        in_child("corrected", folder, shape)
        found.append({step: in_child(step, folder, shape) for step in STEPS})
print(json.dumps(found))
"""


@pytest.mark.guarantee("G11")
@pytest.mark.slow
def test_the_peak_of_memory_does_not_grow_with_the_pixels(tmp_path):
    command = [sys.executable, "-c", JOBS, tmp_path]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    small, large = json.loads(done.stdout)
    growth = {step: round(large[step] / small[step], 2) for step in small}
    # The components hold one map of all scores, 14 MB more in the larger image, BS those of the exponent and
    # what it follows from, 22 MB more, and all of them masks. A store gathers a shard of each array, which
    # both images fill.
    limits = {"pca": 1.15, "rank": 1.1, "bs": 1.18, "map": 1.12, "compare": 1.1}
    assert all(growth[step] <= limit for step, limit in limits.items()), f"growth {growth} from {small} MB"


SCORES = """
import resource, sys
from pathlib import Path

import numpy as np
import xarray as xr

from eelsunmix.execution import blocks

blocks.BLOCK_ELEMENTS = 2**18

from eelsunmix.execution.job import job
from eelsunmix.pca.reconstruction import reconstruct
from eelsunmix.storage import open_store, publish

SHAPE, N_CHANNELS = (400, 500), 400  # an image of 320 MB, two thirds of it from one stored chunk of scores


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def total(block):
    return block.sum("energy_loss").to_dataset(name="total")


folder = Path(sys.argv[1])
with job(folder / "log", threads=1):
    score = np.random.default_rng(0).normal(size=(*SHAPE, 2)).astype(np.float32)
    loading = np.ones((2, N_CHANNELS), np.float32)
    made = {"score": (("y", "x", "component"), score), "loading": (("component", "energy_loss"), loading)}
    publish(xr.Dataset(made), folder / "pca.zarr")
    image = reconstruct(open_store(folder / "pca.zarr"), 2)
    # Coordinates are tasks of their own, for which the reconstruction of other blocks would not wait.
    image = image.assign_coords(y=np.arange(400.0), valid_pixel=(("y", "x"), np.ones(SHAPE, bool)))
    before = peak()
    found = blocks.map_blocks(total, image, blocks.template_like(image, {"total": (("y", "x"), np.float32)}))
    values = found.total.compute().to_numpy()
    np.testing.assert_allclose(values, N_CHANNELS * score.sum(-1), rtol=1e-3, atol=1e-2)
    print(peak() - before)
"""


@pytest.mark.guarantee("G11")
def test_an_image_of_stored_scores_is_never_whole_in_memory(tmp_path):
    command = [sys.executable, "-c", SCORES, tmp_path]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    assert float(done.stdout) < 60
