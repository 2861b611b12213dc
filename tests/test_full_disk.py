"""A full disk, or a file that may not grow, met by the functions of a notebook: one line, no half file."""

import errno
import logging
import os
import resource
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr

import eelsunmix as eu
from eelsunmix.errors import REMEDIES, InputError, unwritable
from eelsunmix.methods.blu.kernels import compiled

LIMITED = """
import resource, sys
import numpy as np, xarray as xr, eelsunmix as eu
energy = xr.DataArray(np.arange(200.0, 240.0), dims="energy_loss", attrs={"units": "eV"})
rng = np.random.default_rng(0)
counts = rng.poisson(rng.dirichlet(np.ones(3), (7, 9)) @ rng.gamma(1.0, 30.0, (3, 40))).astype(float)
image = xr.DataArray(counts, dims=("y", "x", "energy_loss"), coords={"energy_loss": energy})
resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))
"""


@pytest.fixture
def image():
    rng = np.random.default_rng(0)
    counts = rng.poisson(rng.dirichlet(np.ones(3), (7, 9)) @ rng.gamma(1.0, 30.0, (3, 40)))
    energy = xr.DataArray(np.arange(200.0, 240.0), dims="energy_loss", attrs={"units": "eV"})
    return xr.DataArray(counts, dims=("y", "x", "energy_loss"), coords={"energy_loss": energy})


@pytest.mark.parametrize("code", sorted(REMEDIES))
def test_no_remedy_speaks_of_the_workflow(code):
    line = str(unwritable("results/a.zarr", OSError(code, os.strerror(code))))
    assert line.startswith("results/a.zarr: cannot be written, ")
    assert "--" not in line
    assert "snakemake" not in line


@pytest.mark.parametrize(
    ("place", "advice"),
    [
        ("absent/state", "its folder does not exist; make the folder first"),
        (".", "it is a folder; name a file"),
    ],
)
def test_a_checkpoint_that_has_no_place_is_one_line(image, tmp_path, place, advice):
    pytest.importorskip("torch")
    path = tmp_path / place
    with pytest.raises(InputError, match=advice) as caught:
        eu.fit(image, "daeu", n_endmembers=3, checkpoint=path, n_networks=1, n_epochs=2)
    assert str(caught.value).startswith(f"{path}: cannot be written, ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.guarantee(25)
@pytest.mark.parametrize(
    "call",
    [
        'eu.publish(eu.fit(image, "vca", n_endmembers=3), sys.argv[1])',
        'eu.fit(image, "daeu", n_endmembers=3, checkpoint=sys.argv[1], n_networks=1, n_epochs=2)',
    ],
    ids=["a store", "a checkpoint"],
)
def test_a_file_that_may_not_grow_is_one_line(tmp_path, call):
    """The system itself refuses, as at a full disk or a used-up quota."""
    pytest.importorskip("torch")
    program = f"{LIMITED}\ntry:\n    {call}\nexcept eu.errors.InputError as error:\n    print(error)\n"
    program = program.replace("eelsunmix as eu", "eelsunmix as eu, eelsunmix.errors")
    path = tmp_path / "kept"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, path], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [f"{path}: cannot be written, {'; '.join(REMEDIES[errno.EFBIG])}"], (
        done.stderr
    )
    assert list(tmp_path.iterdir()) == []


def test_compiled_kernels_that_cannot_be_kept_cost_no_result(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("numba.core.config.CACHE_DIR", str(tmp_path))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def twice(value):
        return 2 * value

    kernel = compiled()(twice)
    with caplog.at_level(logging.WARNING, logger="eelsunmix"):
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
        try:
            assert kernel(21) == 42
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "a compiled kernel cannot be kept on disk" in caplog.text
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size > 100]
