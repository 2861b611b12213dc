"""Sealed stores: complete and verified, or absent."""

import dataclasses
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import tracemalloc
from contextlib import suppress
from pathlib import Path

import dask.array as da
import numpy as np
import pytest
import xarray as xr
from zarr.storage import LocalStore

from eelsunmix.errors import StoreError
from eelsunmix.execution import blocks
from eelsunmix.storage import MANIFEST, manifest, open_store, publish, read_axes, read_manifest, seals, verify
from eelsunmix.storage.__main__ import main
from eelsunmix.storage.digests import digest_of_file
from eelsunmix.storage.drafts import LONGEST_PAUSE


@pytest.fixture
def dataset():
    rng = np.random.default_rng(0)
    return xr.Dataset(
        {
            "counts": (("y", "x", "energy_loss"), rng.poisson(20, (7, 5, 40)).astype("u2")),
            "net_counts": (("edge", "y"), rng.normal(size=(2, 7))),
            "status": (("edge",), ["converged", "failed"]),
        },
        coords={
            "edge": ["Ti_L23", "O_K"],
            "energy_loss": ("energy_loss", np.arange(40) * 0.5 + 350, {"units": "eV"}),
            "valid_pixel": (("y", "x"), rng.random((7, 5)) > 0.2),
        },
        attrs={
            "window": (450, np.float64(486.5)),
            "chosen": None,
            "steps": [{"step": "gain", "applied": False}],
        },
    )


@pytest.fixture
def store(dataset, tmp_path):
    publish(dataset, tmp_path / "raw.zarr", settings={"seed": 1})
    return tmp_path / "raw.zarr"


def test_what_is_published_is_read_back(dataset, store):
    found = open_store(store)
    xr.testing.assert_equal(found, dataset)
    assert found.energy_loss.attrs == {"units": "eV"}
    assert found.attrs == {
        "window": [450, 486.5],
        "chosen": None,
        "steps": [{"step": "gain", "applied": False}],
    }


def test_empty_dims_are_kept(tmp_path):
    empty = xr.Dataset(
        {"spike": (("spike", "axis"), np.zeros((0, 3))), "maps": (("y", "edge"), np.zeros((7, 0)))}
    )
    publish(empty, tmp_path / "empty.zarr")
    xr.testing.assert_equal(open_store(tmp_path / "empty.zarr"), empty)


def test_a_store_opens_with_xarray_alone(dataset, store):
    with xr.open_zarr(store) as found:
        xr.testing.assert_equal(found.load(), dataset)


def test_large_variables_are_lazy_sharded_and_equal(tmp_path, monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK_ELEMENTS", 1200)
    monkeypatch.setattr("eelsunmix.storage.store.BLOCK_ELEMENTS", 1200)
    monkeypatch.setattr("eelsunmix.storage.store.CHUNK_ELEMENTS", 500)
    values = np.random.default_rng(0).poisson(9, (11, 6, 40)).astype("u2")
    image = xr.DataArray(
        da.from_array(values, chunks=(2, 6, 40)), dims=("y", "x", "energy_loss"), name="counts"
    )
    publish(image.to_dataset(), tmp_path / "raw.zarr")
    found = open_store(tmp_path / "raw.zarr").counts
    assert found.chunks == ((5, 5, 1), (6,), (40,))
    np.testing.assert_array_equal(found.values, values)
    shards = [name for name in read_manifest(tmp_path / "raw.zarr").files if name.startswith("counts/c/")]
    assert len(shards) == 3


@pytest.mark.guarantee("G10")
def test_seal_tells_content_settings_and_inputs_apart(dataset, store, tmp_path):
    same = publish(dataset, tmp_path / "same.zarr", settings={"seed": 1})
    other_settings = publish(dataset, tmp_path / "a.zarr", settings={"seed": 2})
    other_data = publish(
        dataset.assign(net_counts=dataset.net_counts + 1), tmp_path / "b.zarr", settings={"seed": 1}
    )
    child = publish(dataset, tmp_path / "c.zarr", settings={"seed": 1}, inputs=[store])
    assert read_manifest(store).seal == same
    assert len({same, other_settings, other_data, child}) == 4
    assert read_manifest(tmp_path / "c.zarr").inputs == {"raw.zarr": same}


def _names(folder):
    return [entry.name for entry in folder.iterdir()]


def _data_files(store):
    return sorted(name for name in read_manifest(store).files)


def _flip_a_bit(file: Path):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


@pytest.mark.guarantee(20, 21, 23, "G3")
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_flip_a_bit, "damaged"),
        (lambda file: file.write_bytes(file.read_bytes()[:-1]), "damaged"),
        (lambda file: file.write_bytes(b""), "damaged"),
        (lambda file: file.write_bytes(file.read_bytes() + b"0" * 16), "damaged"),
        (Path.unlink, "missing"),
    ],
)
def test_every_damage_to_every_file_is_refused_by_name(store, damage, message, tmp_path):
    for name in _data_files(store):
        copy = tmp_path / "copy.zarr"
        shutil.copytree(store, copy)
        damage(copy / name)
        with pytest.raises(StoreError, match=f"{name} is {message}"):
            open_store(copy)
        shutil.rmtree(copy)


@pytest.mark.guarantee(20)
def test_a_chunk_swapped_for_a_valid_one_is_refused(dataset, store, tmp_path):
    publish(dataset.assign(net_counts=dataset.net_counts * 2), tmp_path / "other.zarr")
    shutil.copy(tmp_path / "other.zarr/net_counts/c/0/0", store / "net_counts/c/0/0")
    with pytest.raises(StoreError, match="net_counts/c/0/0 is damaged"):
        open_store(store)


@pytest.mark.guarantee(20)
def test_foreign_files_are_refused_but_for_the_timestamp_of_the_workflow(store):
    (store / ".snakemake_timestamp").touch()
    verify(store)
    (store / "counts" / "c" / "9").write_bytes(b"x")
    with pytest.raises(StoreError, match="counts/c/9 does not belong"):
        verify(store)


@pytest.mark.guarantee(21, 22)
def test_an_edited_manifest_is_refused(store):
    text = (store / MANIFEST).read_text()
    (store / MANIFEST).write_text(text.replace('"seed": 1', '"seed": 2'))
    with pytest.raises(StoreError, match="its seal differs"):
        open_store(store)
    (store / MANIFEST).write_text(text[:-20])
    with pytest.raises(StoreError, match=r"manifest\.json is damaged"):
        open_store(store)
    (store / MANIFEST).unlink()
    with pytest.raises(StoreError, match="never sealed"):
        open_store(store)


def test_missing_store_and_existing_target(dataset, store, tmp_path):
    with pytest.raises(StoreError, match="no such store"):
        open_store(tmp_path / "absent.zarr")
    before = read_manifest(store)
    with pytest.raises(StoreError, match="exists already"):
        publish(dataset, store)
    assert verify(store) == before


@pytest.mark.guarantee(27, "G5")
def test_a_writer_that_comes_second_loses(dataset, tmp_path):
    """An orphaned process must not change what the user's new run has made in the meantime."""
    path = tmp_path / "raw.zarr"

    def slow():
        publish(dataset, path, settings={"run": "second"})  # finishes while the first is still computing
        return np.zeros(3)

    first = xr.Dataset({"late": ("z", da.from_delayed(_delayed(slow), (3,), float))})
    with pytest.raises(StoreError, match="another process has written it"):
        publish(first, path, settings={"run": "first"})
    assert verify(path).settings == {"run": "second"}
    assert _names(tmp_path) == ["raw.zarr"]


@pytest.mark.guarantee(27)
@pytest.mark.parametrize("orphan", ["has finished", "finishes meanwhile"])
def test_an_equal_result_that_came_first_is_kept(dataset, tmp_path, orphan):
    path, settings = tmp_path / "raw.zarr", {"seed": 1}
    equal = xr.Dataset({"late": ("z", np.zeros(3))})

    def slow():
        if orphan == "finishes meanwhile":
            publish(equal, path, settings=settings)
        return np.zeros(3)

    if orphan == "has finished":
        publish(equal, path, settings=settings)
    mine = xr.Dataset({"late": ("z", da.from_delayed(_delayed(slow), (3,), float))})
    seal = publish(mine, path, settings=settings)
    assert verify(path).seal == seal
    assert _names(tmp_path) == ["raw.zarr"]
    with pytest.raises(StoreError, match="another process has written it"):
        publish(equal + 1, path, settings=settings)
    with pytest.raises(StoreError, match="exists already"):
        publish(equal, path, settings={"seed": 2})
    assert verify(path).seal == seal


def _delayed(function):
    import dask

    return dask.delayed(function, pure=False)()


@pytest.mark.guarantee(18, "G2")
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES])
def test_a_failed_write_at_any_point_leaves_nothing(dataset, tmp_path, monkeypatch, code):
    write = LocalStore.set
    n_writes = _count_writes(dataset, tmp_path, monkeypatch)
    assert n_writes > 10
    for failing in range(n_writes):
        left = iter(range(n_writes))

        async def set_or_fail(self, key, value, byte_range=None, *, left=left, failing=failing):
            if next(left) == failing:
                raise OSError(code, os.strerror(code))
            await write(self, key, value)

        monkeypatch.setattr(LocalStore, "set", set_or_fail)
        with pytest.raises(StoreError, match=r"raw\.zarr: cannot be written, .*; (free|check)"):
            publish(dataset, tmp_path / "raw.zarr")
        assert _names(tmp_path) == []


def _count_writes(dataset, tmp_path, monkeypatch):
    write, keys = LocalStore.set, []

    async def counted(self, key, value, byte_range=None):
        keys.append(key)
        await write(self, key, value)

    with monkeypatch.context() as patch:
        patch.setattr(LocalStore, "set", counted)
        publish(dataset, tmp_path / "counted.zarr")
    shutil.rmtree(tmp_path / "counted.zarr")
    return len(keys)


KILLED = """
import os, signal, sys
import numpy as np, xarray as xr
from zarr.storage import LocalStore
from eelsunmix.storage import store

write, left = LocalStore.set, iter(range(1000))
async def set_or_die(self, key, value, byte_range=None):
    if next(left) == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    await write(self, key, value)
LocalStore.set = set_or_die
if sys.argv[2] == "-1":
    store.make_durable = lambda path: os.kill(os.getpid(), signal.SIGKILL)
store.publish(xr.Dataset({"counts": (("y", "x"), np.ones((7, 5)))}), sys.argv[1])
"""


@pytest.mark.guarantee(17, "G2")
@pytest.mark.parametrize("point", [0, 2, 4, -1])
def test_a_killed_writer_leaves_no_store_and_the_next_one_cleans_up(dataset, tmp_path, point):
    path = tmp_path / "raw.zarr"
    killed = subprocess.run([sys.executable, "-c", KILLED, path, str(point)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not path.exists()
    assert len(_names(tmp_path)) == 1, "the draft that nobody could remove"
    publish(dataset, path)
    xr.testing.assert_equal(open_store(path), dataset)
    assert _names(tmp_path) == ["raw.zarr"]


def test_a_draft_of_another_machine_is_removed_once_nobody_writes_to_it(dataset, tmp_path):
    fresh, old = (tmp_path / f".raw.zarr.tmp-elsewhere-1-77-{name}" for name in ("0f4e5b00", "01d01d01"))
    for draft in (fresh, old):
        (draft / "counts").mkdir(parents=True)
    long_ago = draft.stat().st_mtime - LONGEST_PAUSE - 60
    for entry in (old / "counts", old):
        os.utime(entry, (long_ago, long_ago))
    publish(dataset, tmp_path / "raw.zarr")
    assert sorted(_names(tmp_path)) == [fresh.name, "raw.zarr"]


@pytest.mark.guarantee(21, "G3")
def test_every_bit_of_a_manifest_counts(store):
    content, whole = (store / MANIFEST).read_bytes(), read_manifest(store)
    for place in range(0, len(content), 37):
        for bit in range(8):
            changed = bytearray(content)
            changed[place] ^= 1 << bit
            (store / MANIFEST).write_bytes(changed)
            with suppress(StoreError):
                assert read_manifest(store) == whole, "only white space, which says nothing, may change"
    (store / MANIFEST).write_bytes(b"[" * 100_000)
    with pytest.raises(StoreError, match=r"manifest\.json is damaged"):
        read_manifest(store)


def test_inputs_of_the_same_name_are_kept_apart(dataset, tmp_path):
    fit, maps = tmp_path / "fit" / "vca.zarr", tmp_path / "map" / "vca.zarr"
    publish(dataset, fit)
    publish(dataset, maps, inputs=[fit], settings={"seed": 2})
    publish(dataset, tmp_path / "comparison.zarr", inputs=[fit, maps])
    assert read_manifest(maps).inputs == {"../fit/vca.zarr": read_manifest(fit).seal}
    assert list(read_manifest(tmp_path / "comparison.zarr").inputs) == ["fit/vca.zarr", "map/vca.zarr"]


def test_what_systems_put_into_every_folder_is_no_damage(store):
    for name in (".DS_Store", "._counts", "counts/.DS_Store", "counts/c/.nfs000000a1"):
        (store / name).write_bytes(b"x")
    verify(store)
    (store / "counts/.hidden").write_bytes(b"x")
    with pytest.raises(StoreError, match=r"counts/\.hidden does not belong"):
        verify(store)


def test_a_manifest_takes_no_more_memory_than_it_is_long(store):
    tracemalloc.start()
    read_manifest(store)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**24


@pytest.mark.guarantee("G5")
def test_stores_that_do_not_belong_together_are_refused(dataset, store, tmp_path):
    publish(dataset, tmp_path / "pca.zarr", inputs=[store])
    shutil.rmtree(store)
    publish(dataset, store, settings={"seed": 7})
    for use in (seals, lambda inputs: publish(dataset, tmp_path / "rank.zarr", inputs=inputs)):
        with pytest.raises(StoreError, match=r"pca\.zarr: was made from another \S*raw\.zarr than"):
            use([store, tmp_path / "pca.zarr"])
    assert sorted(_names(tmp_path)) == ["pca.zarr", "raw.zarr"]


@pytest.mark.guarantee(27)
def test_a_store_that_is_exchanged_while_it_is_read_spoils_nothing(dataset, store, tmp_path):
    """Same content, same seal: but while it was away, its chunks read as zeros."""

    def exchange():
        shutil.rmtree(store)
        publish(dataset, tmp_path / "again.zarr", settings={"seed": 1})
        (tmp_path / "again.zarr").rename(store)
        return np.zeros(3)

    open_store(store)
    result = xr.Dataset({"late": ("z", da.from_delayed(_delayed(exchange), (3,), float))})
    with pytest.raises(StoreError, match=r"raw\.zarr: was exchanged while it was being read"):
        publish(result, tmp_path / "pca.zarr", inputs=[store])
    assert _names(tmp_path) == ["raw.zarr"]


def test_a_link_in_a_store_is_refused(store, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (store / "more").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="more does not belong"):
        verify(store)


def test_the_command_names_each_store_that_is_not_in_order(dataset, store, tmp_path, capsys):
    publish(dataset, tmp_path / "deep" / "pca.zarr", inputs=[store])
    publish(dataset, tmp_path / "deep" / "map" / "nmf.zarr")
    assert main([str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "3 stores, 0 of them not in order"

    (tmp_path / "deep" / "map" / "nmf.zarr" / "counts" / "zarr.json").write_text("{}")
    shutil.rmtree(store)
    publish(dataset, store, settings={"seed": 7})
    (tmp_path / ".bs.zarr.tmp-node7-1-77-0a1b2c3d").mkdir()
    assert main([str(tmp_path)]) == 1
    found = capsys.readouterr()
    assert found.out.splitlines()[0] == "4 stores, 3 of them not in order"
    draft, damaged, outdated = found.err.splitlines()
    assert draft.endswith("the next job that writes the store removes it")
    assert "counts/zarr.json is damaged" in damaged
    assert "pca.zarr: was made from another" in outdated


@pytest.mark.parametrize(
    "fields",
    [
        {"files": []},
        {"files": ["zarr.json"]},
        {"files": {"zarr.json": 3}},
        {"inputs": []},
        {"inputs": [["a", "b"]]},
        {"inputs": {"a": 3}},
        {"settings": []},
        {"versions": None},
        {"created": 3},
        {"else": 3},
    ],
    ids=str,
)
def test_a_manifest_of_other_types_is_damaged_even_if_it_agrees_with_itself(store, fields, capsys):
    whole = read_manifest(store)
    known = {name: value for name, value in fields.items() if name != "else"}
    forged = dataclasses.replace(whole, **known).sealed()
    (store / MANIFEST).write_text(json.dumps({**vars(forged), **fields}))
    with pytest.raises(StoreError, match=r"manifest\.json is damaged"):
        open_store(store)
    assert main([str(store)]) == 1
    assert "manifest.json is damaged" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["blake3", "blake2b"])
def test_each_digest_of_an_entry_counts(store, kind):
    whole = read_manifest(store)
    both = {name: digest_of_file(store / "zarr.json", name) for name in ("blake3", "blake2b")}
    for digests, sound in ((both, True), (both | {kind: "0" * 32}, False)):
        entry = {"size": (store / "zarr.json").stat().st_size, **digests}
        forged = dataclasses.replace(whole, files=whole.files | {"zarr.json": entry}).sealed()
        (store / MANIFEST).write_bytes(forged.to_json())
        if sound:
            assert verify(store) == forged
            continue
        with pytest.raises(StoreError, match=r"zarr\.json is damaged"):
            verify(store)


def test_a_record_of_a_file_without_size_is_a_damage(store):
    whole = read_manifest(store)
    forged = dataclasses.replace(whole, files=whole.files | {"zarr.json": {}}).sealed()
    (store / MANIFEST).write_bytes(forged.to_json())
    with pytest.raises(StoreError, match=r"zarr\.json is damaged"):
        verify(store)


def test_chunks_of_zeros_are_written_so_that_one_that_is_absent_is_none_of_them(tmp_path):
    publish(xr.Dataset({"mask": (("y", "x"), np.zeros((3, 5), bool))}), tmp_path / "a.zarr")
    assert "mask/c/0/0" in read_manifest(tmp_path / "a.zarr").files


def test_a_store_from_before_blake3_is_verified_by_its_blake2b(store):
    whole = read_manifest(store)
    files = {
        name: {"size": entry["size"], "blake2b": digest_of_file(store / name, "blake2b")}
        for name, entry in whole.files.items()
    }
    old = dataclasses.replace(whole, files=files).sealed()
    (store / MANIFEST).write_bytes(old.to_json())
    assert verify(store) == old
    content = bytearray((store / "zarr.json").read_bytes())
    content[-2] ^= 1
    (store / "zarr.json").write_bytes(content)
    with pytest.raises(StoreError, match=r"zarr\.json is damaged"):
        verify(store)


@pytest.mark.parametrize("name", [MANIFEST, "zarr.json"])
def test_no_endless_device_is_read(store, name):
    whole = read_manifest(store)
    if name != MANIFEST:  # of no size, as devices are
        files = whole.files | {name: {"size": 0, "blake3": ""}}
        (store / MANIFEST).write_bytes(dataclasses.replace(whole, files=files).sealed().to_json())
    (store / name).unlink()
    (store / name).symlink_to("/dev/zero")
    with pytest.raises(StoreError, match=f"{name} is damaged"):
        verify(store)


def test_a_manifest_that_has_no_end_is_not_read_to_it(store, monkeypatch):
    monkeypatch.setattr(manifest, "LARGEST_MANIFEST", 1000)
    (store / MANIFEST).write_bytes(b" " * 1001)
    with pytest.raises(StoreError, match=r"manifest\.json is damaged"):
        open_store(store)


@pytest.mark.guarantee(22)
def test_whatever_has_the_name_of_a_store_is_looked_at(store, tmp_path, capsys):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "pca.zarr").write_text("x")
    os.mkfifo(tmp_path / "deep" / "rank.zarr")
    (tmp_path / "deep" / "bs.zarr").symlink_to(tmp_path / "nowhere")
    assert main([str(tmp_path)]) == 1
    found = capsys.readouterr()
    assert found.out.splitlines()[0] == "4 stores, 3 of them not in order"
    for name, said in (("bs", "no such store"), ("pca", "is a file"), ("rank", "is a file")):
        assert f"{name}.zarr: {said}" in found.err


def test_the_command_wants_folders_with_stores(tmp_path, capsys):
    assert main([str(tmp_path)]) == 2
    assert "no stores and no pages lie there; name the folder" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stopped:
        main([str(tmp_path / "absent")])
    assert stopped.value.code == 2
    assert "absent: no such folder" in capsys.readouterr().err


def test_axes_are_read_with_one_look_at_the_manifest(store, monkeypatch):
    """Of two, the store may have been exchanged in between."""
    read, looks = manifest._parsed, []
    monkeypatch.setattr(manifest, "_parsed", lambda file: looks.append(file) or read(file))
    name, variable = next(iter(xr.open_zarr(store).data_vars.items()))
    assert tuple(read_axes(store, name)) == variable.dims
    assert len(looks) == 1
