"""Windows as channels, and the pass that sums an image over them."""

import numpy as np
import pytest
import xarray as xr

from eelsunmix.background.windows import MAX_FIT_BINS, locate, sum_ranges, sum_windows
from eelsunmix.edges import Edge

EDGE = Edge(element="Ti", onset_eV=456, fit_eV=(405, 450), integrate_eV=(456, 486))


@pytest.mark.parametrize(("dispersion", "n_bins"), [(0.5, MAX_FIT_BINS), (3.33, MAX_FIT_BINS), (6.0, 7)])
def test_bins_tile_the_fit_window(dispersion, n_bins):
    energies = np.arange(350.0, 520.0, dispersion)
    place = locate(EDGE, energies)
    inside = np.flatnonzero((energies >= 405) & (energies <= 450))
    assert place.fit.size == n_bins + 1
    assert (np.diff(place.fit) >= 1).all()
    assert (place.fit[0], place.fit[-1]) == (inside[0], inside[-1] + 1)
    np.testing.assert_allclose(place.fit_bounds, 350 + dispersion * (place.fit - 0.5))
    assert energies[place.integrate[0]] >= 456 > energies[place.integrate[0] - 1]
    assert energies[place.integrate[1] - 1] <= 486 < energies[place.integrate[1]]


def test_units_of_the_axis_do_not_matter():
    energies = np.arange(350.0, 520.0, 0.7)
    kilo = xr.DataArray(energies / 1000, dims="energy", attrs={"units": "keV"})
    expected, found = locate(EDGE, energies), locate(EDGE, kilo)
    np.testing.assert_array_equal(found.fit, expected.fit)
    np.testing.assert_allclose(found.integrate_bounds, expected.integrate_bounds)


@pytest.mark.guarantee(9)
def test_sums_of_small_integers_do_not_overflow():
    spectra = np.full((2, 3, 40), 60000, dtype=np.uint16)
    np.testing.assert_array_equal(
        sum_ranges(spectra, [(0, 40), (5, 6)]), np.broadcast_to([2.4e6, 6e4], (2, 3, 2))
    )


@pytest.mark.parametrize("lazy", [False, True])
def test_window_sums_of_an_image_are_those_of_its_spectra(lazy):
    rng = np.random.default_rng(0)
    energies = np.arange(350.0, 520.0, 2.0)
    counts = rng.poisson(30, size=(5, 3, energies.size)).astype(float)
    counts[1, 2, 30] = np.inf
    image = xr.DataArray(
        counts,
        dims=("y", "x", "energy_loss"),
        coords={"energy_loss": ("energy_loss", energies, {"units": "eV"})},
        attrs={"counts_per_electron": 3.0},
    ).assign_coords(valid_pixel=(("y", "x"), np.arange(15).reshape(5, 3) != 4))
    place = locate(EDGE, image.energy_loss)
    sums = sum_windows(image.chunk({"y": 2}) if lazy else image, {"Ti_L23": place})
    assert sums.counts_per_electron == 3.0
    assert np.argwhere(~sums.valid.to_numpy()).tolist() == [[1, 1], [1, 2]]
    assert "valid_pixel" not in sums.valid.coords
    kept = sums.valid.to_numpy()
    window = counts[..., (energies >= 456) & (energies <= 486)].sum(axis=-1)
    np.testing.assert_array_equal(sums.of_edge["Ti_L23"].to_numpy()[kept, -1], window[kept])
    before = counts[..., (energies >= 405) & (energies <= 450)].sum(axis=-1)
    np.testing.assert_array_equal(sums.of_edge["Ti_L23"].to_numpy()[kept, :-1].sum(axis=-1), before[kept])
    assert (sums.of_edge["Ti_L23"].to_numpy()[~kept] == 0).all()


def test_windows_that_meet_share_no_channel():
    edge = Edge(element="Ti", onset_eV=450, fit_eV=(405, 450), integrate_eV=(450, 486))
    for energies in (np.arange(350.0, 520.0), np.arange(350.5, 520.0)):
        place = locate(edge, energies)
        assert place.integrate[0] == place.fit[-1]
        assert place.integrate_bounds[0] == place.fit_bounds[-1]
