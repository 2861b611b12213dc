"""One run at a time in a folder of results; a dead run locks nobody out."""

import errno
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import xarray as xr

from eelsunmix.errors import InputError, StoreError
from eelsunmix.export.sample import open_sample
from eelsunmix.storage import publish
from eelsunmix.storage.__main__ import main
from eelsunmix.storage.kept import keep
from eelsunmix.storage.locks import LOCK, remove_dead_locks, take_lock
from test_faults import WITHOUT_RIGHTS

HOLDER = """
import signal, sys
from pathlib import Path
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup it is ignored, and that is inherited
from eelsunmix.storage.locks import take_lock
take_lock(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path / "results"


@pytest.fixture
def holder(results):
    """Another process that holds the lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(results)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def _snakemakes_lock(folder):
    lock = folder / ".snakemake" / "locks" / "0.output.lock"
    lock.parent.mkdir(parents=True)
    lock.write_text("results/A/pca.zarr\n")
    return lock


@pytest.mark.guarantee(28)
def test_a_second_run_is_told_who_holds_the_results(results, holder):
    with pytest.raises(InputError, match="another run uses these results") as refused:
        take_lock(results)
    assert f"process {holder.pid} on {socket.gethostname()}, since 20" in str(refused.value)
    assert f"started in {results.parent}" in str(refused.value)
    assert "remove" not in str(refused.value)


def test_what_a_run_in_progress_keeps_or_writes_is_no_fault(results, holder, monkeypatch, capsys):
    """Until the run is killed: then nobody puts the kept store back, or finishes the draft."""
    from eelsunmix.storage.drafts import _machine

    monkeypatch.chdir(results.parent)
    for name in ("raw", "pca"):
        publish(xr.Dataset({"a": ("x", [1.0])}), f"results/A/{name}.zarr")
    keep(Path("results/A/raw.zarr"))
    draft = Path(f"results/A/fit/.vca.zarr.tmp-{_machine()}-{holder.pid}-0a1b2c3d")
    draft.mkdir(parents=True)
    assert main(["results"]) == 0
    said = capsys.readouterr()
    run = f"run in progress (process {holder.pid} on {socket.gethostname()})\n"
    assert f"results/A/.raw.zarr.kept: kept until it is made again by the {run}" in said.out
    assert f"{draft}: is being written in the {run}" in said.out
    assert "1 store, 0 of them not in order\nno page and no verdict looked at: there is none, or" in said.out
    assert said.err == ""
    file = next(path for path in Path("results/A/pca.zarr/a/c").rglob("*") if path.is_file())
    file.write_bytes(file.read_bytes()[::-1])
    assert main(["results"]) == 1
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith(
        f"a {run.strip().replace('run', 'run is')}, which may be remaking what is listed above"
    )
    file.write_bytes(file.read_bytes()[::-1])
    holder.kill()
    holder.wait()
    assert main(["results"]) == 1
    said = capsys.readouterr()
    assert said.out.startswith("3 stores, 2 of them not in order\nno page and no verdict looked at")
    assert "results/A/.raw.zarr.kept: kept by a run that was killed; the next one puts it back" in said.err
    assert f"{draft}: left by a job that was killed" in said.err


def test_an_export_beside_a_run_is_told_to_wait(results, holder):
    with pytest.raises(
        InputError, match=rf"A: no finished .*in progress \(process {holder.pid} on .*once it is done$"
    ):
        open_sample("A")


def test_nobody_is_told_to_move_aside_what_a_run_in_progress_makes(results, holder):
    (results / "A" / "comparison.zarr").mkdir(parents=True)
    run = rf"a run is in progress \(process {holder.pid} on .*move nothing, export once it is done$"
    with pytest.raises(StoreError, match=f"A/comparison.zarr: was never sealed .*; {run}"):
        open_sample("A")
    holder.kill()
    holder.wait()
    with pytest.raises(StoreError, match=r"move this folder aside and run the workflow again$"):
        open_sample("A")


def test_the_lock_of_a_run_that_ended_is_free(results, holder):
    holder.communicate("\n")
    assert (results / LOCK).read_text() == ""
    lock = _snakemakes_lock(results.parent)
    assert not remove_dead_locks(
        results, lock.parent
    )  # no run of ours was killed: whose it is we cannot know
    assert lock.exists()
    take_lock(results)


@pytest.mark.guarantee(29)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGHUP, signal.SIGTERM])
def test_the_lock_of_a_run_that_was_killed_is_free(results, holder, number):
    lock = _snakemakes_lock(results.parent)
    assert not remove_dead_locks(results, lock.parent)  # it is alive
    holder.send_signal(number)
    holder.wait()
    assert remove_dead_locks(results, lock.parent)
    assert not lock.exists()
    take_lock(results)


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK])
def test_without_locks_of_the_file_system_nobody_is_called_dead(results, holder, monkeypatch, number):
    def refuses(descriptor, operation):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", refuses)
    lock = _snakemakes_lock(results.parent)
    assert not remove_dead_locks(results, lock.parent)
    assert lock.exists()
    with pytest.raises(InputError, match=f"another run uses these results .process {holder.pid} on"):
        take_lock(results)
    holder.kill()
    assert _ended(holder)  # before anybody has asked for its exit code
    assert not remove_dead_locks(results, lock.parent)
    take_lock(results)


@pytest.mark.parametrize("change", [{"boot": "another"}, {"processes": "1"}])
def test_without_locks_of_the_file_system_the_same_name_is_not_the_same_machine(
    results, holder, monkeypatch, change
):
    """Two nodes called localhost, two containers: no process of the other one can be seen."""

    def refuses(descriptor, operation):
        raise OSError(errno.ENOLCK, "no locks")

    holder.kill()
    holder.wait()
    monkeypatch.setattr("fcntl.flock", refuses)
    owner = json.loads((results / LOCK).read_text())
    (results / LOCK).write_text(json.dumps(owner | change))
    with pytest.raises(InputError, match=r"if it no longer runs there, remove .*\.lock"):
        take_lock(results)
    (results / LOCK).write_text(json.dumps(owner))
    take_lock(results)


def _ended(process):
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    return process.returncode is None


def test_a_number_of_a_process_that_was_given_again_locks_nobody_out(results, holder, monkeypatch):
    def refuses(descriptor, operation):
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr("fcntl.flock", refuses)
    owner = json.loads((results / LOCK).read_text())
    (results / LOCK).write_text(json.dumps(owner | {"began": str(int(owner["began"]) - 1)}))
    take_lock(results)


def test_locks_of_a_run_in_another_folder_are_left_alone(results, holder, tmp_path, monkeypatch):
    holder.kill()
    holder.wait()
    other = tmp_path / "second"
    lock = _snakemakes_lock(other)
    monkeypatch.chdir(other)
    assert not remove_dead_locks(results, lock.parent)
    assert lock.exists()


@pytest.mark.parametrize("how", ["moved", "copied"])
def test_the_locks_of_a_killed_run_in_a_folder_that_was_moved_lock_nobody_out(
    results, holder, tmp_path, monkeypatch, how
):
    holder.kill()
    holder.wait()
    _snakemakes_lock(results.parent)
    new = tmp_path.with_name(f"{tmp_path.name}-new")
    if how == "moved":
        tmp_path.rename(new)
    else:
        shutil.copytree(tmp_path, new)
    monkeypatch.chdir(new)
    locks = new / ".snakemake" / "locks"
    assert remove_dead_locks(Path("results"), locks)
    assert not list(locks.iterdir())


def test_of_another_machine_nobody_can_know(results):
    results.mkdir()
    owner = {
        "machine": "node7",
        "boot": "other",
        "process": 123,
        "since": "2026-01-02 03:04:05",
        "folder": "/x",
    }
    (results / LOCK).write_text(json.dumps(owner))
    with pytest.raises(
        InputError, match=r"process 123 on node7.*if it no longer runs there, remove .*\.lock"
    ):
        take_lock(results)
    lock = _snakemakes_lock(results.parent)
    assert not remove_dead_locks(results, lock.parent)


def test_what_others_write_into_a_lock_steers_no_terminal(results):
    results.mkdir()
    owner = {"machine": "a\x1b[2Jb", "process": {"x": 1}, "since": [1], "folder": "y\nresults: all in order"}
    (results / LOCK).write_text(json.dumps(owner))
    with pytest.raises(InputError, match="another run uses these results") as caught:
        take_lock(results)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("content", ["", "\0\0\0\0", "[1]", "{", "[" * 9000])
def test_a_lock_that_says_nothing_is_free(results, content):
    results.mkdir()
    (results / LOCK).write_text(content)
    take_lock(results)
    assert json.loads((results / LOCK).read_text())["process"] == str(os.getpid())


def test_parts_of_one_workflow_share_its_lock(results):
    assert take_lock(results)
    assert not take_lock(results)


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_what_is_no_lock_is_refused_with_its_remedy(results, kind):
    results.mkdir()
    (results / LOCK).mkdir() if kind == "folder" else os.mkfifo(results / LOCK)
    with pytest.raises(InputError, match=r"\.lock: cannot be written, it is no plain file; move it aside"):
        take_lock(results)


@pytest.mark.parametrize(("folder", "lock"), [(0o775, 0o664), (0o777, 0o666), (0o755, 0o644), (0o700, 0o600)])
def test_whoever_may_write_results_may_lock_them(results, folder, lock):
    results.mkdir()
    results.chmod(folder)
    before = os.umask(0o077 if folder == 0o700 else 0o022)
    try:
        take_lock(results)
    finally:
        os.umask(before)
    assert (results / LOCK).stat().st_mode & 0o777 == lock


def test_the_lock_file_of_somebody_else_shuts_nobody_out(results, holder):
    """It may be read only, as one that was made by an earlier version; the kernel locks it all the same."""
    holder.communicate("\n")
    (results / LOCK).chmod(0o444)
    command = [*WITHOUT_RIGHTS, sys.executable, "-c", HOLDER, str(results)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as second:
        assert second.stdout.readline() == "held\n"
        with pytest.raises(InputError, match="another run uses these results; wait for its end"):
            take_lock(results)
        second.communicate("\n")
    take_lock(results)


def test_a_planted_link_is_not_written_through(results, tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("mine")
    results.mkdir()
    (results / LOCK).symlink_to(precious)
    with pytest.raises(InputError, match=r"\.lock: cannot be written"):
        take_lock(results)
    assert precious.read_text() == "mine"
