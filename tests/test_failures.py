"""What is kept as a failure of a method, and what is none: too little memory, threads, open files."""

import errno
import os
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr

from eelsunmix import fitting, recommended
from eelsunmix.benchmark import replicates
from eelsunmix.errors import InputError
from eelsunmix.failures import shortage
from eelsunmix.synthetic import ChequerboardOptions

SHORTAGES = {
    "Python": (MemoryError(), "the memory is used up"),
    "NumPy": (np._core._exceptions._ArrayMemoryError((2**40,), np.dtype(float)), "the memory is used up"),
    "PyTorch": (
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
        "the memory is used up",
    ),
    "a codec": (
        RuntimeError("Zstd decompression error: b'Allocation error : not enough memory'"),
        "the memory is used up",
    ),
    "the system": (OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)), "the memory is used up"),
    "a library": (
        ImportError("libllvmlite.so: failed to map segment from shared object"),
        "the memory is used up",
    ),
    "a thread": (RuntimeError("can't start new thread"), "no further thread or process can be started"),
    "a process": (
        BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN)),
        "no further thread or process can be started",
    ),
    "a file": (OSError(errno.EMFILE, os.strerror(errno.EMFILE), "x"), "too many files are open"),
    "HDF5": (OSError("Unable to open file (Too many open files)"), "too many files are open"),
    "a card": (
        RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"),
        "the memory of the graphics card",
    ),
}
SOME = {name: SHORTAGES[name] for name in ("PyTorch", "a thread", "a file")}
"""Of each kind that a fit might take for its own failure one."""


@pytest.mark.parametrize("name", SHORTAGES)
def test_a_machine_that_gives_too_little_is_known_by_number_or_words(name):
    error, said = SHORTAGES[name]
    assert shortage(error).startswith(said)
    assert ";" in shortage(error)
    raised_from = ValueError("could not solve")
    raised_from.__cause__ = error
    assert shortage(raised_from) == shortage(error)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("the matrix is singular"),
        np.linalg.LinAlgError("SVD did not converge"),
        ValueError("out of memory of the reader"),  # no word of the system: whoever says so means its data
        InputError("too many open files.npy: is empty"),
        OSError(errno.ENOSPC, "No space left on device"),
    ],
)
def test_all_else_is_none(error):
    assert shortage(error) is None


def of_fit(monkeypatch, raising):
    fitting._fitted(raising, None, 2, np.random.default_rng(0), None, variable=False)


def of_recommended(monkeypatch, raising):
    monkeypatch.setattr(recommended, "_recommended", raising)
    recommended.fit_recommended(
        xr.DataArray(np.ones((2, 3, 4)), dims=("y", "x", "energy_loss")), n_endmembers=2, pca=None
    )


def of_benchmark(monkeypatch, raising):
    monkeypatch.setattr(replicates, "fit", raising)
    replicates.run_replicates(ChequerboardOptions(size=(12, 13)), "vca", n_replicates=1)


@pytest.mark.parametrize("name", SOME)
@pytest.mark.parametrize("place", [of_fit, of_recommended, of_benchmark])
def test_it_is_never_kept_as_a_failure_of_the_method(monkeypatch, place, name):
    def raising(*_, **__):
        raise SOME[name][0]

    with pytest.raises(type(SOME[name][0])):
        place(monkeypatch, raising)


LIMITED = """
import os, resource, sys, threading
from eelsunmix.execution.job import job
with job(sys.argv[1]):
    {body}
"""
BODIES = {
    "threads": (
        "resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31)); threading.stack_size(2**30); "
        "[threading.Thread(target=threading.Event().wait, daemon=True).start() for _ in range(9)]",
        "ulimit -u",
    ),
    "files": (
        "resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20)); [os.dup(1) for _ in range(30)]",
        "ulimit -n",
    ),
}


@pytest.mark.guarantee("G7")
@pytest.mark.parametrize("kind", BODIES)
def test_a_real_want_ends_a_job_with_one_line_and_the_remedy(tmp_path, kind):
    body, remedy = BODIES[kind]
    log = tmp_path / "log"
    done = subprocess.run(
        [sys.executable, "-c", LIMITED.format(body=body), log], capture_output=True, text=True, timeout=120
    )
    lines = log.read_text().splitlines()
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert len(lines) == 1
    assert remedy in lines[0]
