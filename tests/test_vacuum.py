"""Pixels without sample are found, and none where there is sample everywhere."""

import numpy as np
import pytest
import xarray as xr

from eelsunmix.vacuum import vacuum_pixels

SHAPE = (30, 34)


def _image(brightness, counts, seed):
    rng = np.random.default_rng(seed)
    spectrum = np.linspace(1.5, 0.5, 40) * counts / 40
    return xr.DataArray(rng.poisson(brightness[..., None] * spectrum), dims=("y", "x", "energy_loss"))


def _clean(kind):
    x = np.linspace(0, 1, SHAPE[1])[None, :] * np.ones(SHAPE)
    y = np.linspace(0, 1, SHAPE[0])[:, None] * np.ones(SHAPE)
    return {
        "even": np.ones(SHAPE),
        "wedge": 0.2 + x,
        "wedge to nothing": x,
        "two wedges to nothing": x * y,
        "columns": 0.3 + np.cos(20 * x) ** 2 * np.cos(20 * y) ** 2,
        "step": np.where(x > 0.5, 1.0, 0.2),
    }[kind]


@pytest.mark.parametrize("counts", [28, 2000, 100_000])
@pytest.mark.parametrize(
    "kind", ["even", "wedge", "wedge to nothing", "two wedges to nothing", "columns", "step"]
)
def test_no_vacuum_is_found_where_there_is_sample_everywhere(kind, counts):
    assert sum(vacuum_pixels(_image(_clean(kind), counts, seed)).sum() for seed in range(10)) == 0


@pytest.mark.parametrize("counts", [2000, 100_000])
@pytest.mark.parametrize("part", [0.0, 0.01, 0.04])
@pytest.mark.parametrize("share", [0.1, 0.7])
def test_vacuum_beside_a_sample_is_found(counts, part, share):
    hole = np.linspace(0, 1, SHAPE[1])[None, :] * np.ones(SHAPE) < share
    found = vacuum_pixels(_image(np.where(hole, part, 1.0), counts, seed=7))
    assert not found[~hole].any()
    assert found[hole].mean() > 0.99
