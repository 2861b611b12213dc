"""Maps that are computed part by part, in files where the image is large: the same as of the whole."""

import errno
import fcntl
import os
import resource
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from eelsunmix.background import BackgroundOptions, maps, subtract_background
from eelsunmix.edges import Edge
from eelsunmix.execution import kept_maps, scratch
from eelsunmix.execution.blocks import template_like
from eelsunmix.execution.job import job
from eelsunmix.execution.kept_maps import keep_maps
from eelsunmix.execution.scratch import scratch_beside, scratch_folder
from eelsunmix.pca import denoise, few_pixels, score_maps, score_smoothing
from eelsunmix.rank import estimate_endmembers, line_order
from eelsunmix.rank.line_order import chance_of_order

EDGE = Edge(element="N", onset_eV=401, fit_eV=(330, 390), integrate_eV=(401, 450))


@pytest.fixture(scope="module")
def image():
    rng = np.random.default_rng(5)
    energy = np.arange(300.0, 480.0, 3.0)
    place = np.linspace(0, 1, 23)[None, :, None] * np.ones((2, 1, 19))
    mean = 60 * (energy / 300) ** -3 + 12 * place[..., None] * (energy > 401)
    valid = np.ones((2, 23, 19), bool)
    valid[0, 3, 4] = valid[1, -1] = False
    coords = {"frame": [0, 1], "y": np.arange(23) * 0.5, "x": np.arange(19) * 0.5, "energy_loss": energy}
    counts = xr.DataArray(rng.poisson(mean).astype(np.uint16), dims=coords, coords=coords, name="counts")
    counts["energy_loss"].attrs["units"] = "eV"
    for dim in ("y", "x"):
        counts[dim].attrs["units"] = "nm"
    return counts.assign_coords(valid_pixel=(("frame", "y", "x"), valid))


@pytest.fixture
def in_parts(monkeypatch, tmp_path):
    """Take parts of 64 pixels at most, also of images of one block."""
    for module in (maps, score_smoothing, score_maps, kept_maps):
        for name in {"PIXELS", "_PIXELS"} & vars(module).keys():
            monkeypatch.setattr(module, name, 64)
    monkeypatch.setattr(kept_maps, "BLOCK_ELEMENTS", 64 * 60)
    monkeypatch.setattr(keep_maps, "__kwdefaults__", {"rim": None, "pixels": 64})
    with scratch_beside(tmp_path / "a.log"):
        yield tmp_path


def lazy(image):
    return image.chunk({"frame": 1, "y": 9})


@pytest.mark.parametrize("exponent", ["local", "pixel", "global"])
@pytest.mark.parametrize("prepared", [lazy, lambda image: image], ids=["lazy", "eager"])
def test_a_subtraction_in_parts_is_that_of_the_whole(image, exponent, prepared, request):
    options = BackgroundOptions(exponent=exponent, local_sigma_px=1.0)
    profiles = {"along": {"along": "x", "width_nm": 4.0}, "down": {"along": "y", "width_nm": 2.5}}
    whole = subtract_background(image, {"N_K": EDGE}, options, profiles=profiles)
    request.getfixturevalue("in_parts")
    parts = subtract_background(prepared(image), {"N_K": EDGE}, options, profiles=profiles)
    assert bool(parts.net_counts.chunks) == (prepared is lazy)
    for name, array in whole.variables.items():
        if array.dtype.kind == "f":
            np.testing.assert_allclose(parts[name], array, rtol=1e-12, atol=1e-12, err_msg=str(name))
    assert parts.attrs["flags"] == whole.attrs["flags"]
    assert parts.attrs["reference_problems"] == whole.attrs["reference_problems"]


def test_non_local_means_and_rank_in_parts_are_those_of_the_whole(image, request):
    whole = denoise(image)
    rank = estimate_endmembers(image, whole)
    folder = request.getfixturevalue("in_parts")
    parts = denoise(lazy(image))
    assert parts.score_nlm.chunks is not None
    for name in ("score", "score_nlm", "score_nlm_guarded", "pixel_weight"):
        np.testing.assert_allclose(parts[name], whole[name], rtol=1e-5, atol=1e-5, err_msg=name)
    assert bool((parts.nlm_restored == whole.nlm_restored).all())
    again = estimate_endmembers(lazy(image), parts)
    for name in ("coherence", "stability", "residual_deviation"):
        np.testing.assert_allclose(again[name], rank[name], rtol=1e-5, atol=1e-6, err_msg=name)
    assert again.attrs["reason"] == rank.attrs["reason"]
    assert list(folder.glob(".a.log.scratch-*"))


def test_rims_are_needed(image, in_parts, monkeypatch):
    """A part without its neighbours would give other averages."""
    right = subtract_background(lazy(image), {"N_K": EDGE}).exponent.to_numpy()
    monkeypatch.setattr(maps, "gaussian_radius", lambda sigma: 0)
    wrong = subtract_background(lazy(image), {"N_K": EDGE}).exponent.to_numpy()
    assert np.nanmax(np.abs(right - wrong)) > 0.01


def test_few_pixels_have_the_components_of_a_singular_value_decomposition(monkeypatch):
    rng = np.random.default_rng(2)
    materials = rng.uniform(1, 9, (3, 130))
    counts = rng.poisson(rng.dirichlet([0.5] * 3, (4, 9)) @ materials * 5).astype(np.uint16)
    image = xr.DataArray(counts, dims=("y", "x", "energy_loss")).chunk({"x": 5})
    by_channels = denoise(image)
    monkeypatch.setattr(few_pixels, "LARGEST_MATRIX", 100)
    monkeypatch.setattr(few_pixels, "BLOCK_ELEMENTS", 36 * 50)
    by_pixels = denoise(image)
    spectra = counts.reshape(-1, 130).astype(float)
    weighted = spectra / np.sqrt(spectra.sum(axis=1, keepdims=True) / spectra.sum(axis=1).mean())
    singular = np.linalg.svd(weighted / np.sqrt(spectra.mean(axis=0)), compute_uv=False)
    np.testing.assert_allclose(by_pixels.eigenvalue, singular**2 / 36, rtol=1e-10)
    for name in ("eigenvalue", "loading", "score", "channel_weight"):
        np.testing.assert_allclose(by_pixels[name], by_channels[name], rtol=1e-6, atol=1e-6, err_msg=name)
    assert by_pixels.attrs["n_channels_with_counts"] == by_channels.attrs["n_channels_with_counts"]


def test_few_pixels_need_no_matrix_of_the_channels():
    counts = np.random.default_rng(0).poisson(3, (5, 4, 20_000)).astype(np.uint16)
    image = xr.DataArray(counts, dims=("y", "x", "energy_loss"))  # 20 000 squared: 3.2 GB
    pca = denoise(image)
    np.testing.assert_allclose(pca.score @ pca.loading, counts, atol=40)
    assert estimate_endmembers(image, pca).attrs["n_endmembers"] == 1


def test_order_of_lines_is_the_same_by_products(monkeypatch):
    rng = np.random.default_rng(1)
    maps = [rng.normal(size=(30, 41)), rng.normal(size=(47, 20)) + np.arange(47)[:, None] * 0.05]
    whole = [chance_of_order(lines, np.random.default_rng(0)) for lines in maps]
    monkeypatch.setattr(line_order, "LARGE", 300)
    assert [chance_of_order(lines, np.random.default_rng(0)) for lines in maps] == whole
    assert whole[1] < 0.01 < whole[0]


def test_a_part_of_the_image_has_its_own_pixels_once(tmp_path):
    image = xr.DataArray(np.arange(7 * 300 * 2.0).reshape(7, 300, 2), dims=("y", "x", "c")).chunk({"x": 40})
    template = template_like(image, {"first": (("y", "x"), float)})
    with scratch_beside(tmp_path / "log"):
        found = keep_maps(
            lambda part: part[..., 0].to_dataset(name="first"), image, template, rim={"x": 5}, pixels=100
        )
        np.testing.assert_array_equal(found["first"], image[..., 0])
    assert list(tmp_path.iterdir()) == []


def test_the_folder_of_a_killed_job_is_removed_by_the_next_one_and_that_of_a_living_one_is_not(tmp_path):
    log = tmp_path / "a.log"
    script = "import os, sys; from eelsunmix.execution.scratch import *\n"
    script += "with scratch_beside(sys.argv[1]): (scratch_folder() / 'x').touch(); os.kill(os.getpid(), 9)"
    done = subprocess.run([sys.executable, "-c", script, log], check=False)
    assert done.returncode == -signal.SIGKILL
    (left,) = tmp_path.glob(".a.log.scratch-*")
    with scratch_beside(log):
        assert not left.exists()
        mine = scratch_folder()
        with scratch_beside(Path(os.path.relpath(log))):  # another job beside the same log
            assert mine.is_dir()
    assert not mine.exists()


def test_over_nfs_which_locks_only_what_is_open_for_writing_the_folder_is_removed_too(tmp_path, monkeypatch):
    flock = fcntl.flock

    def of_nfs(descriptor, operation):
        if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, "Bad file descriptor")
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", of_nfs)
    with scratch_beside(tmp_path / "a.log"):
        mine = scratch_folder()
        scratch._remove_abandoned(tmp_path / "a.log")
        assert mine.is_dir()
        _, descriptor = scratch._FOLDERS[tmp_path / "a.log"]
        flock(descriptor, fcntl.LOCK_UN)  # as the kernel does when the job is killed
        scratch._remove_abandoned(tmp_path / "a.log")
        assert not mine.exists()


def test_a_job_leaves_no_folder_behind_when_it_fails(tmp_path):
    with pytest.raises(ZeroDivisionError), job(tmp_path / "log"):
        1 / len(list(scratch_folder().iterdir()))
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


@pytest.mark.guarantee(18)
def test_a_disk_that_fills_in_the_middle_of_a_part_is_named_in_the_log(tmp_path):
    """By its number: `np.save` says how many values it has written, which was then a defect of ours."""
    maps = xr.Dataset({"score": (("y", "x"), np.ones((60, 50)))}).chunk()
    with pytest.raises(SystemExit), job(tmp_path / "log"), files_up_to(4000):
        kept_maps.uncompressed(maps, {"y": 60, "x": 50})
    said = (tmp_path / "log").read_text()
    assert os.strerror(errno.EFBIG) in said
    assert "defect" not in said
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


@contextmanager
def files_up_to(size):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
