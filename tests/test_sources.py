"""The user's files: where they may lie, whether they are still the same, and what is never opened."""

import errno
import os
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import zarr

from eelsunmix import io
from eelsunmix.configuration import (
    ConfigurationError,
    SampleSettings,
    available_samples,
    check_folders,
    check_results,
    read_configuration,
    refuse_storage,
)
from eelsunmix.configuration.names import path_fault
from eelsunmix.configuration.places import endangered, unwritable_folder
from eelsunmix.errors import InputError
from eelsunmix.sources import checksum, checksums, file_fingerprint
from eelsunmix.storage import open_store, publish
from eelsunmix.storage.__main__ import main as check_stores

AXES = io.AxesOptions(dims=("y", "x", "energy_loss"), energy=io.EnergyAxis(offset_eV=100, dispersion_eV=0.5))


@pytest.fixture
def counts():
    return np.random.default_rng(0).poisson(50, (7, 5, 40)).astype("u2")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A project with a folder of results that is a link, as on a cluster."""
    (tmp_path / "scratch").mkdir()
    folder = tmp_path / "project"
    (folder / "data").mkdir(parents=True)
    (folder / "results").symlink_to(tmp_path / "scratch")
    (folder / "reports").mkdir()
    (folder / ".snakemake").mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_a_source_may_lie_beside_the_results(here):
    for name in ("data/a.npy", "results.npy", "a.npy"):
        (here / name).touch()
        assert endangered(here / name) is None


PLACES = ("results/SI1/raw.zarr", "results/a.npy", "reports/a.npy", ".snakemake/a.npy", "data/../results/a")


@pytest.mark.guarantee("G1")
@pytest.mark.parametrize("place", PLACES)
def test_no_source_lies_where_a_run_deletes(here, place):
    (here / place).parent.mkdir(parents=True, exist_ok=True)
    (here / place).touch()
    assert "where a run writes and deletes; move it to a folder of its own" in endangered(here / place)


@pytest.mark.parametrize("path", [".", "..", "data/.."])
def test_the_folder_of_a_run_is_no_image(here, path):
    assert "is a folder that holds the results of a run, not an image" in endangered(Path(path))


@pytest.mark.parametrize("way", ["real name", "link to it", "link in it", "link to a folder", "around it"])
def test_links_hide_no_source_from_the_check(here, tmp_path, way):
    target = tmp_path / "scratch" / "a.npy"
    if way == "real name":
        path = target
    elif way == "link to it":
        path = here / "data" / "a.npy"
        path.symlink_to(target)
    elif way == "link in it":  # what it leads to is safe, its name is not: another file would be read then
        (here / "data" / "b.npy").touch()
        path = here / "results" / "c.npy"
        path.symlink_to(here / "data" / "b.npy")
    elif way == "link to a folder":
        (here / "data" / "here").symlink_to(here / "results")
        path = here / "data" / "here" / "a.npy"
    else:
        path = here
    target.touch()
    assert endangered(path) is not None


def test_results_that_are_a_link_to_themselves_hide_no_source(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("results").symlink_to("results")
    assert endangered(Path("a.npy")) is None
    assert endangered(Path("results/a.npy")) is not None
    with pytest.raises(InputError, match="results: is no folder"):
        check_folders()


@pytest.mark.guarantee(19)
@pytest.mark.parametrize("closed", ["metadata", "metadata/deep", "metadata/deep/cmF3"])
def test_records_that_another_user_alone_may_read_are_refused_before_any_job(tmp_path, monkeypatch, closed):
    monkeypatch.chdir(tmp_path)
    record = Path(".snakemake/metadata/deep/cmF3")
    record.parent.mkdir(parents=True)
    record.touch()
    check_results(["A"])
    monkeypatch.setattr(os, "access", lambda path, _mode: Path(path) != Path(".snakemake", closed))
    with pytest.raises(InputError, match="records of a run of another user"):
        check_results(["A"])


def test_records_that_cannot_be_listed_are_no_missing_records(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path(".snakemake/metadata").mkdir(parents=True)

    def failing(path):
        raise OSError(errno.EIO, "Input/output error", path)

    monkeypatch.setattr(os, "scandir", failing)
    with pytest.raises(InputError, match="metadata: cannot be looked at"):
        check_results([])


@pytest.mark.parametrize("key", ["file", "reference", "dark"])
def test_the_checker_refuses_it_in_one_line(here, key):
    np.save(here / "results" / "a.npy", np.zeros(3))
    np.save(here / "data" / "b.npy", np.zeros(3))
    gain = f"{{method: reference, reference: data/b.npy, {key}: results/a.npy}}".replace(
        "reference: data/b.npy, reference", "reference"
    )
    (here / "c.yaml").write_text(
        "samples: {S: {file: results/a.npy}}\n"
        if key == "file"
        else f"samples: {{S: {{file: data/b.npy}}}}\ncorrections: {{gain: {gain}}}\n"
    )
    with pytest.raises(ConfigurationError) as caught:
        read_configuration([here / "c.yaml"])
    (line,) = str(caught.value).splitlines()
    assert f"{key}: results/a.npy: lies in the folder results" in line


def test_results_of_others_and_links_are_refused_before_a_run(here, counts):
    folder = here / "results" / "S"
    (folder / "logs").mkdir(parents=True)
    (folder / "benchmarks").mkdir()
    (folder / "logs" / "import_image.log").touch()
    publish(xr.Dataset({"a": ("x", [1.0, 2.0])}), folder / "raw.zarr")
    publish(xr.Dataset({"a": ("x", [1.0, 2.0])}), here / "data" / "pca.zarr")
    (folder / "pca.zarr").symlink_to(here / "data" / "pca.zarr")  # a store that was moved to another disk
    check_results(["S", "absent"])
    for make, line in (
        (lambda path: path.symlink_to(here / "data"), "fit/nmf.zarr: has no manifest.json"),
        (lambda path: path.mkdir(), "fit/nmf.zarr: has no manifest.json"),
        (lambda path: path.write_text("mine"), "fit/nmf.zarr: has no manifest.json"),
        (lambda path: path.symlink_to(here / "x"), "benchmarks/nmf.tsv: is a link"),
        (os.mkfifo, "logs/nmf.log: is no plain file"),
    ):
        path = folder / line.partition(":")[0]
        path.parent.mkdir(exist_ok=True)
        make(path)
        with pytest.raises(InputError, match=f"results/S/{line}.*; move it aside"):
            check_results(["S"])
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    check_results(["S"])


def test_a_folder_in_the_place_of_a_page_is_refused_before_a_run(here):
    (here / "reports" / "S.html").mkdir()
    with pytest.raises(InputError, match=r"reports/S\.html: is a folder, .* page there; move it aside"):
        check_results(["S"])


def test_no_message_advises_to_delete(tmp_path, counts):
    """What seems to be a damaged result may be the user's own."""
    publish(xr.Dataset({"a": ("x", [1.0, 2.0])}), tmp_path / "raw.zarr")
    (tmp_path / "raw.zarr" / "mine.txt").touch()
    with pytest.raises(InputError, match="move it aside first"):
        publish(xr.Dataset(), tmp_path / "raw.zarr")
    assert check_stores([str(tmp_path)]) == 1


def test_messages_of_the_package_do_not_advise_to_delete():
    """Nor name an option of Snakemake that our own commands lack."""
    from eelsunmix import provenance

    advice = [
        f"{path}: {line.strip()}"
        for path in provenance.PACKAGE.rglob("*.py")
        for line in path.read_text().splitlines()
        if any(
            words in line
            for words in ("; delete", "delete it", "delete this", "remove the store", "with --directory")
        )
    ]
    assert advice == []


@pytest.mark.guarantee(2)
@pytest.mark.parametrize("zeroed", [slice(70_000, 190_000), slice(3_000_000, 3_080_000)])
def test_damage_between_the_old_samples_changes_the_fingerprint(tmp_path, zeroed):
    """Of a file of 3 MB, sixteen samples of 64 kB left such gaps."""
    content = np.random.default_rng(0).integers(0, 256, 3_145_728, np.uint8)
    (tmp_path / "a.dm3").write_bytes(content.tobytes())
    before = file_fingerprint(tmp_path / "a.dm3")
    content[zeroed] = 0
    (tmp_path / "a.dm3").write_bytes(content.tobytes())
    assert file_fingerprint(tmp_path / "a.dm3") != before


def test_a_zarr_store_that_is_overwritten_in_place_has_another_fingerprint(tmp_path, counts):
    """Chunks of the same names and sizes."""
    import zarr

    array = zarr.create_array(
        tmp_path / "a.zarr", shape=counts.shape, chunks=(1, 5, 40), dtype="u2", compressors=None
    )
    array[:] = counts
    before = file_fingerprint(tmp_path / "a.zarr")
    array[3] = counts[3] + 1
    assert file_fingerprint(tmp_path / "a.zarr") != before
    array[3] = counts[3]
    assert file_fingerprint(tmp_path / "a.zarr") == before


def test_what_cannot_be_read_has_a_fingerprint_in_words(tmp_path):
    assert file_fingerprint(tmp_path / "absent") == "unreadable: No such file or directory"
    os.mkfifo(tmp_path / "a.npy")
    assert file_fingerprint(tmp_path / "a.npy") == "unreadable: not a plain file"


def test_a_pipe_is_not_opened(tmp_path, counts):
    os.mkfifo(tmp_path / "a.npy")
    with pytest.raises(InputError, match=r"a\.npy: is no plain file"):
        io.open_image(tmp_path / "a.npy", axes=AXES)


def test_a_link_out_of_a_zarr_folder_is_refused_by_name(tmp_path, counts):
    import zarr

    path = tmp_path / "a.zarr"
    array = zarr.create_array(path, shape=counts.shape, chunks=(1, 5, 40), dtype="u2", compressors=None)
    array[:] = counts
    io.open_image(path, axes=AXES)
    chunk = path / "c" / "3" / "0" / "0"
    (path / "c" / "3" / "copy").write_bytes(chunk.read_bytes())
    chunk.unlink()
    chunk.symlink_to(path / "c" / "3" / "copy")
    io.open_image(path, axes=AXES)
    chunk.unlink()
    (tmp_path / "secret").write_bytes(bytes(400))
    chunk.symlink_to(tmp_path / "secret")
    with pytest.raises(InputError, match=r"a\.zarr: c/3/0/0 is a link that leads out of the folder"):
        io.open_image(path, axes=AXES)


@pytest.mark.guarantee(2)
def test_a_file_that_is_exchanged_while_it_is_read_spoils_the_import(tmp_path, counts, monkeypatch):
    np.save(tmp_path / "a.npy", counts)
    survey = io.importing.survey

    def exchanged(image, *rest):
        np.save(tmp_path / "a.npy", counts + 1)
        return survey(image, *rest)

    monkeypatch.setattr("eelsunmix.io.importing.survey", exchanged)
    with pytest.raises(InputError, match=r"a\.npy: was changed while it was read"):
        io.import_image(tmp_path / "a.npy", axes=AXES)


def test_a_file_that_is_exchanged_before_its_blocks_are_written_spoils_all(tmp_path, counts, monkeypatch):
    monkeypatch.setattr("eelsunmix.execution.blocks.BLOCK_ELEMENTS", 2 * 5 * 40)
    path = tmp_path / "a.npy"
    np.save(path, counts)
    raw = io.import_image(path, axes=AXES)
    assert raw.attrs["source"]["sha256"] == checksum(path)[0]
    files = {path: raw.attrs["source"]["sha256"]}
    np.save(path, counts + 1)
    with pytest.raises(InputError, match=r"a\.npy: was changed while it was read"):
        publish(raw, tmp_path / "raw.zarr", kind="raw", files=files)
    assert {file.name for file in tmp_path.iterdir()} == {"a.npy"}
    np.save(path, counts)
    publish(raw, tmp_path / "raw.zarr", kind="raw", files=files)


ACCIDENTS = {
    "removed": lambda path: shutil.rmtree(path) if path.is_dir() else path.unlink(),
    "cut": lambda path: os.truncate(_data(path), _data(path).stat().st_size // 2),
    "grown": lambda path: _data(path).write_bytes(_data(path).read_bytes() + b"more"),
    "exchanged": lambda path: (path.rename(path.with_name("old")), _stored(path, 1)),
}


def _data(path):
    return path / "c/0/0/0" if path.is_dir() else path


def _stored(path, added=0):
    counts = np.random.default_rng(0).poisson(50, (7, 5, 40)).astype("u2") + np.uint16(added)
    if path.suffix == ".npy":
        np.save(path, counts)
        return
    zarr.create_array(path, shape=counts.shape, chunks=(7, 5, 10), dtype="u2")[:] = counts


def _at_call(number, act):
    """Return a function for `sys.setprofile` that acts at that call of a function of the package."""
    left = [number]

    def profile(frame, event, _):
        if event == "call" and frame.f_globals.get("__name__", "").startswith("eelsunmix"):
            left[0] -= 1
            if left[0] == 0:
                act()

    return profile, left


@contextmanager
def one_line_about(name):
    """Let an import be refused, in one line that names the file."""
    try:
        yield
    except InputError as error:
        if name not in str(error) or not str(error).isprintable():
            raise AssertionError(str(error)) from error


@pytest.mark.parametrize("name", ["a.npy", "a.zarr"])
@pytest.mark.parametrize("accident", ACCIDENTS)
def test_whatever_happens_to_a_source_at_any_moment_is_one_line_or_nothing(
    tmp_path, monkeypatch, name, accident
):
    """The store holds the old content or, if that came first, the new one, each with its digest."""
    monkeypatch.setattr("eelsunmix.execution.blocks.BLOCK_ELEMENTS", 2 * 5 * 40)
    path = tmp_path / name

    def imported(number):
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
        _stored(path)
        store = tmp_path / f"{accident}{number}.zarr"
        profile, left = _at_call(number, lambda: ACCIDENTS[accident](path))
        sys.setprofile(profile)
        try:
            raw = io.import_image(path, axes=AXES)
            files = {path: raw.attrs["source"]["sha256"]}
            publish(raw, store, kind="raw", files=files)
        finally:
            sys.setprofile(None)
            shutil.rmtree(tmp_path / "old", ignore_errors=True)
        return left[0], open_store(store)

    left, good = imported(10**6)
    calls = 10**6 - left
    for number in range(1, calls, 1 + calls // 5):
        with one_line_about(name):
            _, store = imported(number)
            is_new = store.attrs["source"]["sha256"] != good.attrs["source"]["sha256"]
            np.testing.assert_array_equal(store.counts, good.counts + (is_new and accident == "exchanged"))


@pytest.mark.guarantee(2, "G1")
def test_sources_are_compared_byte_by_byte_on_demand(tmp_path, counts, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    np.save("a.npy", counts)
    publish(io.import_image("a.npy", axes=AXES), "results/S/raw.zarr", kind="raw")
    publish(xr.Dataset({"a": ("x", [1.0])}), "results/S/pca.zarr")
    assert check_stores(["results", "--sources"]) == 0
    np.save("a.npy", counts + 1)
    assert check_stores(["results"]) == 0
    assert check_stores(["results", "--sources"]) == 1
    assert "raw.zarr: a.npy differs from what was imported" in capsys.readouterr().err
    Path("a.npy").unlink()
    assert check_stores(["results", "--sources"]) == 1
    assert "a.npy, from which it was imported, is no longer there" in capsys.readouterr().err


@pytest.mark.guarantee(2, "G1")
def test_references_are_compared_byte_by_byte_on_demand_too(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("gain.npy").write_bytes(b"gain")
    publish(xr.Dataset({"a": ("x", [1.0])}), "results/S/corrected.zarr", files=checksums(["gain.npy"]))
    assert check_stores(["results", "--sources"]) == 0
    Path("gain.npy").write_bytes(b"Gain")
    assert check_stores(["results", "--sources"]) == 1
    assert "corrected.zarr: gain.npy differs from what was imported" in capsys.readouterr().err
    Path("gain.npy").unlink()
    assert check_stores(["results", "--sources"]) == 1
    assert "corrected.zarr: gain.npy, from which it was imported, is no longer" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["results", "reports"])
def test_a_file_in_the_place_of_a_folder_is_called_so(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    Path(name).write_text("mine")
    with pytest.raises(InputError, match=f"{name}: is no folder, and a run writes there; move it aside"):
        check_folders()


def test_a_storage_of_plugins_is_refused_and_no_storage_is_none():
    refuse_storage(None)
    with pytest.raises(InputError, match="default-storage-provider s3: results are sealed where they"):
        refuse_storage("s3")


def test_an_example_among_the_results_is_refused_too(here, monkeypatch):
    (here / "results" / "a.dm3").write_bytes(b"x")
    monkeypatch.setattr("eelsunmix.configuration.availability.find_example", lambda _: Path("results/a.dm3"))
    sample = SampleSettings(name="S", file="example:a.dm3")
    with pytest.raises(InputError, match=r"sample S: results/a\.dm3: lies in the folder results"):
        available_samples({"S": sample})


def test_results_that_cannot_be_looked_at_are_one_line(here, monkeypatch):
    def refused(_folder):
        raise PermissionError(errno.EACCES, "Permission denied", "results/S/fit")

    monkeypatch.setattr("eelsunmix.configuration.places._entries", refused)
    with pytest.raises(InputError, match=r"results/S/fit: cannot be looked at \(Permission denied\)"):
        check_results(["S"])


@pytest.mark.parametrize(
    ("number", "meaning"), [(errno.EROFS, "the file system is read-only"), (errno.EACCES, "no permission")]
)
def test_why_a_folder_cannot_be_written_is_what_the_system_says(here, monkeypatch, number, meaning):
    def refused(**_given):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "access", lambda *_: False)
    monkeypatch.setattr("tempfile.TemporaryFile", refused)
    with pytest.raises(InputError, match=f"project: cannot be written, {meaning}; run in your own folder"):
        check_folders()
    assert f"results: cannot be written, {meaning}; ask its owner" in unwritable_folder(Path("results/A"))


def test_a_name_in_bytes_that_are_no_text_here_is_not_called_invisible():
    assert "none in this locale; set PYTHONUTF8=1" in path_fault(os.fsdecode(b"data/\xe4.dm4"))
    assert path_fault("data/\N{LATIN SMALL LETTER A WITH DIAERESIS}.dm4") is None
