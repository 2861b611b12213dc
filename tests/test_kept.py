"""What was made of the user's files is not lost when they are damaged, unreadable or taken away since."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from eelsunmix.errors import InputError
from eelsunmix.recipes.content import Contents
from eelsunmix.sources import checksum, checksums, file_fingerprint, file_state
from eelsunmix.storage import publish, read_manifest, verify
from eelsunmix.storage.drafts import is_draft
from eelsunmix.storage.kept import is_kept, keep, settle
from test_faults import WITHOUT_RIGHTS
from test_workflow import Project, rules_in

STORE = "results/S/raw.zarr"


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _publish(*files, name="content", store=STORE):
    """Publish a store that was made of files, as the rules do."""
    found = Contents().of(files, store, name)
    publish(
        xr.Dataset({"a": ("x", [1.0, 2.0])}),
        store,
        files=checksums(files),
        settings={name: found[0] if name == "content" else found},
    )
    return found


def _now(*files, name="content", store=STORE):
    return Contents().of(files, store, name)


@pytest.fixture
def image(here):
    """A file of 3 MB, of which a store was made."""
    path = here / "a.npy"
    path.write_bytes(np.random.default_rng(0).bytes(3_000_000))
    _publish("a.npy")
    return path


def _change_one_byte_between_two_samples(path):
    """The first sample ends at 16384, the second begins at 47360."""
    content = bytearray(path.read_bytes())
    content[30_000] ^= 1
    path.write_bytes(content)


def test_one_byte_between_the_samples_is_seen(image):
    before = _now("a.npy")
    fingerprint = file_fingerprint(image)
    _change_one_byte_between_two_samples(image)
    assert file_fingerprint(image) == fingerprint
    changed = _now("a.npy")
    assert changed != before
    _change_one_byte_between_two_samples(image)  # and back
    assert _now("a.npy") == before


def test_what_was_made_of_the_changed_file_agrees_with_it(image):
    _change_one_byte_between_two_samples(image)
    asked = _now("a.npy")
    Path(STORE).rename("old")
    publish(
        xr.Dataset({"a": ("x", [1.0])}), STORE, files=checksums(["a.npy"]), settings={"content": asked[0]}
    )
    assert _now("a.npy") == asked
    image.touch()
    assert _now("a.npy") == asked


def test_an_untouched_file_is_not_read_and_a_touched_one_once(image, monkeypatch):
    read = []
    monkeypatch.setattr("eelsunmix.recipes.content.checksum", lambda path: read.append(path) or ("", 0))
    monkeypatch.setattr("eelsunmix.recipes.content.file_fingerprint", lambda path: "read")
    before = read_manifest(STORE).settings["content"]
    assert _now("a.npy") == [before]
    assert read == []
    image.touch()
    contents = Contents()
    assert contents.of(["a.npy"], STORE, "content") == contents.of(["a.npy"], STORE, "content")
    assert len(read) == 1


def test_a_touched_file_is_read_whole_by_one_run_only(image, monkeypatch):
    (image.parent / ".snakemake").mkdir()
    read = []
    monkeypatch.setattr(
        "eelsunmix.recipes.content.checksum", lambda path: read.append(path) or checksum(path)
    )
    before = [read_manifest(STORE).settings["content"]]
    image.touch()
    assert [_now("a.npy") for _ in range(3)] == [before] * 3
    assert len(read) == 1
    # Another byte, or the same state of another file, is not what was remembered.
    _change_one_byte_between_two_samples(image)
    assert _now("a.npy") != before
    _change_one_byte_between_two_samples(image)
    known = image.parent / ".snakemake" / "eelsunmix-sources"
    known.write_bytes(b"\xff\n" + known.read_bytes())
    assert [_now("a.npy") for _ in range(2)] == [before] * 2
    assert len(read) == 3


@pytest.mark.parametrize("kind", ["pipe", "device", "link", "folder"])
def test_what_stands_in_the_place_of_the_records_is_not_waited_for_nor_written_through(image, kind):
    known, other = image.parent / ".snakemake" / "eelsunmix-sources", image.parent / "other"
    known.parent.mkdir()
    other.write_text("of the user\n")
    make = {
        "pipe": lambda: os.mkfifo(known),
        "device": lambda: known.symlink_to("/dev/zero"),
        "link": lambda: known.symlink_to(other),
        "folder": known.mkdir,
    }
    make[kind]()
    before = [read_manifest(STORE).settings["content"]]
    image.touch()
    ask = f"""
from eelsunmix.recipes.content import Contents
print(Contents().of(["a.npy"], "{STORE}", "content"))
"""
    found = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, timeout=60)
    assert found.stdout.strip() == str(before), found.stderr
    assert other.read_text() == "of the user\n"


@pytest.mark.parametrize("change", ["touch", "copy", "mode"])
def test_the_same_content_is_never_another(image, change):
    before, state = _now("a.npy"), file_state(image)
    if change == "touch":
        image.touch()
    elif change == "mode":
        image.chmod(0o400)
    else:
        copy = image.with_name("copy")
        copy.write_bytes(image.read_bytes())
        copy.replace(image)
    assert file_state(image) != state
    assert _now("a.npy") == before


def test_folders_are_looked_at_chunk_by_chunk(here):
    folder = here / "a.zarr"
    folder.mkdir()
    for number in range(40):
        (folder / f"{number:02}").write_bytes(np.random.default_rng(number).bytes(100_000))
    before, fingerprint = _publish("a.zarr"), file_fingerprint(folder)
    content = bytearray((folder / "03").read_bytes())
    content[50_000] ^= 1
    (folder / "03").write_bytes(content)
    assert file_fingerprint(folder) == fingerprint
    assert _now("a.zarr") != before


def test_references_are_told_apart(here):
    for name in ("gain.npy", "dark.npy"):
        np.save(here / name, np.arange(500_000) + len(name))
    store = "results/S/corrected.zarr"
    before = _publish("gain.npy", "dark.npy", name="references", store=store)
    _change_one_byte_between_two_samples(here / "dark.npy")
    gain, dark = _now("gain.npy", "dark.npy", name="references", store=store)
    assert (gain, dark != before[1]) == (before[0], True)
    # Another list of references is looked at anew.
    assert _now("dark.npy", name="references", store=store) == [file_fingerprint("dark.npy")]


@pytest.mark.parametrize("fault", ["gone", "pipe"])
def test_what_cannot_be_read_says_nothing_against_what_was_made_of_it(image, fault):
    before = _now("a.npy")
    image.unlink()
    if fault == "pipe":
        os.mkfifo(image)
    contents = Contents()
    assert contents.of(["a.npy"], STORE, "content") == before
    (line,) = contents.unread
    assert line.startswith("a.npy: cannot be read (")
    assert line.endswith("); nothing is made again for that")
    Path(STORE).rename("old")
    assert _now("a.npy")[0].startswith("unreadable: ")


def test_a_file_that_is_taken_away_while_it_is_read_is_one_line(here):
    with pytest.raises(InputError, match=r"^a\.npy: cannot be read any more \(No such file"):
        publish(xr.Dataset({"a": ("x", [1.0])}), STORE, files={"a.npy": "0"})
    assert list(here.glob("results/S/*")) == []


def test_a_manifest_that_was_altered_is_not_believed(image):
    path = image.parent / STORE / "manifest.json"
    path.write_text(path.read_text().replace("state", "stage"))
    assert _now("a.npy") == [file_fingerprint(image)]


def test_manifests_from_before_the_sources_were_recorded_stay_whole(here):
    publish(xr.Dataset({"a": ("x", [1.0])}), STORE, settings={"content": "old"})
    assert b'"sources"' not in (here / STORE / "manifest.json").read_bytes()
    verify(STORE)


def test_a_kept_store_is_still_known_and_gets_its_place_back(image):
    before, manifest = _now("a.npy"), verify(STORE)
    keep(image.parent / STORE)
    (kept,) = (image.parent / "results/S").iterdir()
    assert is_kept(kept)
    _change_one_byte_between_two_samples(image)
    assert _now("a.npy") != before
    assert "+" in _now("a.npy")[0]
    (line,) = settle(image.parent / "results")
    assert line.endswith("was not made again; what was there before is put back")
    assert verify(STORE) == manifest
    assert not kept.exists()


def test_a_kept_store_goes_once_its_successor_is_there(image):
    results = image.parent / "results"
    keep(results / "S/raw.zarr")
    publish(xr.Dataset({"a": ("x", [5.0])}), STORE)
    made = verify(STORE)
    assert list(settle(results)) == []
    assert [path.name for path in (results / "S").iterdir()] == ["raw.zarr"]
    assert verify(STORE) == made


def test_a_kept_store_that_was_removed_in_part_is_never_put_back(image, monkeypatch):
    def killed(path, **kwargs):
        (path / "manifest.json").unlink()
        raise KeyboardInterrupt

    results = image.parent / "results"
    keep(results / "S/raw.zarr")
    publish(xr.Dataset({"a": ("x", [5.0])}), STORE)
    with monkeypatch.context() as patch:
        patch.setattr("eelsunmix.storage.kept.shutil.rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            list(settle(results))
    shutil.rmtree(STORE)  # by the user
    assert list(settle(results)) == []
    assert not Path(STORE).exists()
    (rest,) = (results / "S").iterdir()
    assert is_draft(rest)  # which the next job of the store removes, once this process has ended


def test_something_else_in_the_place_costs_neither(image):
    results = image.parent / "results"
    keep(results / "S/raw.zarr")
    (results / "S/raw.zarr").mkdir()
    (results / "S/raw.zarr/mine.txt").touch()
    (line,) = settle(results)
    assert "is no whole store; what was there before is kept as" in line
    keep(results / "S/raw.zarr")  # its name is taken
    assert (results / "S/raw.zarr/mine.txt").exists()
    verify(results / "S/.raw.zarr.kept")


def test_a_damaged_successor_costs_no_kept_store(image):
    results = image.parent / "results"
    keep(results / "S/raw.zarr")
    publish(xr.Dataset({"a": ("x", [5.0, 6.0])}), STORE)
    chunk = results / "S/raw.zarr/a/c/0"
    chunk.write_bytes(chunk.read_bytes()[:-1] + b"x")
    (line,) = settle(results)
    assert "is no whole store; what was there before is kept as" in line
    verify(results / "S/.raw.zarr.kept")


def test_a_file_of_the_user_that_is_no_kept_store_is_left_alone(image):
    mine = image.parent / "results/S/.notes.kept"
    mine.write_text("mine")
    assert list(settle(image.parent / "results")) == []
    assert mine.read_text() == "mine"


def test_links_to_other_disks_are_kept_as_links(image):
    results, disk = image.parent / "results", image.parent / "disk"
    Path(STORE).rename(disk)
    (results / "S/raw.zarr").symlink_to(disk)
    keep(results / "S/raw.zarr")
    list(settle(results))
    assert (results / "S/raw.zarr").is_symlink()
    keep(results / "S/raw.zarr")
    publish(xr.Dataset({"a": ("x", [5.0])}), STORE)
    list(settle(results))
    assert not (results / "S/raw.zarr").is_symlink()
    verify(disk)


def test_a_folder_that_cannot_be_written_is_one_line(image, monkeypatch):
    def refused(path, new):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "rename", refused)
    with pytest.raises(InputError, match=r"\.raw\.zarr\.kept: cannot be written, no permission"):
        keep(image.parent / STORE)


CONFIGURATION = """
samples:
  A: {file: a.npy, corrections: {gain: {method: none}}}
  B: {file: b.npy, corrections: {gain: {method: reference, reference: gain.npy, kind: divide}}}
  C: {file: c.npy, corrections: {gain: {method: none}}}
  D: {file: d.npy, corrections: {gain: {method: none}}}
axes: {dims: [y, x, energy_loss], energy: {offset_eV: 400, dispersion_eV: 1.0}}
methods: {vca: {}}
"""


def _stores(project):
    return {path: verify(path) for path in sorted(project.folder.glob("results/?/*.zarr"))}


def _as_nobody(project, *arguments):
    command = [*WITHOUT_RIGHTS, sys.executable, "-m", "snakemake", "--cores", "2", "-k", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(project.folder / "workflow")}
    done = subprocess.run(
        command, cwd=project.folder, env=environment, capture_output=True, text=True, check=False
    )
    return done, done.stdout + done.stderr


@pytest.mark.workflow
@pytest.mark.slow
def test_sources_that_went_bad_cost_no_result_and_no_other_sample(tmp_path):
    """A is cut off, the reference of B is damaged, C cannot be read; D is another image now."""
    project = Project(tmp_path / "project")
    project.configure(CONFIGURATION)
    rng = np.random.default_rng(0)
    for name in "abcd":
        np.save(project.folder / f"{name}.npy", rng.poisson(40, (4, 5, 60)).astype("u2"))
    np.save(project.folder / "gain.npy", np.linspace(0.9, 1.1, 60))
    targets = ["results/A/raw.zarr", "results/B/corrected.zarr", "results/C/raw.zarr", "results/D/raw.zarr"]
    project.run(*targets)
    before = _stores(project)
    project.run("--touch", "--forceall", *targets)
    assert _stores(project) == before  # they are where they were: nothing is made again
    os.truncate(project.folder / "a.npy", 1000)
    (project.folder / "gain.npy").write_bytes(b"damaged")
    (project.folder / "c.npy").chmod(0)
    np.save(project.folder / "d.npy", rng.poisson(40, (4, 5, 60)).astype("u2"))
    done, said = _as_nobody(project, *targets)
    assert done.returncode != 0
    assert rules_in(said) == {"import_image", "correct_gain"}
    assert "c.npy: cannot be read (Permission denied); nothing is made again for that" in said
    for path in ("A/raw", "B/corrected"):
        assert f"results/{path}.zarr: was not made again; what was there before is put back" in said
    assert "Traceback" not in said
    after = _stores(project)
    another = project.folder / "results/D/raw.zarr"
    assert {path for path in before if after.get(path) != before[path]} == {another}
    assert not list(project.folder.glob("results/*/.*"))
    done, said = _as_nobody(project, "-n", "results/C/raw.zarr", "results/D/raw.zarr")
    assert "Nothing to be done" in said
