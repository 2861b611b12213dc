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
    net[0, 1], net[3, 3], net[1, 4] = np.nan, np.inf, -np.inf
    counts[0, 1] = np.nan
    image = image_of(counts).chunk({"y": 3}) if lazy else image_of(counts)
    found = grouped(image, {"Ti_L23": net})
    order = np.argsort(net.ravel())[1:18]  # neither infinite ones nor NaN
    thirds = [counts.reshape(20, -1)[third] for third in np.array_split(order, 3)]
    np.testing.assert_allclose(found.region_spectrum[0], [third.mean(axis=0) for third in thirds])


def test_equal_net_counts_still_make_three_groups():
    counts = np.broadcast_to(ENERGY**-2.0, (2, 3, ENERGY.size)) * 1e6
    found = grouped(image_of(counts), {"Ti_L23": np.zeros((2, 3))})
    np.testing.assert_allclose(found.region_spectrum[0], counts[0])
    background = found.region_background[0].to_numpy()
    inside = np.isfinite(background[0])
    assert ENERGY[inside][[0, -1]].tolist() == [320, 460]
    # Sampled at the centres of channels of 4 eV, not integrated: 1e-4 of difference.
    np.testing.assert_allclose(background[:, inside], counts[0][:, inside], rtol=3e-4)


def test_given_shape_is_used():
    counts = np.broadcast_to(ENERGY**-2.0, (2, 3, ENERGY.size)) * 1e6
    found = grouped(image_of(counts), {"Ti_L23": np.zeros((2, 3))}, shapes={"Ti_L23": np.array([4.0])})
    background = found.region_background[0, 0].dropna("energy_loss")
    slope = np.polyfit(np.log(background.energy_loss), np.log(background), 1)[0]
    assert slope == pytest.approx(-4, abs=1e-3)


def test_fewer_pixels_than_groups_leave_nan():
    counts = np.ones((1, 2, ENERGY.size))
    found = grouped(image_of(counts), {"Ti_L23": np.array([[1.0, 2.0]])})
    assert np.isnan(found.region_spectrum[0]).all("energy_loss").sum() == 1


def test_groups_and_halved_parts_share_no_pixel_and_miss_none():
    counts = np.random.default_rng(3).poisson(9, size=(4, 7, ENERGY.size)).astype(float)
    net = np.random.default_rng(4).normal(size=(4, 7))
    net[1, 2] = np.nan
    sums = sum_groups(image_of(counts), {"Ti_L23": net})
    assert sums.totals.shape == (1, 3, ENERGY.size)
    assert sums.sizes.tolist() == [[9, 9, 9]]
    assert sums.parts.shape == (7, 2, ENERGY.size)
    total = counts[np.isfinite(net)].sum(axis=0)
    for found in (sums.totals[0], sums.parts[0], sums.parts[1:4].sum(axis=1), sums.parts[4:].sum(axis=1)):
        np.testing.assert_allclose(found.sum(axis=0), total)
    counts[1, 2] = 0
    np.testing.assert_allclose(sums.parts[1].sum(axis=0), counts[:2].sum(axis=(0, 1)))  # rows 0, 1 of 4
    np.testing.assert_allclose(sums.parts[6].sum(axis=0), counts[:, 5:].sum(axis=(0, 1)))  # columns 5, 6 of 7


def test_halves_of_parts_are_chosen_by_no_count():
    """Where all is noise, the windows of both halves are as high as their mean, whatever the net counts."""
    counts = np.random.default_rng(5).poisson(9, size=(40, 45, ENERGY.size)).astype(float)
    inside = (ENERGY >= 400) & (ENERGY < 460)
    sums = sum_groups(image_of(counts), {"Ti_L23": counts[..., inside].sum(axis=-1)})
    deviation = (sums.parts[0][:, inside].sum(axis=-1) - 900 * 9 * inside.sum()) / np.sqrt(
        900 * 9 * inside.sum()
    )
    assert np.abs(deviation).max() < 4
    # The groups to be seen are: that is why nothing is measured in them.
    seen = (sums.totals[0][:, inside].sum(axis=-1) - 600 * 9 * inside.sum()) / np.sqrt(600 * 9 * inside.sum())
    assert seen[2] > 15
