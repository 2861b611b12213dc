"""Defects of the counts planted one at a time: each is named in words that say what to do, or put right."""

import numpy as np
import pytest
import xarray as xr
from scipy import ndimage

import planted_images as images
from eelsunmix.corrections import Corrections, GainOptions, correct_image
from eelsunmix.io import AxesOptions, DetectorOptions, EnergyAxis, import_image
from eelsunmix.io.noise import noise_of_block
from eelsunmix.io.variance_levels import levels_of_pairs
from eelsunmix.io.variance_line import fit_line
from eelsunmix.io.wrapped import unwrapped, wrapped_of_block

FIRST_EV, STEP_EV = 400.0, 1.2
SHAPE = (12, 17)
N_CHANNELS = 150


def expected(dose, n_channels=N_CHANNELS, step=STEP_EV):
    """Mean counts of Ti and O that pass into each other; `dose` at 400 eV."""
    return images.two_materials(SHAPE, dose, FIRST_EV + step * np.arange(n_channels)).expected


def counted(dose, seed):
    return np.random.default_rng(seed).poisson(expected(dose))


def imported(tmp_path, counts, **options):
    np.save(tmp_path / "a.npy", counts)
    energy = EnergyAxis(offset_eV=FIRST_EV, dispersion_eV=STEP_EV)
    axes = AxesOptions(dims=("y", "x", "energy_loss"), energy=energy, pixel_nm=0.4)
    return import_image(tmp_path / "a.npy", axes=axes, detector=DetectorOptions(**options))


def check_of(tmp_path, counts, **options):
    return imported(tmp_path, counts, **options).attrs["counts_check"]


def corrected(tmp_path, counts, dark=None):
    """Import and subtract a dark reference, without any search for a pattern."""
    if dark is not None:
        np.save(tmp_path / "dark.npy", dark)
        dark = str(tmp_path / "dark.npy")
    options = Corrections(gain=GainOptions(method="none", dark=dark))
    return correct_image(imported(tmp_path, counts).counts, options)


def is_named(warnings, *words):
    return any(all(word in text for word in words) for text in warnings)


@pytest.mark.parametrize(("dose", "dark"), [(700.0, 200.0), (700.0, 900.0), (90.0, 45.0)])
def test_dark_signal_left_in(tmp_path, dose, dark):
    found = corrected(tmp_path, counted(dose, 31) + dark)
    assert found.counts.attrs["constant_counts"] == pytest.approx(dark, rel=0.25)
    assert found.counts.attrs["counts_per_electron"] == pytest.approx(1.0, abs=0.15)
    assert is_named(found.attrs["warnings"], "hold a constant", "corrections.gain.dark")


def test_dark_signal_left_in_by_a_camera(tmp_path):
    counts = images.camera(expected(9000.0), np.random.default_rng(32), per=17.0, blur=0.7) + 5000
    found = corrected(tmp_path, counts.astype("f4"))
    assert found.counts.attrs["constant_counts"] == pytest.approx(5000, rel=0.15)
    assert found.counts.attrs["counts_per_electron"] == pytest.approx(17.0, rel=0.25)
    assert is_named(found.attrs["warnings"], "hold a constant")


@pytest.mark.parametrize("lacking", [150.0, 230.0])
def test_too_much_dark_signal_subtracted(tmp_path, lacking):
    found = corrected(tmp_path, (counted(700.0, 33) - lacking).astype("f4"))
    # Three standard deviations: 22 counts each.
    assert found.counts.attrs["constant_counts"] == pytest.approx(-lacking, abs=66)
    assert is_named(found.attrs["warnings"], "lack about", "corrections.gain.dark")


@pytest.mark.parametrize("dtype", ["u2", "f4"])
def test_noise_is_measured_without_the_dark_reference(tmp_path, dtype):
    dark = np.random.default_rng(34).integers(20, 90, N_CHANNELS)
    found = corrected(tmp_path, (counted(250.0, 34) + dark).astype(dtype), dark)
    assert found.counts.attrs["counts_per_electron"] == 1.0
    assert found.attrs["warnings"] == []


def test_dark_reference_of_another_exposure(tmp_path):
    dark = np.full(N_CHANNELS, 400.0)
    found = corrected(tmp_path, counted(500.0, 35) + dark, 0.4 * dark)
    assert is_named(found.attrs["warnings"], "counts remain in", "another as corrections.gain.dark")


def test_too_large_a_dark_reference(tmp_path):
    dark = np.full(N_CHANNELS, 300.0)
    found = corrected(tmp_path, counted(700.0, 46) + dark, dark + 180)
    assert is_named(found.attrs["warnings"], "are missing in", "another as corrections.gain.dark")


def test_what_is_known_of_the_detector_is_known_after_the_dark_reference_too(tmp_path):
    """Counts pile up at a ceiling; no constant is sought below it unless the saturation is given."""
    dark = np.full(N_CHANNELS, 300.0)
    np.save(tmp_path / "dark.npy", dark)
    raw = imported(tmp_path, np.minimum(counted(700.0, 47) + 700, 1420)).counts
    options = Corrections(gain=GainOptions(method="none", dark=str(tmp_path / "dark.npy")))
    constants = [
        correct_image(raw, options, detector=detector).counts.attrs["constant_counts"]
        for detector in (None, DetectorOptions(saturation=3000.0))
    ]
    assert constants[0] == 0
    assert constants[1] == pytest.approx(400, rel=0.2)


def test_given_counts_per_electron_are_kept_with_a_dark_reference(tmp_path):
    np.save(tmp_path / "dark.npy", np.full(N_CHANNELS, 300.0))
    raw = imported(tmp_path, counted(500.0, 36) + 300, counts_per_electron=1.05).counts
    options = Corrections(gain=GainOptions(method="none", dark=str(tmp_path / "dark.npy")))
    assert correct_image(raw, options).counts.attrs["counts_per_electron"] == 1.05


@pytest.mark.parametrize(("gain", "given"), [(1.0, 1.5), (1.0, 0.5), (9.0, 1.0), (9.0, 30.0)])
def test_given_counts_per_electron_that_are_wrong(tmp_path, gain, given):
    said = check_of(tmp_path, gain * counted(400.0, 37), counts_per_electron=given)["warnings"]
    assert is_named(said, "counts_per_electron", "measured", "write detector: {counts_per_electron: auto}")
    assert is_named(said, "too small" if gain > given else "too large")


@pytest.mark.parametrize("given", [9.0, 8.2, 10.0])
def test_given_counts_per_electron_that_are_right(tmp_path, given):
    assert check_of(tmp_path, 9.0 * counted(400.0, 38), counts_per_electron=given)["warnings"] == []


@pytest.mark.parametrize("exponent", [2.9, 3.1])
def test_background_subtracted_before(tmp_path, exponent):
    energy = FIRST_EV + STEP_EV * np.arange(N_CHANNELS)
    counts = counted(300.0, 39) - 300 * images.power_law(energy, exponent)
    said = check_of(tmp_path, counts.astype("f4"))["warnings"]
    assert is_named(said, "hardly depends on the counts", "background", "as they were recorded")


@pytest.mark.parametrize(("factor", "order"), [(1.5, 1), (2, 3), (3, 1)])
def test_interpolated_energies(tmp_path, factor, order):
    coarse = np.random.default_rng(40).poisson(expected(600.0, int(N_CHANNELS / factor), factor * STEP_EV))
    zoom = (1, 1, N_CHANNELS / coarse.shape[-1])
    check = check_of(tmp_path, ndimage.zoom(coarse.astype("f4"), zoom, order=order))
    assert is_named(check["warnings"], "no measurements of their own", "as they were recorded")
    assert check["measured_channel_fraction"] == pytest.approx(1 / factor, abs=0.1)


@pytest.mark.parametrize(("dtype", "dose"), [("i2", 3.7e4), ("i2", 4.5e4), ("i1", 150.0)])
def test_counts_that_wrapped_round(tmp_path, dtype, dose):
    true = counted(dose, 41)
    assert true.max() < 2 * np.iinfo(dtype).max
    found = imported(tmp_path, true.astype(dtype))
    np.testing.assert_array_equal(found.counts, true)
    assert is_named(found.attrs["counts_check"]["warnings"], "was added to them")


def test_counts_that_wrapped_round_with_read_out_noise_below_zero():
    true = images.low_loss(np.random.default_rng(42), dose=5.5e4).counts.astype("i4")
    true = true + np.random.default_rng(43).integers(-20, 20, true.shape)
    image = xr.DataArray(true.astype("i2"), dims=("y", "x", "energy_loss"))
    found, text = unwrapped(image, wrapped_of_block(image.to_numpy(), np.ones(true.shape[:2], bool)))
    np.testing.assert_array_equal(found, true)
    assert "65536 was added" in text


def test_counts_that_wrapped_round_twice_are_not_guessed(tmp_path):
    stored = counted(1.4e5, 44).astype("i2")
    found = imported(tmp_path, stored)
    np.testing.assert_array_equal(found.counts, stored)
    assert is_named(found.attrs["counts_check"]["warnings"], "cannot be put back", "32 bit")


@pytest.mark.parametrize("level", [0.0, 60.0])
def test_negative_values_of_read_out_noise_are_a_note(tmp_path, level):
    wedge = np.where(np.arange(SHAPE[1]) < 4, 0.01, 1.0)[:, None]
    rng = np.random.default_rng(45)
    counts = (
        8.0 * rng.poisson(expected(800.0) * wedge) + level * wedge + rng.normal(0, 15, (*SHAPE, N_CHANNELS))
    )
    check = check_of(tmp_path, counts.astype("f4"))
    assert check["warnings"] == []
    assert is_named(check["notes"], "negative", "read-out noise")


def test_everything_at_the_limit_of_the_type(tmp_path):
    said = check_of(tmp_path, np.minimum(counted(300.0, 46), 255).astype("u1"), saturation=255.0)["warnings"]
    assert is_named(said, "saturated", "crop these energies")


def test_line_of_known_slope_and_constant():
    """Normal noise of variance 3 m + 500 on levels from 100 to 1000, in 60 x 50 pixels."""
    rng = np.random.default_rng(47)
    mean = np.linspace(1000, 100, 160) * np.ones((60, 50, 1))
    counts = rng.normal(mean, np.sqrt(3 * mean + 500))
    line = fit_line(noise_of_block(counts, np.ones((60, 50), bool)).levels)
    assert line.gain == pytest.approx(3, rel=0.1)
    assert line.constant == pytest.approx(500, rel=0.25)
    assert line.evidence > 50
    assert not line.whole


def test_variance_of_pairs_is_that_of_a_pixel():
    rng = np.random.default_rng(48)
    first, second = rng.normal(400, 20, (3000, 64)), rng.normal(600, 20 * np.sqrt(1.5), (3000, 64))
    levels = levels_of_pairs(first, second)
    assert levels.mean.mean() == pytest.approx(500, rel=0.01)
    # of a pixel between the two
    assert levels.variance.mean() == pytest.approx(500, rel=0.03)
    assert fit_line([levels_of_pairs(first[:2], second[:2])]) is None


CLEAN = {
    "wedge": images.wedge,
    "multilayer": images.multilayer,
    "particles in vacuum": images.core_shell,
    "EDS": images.eds_map,
    "line scan": images.line_scan,
    "low loss": images.low_loss,
    "camera": images.camera_image,
    "camera with spread": images.camera_with_spread,
    "scintillator": images.fano,
    "few counts": images.few_counts,
    "many counts": images.many_counts,
    "lattice": images.lattice,
}


@pytest.mark.parametrize("kind", CLEAN)
@pytest.mark.parametrize("seed", [101, 102])
def test_nothing_is_said_of_clean_images(tmp_path, kind, seed):
    sample = CLEAN[kind](np.random.default_rng(seed))
    np.save(tmp_path / "a.npy", sample.counts)
    found = import_image(tmp_path / "a.npy", axes=sample.axes, invalid_pixels=sample.invalid_pixels)
    assert found.attrs["counts_check"]["warnings"] == []
    assert found.attrs["counts_check"]["constant_counts"] == 0
