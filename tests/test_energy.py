"""Units of energy: every spelling, one meaning; what is no unit of energy is refused everywhere."""

import numpy as np
import pytest
import xarray as xr

from eelsunmix.corrections import correct_image
from eelsunmix.energy.units import electronvolts_per, in_electronvolts
from eelsunmix.errors import InputError
from eelsunmix.io.signals import FileAxis

SPELLINGS = {"eV": 1.0, "ev": 1.0, "EV": 1.0, " eV ": 1.0, "keV": 1e3, "KeV": 1e3, "kev": 1e3, "KEV": 1e3}
STRANGERS = ["nm", "", "px", "V", "MeV", "meV", "J", "kV", "e V"]


def _axis(unit, name="energy"):
    return xr.DataArray(np.array([0.5, 1.0, 1.5]), dims=name, attrs={"units": unit}, name=name)


@pytest.mark.parametrize(("unit", "factor"), SPELLINGS.items())
def test_every_spelling_of_a_unit_means_the_same(unit, factor):
    assert electronvolts_per(unit) == factor
    np.testing.assert_array_equal(in_electronvolts(_axis(unit)), factor * np.array([0.5, 1.0, 1.5]))
    assert FileAxis(size=3, units=unit).is_energy


@pytest.mark.parametrize("unit", STRANGERS)
def test_what_is_no_unit_of_energy_is_refused(unit):
    assert electronvolts_per(unit) is None
    assert not FileAxis(size=3, units=unit).is_energy
    with pytest.raises(InputError, match=r"energy: units must be eV or keV, not '.*'; give axes\.energy"):
        in_electronvolts(_axis(unit))


def test_losses_are_in_ev_where_nothing_is_said_and_anything_else_is_asked_for():
    bare = xr.DataArray([1.0, 2.0], dims="energy_loss", name="energy_loss")
    np.testing.assert_array_equal(in_electronvolts(bare), [1.0, 2.0])
    with pytest.raises(InputError, match="energy: units must be eV or keV, not None"):
        in_electronvolts(bare.rename("energy"))


@pytest.mark.parametrize("unit", ["keV", "KeV"])
def test_corrections_take_the_same_units(unit):
    rng = np.random.default_rng(0)
    image = xr.DataArray(
        rng.poisson(400, (5, 6, 80)),
        dims=("y", "x", "energy"),
        coords={"energy": ("energy", np.linspace(0.2, 0.4, 80), {"units": unit})},
    )
    edges = {"X": {"onset_eV": 300.0}}
    losses = image.rename(energy="energy_loss").assign_coords(
        energy_loss=("energy_loss", np.linspace(0.2, 0.4, 80) * 1e3, {"units": "eV"})
    )
    expected = correct_image(losses, edges=edges)
    np.testing.assert_array_equal(correct_image(image, edges=edges).counts, expected.counts)


def test_corrections_refuse_an_axis_in_unknown_units():
    image = xr.DataArray(
        np.ones((2, 3, 9)),
        dims=("y", "x", "energy"),
        coords={"energy": ("energy", np.arange(9.0), {"units": "nm"})},
    )
    with pytest.raises(InputError, match="energy: units must be eV or keV, not 'nm'"):
        correct_image(image)
