"""Defects of files planted one at a time: each is put right, or named in the warnings of the import."""

import json
import shutil
import stat

import h5py
import numpy as np
import pytest
from scipy import ndimage

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
    with pytest.raises(InputError, match=rf"120 points; nm, nm, {unit}\] has 0 axes in eV or keV"):
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


def imported(tmp_path, cube, **options):
    np.save(tmp_path / "a.npy", cube)
    return io.import_image(tmp_path / "a.npy", axes=AXES, **options)


def clipped(cube, fraction):
    """Clip so that about this part of the values is lost."""
    return np.minimum(cube, np.quantile(cube, 1 - fraction).astype(cube.dtype))


@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
@pytest.mark.parametrize("fraction", [0.3, 0.02])
def test_clipping_below_the_limit_of_the_type(tmp_path, dtype, fraction):
    cube = clipped(counts(8, (11, 14, 120), dose=190.0), fraction)
    check = imported(tmp_path, cube.astype(dtype)).attrs["counts_check"]
    assert check["saturated_fraction"] == (cube == cube.max()).mean()
    assert [text for text in check["warnings"] if f"highest value, {cube.max()}" in text]


def test_clipping_before_a_gain_correction(tmp_path):
    gain = np.random.default_rng(9).normal(1, 0.03, 120)
    cube = clipped(counts(9, (11, 14, 120)), 0.1) / gain
    said = warnings_of(imported(tmp_path, cube.astype("f4")))
    assert [text for text in said if "highest value of their channel" in text]


def test_clipping_before_channels_are_binned(tmp_path):
    cube = clipped(counts(10, (11, 14, 240)), 0.2)
    said = warnings_of(imported(tmp_path, cube.reshape(11, 14, 120, 2).sum(-1).astype("u4")))
    assert [text for text in said if "saturated" in text]


def test_counts_that_pile_up_are_named_below_a_saturation_that_is_given_too(tmp_path):
    cube = clipped(counts(11, (11, 14, 120)), 0.1)
    given = io.DetectorOptions(saturation=1000.0)
    found = imported(tmp_path, cube, detector=given)
    assert found.attrs["counts_check"]["saturated_fraction"] == (cube == cube.max()).mean()
    assert [text for text in warnings_of(found) if f"pile up at the highest value, {cube.max():g}" in text]
    assert warnings_of(imported(tmp_path, counts(11, (11, 14, 120)), detector=given)) == []


def test_counts_above_a_saturation_that_is_given_are_named(tmp_path):
    cube = counts(11, (11, 14, 120))
    level = float(np.quantile(cube, 0.99))
    found = imported(tmp_path, cube, detector=io.DetectorOptions(saturation=level))
    assert found.attrs["counts_check"]["saturated_fraction"] == (cube >= level).mean()
    assert [text for text in warnings_of(found) if "at or above detector.saturation" in text]


@pytest.mark.parametrize("factors", [(2, 2), (1, 3), (4, 1)])
@pytest.mark.parametrize("elements", [2**23, 5 * 9 * 120])
def test_enlarged_image(tmp_path, factors, elements, monkeypatch):
    monkeypatch.setattr("eelsunmix.execution.blocks.BLOCK_ELEMENTS", elements)
    true = counts(12)
    cube = true.repeat(factors[0], axis=0).repeat(factors[1], axis=1)
    found = imported(tmp_path, cube)
    np.testing.assert_array_equal(found.counts, true)
    np.testing.assert_array_equal(found.total_counts, true.sum(axis=-1))
    assert found.counts.attrs["counts_per_electron"] == 1.0
    assert found.x.attrs["units"] == found.y.attrs["units"] == "nm"
    size = [float(found[dim][1] - found[dim][0]) for dim in ("y", "x")]
    np.testing.assert_allclose(size, 0.4 * np.array(factors))
    assert float(found.x[0]) == pytest.approx(0.2 * (factors[1] - 1))
    assert len([text for text in warnings_of(found) if "54 of" in text or "6 x 9 of" in text]) == 1


def test_enlarged_map_of_few_counts(tmp_path):
    true = np.random.default_rng(13).poisson(0.4, (7, 8, 120)).astype("u1")
    found = imported(tmp_path, true.repeat(2, axis=0).repeat(2, axis=1))
    np.testing.assert_array_equal(found.counts, true)


def test_single_rows_stored_twice(tmp_path):
    cube = counts(14, (11, 9, 120))
    cube[6] = cube[5]
    found = imported(tmp_path, cube)
    assert found.counts.shape == cube.shape
    assert [text for text in warnings_of(found) if text.startswith("9 pixels are identical")]


def test_a_frame_stored_twice(tmp_path):
    frames = np.stack([counts(seed) for seed in (18, 19, 19)])
    np.save(tmp_path / "a.npy", frames)
    axes = AXES.model_copy(update={"dims": ("frame", *AXES.dims)})
    found = io.import_image(tmp_path / "a.npy", axes=axes)
    np.testing.assert_array_equal(found.counts, frames)
    assert [text for text in warnings_of(found) if text.startswith("54 pixels are identical")]


def test_an_image_of_one_spectrum_repeated(tmp_path):
    found = imported(tmp_path, np.broadcast_to(counts(15)[:1, :1], SHAPE))
    assert found.counts.attrs["counts_per_electron"] == 1.0
    said = " ".join(warnings_of(found))
    assert "identical to the pixel before them" in said
    assert "the noise could not be measured" in said


def test_an_image_without_noise(tmp_path):
    found = imported(tmp_path, scene().astype("f4") * np.linspace(1, 2, 6)[:, None, None].astype("f4"))
    assert found.counts.attrs["counts_per_electron"] == 1.0
    assert [text for text in warnings_of(found) if "differ by no noise" in text]


def test_averaged_pixels(tmp_path):
    cube = counts(16, (16, 20, 120)).astype("f4")
    found = imported(tmp_path, cube.reshape(8, 2, 10, 2, 120).mean(axis=(1, 3)))
    assert found.counts.attrs["counts_per_electron"] == pytest.approx(0.25, rel=0.1)
    assert [text for text in warnings_of(found) if "averaged or scaled" in text]


def test_interpolated_pixels(tmp_path):
    cube = ndimage.zoom(counts(17, (9, 11, 120)).astype("f4"), (2, 2, 1), order=1)
    found = imported(tmp_path, cube)
    assert found.counts.attrs["counts_per_electron"] < 0.5
    assert [text for text in warnings_of(found) if "averaged or scaled" in text]


def grains(rng, size, shape):
    """Mean counts of an EDS map whose grains of three materials are so many pixels wide."""
    channel = np.arange(shape[-1])
    materials = [
        0.004 + sum(height * np.exp(-0.5 * ((channel - centre) / 6) ** 2) for height, centre in lines)
        for lines in ([(1, 60), (0.5, 200)], [(1, 110), (0.6, 330)], [(0.8, 150), (0.7, 420)])
    ]
    kinds = rng.integers(0, 3, (-(-shape[0] // size), -(-shape[1] // size)))
    return np.stack(materials)[kinds.repeat(size, 0).repeat(size, 1)[: shape[0], : shape[1]]]


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("dose", [0.5, 20.0])
@pytest.mark.parametrize("gain", [1, 25])
def test_grains_as_small_as_pixels_are_no_noise(tmp_path, size, dose, gain):
    rng = np.random.default_rng(20)
    cube = gain * rng.poisson(dose * grains(rng, size, (30, 34, 500)))
    np.save(tmp_path / "a.npy", cube)
    axes = io.AxesOptions(dims=("y", "x", "energy"), energy=io.EnergyAxis(offset_keV=0, dispersion_keV=0.01))
    found = io.import_image(tmp_path / "a.npy", axes=axes, invalid_pixels="mask")
    assert found.counts.attrs["counts_per_electron"] == pytest.approx(gain, rel=0.08)
    notes = found.attrs["counts_check"]["notes"]
    assert len([text for text in notes if "camera counts" in text]) == len(notes) == (gain > 1)
    assert warnings_of(found) == []


def clean_image(kind, rng):
    """Return counts of one kind of image in which nothing is wrong."""
    peaks = sum(np.exp(-0.5 * ((ENERGY - centre) / 5) ** 2) for centre in (450, 500, 560))
    zero_loss = np.exp(-0.5 * ((ENERGY - 480) / 4) ** 2) + 0.01
    thickness = rng.uniform(0.7, 1.0, (12, 15, 1))
    means = {
        "core loss": scene((12, 15, 120)),
        "high dose": scene((12, 15, 120), 5e4),
        "low dose": scene((12, 15, 120), 3.0),
        "sparse": scene((12, 15, 120), 0.2),
        "line scan": scene((2, 40, 120), 90.0),
        "thickness": scene((12, 15, 120)) * thickness,
        "low loss": 3e4 * zero_loss * thickness,
        "vacuum": scene((12, 15, 120)) * (np.arange(15)[:, None] > 7) + 0.1,
        "EDS": np.broadcast_to(0.02 + peaks, (30, 31, 120)),
        "EDS, few counts": np.broadcast_to(0.005 + 0.1 * peaks, (40, 41, 120)),
    }
    return rng.poisson(means[kind]).astype("u2")


CLEAN = (
    "core loss", "high dose", "low dose", "sparse", "line scan", "thickness", "low loss", "vacuum", "EDS",
    "EDS, few counts",
)  # fmt: skip


@pytest.mark.parametrize("dtype", ["u2", "f4"])
@pytest.mark.parametrize("kind", CLEAN)
def test_nothing_is_said_of_clean_images(tmp_path, kind, dtype):
    for seed in range(3):
        cube = clean_image(kind, np.random.default_rng(seed)).astype(dtype)
        found = imported(tmp_path, cube, invalid_pixels="mask")
        np.testing.assert_array_equal(found.counts, cube)
        assert warnings_of(found) == []
