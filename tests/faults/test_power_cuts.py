"""A power cut at any moment: what is found is whole and verified, or absent; what was done is there."""

import json
import os
import shutil

import numpy as np
import pytest

from eelsunmix.configuration.nodes import node_of
from eelsunmix.configuration.reading import read_tree
from eelsunmix.recipes import Product, Recipes
from eelsunmix.recipes.present import Present
from eelsunmix.storage import drafts
from eelsunmix.storage.locks import LOCK, take_lock
from faults.power_cuts import Recording, disks, write_tree
from faults.test_system_calls import (
    NEW,
    OLD,
    page,
    publish_store,
    start,
    state_of_page,
    state_of_store,
    write_new_page,
)

SEED = 2026


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """Nothing waits for the disk; and the writer of each draft is dead, as after a power cut."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    monkeypatch.setattr(drafts, "_runs", lambda process: False)
    sleep = drafts.time.sleep
    monkeypatch.setattr(drafts.time, "sleep", lambda seconds: sleep(0.0005))


def recorded(folder, write):
    start(folder)
    with Recording(folder) as recording:
        write(folder)
    assert sum(step[0] == "flush" for step in recording.steps) >= 1
    return recording


def different(recording):
    """What the disk may hold, each once: (calls, whether all are done, tree)."""
    seen = {}
    for cut, tree in disks(recording, np.random.default_rng(SEED)):
        seen.setdefault((repr(tree), cut == len(recording.steps)), (cut, tree))
    return [(cut, done, tree) for (_, done), (cut, tree) in seen.items()]


@pytest.mark.guarantee("G2")
def test_a_store_outlives_a_power_cut_whole_or_not_at_all(tmp_path):
    """G2: at every call of `publish`; what is left of it does not disturb the next run."""
    recording = recorded(tmp_path / "a", publish_store)
    found = different(recording)
    assert len(found) > 60
    states = set()
    for number, (cut, done, tree) in enumerate(found):
        folder = tmp_path / "disk"
        write_tree(tree, folder)
        states.add(state := state_of_store(folder))
        assert state == "new" or not done, f"reported as done, but lost (seed {SEED})"
        if state is None and number % 5 == 0:
            publish_store(folder)
            assert state_of_store(folder) == "new", cut
            assert [path.name for path in (folder / "A").iterdir()] == ["raw.zarr"]
        assert state_of_page(folder) == OLD
        shutil.rmtree(folder)
    assert states == {None, "new"}


@pytest.mark.guarantee("G2")
def test_a_page_outlives_a_power_cut_as_the_old_one_or_the_new_one(tmp_path):
    """G2: at every call of `write_page`."""
    recording = recorded(tmp_path / "a", write_new_page)
    states = set()
    for _, done, tree in different(recording):
        write_tree(tree, tmp_path / "disk")
        states.add(state := state_of_page(tmp_path / "disk"))
        assert state == NEW or not done, "reported as done, but lost"
        shutil.rmtree(tmp_path / "disk")
    assert states == {OLD, NEW}


def test_a_users_file_that_is_moved_aside_outlives_a_power_cut(tmp_path, monkeypatch):
    """G1: a file in the place of a page has one name or the other, whichever rename the disk has."""
    tree = {"samples": {"A": {"simulate": {"scene": "multilayer"}}}, "methods": {"vca": {}}}
    present = Present(Recipes(read_tree(node_of(tree, "c.yaml")).samples))
    folder = tmp_path / "a"
    (folder / "reports").mkdir(parents=True)
    (folder / "reports" / "A.html").write_text("my thesis")
    monkeypatch.chdir(folder)
    with Recording(folder) as recording:
        assert "kept as" in present.keep(Product("A", "page"))
        write_new_page(folder / "reports")
    for _, _, left in different(recording):
        assert b"my thesis" in left["reports"].values()


def test_a_lock_that_a_power_cut_has_left_locks_nobody_out(tmp_path):
    """G5: whatever is in the file of the lock."""
    start(tmp_path / "a")
    owner = dict.fromkeys(["machine", "boot", "processes", "process", "began", "since", "folder"])
    with Recording(tmp_path / "a") as recording:
        take_lock(tmp_path / "a" / "results")
    contents = {tree.get("results", {}).get(LOCK) for _, _, tree in different(recording)}
    assert {None, b""} < contents
    for number, content in enumerate(contents - {None}):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / LOCK).write_bytes(content)
        take_lock(folder)
        assert json.loads((folder / LOCK).read_text()).keys() == owner.keys()


def test_a_checkpoint_outlives_a_power_cut_whole_or_is_not_used(tmp_path):
    """G8: a training goes on from a state that was really there, or begins anew."""
    pytest.importorskip("torch")
    from types import SimpleNamespace

    from eelsunmix.methods._networks.torch_loop import Training

    place = tmp_path / "a" / "state"
    states = [{"key": np.array("k"), "weights": np.arange(50.0) + epoch} for epoch in range(2)]
    start(place.parent)

    def save(_):
        Training._save(SimpleNamespace(checkpoint=place, _state=lambda: states[1]))

    Training._save(SimpleNamespace(checkpoint=place, _state=lambda: states[0]))
    with Recording(place.parent) as recording:
        save(None)
    found = set()
    for _, _, tree in different(recording):
        write_tree(tree, tmp_path / "disk")
        state = Training._stored(SimpleNamespace(checkpoint=tmp_path / "disk" / "state", key="k"))
        found.add(None if state is None else float(state["weights"][0]))
        assert state is None or any(np.array_equal(state["weights"], one["weights"]) for one in states)
        shutil.rmtree(tmp_path / "disk")
    assert {0.0, 1.0} <= found


def test_the_page_of_these_tests_is_one(tmp_path):
    (tmp_path / "A.html").write_text(page(OLD, tmp_path))
    assert state_of_page(tmp_path) == OLD
