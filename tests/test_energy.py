"""Units of energy: every spelling, one meaning; what is no unit of energy is refused everywhere."""

import subprocess
import sys

import numpy as np
import pytest
import xarray as xr

from eelsunmix.corrections import correct_image
from eelsunmix.energy.units import in_electronvolts
from eelsunmix.errors import InputError
from eelsunmix.io.signals import FileAxis
from eelsunmix.units import electronvolts_per, nanometres_per

SPELLINGS = {
    "eV": 1.0, "ev": 1.0, "EV": 1.0, " eV ": 1.0, "keV": 1e3, "KeV": 1e3, "kev": 1e3, "KEV": 1e3, "meV": 1e-3,
    "MeV": 1e6, "electron_volt": 1.0, "electron volts": 1.0, "Energy Loss (eV)": 1.0, "Energy [keV]": 1e3,
    "energy loss (meV)": 1e-3,
}  # fmt: skip
STRANGERS = [
    "nm", "", "px", "V", "mev", "kV", "e V", "eV/nm", "2 eV", "eV**1", "(", "a.u.", "channel", "cm-1",
    "eV (nm)",
]  # fmt: skip


def _axis(unit, name="energy"):
    return xr.DataArray(np.array([0.5, 1.0, 1.5]), dims=name, attrs={"units": unit}, name=name)


@pytest.mark.parametrize(("unit", "factor"), SPELLINGS.items())
def test_every_spelling_of_a_unit_means_the_same(unit, factor):
    assert electronvolts_per(unit) == factor
    np.testing.assert_array_equal(in_electronvolts(_axis(unit)), factor * np.array([0.5, 1.0, 1.5]))
    assert FileAxis(size=3, units=unit).is_energy


LENGTHS = {
    "nm": 1.0, "NM": 1.0, "nanometer": 1.0, "A": 0.1, "\u00c5": 0.1, "\u212b": 0.1, "A\u030a": 0.1,
    "Angstrom": 0.1, "\u00b5m": 1e3, "\u03bcm": 1e3, "um": 1e3, "micron": 1e3, "pm": 1e-3, "mm": 1e6,
    "m": 1e9, "Distance (nm)": 1.0,
}  # fmt: skip


@pytest.mark.parametrize(("unit", "factor"), LENGTHS.items())
def test_every_spelling_of_a_length_means_the_same(unit, factor):
    assert nanometres_per(unit) == pytest.approx(factor, rel=1e-12)
    assert electronvolts_per(unit) is None


@pytest.mark.parametrize(
    "unit", ["px", "pixel", "css_pixel", "point", "", "s", "1/nm", "eV", "\u00b5o", "ampere"]
)
def test_what_is_no_length_is_none(unit):
    assert nanometres_per(unit) is None


def test_stages_that_read_stores_load_no_units_library():
    code = (
        "import sys; from eelsunmix.units import electronvolts_per as e, nanometres_per as n; "
        "print(e('eV'), e('KeV'), n('nm'), n('eV'), e('nm'), e(''), n('px'), 'pint' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1.0", "1000.0", "1.0", "None", "None", "None", "None", "False"]


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
