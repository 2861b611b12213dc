"""Damaged files of every format: refused in one line or read right; no hang, no traceback, no huge memory."""

import json
import re
import signal
import subprocess
import sys

import pytest

from faults.small_files import CHECKED, WRITERS

SEED = 12
SECONDS = 20
"""Of computing, for one file of a few kB; then its reader hangs."""
LARGEST_GROWTH = 300 * 2**20
"""Bytes by which the memory may grow while hundreds of files of a few kB are read."""

CHILD = """
import json, resource, signal, sys, traceback, warnings
from pathlib import Path
from faults.small_files import WRITERS, damaged_copies, what_is_read

warnings.simplefilter("ignore")
folder, seed, seconds, kinds = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4:]

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

for kind in kinds:  # all that is needed is loaded, before memory is counted and limited
    WRITERS[kind](folder / f"whole.{kind}")
    assert what_is_read(folder / f"whole.{kind}") == "right", kind
before = peak()
pages = int(Path("/proc/self/statm").read_text().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 2**32, -1))
for kind in kinds:
    for name, path, damage in damaged_copies(folder, kind, seed):
        print(json.dumps(name), flush=True)
        signal.setitimer(signal.ITIMER_VIRTUAL, seconds)  # nobody catches the signal: the process ends
        try:
            found = what_is_read(path)
        except BaseException:
            found = traceback.format_exc()
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        print(json.dumps([kind, damage.__name__, found, (peak() - before) // 2**20]), flush=True)
"""


def outcomes(folder, seed, kinds):
    """Of each damaged copy: its name, format, the damage, what was read, MB that the memory has grown."""
    command = [sys.executable, "-c", CHILD, folder, str(seed), str(SECONDS), *kinds]
    environment = {"PYTHONPATH": ":".join(filter(None, sys.path)), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode != -signal.SIGVTALRM, f"reading {lines[-1]} does not end (seed {seed})"
    assert done.returncode == 0, f"{lines[-1:]} (seed {seed}): {done.stderr}"
    return [(name, *found) for name, found in zip(lines[::2], lines[1::2], strict=True)]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """All formats in one process, which loads everything once."""
    return outcomes(tmp_path_factory.mktemp("files"), SEED, WRITERS)


@pytest.mark.guarantee(1, 4)
@pytest.mark.parametrize("kind", WRITERS)
def test_a_damaged_file_is_refused_in_one_line_or_read_right(found, kind):
    """G7, rows 1, 3, 4: cut, flipped, zeroed, with huge numbers in its header, with bytes too many."""
    of_kind = [(name, *rest) for name, other, *rest in found if other == kind]
    assert len(of_kind) >= 40
    for name, damage, said, grown in of_kind:
        place = f"{name} (seed {SEED}): {said}"
        assert grown * 2**20 < LARGEST_GROWTH, place
        if said in ("right", "other"):
            assert said == "right" or damage != "truncated", place
            assert said == "right" or kind not in CHECKED, place
        else:
            assert re.fullmatch(rf"\S*/a\.{kind}: .*[;:] .*", said), place
    assert sum(said not in ("right", "other") for _, _, said, _ in of_kind) >= 10
