"""Snakemake, really run as far as the PCA: killed again and again, twice at once, robbed of its records."""

import os
import random
import shutil
import sys
import time

import psutil
import pytest

from eelsunmix.storage import read_manifest, verify
from test_workflow import Project

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

CONFIGURATION = """
samples:
  SI1: {simulate: {scene: multilayer, shape: [7, 31], counts: 2000.0, seed: 1}}
denoise: {n_components: 8}
methods: {vca: {n_draws: 5}}
"""
FIVE = CONFIGURATION.replace("n_components: 8", "n_components: 5")
TARGET = "results/SI1/pca.zarr"
STORES = ("raw", "corrected", "pca")
KILLS = int(os.environ.get("KILLS", "10"))


def results(project):
    """What every run must have made, bit for bit."""
    return {name: verify(project.folder / f"results/SI1/{name}.zarr").seal for name in STORES}


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """The run that nothing disturbs, and a copy of the project before it."""
    project = Project(tmp_path_factory.mktemp("reference") / "project")
    project.configure(CONFIGURATION)
    untouched = project.copy(tmp_path_factory.mktemp("untouched") / "project")
    start = time.monotonic()
    project.run(TARGET)
    project.seconds = time.monotonic() - start
    project.untouched = untouched
    return project


def begun(project, name="run"):
    """A run in the background, and the file with what it says."""
    environment = {**os.environ, "PYTHONPATH": str(project.folder / "workflow")}
    log = project.folder.parent / f"{name}.log"
    with log.open("a") as file:
        process = psutil.Popen(
            [sys.executable, "-m", "snakemake", "--cores", "2", TARGET],
            cwd=project.folder,
            env=environment,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    return process, log


def killed(process, seconds, *, with_jobs):
    """Kill a run after some time, with its jobs or without; return the orphans."""
    time.sleep(seconds)
    family = process.children(recursive=True) if process.is_running() else []
    victims = [process, *family] if with_jobs else [process]
    for one in victims:
        try:
            one.kill()
        except psutil.NoSuchProcess:
            continue
    process.wait()
    return [] if with_jobs else family


@pytest.mark.guarantee(29, "G8")
def test_ten_kills_at_random_change_no_bit_of_the_result(reference, tmp_path):
    """G2, G8, rows 26, 27, 29: SIGKILL of Snakemake, with its jobs or without, ten times; then a run."""
    seed = int(os.environ.get("SEED", time.time_ns() % 10**6))
    rng = random.Random(seed)  # noqa: S311 - no secret
    print(f"seed {seed}; set SEED to repeat it")  # noqa: T201 - shown where the test fails
    project = reference.untouched.copy(tmp_path / "project")
    orphans = []
    for _ in range(KILLS):
        orphans += killed(
            begun(project)[0], rng.uniform(0.05, 0.5) * reference.seconds, with_jobs=rng.random() < 0.7
        )
        for name in STORES:
            if (store := project.folder / f"results/SI1/{name}.zarr").exists():
                verify(store)
    done = project.snakemake(TARGET)
    psutil.wait_procs(orphans, timeout=60)
    assert done.returncode == 0, f"seed {seed}: {done.stdout}{done.stderr}"
    assert "Traceback" not in done.stdout + done.stderr
    assert results(project) == results(reference), f"seed {seed}"


@pytest.mark.guarantee(28, "G5")
def test_two_runs_at_once_make_one_result(reference, tmp_path):
    """G5, row 28: started at the same moment; the one that comes second says so, and spoils nothing."""
    project = reference.copy(tmp_path / "project")
    shutil.rmtree(project.folder / TARGET)
    both = [begun(project, name) for name in ("first", "second")]
    codes = [process.wait() for process, _ in both]
    said = [log.read_text() for _, log in both]
    assert 0 in codes, said
    for code, text in zip(codes, said, strict=True):
        assert "Traceback" not in text
        assert code == 0 or "locked" in text or "another run uses these results" in text, text
    assert results(project) == results(reference)


def test_changed_killed_robbed_of_its_records_and_changed_back(reference, tmp_path):
    """G4, row 15: part of a run with another number of components, then no records; then a run as before."""
    project = reference.copy(tmp_path / "project")
    project.configure(FIVE)
    killed(begun(project)[0], 0.5 * reference.seconds, with_jobs=True)
    shutil.rmtree(project.folder / ".snakemake")
    project.configure(CONFIGURATION)
    project.run(TARGET)
    assert results(project) == results(reference)
    assert read_manifest(project.folder / TARGET).settings["denoise"]["n_components"] == 8
    assert project.run("-n", TARGET) == set()
