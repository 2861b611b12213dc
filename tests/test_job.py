"""One job: its log, and what a user's mistake looks like."""

import errno
import logging
import os
import signal
import warnings

import pytest

from eelsunmix.errors import InputError
from eelsunmix.execution.job import job


def test_log_takes_messages_and_warnings(tmp_path):
    with job(tmp_path / "log"):
        logging.getLogger("eelsunmix.gain").info("gain left alone")
        warnings.warn("not converged", UserWarning, stacklevel=1)
    text = (tmp_path / "log").read_text()
    assert "INFO gain left alone" in text
    assert "not converged" in text
    assert text.endswith("INFO done\n")


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


@pytest.mark.guarantee("G7")
@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "fit.log.checkpoint"),
            "fit.log.checkpoint: No space left on device; free some space and run again",
        ),
        (OSError(errno.EIO, os.strerror(errno.EIO)), "a file of this job: Input/output error; check it"),
        (OSError(errno.ENOMEM, os.strerror(errno.ENOMEM), "x"), "x: Cannot allocate memory"),
        (MemoryError(), "the memory is used up; give the job more (mem_mb), or fewer threads"),
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
