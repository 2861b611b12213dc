"""Spectra of materials against the tabulated facts that they are made from."""

import numpy as np
import pytest

from eelsunmix.errors import InputError
from eelsunmix.synthetic.materials import MATERIALS
from eelsunmix.synthetic.spectra import (
    FINE_STEP_EV,
    PLASMON_EV,
    cross_section,
    pixel_spectrum,
    plural_scattering,
)

AXIS = 216.0 + 3.33 * np.arange(200)


@pytest.mark.parametrize(
    ("element", "energy", "barn"),
    [
        ("Pt", 200, 1217),
        ("Pt", 300, 930),
        ("Pt", 770, 91),
        ("Ru", 350, 415),
        ("Co", 275, 220),
        ("Co", 770, 7.9),
    ],
)
def test_cross_sections_agree_with_the_dipole_formula_on_chantler_tables(element, energy, barn):
    # Reference values were computed independently from xraydb.
    found = cross_section(element, np.array([float(energy)]))[0]
    np.testing.assert_allclose(found, barn, rtol=0.02)


def test_table_is_the_one_of_xraydb():
    xraydb = pytest.importorskip("xraydb")
    from eelsunmix.synthetic.spectra import _table

    energies, values = (np.array(column) for column in _table()["Ru"])
    expected = xraydb.mu_chantler("Ru", energies, photo=True) * 101.07 / 6.02214076e23 / 1e-24
    # The file keeps five digits of the values and six of the energies, which matters on the steep edges.
    np.testing.assert_allclose(values, expected, rtol=2e-2)
    np.testing.assert_allclose(np.median(values / expected), 1, rtol=1e-4)


@pytest.mark.parametrize("name", sorted(MATERIALS))
def test_spectra_are_positive_and_finite(name):
    axis = AXIS if set(MATERIALS[name].composition) & {"Pt", "Ru", "Co"} else 150.0 + 0.5 * np.arange(903)
    spectrum = pixel_spectrum(name, axis)
    assert np.isfinite(spectrum).all()
    assert (spectrum > 0).all()


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("Co", 765, 790),
        ("Ru", 275, 320),
        ("BN", 398, 402),
        ("C", 281, 290),
        ("B2O3", 530, 540),
        ("B4C", 186, 196),
    ],
)
def test_edges_are_where_they_belong(name, before, after):
    axis = np.arange(150.0, 860.0, 0.5)
    spectrum = pixel_spectrum(name, axis)
    level_before, level_after = (spectrum[np.argmin(abs(axis - energy))] for energy in (before, after))
    assert level_after > 1.1 * level_before * (after / before) ** -3  # what a background would have left


def test_a_thin_lamella_scatters_in_proportion_to_its_thickness():
    thin, thicker = (pixel_spectrum("Co", AXIS, thickness_nm=t) for t in (1e-3, 2e-3))
    # Plural scattering adds t/lambda = 3e-5.
    np.testing.assert_allclose(thicker, 2 * thin, rtol=1e-4)


def test_thickness_bends_the_background():
    thin, thick = (pixel_spectrum("Pt", AXIS, thickness_nm=t) for t in (20.0, 40.0))
    ratio = thick / (2 * thin)
    assert np.ptp(ratio) > 0.05


def test_plural_scattering_keeps_the_number_of_electrons_and_adds_the_mean_plasmon_loss():
    single = np.zeros(6000)
    single[1000] = 1.0
    plural = plural_scattering(single, 0.5)
    lost = FINE_STEP_EV * (plural @ np.arange(len(plural)) - 1000)
    np.testing.assert_allclose(plural.sum(), 1, rtol=1e-6)
    np.testing.assert_allclose(plural[1000], np.exp(-0.5), rtol=1e-6)
    # The skewed plasmon peak has its mean a little above its centre of gravity parameter.
    np.testing.assert_allclose(lost, 0.5 * PLASMON_EV, rtol=0.15)


def test_channels_of_another_width_hold_the_same_electrons():
    fine = pixel_spectrum("Ru", np.arange(250.0, 350.0, 0.5), psf_channels=1e-3)
    coarse = pixel_spectrum("Ru", np.arange(250.75, 349.0, 2.0), psf_channels=1e-3)
    np.testing.assert_allclose(coarse, fine[: 4 * len(coarse)].reshape(-1, 4).sum(axis=1), rtol=1e-5)


def test_pt_lies_below_its_power_law_beyond_285_ev():
    """The N edges of Pt make its background overshoot under Ru M4,5 (paper, figure 7)."""
    spectrum = pixel_spectrum("Pt", AXIS)
    fit, signal = (AXIS >= 225) & (AXIS <= 275), (AXIS >= 285) & (AXIS <= 385)
    law = np.polyfit(np.log(AXIS[fit]), np.log(spectrum[fit]), 1)
    background = np.exp(np.polyval(law, np.log(AXIS[signal])))
    deficit = spectrum[signal].sum() / background.sum() - 1
    assert -0.06 < deficit < -0.02


def test_unknown_material_is_refused():
    with pytest.raises(InputError, match="'Unobtainium' is not known; choose among Pt"):
        pixel_spectrum("Unobtainium", AXIS)
