"""Cutting into blocks and running them: complete, in order, and the same whoever runs them."""

import contextlib
import functools
import http.client
import logging
import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import dask
import numpy as np
import psutil
import pytest
import xarray as xr
from distributed import Client, KilledWorker, Security, default_client, get_worker
from distributed.scheduler import NoValidWorkerError, NoWorkerError

from eelsunmix.errors import InputError
from eelsunmix.execution import clusters
from eelsunmix.execution.blocks import (
    BLOCK_ELEMENTS,
    block_shape,
    chunked,
    fold,
    map_blocks,
    split,
    template_like,
    unshared,
)
from eelsunmix.execution.clusters import Execution, execution
from eelsunmix.execution.overlapping import fold_overlapping
from eelsunmix.execution.private_clusters import _patience


@pytest.fixture
def image():
    rng = np.random.default_rng(0)
    return xr.DataArray(
        rng.poisson(7, (3, 11, 5, 40)).astype("u2"),
        dims=("frame", "y", "x", "energy_loss"),
        coords={
            "frame": np.arange(3),
            "y": np.arange(11) * 0.5,
            "x": np.arange(5) * 0.5,
            "energy_loss": np.arange(40.0),
            "valid_pixel": (("frame", "y", "x"), rng.random((3, 11, 5)) > 0.1),
        },
        name="counts",
    )


SIZES = [1, 40, 90, 700, 2500, 10**6]


@pytest.mark.parametrize("elements", SIZES)
def test_blocks_cover_the_image_once_in_reading_order(image, elements):
    blocks = split(image, elements)
    assert all(block.sizes["energy_loss"] == 40 for block in blocks)
    assert all(block.size <= max(elements, 40) for block in blocks)
    seen = np.concatenate([block.valid_pixel.to_numpy().ravel() for block in blocks])
    assert seen.size == 3 * 11 * 5
    assert sum(int(block.sum()) for block in blocks) == int(image.sum())
    corners = [tuple(float(block[dim][0]) for dim in ("frame", "y", "x")) for block in blocks]
    assert corners == sorted(corners)


def test_block_shape_keeps_whole_spectra_and_whole_rows():
    assert block_shape((376, 372, 900)) == (25, 372, 900)
    assert block_shape((10, 10**6, 900))[0] == 1
    assert block_shape((3, 4, 2 * BLOCK_ELEMENTS)) == (1, 1, 2 * BLOCK_ELEMENTS)
    assert np.prod(block_shape((165, 124, 73, 900))) <= BLOCK_ELEMENTS


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("elements", SIZES)
def test_fold_combines_in_reading_order(image, lazy, elements):
    image = image.chunk({"y": 4}) if lazy else image
    totals = fold(lambda block: [int(block.sum())], image, lambda a, b: a + b, elements=elements)
    assert totals == [int(block.sum()) for block in split(image, elements)]


def _neighbourhood_sums(block, core, corner):
    """Sum of each own pixel and its neighbours along y and x, by its index in the image."""
    assert block.chunks is None, "a kernel sees loaded data"
    level = np.pad(block.to_numpy().sum(axis=-1, dtype="f8"), [(0, 0), (1, 1), (1, 1)])
    around = sum(
        level[:, 1 + a : level.shape[1] - 1 + a, 1 + b : level.shape[2] - 1 + b]
        for a in (-1, 0, 1)
        for b in (-1, 0, 1)
    )
    own = np.argwhere(np.ones(around[core].shape, bool)) + [part.start for part in core] + corner
    return [(tuple(index), value) for index, value in zip(own.tolist(), around[core].ravel(), strict=True)]


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("elements", SIZES)
def test_a_fold_over_overlapping_blocks_sees_all_neighbours_and_each_pixel_once(image, lazy, elements):
    whole = np.pad(image.to_numpy().sum(axis=-1, dtype="f8"), [(0, 0), (1, 1), (1, 1)])
    expected = sum(whole[:, a : a + 11, b : b + 5] for a in range(3) for b in range(3))
    image = image.chunk({"y": 4}) if lazy else image
    found = fold_overlapping(_neighbourhood_sums, image, lambda a, b: a + b, elements=elements)
    assert sorted(index for index, _ in found) == list(np.ndindex(3, 11, 5))
    assert all(value == expected[index] for index, value in found)


@pytest.mark.parametrize("rim", [0, 2])
def test_a_rim_is_as_wide_as_asked_and_ends_with_the_image(image, rim):
    shapes = fold_overlapping(
        lambda block, core, corner: [(block.shape, corner)], image, lambda a, b: a + b, rim=rim, elements=700
    )
    rows = [((min(first + 3, 11) + rim, 11), max(first - rim, 0)) for first in range(0, 11, 3)]
    expected = [(min(stop) - start, start) for stop, start in rows]
    assert [(shape[1], corner[1]) for shape, corner in shapes[:4]] == expected


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("elements", SIZES)
def test_map_lays_results_side_by_side(image, lazy, elements):
    expected = image.sum("energy_loss", dtype="f8")
    image = image.chunk({"x": 2}).assign_coords(image.coords) if lazy else image
    template = template_like(
        image,
        {"total": (image.dims[:-1], "f8"), "share": ((*image.dims[:-1], "edge"), "f4")},
        {"edge": ["Ti", "O"]},
    )
    found = map_blocks(_total_and_share, image, template, elements=elements)
    assert (found.total.chunks is not None) == lazy
    xr.testing.assert_equal(found.total.compute(), expected.rename("total"))
    np.testing.assert_array_equal(found.share.sel(edge="O"), expected.astype("f4") / 2)
    assert list(found.edge.values) == ["Ti", "O"]
    assert all(coord.chunks is None for coord in found.coords.values()), "to read a mask computes all blocks"


def _total_and_share(block):
    assert block.chunks is None, "a kernel sees loaded data"
    total = block.sum("energy_loss", dtype="f8")
    share = xr.concat([total, total / 2], "edge").transpose(..., "edge").astype("f4")
    return xr.Dataset({"total": total, "share": share.assign_coords(edge=["Ti", "O"])})


def test_chunked_leaves_a_small_image_alone(image):
    assert chunked(image).chunks is None
    assert chunked(image, 700).chunks is not None


def test_threads_are_bounded_and_blas_is_held_to_one(image):
    from threadpoolctl import threadpool_info

    with execution(threads=3):
        assert dask.config.get("num_workers") == 3
        assert dask.config.get("scheduler") is dask.threaded.get
        assert {pool["num_threads"] for pool in threadpool_info()} <= {1}


LOADED_LATE = """
import os, sys
import numpy as np
from threadpoolctl import threadpool_info
from eelsunmix.execution.clusters import execution

with execution(threads=3):
    assert "scipy.linalg" not in sys.modules
    import scipy.linalg
    print({pool["num_threads"] for pool in threadpool_info()})
print(os.environ.get("OPENBLAS_NUM_THREADS"))
"""


def test_a_blas_that_loads_later_is_held_to_one_thread_too():
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    done = subprocess.run(
        [sys.executable, "-c", LOADED_LATE], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["{1}", "None"]


def _scratch_folder(_block):
    return [str(get_worker().local_directory)]


@pytest.mark.guarantee(38, "G9")
def test_nobody_enters_a_cluster_of_processes_or_looks_into_its_folders(image):
    """Another user of this machine, who reaches every port, could run code with our rights."""
    with execution(Execution(mode="processes", workers=1)):
        client = default_client()
        (scratch,) = set(fold(_scratch_folder, image.chunk({"y": 4}), _join, elements=700))
        private = next(folder for folder in Path(scratch).parents if "eelsunmix-dask-" in folder.name)
        assert private.stat().st_mode & 0o077 == 0
        port = client.scheduler.address.rpartition(":")[2]
        assert client.scheduler.address.startswith("tls://127.0.0.1:")
        for address, security in (("tcp", None), ("tls", Security.temporary())):
            with pytest.raises((OSError, TypeError, RuntimeError)):
                Client(f"{address}://127.0.0.1:{port}", security=security, timeout="2s")
        ports = {
            connection.laddr.port
            for process in (psutil.Process(), *psutil.Process().children(recursive=True))
            for connection in process.net_connections()
            if connection.status == psutil.CONN_LISTEN
        }
        assert [port for port in ports if _serves_pages(port)] == []
    assert not private.exists()


def _serves_pages(port):
    for page in ("/status", "/info/main/workers.html", "/json/identity.json", "/metrics", "/health"):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{page}", timeout=2):
                return True
        except (OSError, http.client.HTTPException):
            continue
    return False


@pytest.mark.guarantee(38)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of a cluster without jobs
def test_jobs_of_a_cluster_find_certificates_that_only_their_owner_reads(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    seen = []

    def refused(script):
        found = re.findall(r"--tls-\S+ (\S+)", script)
        seen.extend((Path(file).stat().st_mode, Path(file).parent.stat().st_mode) for file in found)
        assert " tls://" in script
        assert script.index("umask 077") < script.index("module load dask") < script.index("--tls-")
        raise InputError("enough")

    monkeypatch.setattr("eelsunmix.execution.private_clusters._check_submission", refused)
    slurm = {"cores": 1, "memory": "1GB", "job_script_prologue": ["module load dask"], "interface": "lo"}
    with (
        pytest.raises(InputError, match="enough"),
        execution(Execution(mode="slurm", workers=1, slurm={**slurm, "protocol": "tcp://"})),
    ):
        pass
    assert len(seen) == 3
    assert all(mode & 0o077 == 0 for modes in seen for mode in modes)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.guarantee(38)
def test_processes_give_the_same_result_and_open_no_port_to_the_world(image):
    lazy = image.chunk({"y": 4})
    expected = fold(_mean_and_count, lazy, _join, elements=700)
    with execution(Execution(mode="processes", workers=2)):
        found = fold(_mean_and_count, lazy, _join, elements=700)
        listening = [
            connection.laddr.ip
            for process in (psutil.Process(), *psutil.Process().children(recursive=True))
            for connection in process.net_connections()
            if connection.status == psutil.CONN_LISTEN
        ]
    assert found == expected
    assert listening
    assert set(listening) == {"127.0.0.1"}


def _mean_and_count(block):
    return [float(block.mean())]


def _join(a, b):
    return a + b


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "thread"}, "mode needs threads"),
        ({"mode": "address"}, "address is needed for the mode address"),
        ({"workers": 0}, "workers needs a whole number of at least 1"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Execution(**options)


@pytest.mark.guarantee(31)
def test_a_scheduler_that_does_not_answer_is_one_line(monkeypatch):
    monkeypatch.setattr(clusters, "SECONDS_TO_ANSWER", 0.5)
    with (
        pytest.raises(InputError, match=r"dask\.address: no Dask scheduler answers at tcp://127\.0\.0\.1:1"),
        execution(Execution(mode="address", address="tcp://127.0.0.1:1")),
    ):
        pass


def test_workers_that_do_not_start_are_one_line():
    """By the user's own settings of Dask."""
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "1ms"}),
        pytest.raises(
            InputError, match=r"^dask: the worker processes do not start \(Timed out.*\); look at your"
        ),
        execution(Execution(mode="processes", workers=1)),
    ):
        pass


def _threads_of_libraries(_block):
    return [{os.environ[name] for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}]


def test_libraries_of_workers_have_one_thread_whatever_the_job_has(image, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")
    with execution(Execution(mode="processes", workers=1)):
        found = fold(_threads_of_libraries, image.chunk({"y": 4}), _join, elements=700)
    assert found == [{"1"}] * len(found)
    assert os.environ["OMP_NUM_THREADS"] == "2"


KILLED = """
import os, signal
import dask, psutil
from eelsunmix.execution.clusters import Execution, execution

with execution(Execution(mode="processes", workers=1)):
    dask.delayed(abs)(-1).compute()  # now the worker is up
    print(*(child.pid for child in psutil.Process().children(recursive=True)), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.guarantee(31)
@pytest.mark.slow
def test_workers_do_not_outlive_a_killed_job():
    killed = subprocess.run([sys.executable, "-c", KILLED], stdout=subprocess.PIPE, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL
    workers = [int(pid) for pid in killed.stdout.split()]
    assert workers
    _, alive = psutil.wait_procs([psutil.Process(pid) for pid in workers if psutil.pid_exists(pid)], 45)
    assert not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


def _dies_once(block, marker):
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return _mean_and_count(block)


@pytest.mark.guarantee(31)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of connections that broke
def test_a_worker_that_dies_costs_no_bit_of_the_result(image, tmp_path):
    lazy = image.chunk({"y": 4})
    expected = fold(_mean_and_count, lazy, _join, elements=700)
    dying = functools.partial(_dies_once, marker=tmp_path / "killed")
    with execution(Execution(mode="processes", workers=1)):
        assert fold(dying, lazy, _join, elements=700) == expected
    assert (tmp_path / "killed").exists()


@pytest.mark.guarantee(31)
@pytest.mark.parametrize(
    ("error", "said"),
    [
        (KilledWorker("block", "worker", 3), r"dask: a worker kept dying, .*; take fewer workers"),
        (NoWorkerError("block", 3600.0), r"dask: no worker was there for 60 minutes: take dask: {mode: thr"),
        (NoValidWorkerError("block", {"b"}, {"a"}, {}, 60.0), r"dask: no worker was there for 60 minutes: "),
    ],
)
def test_workers_that_keep_dying_or_never_come_are_one_line(monkeypatch, error, said):
    monkeypatch.setattr(clusters, "private_cluster", lambda *_, **__: contextlib.nullcontext())
    monkeypatch.setattr("distributed.Client", lambda _: contextlib.nullcontext())
    with (
        pytest.raises(InputError, match=said),
        execution(Execution(mode="processes", workers=1)),
    ):
        raise error


SLURM = {"cores": 1, "memory": "1GB", "interface": "lo"}


def test_a_queue_without_workers_is_told_with_the_place_of_their_logs(monkeypatch, tmp_path):
    monkeypatch.setattr(clusters, "private_cluster", lambda *_, **__: contextlib.nullcontext())
    monkeypatch.setattr("distributed.Client", lambda _: contextlib.nullcontext())
    for given, site, said in (
        ({}, None, r"squeue says .* \(dask\.slurm: {log_directory: logs} keeps"),
        ({"log_directory": "mine"}, None, r"squeue says .* \(see their logs in mine\)"),
        ({}, str(tmp_path), rf"squeue says .* \(see their logs in {re.escape(str(tmp_path))}\)"),
    ):
        options = Execution(mode="slurm", slurm=SLURM | given)
        known = dask.config.set({"jobqueue.slurm.log-directory": site})
        with known, pytest.raises(InputError, match=said), execution(options):
            raise NoWorkerError("block", 3600.0)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of a cluster without jobs
@pytest.mark.parametrize("site", [None, "site-logs"])
def test_logs_of_jobs_lie_where_the_site_says_or_go_with_the_run(tmp_path, monkeypatch, site):
    monkeypatch.chdir(tmp_path)

    def refused(script):
        expected = site or rf"{re.escape(str(tmp_path))}/\.dask-\w+"
        assert re.search(rf"#SBATCH -o {expected}/", script), script
        raise InputError("enough")

    monkeypatch.setattr("eelsunmix.execution.private_clusters._check_submission", refused)
    with (
        dask.config.set({"jobqueue.slurm.log-directory": site}),
        pytest.raises(InputError, match="enough"),
        execution(Execution(mode="slurm", workers=1, slurm=SLURM)),
    ):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ([site] if site else [])


def test_the_scheduler_is_silenced_of_blocks_that_it_gives_up_alone(caplog):
    said = logging.getLogger("distributed.scheduler")
    with _patience(1.0):
        said.error("Task %s marked as failed because it timed out waiting without any running workers.", "b")
        said.error("Error transitioning %r", "b")
    assert [record.getMessage() for record in caplog.records] == ["Error transitioning 'b'"]
    assert not said.filters


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of a half-made cluster
def test_a_wrong_option_of_the_cluster_is_one_line():
    options = Execution(mode="slurm", workers=1, slurm={"cores": 1, "memory": "1GB", "quue": "cpu"})
    with pytest.raises(InputError, match=r"dask\.slurm: .*quue"), execution(options):
        pass


@pytest.mark.parametrize("chunks", [{"y": 2, "x": 7}, {"y": 1, "x": 3}, {}])
def test_an_image_that_shares_no_block_can_be_computed_with_the_others(chunks):
    """Dask clones the tasks that merge chunks by their names alone, and cannot compute them."""
    image = xr.DataArray(np.arange(6.0 * 7 * 5).reshape(6, 7, 5), dims=("y", "x", "energy_loss")).chunk(
        chunks
    )
    merged = chunked(image + 1)
    both = xr.Dataset({"a": unshared(merged), "b": merged * 2}).compute()
    np.testing.assert_array_equal(both["b"], 2 * both["a"])
