"""Two processes that write the same thing at the same moment: one result, never a mix."""

import os
import subprocess
import sys

import pytest

from eelsunmix.storage import open_store, read_manifest
from faults.forks import PRELUDE

ROUNDS = 12
PUBLISH = """
def child(number, which, different):
    folder = Path(sys.argv[1]) / str(number)
    values = np.full((3, 2, 5), which if different else 7)
    settings = {"which": which if different else 0}
    try:
        publish(xr.Dataset({"a": (("y", "x", "e"), values)}), folder / "a.zarr", settings=settings)
    except InputError as error:
        said = str(error)
        os._exit(1 if "in the meantime" in said or "exists already" in said else 2)
"""
LOCK = """
def child(number, which, different):
    try:
        take_lock(Path(sys.argv[1]) / str(number))
    except InputError:
        os._exit(1)
    time.sleep(0.3)  # longer than the other one needs to ask
"""
SERVER = """
import numpy as np, time, xarray as xr
from eelsunmix.errors import InputError
from eelsunmix.storage import publish
from eelsunmix.storage.locks import take_lock
{child}
different = sys.argv[2] == "different"
warm(lambda: child("warm", 0, different))
for number in range(int(sys.argv[3])):
    gate, opener = os.pipe()
    processes = []
    for which in range(2):
        processes.append(os.fork())
        if not processes[-1]:
            os.close(opener)
            os.read(gate, 1)  # until it is closed, for both at the same moment
            child(number, which, different)
            os._exit(0)
    os.close(gate)
    os.close(opener)
    print(*(os.waitstatus_to_exitcode(os.waitpid(one, 0)[1]) for one in processes))
"""


def both(tmp_path, child, kind):
    command = [sys.executable, "-c", PRELUDE + SERVER.format(child=child), tmp_path, kind, str(ROUNDS)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    codes = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
    assert len(codes) == ROUNDS, done.stderr
    return codes


def test_of_two_different_results_one_is_kept_whole(tmp_path):
    """G5, row 27: the other writer is told, and leaves nothing behind."""
    for number, codes in enumerate(both(tmp_path, PUBLISH, "different")):
        assert sorted(codes) == [0, 1]
        winner = codes.index(0)
        store = tmp_path / str(number) / "a.zarr"
        assert (open_store(store)["a"] == winner).all()
        assert read_manifest(store).settings == {"which": winner}
        assert [path.name for path in store.parent.iterdir()] == ["a.zarr"]


def test_of_two_equal_results_both_are_content(tmp_path):
    """G5: a job of a killed run and the same job of the next one."""
    for number, codes in enumerate(both(tmp_path, PUBLISH, "equal")):
        assert codes == (0, 0)
        assert (open_store(tmp_path / str(number) / "a.zarr")["a"] == 7).all()


@pytest.mark.parametrize("kind", ["at the same moment"])
def test_of_two_runs_one_gets_the_lock(tmp_path, kind):
    """G5, row 28."""
    assert {tuple(sorted(codes)) for codes in both(tmp_path, LOCK, kind)} == {(0, 1)}
