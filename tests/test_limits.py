"""Readers that do not end, or ask for more memory than there is: one line, in jobs alone."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from eelsunmix.execution.limits import limited

ENDLESS = "collections.deque(itertools.repeat(None), maxlen=0)"  # in C, holding the interpreter's lock
SCRIPT = """
import collections, itertools, resource, sys, time
from pathlib import Path
import numpy as np
from eelsunmix.execution.job import job
from eelsunmix.execution.limits import limited

with job(sys.argv[1]):
    with limited(Path("a.hspy"), seconds=1.0, size_bytes=2**28):
        {body}
    np.ones(2**26)
    assert resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY
"""


def run(tmp_path, body):
    log = tmp_path / "a.log"
    command = [sys.executable, "-c", SCRIPT.format(body=body), log]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    return done.returncode, log.read_text().splitlines()


@pytest.mark.guarantee(4)
def test_a_reader_that_never_ends_is_ended_with_a_line_in_the_log(tmp_path):
    code, lines = run(tmp_path, ENDLESS)
    assert code == -9
    assert len(lines) == 1
    assert re.fullmatch(
        r"..:..:.. ERROR a\.hspy: reading it has taken 1 s of computing and does not end; it is damaged: .*",
        lines[0],
    )


COMMAND = """
import collections, itertools, sys
from pathlib import Path
from eelsunmix.commands import entry
from eelsunmix.execution.limits import limited

@entry.eelsunmix.command()
def read():
    with limited(Path("a.hspy"), seconds=1.0):
        {body}

sys.argv = ["eelsunmix", "read"]
entry.main()
"""


@pytest.mark.guarantee(4)
def test_a_reader_that_never_ends_ends_the_command_line_with_a_line(tmp_path):
    """`check`, `new`, and `run` before any job, read the heads of files."""
    command = [sys.executable, "-c", COMMAND.format(body=ENDLESS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == -9
    assert done.stderr.startswith("a.hspy: reading it has taken 1 s of computing and does not end")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")  # noqa: PTH110
def test_a_reader_that_never_ends_is_ended_also_where_the_line_has_no_place():
    command = [sys.executable, "-c", COMMAND.format(body=ENDLESS)]
    with open("/dev/full", "w") as full:  # noqa: PTH123
        assert subprocess.run(command, stderr=full, check=False, timeout=100).returncode == -9


@pytest.mark.guarantee(4)
def test_a_reader_that_asks_for_too_much_memory_is_one_line(tmp_path):
    code, lines = run(tmp_path, "np.ones(2**26)")
    assert code == 1
    assert len(lines) == 1
    assert " ERROR the memory is used up" in lines[0]


def test_waiting_is_no_computing_and_the_limits_end_with_the_reader(tmp_path):
    code, lines = run(tmp_path, "time.sleep(2)")
    assert code == 0
    *_, last = lines
    assert len(lines) == 2  # the first one says the peak of memory
    assert last.partition(" ")[2] == "INFO done"


def test_without_a_job_there_are_no_limits(monkeypatch):
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a process was started"))
    with limited(Path("a.hspy"), seconds=0.0, size_bytes=1):
        bytearray(2**20)
