"""One job: its log, and what a user's mistake looks like."""

import errno
import logging
import os
import re
import signal
import subprocess
import sys
import time
import warnings

import pytest

from eelsunmix.errors import InputError
from eelsunmix.execution.job import job
from eelsunmix.execution.progress import Progress, sign_of_life
from eelsunmix.fitting import fit
from eelsunmix.synthetic import multilayer


def test_log_takes_messages_and_warnings(tmp_path):
    with job(tmp_path / "log"):
        logging.getLogger("eelsunmix.gain").info("gain left alone")
        warnings.warn("not converged", UserWarning, stacklevel=1)
    text = (tmp_path / "log").read_text()
    assert "INFO gain left alone" in text
    assert "not converged" in text
    assert text.endswith("INFO done\n")


def test_the_log_says_how_much_memory_was_held(tmp_path):
    log = tmp_path / "log"
    assert run_job(log, "np.ones(2**26)") == 0
    found = re.search(r"INFO (\d+) MB of memory at most\n", log.read_text())
    assert 512 < int(found[1]) < 1024


@pytest.mark.guarantee("G7")
def test_a_mistake_of_the_user_is_one_line_and_exit_status_1(tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped, job(tmp_path / "log"):
        raise InputError("data/a.dm4: is no DM4 file; check its extension")
    assert stopped.value.code == 1
    text = (tmp_path / "log").read_text()
    assert text.endswith("ERROR data/a.dm4: is no DM4 file; check its extension\n")
    assert "Traceback" not in text + capsys.readouterr().err


def test_a_defect_keeps_its_traceback(tmp_path):
    with pytest.raises(ZeroDivisionError), job(tmp_path / "log"):
        1 / 0  # noqa: B018
    assert "Traceback" in (tmp_path / "log").read_text()


def test_an_unknown_dask_mode_is_refused(tmp_path):
    with pytest.raises(SystemExit), job(tmp_path / "log", dask={"mode": "thread"}):
        pass
    said = "Execution: mode needs threads, processes, slurm or address, found 'thread'"
    assert said in (tmp_path / "log").read_text()


MEMORY = (
    "the memory is used up; give the job more (mem_mb), or fewer threads, or take a smaller image "
    "(corrections.bin)"
)


@pytest.mark.guarantee("G7")
@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "fit.log.checkpoint"),
            "fit.log.checkpoint: No space left on device; free some space and run again",
        ),
        (OSError(errno.EIO, os.strerror(errno.EIO)), "a file of this job: Input/output error; check it"),
        (OSError(errno.ENOMEM, os.strerror(errno.ENOMEM), "x"), MEMORY),
        (MemoryError(), MEMORY),
        (RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"), MEMORY),
        (
            type("OutOfMemoryError", (RuntimeError,), {})("CUDA out of memory. Tried to allocate"),
            "the memory of the graphics card is used up; wait until it is free, or set device: cpu",
        ),
        (
            OSError(errno.EMFILE, os.strerror(errno.EMFILE)),
            "too many files are open at a time; raise the limit (ulimit -n 4096), or give the job fewer "
            "threads",
        ),
        (InputError("data/a\x1b[31m\nb.npy: is empty"), "data/a [31m b.npy: is empty"),
    ],
)
def test_trouble_of_the_machine_is_one_line_too(tmp_path, error, line):
    with pytest.raises(SystemExit, match="1"), job(tmp_path / "log"):
        raise error
    assert (tmp_path / "log").read_text().endswith(f"ERROR {line}\n")
    assert "Traceback" not in (tmp_path / "log").read_text()


@pytest.mark.guarantee(30)
@pytest.mark.parametrize(("number", "word"), [(signal.SIGTERM, "stopped"), (signal.SIGINT, "interrupted")])
def test_a_signal_lets_the_job_clear_up(tmp_path, number, word, request):
    # A shell may have told us to ignore Ctrl-C, and a library may have its own way with it.
    ours = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, ours))
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as stopped, job(tmp_path / "log"):
        os.kill(os.getpid(), number)
    assert stopped.value.code == 128 + number
    assert word in (tmp_path / "log").read_text()
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_log_that_cannot_be_opened_is_one_line(tmp_path, capsys):
    with pytest.raises(SystemExit, match="1"), job(tmp_path / "absent" / "log"):
        pass
    assert "absent/log: cannot be written" in capsys.readouterr().err


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")  # noqa: PTH110
def test_on_a_full_disk_the_line_goes_to_the_standard_error(capsys):
    with pytest.raises(SystemExit, match="1"), job("/dev/full"):
        raise InputError("results: the disk is full")
    printed = capsys.readouterr().err
    assert "ERROR results: the disk is full" in printed
    assert "Traceback" not in printed


def run_job(log, body):
    script = f"""
import os, resource, signal, sys, time
import numpy as np
from eelsunmix.execution.job import job, logger
with job(sys.argv[1]):
    logger.info("at work")
    {body}
"""
    done = subprocess.run([sys.executable, "-c", script, log], check=False, timeout=60, capture_output=True)
    return done.returncode


def lines_of(log, number):
    """Wait for the lines of a log: who watches a job may write after its end."""
    for _ in range(100):
        lines = log.read_text().splitlines()
        if len(lines) >= number:
            break
        time.sleep(0.05)
    return lines


@pytest.mark.parametrize("path", [os.environ["PATH"], "/nonexistent"])
def test_a_job_that_is_killed_says_memory_in_its_log(tmp_path, monkeypatch, path):
    monkeypatch.setenv("PATH", path)
    log = tmp_path / "a log"
    assert run_job(log, "os.kill(os.getpid(), signal.SIGKILL)") == -signal.SIGKILL
    first, last = lines_of(log, 2)
    assert first.endswith("INFO at work")
    assert re.match(r"\d\d:\d\d:\d\d ERROR the job was killed .* when the memory is used up", last)
    assert "mem_mb" in last
    assert "corrections.bin" in last


@pytest.mark.parametrize(
    ("number", "body", "line"),
    [
        (
            signal.SIGBUS,
            "np.ones(8192, 'u1').tofile('a'); m = np.memmap('a', mode='r'); os.truncate('a', 0); m.sum()",
            r"a file was cut short, .* run again once nobody writes to it",
        ),
        (
            signal.SIGSEGV,
            "os.kill(os.getpid(), signal.SIGSEGV)",
            r"a library crashed; .* \(Segmentation fault\)",
        ),
    ],
)
def test_a_job_that_dies_by_a_fault_does_not_say_memory(tmp_path, monkeypatch, number, body, line):
    """As when an image is copied over the one that is just read: `cp` cuts it to nothing first."""
    monkeypatch.chdir(tmp_path)
    assert run_job(tmp_path / "log", body) == -number
    _, last = lines_of(tmp_path / "log", 2)
    assert re.fullmatch(rf"\d\d:\d\d:\d\d ERROR {line}", last)


def test_a_job_with_a_line_of_error_gets_no_other_when_killed(tmp_path):
    log = tmp_path / "log"
    body = 'logger.error("the reason"); os.kill(os.getpid(), signal.SIGKILL)'
    assert run_job(log, body) == -signal.SIGKILL
    time.sleep(0.5)
    assert [line.partition(" ")[2] for line in log.read_text().splitlines()] == [
        "INFO at work",
        "ERROR the reason",
    ]


def test_an_array_beyond_the_limit_of_memory_says_memory(tmp_path):
    log = tmp_path / "log"
    body = "resource.setrlimit(resource.RLIMIT_AS, (2**32, 2**32)); np.ones(2**40)"
    assert run_job(log, body) == 1
    assert log.read_text().splitlines()[-1].endswith(f"ERROR {MEMORY}")


def test_long_work_says_how_far_it_is_every_some_seconds(caplog):
    now = [0.0]
    progress = Progress("BLU", 200, seconds=15, clock=lambda: now[0])
    with caplog.at_level("INFO", logger="eelsunmix"):
        for done in range(101, 201):  # resumed after 100 steps
            now[0] += 2.0
            progress.report(done)
    assert len(caplog.messages) == 12
    assert caplog.messages[0] == "BLU: 108 of 200 steps (54 %) in 16 s; at most 3 min left"


def test_short_work_says_nothing(caplog):
    with caplog.at_level("INFO", logger="eelsunmix"), sign_of_life("NMF", seconds=5):
        Progress("BLU", 3).report(1)
    assert caplog.messages == []


def test_work_of_unknown_length_gives_signs_of_life(caplog):
    with caplog.at_level("INFO", logger="eelsunmix"), sign_of_life("NMF", seconds=0.05):
        time.sleep(0.4)
    assert caplog.messages
    assert caplog.messages[0] == "NMF: at work for 0 s"
    assert all(re.fullmatch(r"NMF: at work for \d s", one) for one in caplog.messages)


@pytest.mark.parametrize(
    ("method", "options", "said"),
    [
        ("blu", {"n_sweeps": 150, "n_burn_in": 20}, "BLU, sweeps of the sampler: "),
        ("nmf", {"tolerance": 1e-9, "max_iter": 2000}, "NMF, "),  # else done before a thread wakes up
        ("daeu", {"n_epochs": 3}, "training, epochs: "),
        ("udas", {"n_iterations": 3}, "uDAS, iterations: "),
        ("udas", {"n_iterations": 3, "setting": "published"}, "uDAS, iterations: "),
    ],
)
def test_long_fits_report(method, options, said, caplog, monkeypatch):
    if method == "daeu":
        pytest.importorskip("torch")
    monkeypatch.setattr(Progress.__init__, "__kwdefaults__", {"seconds": 0.0, "clock": time.monotonic})
    monkeypatch.setattr(sign_of_life.__wrapped__, "__kwdefaults__", {"seconds": 1e-4})
    counts = multilayer(shape=(6, 75), n_channels=60, seed=1).to_dataset().counts
    with caplog.at_level("INFO", logger="eelsunmix"):
        model = fit(counts, method, n_endmembers=3, **options)
    assert model.attrs["status"] != "failed"
    assert any(text.startswith(said) for text in caplog.messages)


FAULTS = """
import resource
from contextlib import nullcontext
import numpy as np
from eelsunmix.execution.clusters import freed_blocks_kept
from eelsunmix.execution.job import job
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(40):
        np.ones(3 * 2**20, np.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
with job({log!r}, keep_freed={keep}):
    with freed_blocks_kept() if {passes} else nullcontext():
        print(faults())
    print(faults())
"""


FEW, MANY = range(6000), range(20_000, 60_000)


@pytest.mark.parametrize(
    ("keep", "passes", "inside", "after"),
    [(True, False, FEW, FEW), (False, False, MANY, MANY), (False, True, FEW, MANY), (True, True, FEW, FEW)],
)
def test_memory_of_freed_blocks_is_used_again_unless_whole_maps_need_it(
    tmp_path, keep, passes, inside, after
):
    """Pages that the system has to zero: a block of 3 MB has 768 of them."""
    code = FAULTS.format(log=str(tmp_path / "log"), keep=keep, passes=passes)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found = list(map(int, done.stdout.split()))
    assert found[0] in inside
    assert found[1] in after
