"""Defects of files planted one at a time: each is put right, or named in the warnings of the import."""

import json
import shutil
import stat

import h5py
import numpy as np
import pytest

from eelsunmix import io
from eelsunmix.errors import InputError

SHAPE = (6, 9, 120)
ENERGY = 420.0 + 1.5 * np.arange(SHAPE[-1])
AXES = io.AxesOptions(
    dims=("y", "x", "energy_loss"), energy=io.EnergyAxis(offset_eV=420.0, dispersion_eV=1.5), pixel_nm=0.4
)


def scene(shape=SHAPE, dose=260.0):
    """Mean counts of two materials, one with an edge at 532 eV, that pass into each other along x."""
    energy = 420.0 + 1.5 * np.arange(shape[-1])
    background, edge = (energy / 420) ** -3.0, np.where(energy > 532, 0.4 * (energy / 532) ** -3.0, 0)
    share = np.linspace(0, 1, shape[-2])[:, None]
    return np.broadcast_to(dose * (background + share * edge), shape)


def counts(seed, shape=SHAPE, dose=260.0):
    return np.random.default_rng(seed).poisson(scene(shape, dose)).astype("u2")


def write_hspy(path, data, axes):
    """Write axes as (name, units, attributes) in the order of the array."""
    with h5py.File(path, "w") as file:
        file.attrs.update({"file_format": "HyperSpy", "file_format_version": "3.3"})
        signal = file.create_group("Experiments/a")
        signal.create_dataset("data", data=data)
        for number, (name, units, values) in enumerate(axes):
            axis = signal.create_group(f"axis-{number}")
            uniform = {"_type": "UniformDataAxis", "scale": 0.4, "offset": 0.0}
            axis.attrs.update({"name": name, "units": units, "navigate": number < len(axes) - 1})
            axis.attrs.update(uniform | values if "axis" not in values else {"_type": "DataAxis"})
            axis.attrs["size"] = data.shape[number]
            if "axis" in values:
                axis.create_dataset("axis", data=values["axis"])
        signal.create_group("original_metadata")
        signal.create_group("metadata/General").attrs["title"] = "made"
        signal.create_group("metadata/Signal").attrs["signal_type"] = "EELS"
    return path


def spatial(units="nm"):
    return [("y", units, {}), ("x", units, {})]


def warnings_of(imported):
    return imported.attrs["counts_check"]["warnings"]


def test_descending_energies(tmp_path):
    true = counts(1)
    axis = ("E", "eV", {"offset": float(ENERGY[-1]), "scale": -1.5})
    imported = io.import_image(write_hspy(tmp_path / "a.hspy", true[..., ::-1], [*spatial(), axis]))
    np.testing.assert_array_equal(imported.counts, true)
    np.testing.assert_allclose(imported.energy_loss, ENERGY)
    np.testing.assert_allclose(imported.mean_spectrum, true.mean(axis=(0, 1)))
    assert [text for text in warnings_of(imported) if "turned round" in text]


def test_descending_energies_of_a_lazy_image(tmp_path, monkeypatch):
    monkeypatch.setattr("eelsunmix.execution.blocks.BLOCK_ELEMENTS", 2 * 9 * 120)
    true = counts(2)
    axis = ("E", "eV", {"offset": float(ENERGY[-1]), "scale": -1.5})
    image = io.open_image(write_hspy(tmp_path / "a.hspy", true[..., ::-1], [*spatial(), axis]))
    assert image.chunks is not None
    np.testing.assert_array_equal(image, true)


def test_uneven_energies_with_an_offset_given(tmp_path):
    uneven = 420 + np.arange(120) ** 1.05
    axes = [*spatial(), ("E", "eV", {"axis": uneven})]
    path = write_hspy(tmp_path / "a.hspy", counts(3), axes)
    shifted = io.import_image(path, axes=io.AxesOptions(energy=io.EnergyAxis(offset_eV=433.0)))
    np.testing.assert_allclose(shifted.energy_loss, uneven + 13)
    assert warnings_of(shifted) == []
    with pytest.raises(InputError, match="not evenly spaced"):
        io.import_image(path, axes=io.AxesOptions(energy=io.EnergyAxis(dispersion_eV=1.0)))


def test_energies_in_mev_and_lengths_in_angstrom(tmp_path):
    axis = ("E", "meV", {"offset": -60.0, "scale": 4.0})
    image = io.open_image(write_hspy(tmp_path / "a.hspy", counts(4), [*spatial("A"), axis]))
    np.testing.assert_allclose(image.energy_loss, -0.06 + 0.004 * np.arange(120), atol=1e-12)
    assert float(image.x[1]) == pytest.approx(0.04)
    assert image.attrs["signal"] == "EELS"


def test_energies_in_kev_that_are_in_ev(tmp_path):
    axis = ("E", "keV", {"offset": 420.0, "scale": 15.0})
    with pytest.raises(InputError, match=r"reach 2.2\d*e\+06 eV, .*the unit 'keV' seems wrong"):
        io.open_image(write_hspy(tmp_path / "a.hspy", counts(5), [*spatial(), axis]))


@pytest.mark.parametrize("unit", ["mev", "nm", "channels", "cm-1"])
def test_an_unknown_unit_of_energy(tmp_path, unit):
    path = write_hspy(tmp_path / "a.hspy", counts(6), [*spatial(), ("E", unit, {"offset": 1.0})])
    with pytest.raises(InputError, match=rf"120 {unit}\] has 0 axes in eV or keV"):
        io.open_image(path)
    image = io.open_image(path, axes=AXES)
    np.testing.assert_allclose(image.energy_loss, ENERGY)


MSA = """#FORMAT      : EMSA/MAS Spectral Data File
#VERSION     : 1.0
#TITLE       : made
#DATE        : 01-JAN-2024
#TIME        : 12:00
#OWNER       : nobody
#NPOINTS     : 8.
#NCOLUMNS    : 1.
#XUNITS      : {unit}
#YUNITS      : Intensity
#DATATYPE    : Y
#XPERCHAN    : 0.5
#OFFSET      : 450.0
#SIGNALTYPE  : ELS
#SPECTRUM    : Spectral Data Starts Here
1.,
2.,
4.,
8.,
7.,
6.,
5.,
3.,
#ENDOFDATA   :
"""


@pytest.mark.parametrize("unit", ["Energy Loss (eV)", "eV", "Energy loss [eV]"])
def test_units_of_iso_22029(tmp_path, unit):
    path = tmp_path / "a.msa"
    path.write_text(MSA.format(unit=unit))
    image = io.open_image(path)
    np.testing.assert_allclose(image.energy_loss, 450 + 0.5 * np.arange(8))
    np.testing.assert_array_equal(image.squeeze(), [1, 2, 4, 8, 7, 6, 5, 3])


@pytest.fixture
def velox(example_data, tmp_path):
    """Give a function that adds an EELS image, as the plugin expects it, to a real Velox file."""

    def write(cube):
        path = tmp_path / "a.emd"
        shutil.copyfile(example_data / "Velox_EDS_16x16.emd", path)
        path.chmod(stat.S_IRUSR | stat.S_IWUSR)
        described = json.dumps({"Data": {"offset": 420.0, "dispersion": 1.5}}).encode()
        with h5py.File(path, "r+") as file:
            group = file.create_group("Data/EelsSpectrumImage/0123")
            group["Data"] = cube.transpose(1, 2, 0)
            for name in ("Metadata", "AcquisitionMetadata"):
                group[name] = np.frombuffer(described, "u1")[:, None]
        return path

    return write


@pytest.mark.parametrize("shape", [(6, 9, 120), (9, 6, 120), (7, 7, 120), (7, 40, 40)])
def test_velox_eels(velox, shape):
    true = counts(7, shape)
    imported = io.import_image(velox(true), signal="EELS")
    assert imported.counts.sizes == dict(zip(("y", "x", "energy_loss"), shape, strict=True))
    np.testing.assert_array_equal(imported.counts, true)
    np.testing.assert_allclose(imported.energy_loss, 420 + 1.5 * np.arange(shape[-1]))
    assert imported.x.attrs["units"] == "nm"
    assert warnings_of(imported) == []
