"""Each call that writes a store, page, lock or checkpoint fails, is the last of its process, or is a lie."""

import errno
import os
import re
import signal
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr

from eelsunmix.errors import InputError, StoreError
from eelsunmix.storage import drafts, open_store, publish, sealed_page, verify_page
from eelsunmix.storage.locks import LOCK, take_lock
from eelsunmix.storage.whole_files import write_page
from faults.forks import PRELUDE
from faults.system_calls import ERRORS, LIES, Count, Fault

SETTINGS = {"seed": 1}


def small_dataset():
    return xr.Dataset(
        {"counts": (("y", "x", "energy_loss"), np.arange(3 * 2 * 5).reshape(3, 2, 5).astype("u2"))},
        attrs={"warnings": ["one"]},
    )


def publish_store(folder):
    publish(small_dataset(), folder / "A" / "raw.zarr", settings=SETTINGS)


def state_of_store(folder):
    """None where there is no store; it is whole and right, or this fails."""
    path = folder / "A" / "raw.zarr"
    if not path.exists():
        return None
    xr.testing.assert_identical(open_store(path).load(), small_dataset())
    return "new"


def page(text, folder):
    return sealed_page(f"<title>eelsunmix</title>{text}" * 20, folder / "A.html", seals={})


OLD, NEW = "old", "new"


def write_new_page(folder):
    write_page(folder / "A.html", page(NEW, folder))


def state_of_page(folder):
    """Whether the old or the new page is there; it is whole, or this fails."""
    verify_page(folder / "A.html")
    text = (folder / "A.html").read_text()
    return NEW if NEW in text.partition("<!--")[0] else OLD


def start(folder):
    """What is there before: an old page."""
    folder.mkdir()
    (folder / "A.html").write_text(page(OLD, folder))


WRITERS = {"store": (publish_store, state_of_store), "page": (write_new_page, state_of_page)}


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """Nothing waits for the disk, and drafts are removed at once, not after a fifth of a second each time."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    sleep = drafts.time.sleep
    monkeypatch.setattr(drafts.time, "sleep", lambda seconds: sleep(0.0005))


def count_of(tmp_path, write):
    start(tmp_path / "counted")
    with Count(tmp_path / "counted") as calls:
        write(tmp_path / "counted")
    assert len(calls.names) >= 7
    assert {"open", "write", "fsync"} <= set(calls.names)
    return len(calls.names)


def left_over(folder):
    return [path.name for path in folder.rglob(".*")]


@pytest.mark.guarantee(18, "G2")
@pytest.mark.parametrize("code", ERRORS, ids=errno.errorcode.get)
@pytest.mark.parametrize("kind", WRITERS)
def test_whatever_call_fails_nothing_half_written_has_the_name(tmp_path, kind, code):
    """G2, rows 17 and 18: the n-th call of publishing says ENOSPC, EIO or EACCES, for every n."""
    write, state = WRITERS[kind]
    for number in range(count_of(tmp_path, write)):
        folder = tmp_path / str(number)
        start(folder)
        before = state(folder)
        with Fault(folder, number, code) as fault:
            told = said(write, folder)
        assert told is None or re.search("^[^\n]*cannot be written, [^\n]*$", told), fault.names[number]
        assert left_over(folder) == [], fault.names[number]
        assert state(folder) in ({NEW} if told is None else {before, NEW}), fault.names[number]
        if number % 4 == code % 4:
            write_again(kind, folder)


def said(write, folder):
    """Message of a refusal, or None."""
    try:
        write(folder)
    except InputError as error:
        return str(error)
    return None


def write_again(kind, folder):
    """The next run finds its way."""
    write, state = WRITERS[kind]
    if state(folder) != NEW:
        write(folder)
    assert state(folder) == NEW
    assert left_over(folder) == []


@pytest.mark.guarantee(24)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("kind", WRITERS)
def test_a_disk_that_lies_seals_nothing_wrong(tmp_path, kind, lie):
    """G2, row 24: the n-th call reports success and does something else, or nothing; for every n."""
    write, state = WRITERS[kind]
    told = 0
    for number in range(count_of(tmp_path, write)):
        folder = tmp_path / str(number)
        start(folder)
        with Fault(folder, number, lie) as fault:
            try:
                write(folder)
            except Exception as error:  # also what Zarr says of its own files, if it reads them
                told += "the disk gave back other bytes" in str(error)
        state(folder)  # whole and right, old or absent
        assert fault.names[number:], "the fault was met"
    assert told


SERVER = """
import signal
from faults.system_calls import Fault
from faults.test_system_calls import WRITERS, start

def child(kind, folder, number):
    with Fault(folder, number, "die"):
        WRITERS[kind][0](folder)

kind, place, n_calls = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
def work():
    start(place / "warm")
    WRITERS[kind][0](place / "warm")

warm(work)
for number in range(n_calls):
    process = os.fork()  # of a process without threads, that has loaded all it needs
    if not process:
        child(kind, place / str(number), number)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))
"""


@pytest.mark.guarantee(17, "G2")
@pytest.mark.parametrize("kind", WRITERS)
def test_a_process_that_is_killed_at_any_call_leaves_all_or_nothing(tmp_path, kind):
    """G2, row 17: SIGKILL instead of the n-th call, for every n; the next run finds its way."""
    write, state = WRITERS[kind]
    n_calls = count_of(tmp_path, write)
    for number in range(n_calls):
        start(tmp_path / str(number))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", PRELUDE + SERVER, kind, tmp_path, str(n_calls)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.split() == [str(-signal.SIGKILL)] * n_calls, done.stderr
    found = set()
    for number in range(n_calls):
        found.add(state(tmp_path / str(number)))
        write_again_after_kill(kind, tmp_path / str(number))
    assert NEW in found, "the last call comes after the name was given"
    assert len(found) == 2


def write_again_after_kill(kind, folder):
    write, state = WRITERS[kind]
    if state(folder) != NEW:
        write(folder)
    assert state(folder) == NEW


@pytest.mark.parametrize("what", [*ERRORS, *LIES])
def test_a_lock_that_cannot_be_written_lets_nobody_run_and_locks_nobody_out(tmp_path, what):
    """G5: at each call; the next run gets the lock."""
    with Count(tmp_path) as calls:
        take_lock(tmp_path / "counted")
    for number in range(len(calls.names)):
        folder = tmp_path / str(number)
        with Fault(tmp_path, number, what):
            told = said(take_lock, folder)
        if told is None:  # a folder that is there already
            assert not isinstance(what, int) or calls.names[number] == "mkdir"
        else:
            assert f"{LOCK}: cannot be written, " in told
            take_lock(folder)


def test_the_message_about_a_disk_that_lies_says_what_and_where(tmp_path):
    start(tmp_path / "a")
    with Count(tmp_path / "a") as calls:
        publish_store(tmp_path / "a")
    number = max(i for i, name in enumerate(calls.names) if name == "write")
    start(tmp_path / "b")
    with (
        Fault(tmp_path / "b", number, "short"),
        pytest.raises(StoreError, match=r"raw\.zarr: the disk gave back other bytes of manifest\.json than"),
    ):
        publish_store(tmp_path / "b")
    assert not (tmp_path / "b" / "A" / "raw.zarr").exists()
