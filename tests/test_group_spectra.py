"""Mean spectra of thirds of the pixels."""

import numpy as np
import pytest
import xarray as xr

from eelsunmix.background.group_spectra import group_spectra, sum_groups
from eelsunmix.background.windows import locate
from eelsunmix.edges import Edge

ENERGY = np.arange(300.0, 500.0, 4.0)
PLACE = locate(Edge(element="Ti", onset_eV=400, fit_eV=(320, 390), integrate_eV=(400, 460)), ENERGY)


def grouped(image, net_counts, **options):
    return group_spectra(image, sum_groups(image, net_counts), {"Ti_L23": PLACE}, **options)


def image_of(counts):
    coords = {"energy_loss": ("energy_loss", ENERGY, {"units": "eV"})}
    return xr.DataArray(counts, dims=("y", "x", "energy_loss"), coords=coords)


@pytest.mark.parametrize("lazy", [False, True])
def test_groups_are_thirds_of_the_pixels_that_count(lazy):
    rng = np.random.default_rng(0)
    counts = rng.poisson(20, size=(4, 5, ENERGY.size)).astype(float)
    net = rng.normal(size=(4, 5))
    net[0, 1] = net[3, 3] = np.nan
    counts[0, 1] = np.nan
    image = image_of(counts).chunk({"y": 3}) if lazy else image_of(counts)
    found = grouped(image, {"Ti_L23": net})
    order = np.argsort(net.ravel())[:18].reshape(3, 6)
    expected = counts.reshape(20, -1)[order].mean(axis=1)
    np.testing.assert_allclose(found.region_spectrum[0], expected)


def test_equal_net_counts_still_make_three_groups():
    counts = np.broadcast_to(ENERGY**-2.0, (2, 3, ENERGY.size)) * 1e6
    found = grouped(image_of(counts), {"Ti_L23": np.zeros((2, 3))})
    np.testing.assert_allclose(found.region_spectrum[0], counts[0])
    background = found.region_background[0].to_numpy()
    inside = np.isfinite(background[0])
    assert ENERGY[inside][[0, -1]].tolist() == [320, 460]
    # Sampled at the centres of channels of 4 eV, not integrated: 1e-4 of difference.
    np.testing.assert_allclose(background[:, inside], counts[0][:, inside], rtol=3e-4)


def test_given_exponent_is_used():
    counts = np.broadcast_to(ENERGY**-2.0, (2, 3, ENERGY.size)) * 1e6
    found = grouped(image_of(counts), {"Ti_L23": np.zeros((2, 3))}, exponents={"Ti_L23": 4.0})
    background = found.region_background[0, 0].dropna("energy_loss")
    slope = np.polyfit(np.log(background.energy_loss), np.log(background), 1)[0]
    assert slope == pytest.approx(-4, abs=1e-3)


def test_fewer_pixels_than_groups_leave_nan():
    counts = np.ones((1, 2, ENERGY.size))
    found = grouped(image_of(counts), {"Ti_L23": np.array([[1.0, 2.0]])})
    assert np.isnan(found.region_spectrum[0]).all("energy_loss").sum() == 1


def test_halves_of_the_groups_share_no_pixel_and_miss_none():
    counts = np.random.default_rng(3).poisson(9, size=(3, 7, ENERGY.size)).astype(float)
    net = np.random.default_rng(4).normal(size=(3, 7))
    net[1, 2] = np.nan
    sums = sum_groups(image_of(counts), {"Ti_L23": net})
    assert sums.totals.shape == (1, 3, 2, ENERGY.size)
    assert sums.sizes.sum() == 20
    assert sums.sizes.min() == 3
    np.testing.assert_allclose(sums.totals.sum(axis=(0, 1, 2)), counts[np.isfinite(net)].sum(axis=0))
