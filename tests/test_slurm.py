"""A small run through the SLURM profile, on a real SLURM (tests/slurm/up.sh)."""

import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import yaml
from distributed import default_client

from eelsunmix.commands.progress import Progress
from eelsunmix.execution import private_clusters
from eelsunmix.execution.blocks import fold
from eelsunmix.execution.clusters import Execution, execution
from eelsunmix.storage import open_store
from test_workflow import Project

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.slurm

# What a test needs and a real cluster does not: no accounting here, and no half-minute pauses.
HERE = [
    "--slurm-status-command",
    "squeue",
    "--slurm-init-seconds-before-status-checks",
    "2",
    "--slurm-no-account",
    "--default-resources",
    "mem_mb=1800*attempt",
    "runtime=10",
    "slurm_partition=cpu",
]


# Ask every two seconds: the plugin waits ten seconds longer after each question without news, up to minutes.
SNAKEMAKE = """
from snakemake.cli import main
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor

RemoteExecutor.next_seconds_between_status_checks = property(lambda self: 2, lambda self, seconds: None)
main()
"""


@pytest.fixture(scope="module", autouse=True)
def cluster():
    if (
        not shutil.which("sinfo")
        or subprocess.run(["sinfo", "-h"], capture_output=True, check=False).returncode
    ):
        pytest.skip("no SLURM is running: start one with tests/slurm/up.sh (root)")


def submit(folder, *arguments):
    return subprocess.run(
        [
            sys.executable,
            "-c",
            SNAKEMAKE,
            "--profile",
            str(ROOT / "workflow" / "profiles" / "slurm"),
            *HERE,
            *arguments,
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=550,
        env={**os.environ, "PYTHONPATH": str(ROOT / "workflow")},
    )


def test_a_small_run_goes_through_the_profile(tmp_path):
    (tmp_path / "config.yaml").write_text(
        textwrap.dedent(
            """
            samples: {SI1: {simulate: {scene: multilayer, shape: [9, 31], seed: 1}}}
            components: {n: 2}
            """
        )
    )
    snakefile = str(ROOT / "Snakefile")
    done = submit(tmp_path, "--configfile", "config.yaml", "--snakefile", snakefile, "results/SI1/rank.zarr")
    assert done.returncode == 0, done.stdout + done.stderr
    assert open_store(tmp_path / "results" / "SI1" / "rank.zarr").attrs["n_endmembers"] == 2
    submitted = re.findall(r"has been submitted with SLURM jobid (\d+)", done.stdout + done.stderr)
    assert len(submitted) == 1, "the jobs of a small sample are one submission"


@pytest.mark.guarantee(26)
def test_a_job_over_its_memory_is_retried_with_more(tmp_path):
    (tmp_path / "Snakefile").write_text(
        textwrap.dedent(
            """
            rule hungry:
                output: "out.txt"
                resources: mem_mb=lambda wildcards, attempt: 700 * attempt
                script: "hungry.py"
            """
        )
    )
    (tmp_path / "hungry.py").write_text(
        "import time\ntaken = bytearray(700 * 2**20)\ntime.sleep(4)\n"
        "open(snakemake.output[0], 'w').write(str(snakemake.resources.mem_mb))\n"
    )
    done = submit(tmp_path, "--snakefile", "Snakefile", "--workflow-profile", "none", "--jobs", "1")
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    assert "Trying to restart job" in output
    assert int((tmp_path / "out.txt").read_text()) > 700
    (said,) = tried_again(output)
    assert "hungry failed and is tried again: it needed more memory than SLURM gave it" in said


def tried_again(output):
    """Lines by which `eelsunmix run` tells of it."""
    said = []
    progress = Progress(echo=said.append)
    for line in output.splitlines():
        progress.take(line)
    return [line for line in said if "tried again" in line]


@pytest.mark.parametrize("partition", ["cpu", "absent"])
def test_preflight_tells_what_this_cluster_is_and_a_run_refuses_what_it_is_not(tmp_path, partition):
    (tmp_path / "my.yaml").write_text(SMALL)

    def eelsunmix(*arguments):
        command = [sys.executable, "-m", "eelsunmix", *arguments]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "workflow")}
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)

    said = eelsunmix("preflight", "--partition", partition, "--write", "site")
    assert "partition   cpu (default): up, 60 min, 2 nodes of 2 CPUs and 4000 MB" in said.stdout
    written = yaml.safe_load((tmp_path / "site" / "config.yaml").read_text())
    assert written["slurm-status-command"] == "squeue"
    if partition == "cpu":
        assert said.returncode == 0, said.stderr
        assert re.search(r"clocks +the node [+-]\d\.\d s, the file system", said.stdout)
    else:
        wrong = f"site/config.yaml: slurm_partition: there is no partition {partition}; there are cpu\n"
        assert (said.returncode, said.stderr) == (2, wrong)
        refused = eelsunmix("run", "my.yaml", "--profile", "site")
        assert (refused.returncode, refused.stderr) == (2, wrong)
        assert not (tmp_path / ".snakemake").exists()


SMALL = """
samples: {SI1: {simulate: {scene: multilayer, shape: [9, 31], seed: 1}}}
components: {n: 2}
methods: {vca: {}}
"""
DASK = "dask: {mode: slurm, workers: 2, slurm: {cores: 1, memory: 1GB, interface: lo, queue: %s}}\n"


def test_dask_workers_of_slurm_give_the_same_bits_as_threads(tmp_path):
    project = Project(tmp_path)
    project.edit("workflow/eelsunmix/execution/blocks.py", "2**23", "6 * 10**3")
    project.configure(SMALL)
    project.run("results/SI1/map/vca.zarr")
    stores = [f"results/SI1/{name}.zarr" for name in ("pca", "rank", "map/vca")]
    expected = {path: open_store(tmp_path / path).load() for path in stores}
    for path in stores:
        shutil.rmtree(tmp_path / path)
    project.configure(SMALL + DASK % "cpu")
    project.run("results/SI1/map/vca.zarr")
    assert "up to 2 jobs of SLURM" in (tmp_path / "results/SI1/logs/denoise.log").read_text()
    for path, store in expected.items():
        assert open_store(tmp_path / path).equals(store), path


def _slow_sums(block):
    time.sleep(0.3)
    counts = block.to_numpy()
    return [(int(counts.sum()), float(np.sqrt(counts).mean()))]


def _join(first, second):
    return first + second


@pytest.mark.guarantee(31)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of connections that broke
def test_workers_that_are_killed_or_cancelled_cost_nothing_and_idle_ones_go(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join(str(ROOT / place) for place in ("workflow", "tests", "."))
    )
    monkeypatch.setattr(private_clusters, "LOOK_SECONDS", 1)
    monkeypatch.setattr(private_clusters, "IDLE_LOOKS", 2)
    counts = np.random.default_rng(0).poisson(9, (40, 7, 30))
    image = xr.DataArray(counts, dims=("y", "x", "energy_loss")).chunk({"y": 1})
    expected = fold(_slow_sums, image, _join, elements=210)
    slurm = {"cores": 1, "memory": "1GB", "interface": "lo", "queue": "cpu"}
    with execution(Execution(mode="slurm", workers=2, slurm=slurm)):
        assert not _jobs_of_workers(), "nothing is submitted before there are blocks"
        harm = threading.Thread(target=_kill_one_and_cancel_the_other, args=(default_client(),))
        harm.start()
        found = fold(_slow_sums, image, _join, elements=210)
        harm.join()
        until = time.monotonic() + 20
        while _jobs_of_workers() and time.monotonic() < until:
            time.sleep(0.2)
        assert not _jobs_of_workers(), "idle workers end while the job goes on"
    assert found == expected
    assert not list(tmp_path.iterdir())


def _jobs_of_workers():
    command = ["squeue", "-h", "-n", "dask-worker", "-o", "%A"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def _kill_one_and_cancel_the_other(client):
    while len(workers := client.scheduler_info()["workers"]) < 2:
        time.sleep(0.1)
    first = next(iter(workers))
    os.kill(client.run(os.getpid, workers=[first])[first], signal.SIGKILL)
    time.sleep(1)
    subprocess.run(["scancel", _jobs_of_workers()[-1]], check=True)


def test_a_queue_that_does_not_exist_is_one_line(tmp_path):
    project = Project(tmp_path)
    project.configure(SMALL + DASK % "absent")
    failed = project.snakemake("results/SI1/raw.zarr")
    output = failed.stdout + failed.stderr
    assert failed.returncode != 0
    assert re.search(r"ERROR dask\.slurm: .*invalid partition", output), output
    assert "Traceback" not in output


@pytest.mark.guarantee(32)
def test_a_cancelled_job_is_run_again_and_the_command_line_reaches_the_nodes(tmp_path):
    project = Project(tmp_path)
    project.edit(
        "workflow/scripts/simulate_image.py", "\n    scene =", "\n    import time; time.sleep(8)\n    scene ="
    )
    project.configure(SMALL)
    cancelled = threading.Thread(target=_cancel_the_first_that_runs)
    cancelled.start()
    done = submit(tmp_path, "--config", "seed=3", "--", "results/SI1/fit/vca.zarr")
    cancelled.join()
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    (said,) = tried_again(output)
    assert "failed and is tried again: it was cancelled in SLURM" in said
    assert open_store(tmp_path / "results/SI1/fit/vca.zarr").attrs["seed"] == 3
    assert not list(tmp_path.rglob(".*.tmp-*"))


def _cancel_the_first_that_runs():
    for _ in range(600):
        running = subprocess.run(
            ["squeue", "-h", "-t", "R", "-o", "%A"], capture_output=True, text=True, check=True
        ).stdout.split()
        if running:
            time.sleep(4)
            subprocess.run(["scancel", running[0]], check=True)
            return
        time.sleep(0.1)


def test_the_profile_has_what_a_cluster_needs():
    profile = yaml.safe_load((ROOT / "workflow" / "profiles" / "slurm" / "config.yaml").read_text())
    assert profile["executor"] == "slurm"
    assert profile["cores"] == 1000
    assert profile["retries"] >= 1
    assert not any("retries:" in path.read_text() for path in (ROOT / "workflow" / "rules").glob("*.smk"))
