"""Alignment: known shifts come back, in eV, with the right sign."""

import numpy as np
import pytest
import xarray as xr

from eelsunmix.corrections import AlignOptions, Corrections, CropOptions, GainOptions, correct_image
from eelsunmix.corrections.alignment import Alignment
from eelsunmix.corrections.shifts import estimate_shifts, interpolated
from eelsunmix.errors import InputError
from eelsunmix.image import with_valid_pixel

ENERGY = 150 + 0.3 * np.arange(300)


def edge(energy, drift):
    """Spectrum with a smooth edge at 188 eV that the microscope shows at 188 eV + drift."""
    position = energy - np.asarray(drift)[..., None]
    return 4000 * (position / 150) ** -3 + 2000 / (1 + np.exp(-(position - 188) / 0.8))


def drifting_image(drift, rng=None, scale=1.0):
    counts = scale * edge(ENERGY, drift)
    return xr.DataArray(
        counts if rng is None else rng.poisson(counts),
        dims=("y", "x", "energy_loss"),
        coords={"energy_loss": ("energy_loss", ENERGY, {"units": "eV"})},
    )


def corrections(**options):
    options = {"window_eV": (180.0, 196.0), "max_shift_eV": 2.0} | options
    return Corrections(gain=GainOptions(method="none"), align=AlignOptions(enabled=True, **options))


@pytest.fixture
def drift():
    values = np.random.default_rng(1).uniform(-1.2, 1.2, (7, 5))
    return values - values.mean()


@pytest.mark.parametrize("lazy", [False, True])
def test_drift_comes_back(drift, lazy):
    image = drifting_image(drift, np.random.default_rng(2), scale=30)
    corrected = correct_image(image.chunk({"y": 2}) if lazy else image, corrections())
    # a mean over drifting pixels is blurred; what counts is that pixels agree with each other
    error = corrected.energy_shift + drift
    assert float((error - error.mean()).std()) < 0.02  # eV; one channel is 0.3
    assert abs(float(error.mean())) < 0.1
    assert corrected.energy_shift.attrs["units"] == "eV"
    near = {"energy_loss": slice(180, 196)}
    before = image.sel(near).std(("y", "x")).mean()
    after = corrected.counts.sel(near).std(("y", "x")).mean()
    assert after < 0.2 * before
    assert corrected.counts.dtype == np.float32
    assert (corrected.counts.chunks is not None) == lazy


def test_shifts_of_noise_free_spectra_are_exact_to_a_hundredth_of_a_channel():
    drift = np.linspace(-2.5, 2.5, 21)  # channels
    spectra = edge(ENERGY, 0.3 * drift)
    found = estimate_shifts(spectra, edge(ENERGY, 0.0), (100, 155, 4))
    # linear interpolation of a curved spectrum leaves a few thousandths
    np.testing.assert_allclose(found, drift, atol=0.02)


def test_intensity_and_offset_do_not_matter():
    spectrum = edge(ENERGY, [0.25])
    reference, window = edge(ENERGY, 0.0), (100, 155, 4)
    found = [estimate_shifts(a * spectrum + b, reference, window)[0] for a, b in [(1, 0), (7, 0), (0.1, 500)]]
    np.testing.assert_allclose(found, found[0], atol=1e-8)


def test_interpolation_is_that_of_numpy():
    rng = np.random.default_rng(3)
    spectra, shift = rng.random((4, 20)), np.array([-30.0, -1.3, 0.0, 2.5])
    expected = [
        np.interp(np.arange(20) + s, np.arange(20), row) for s, row in zip(shift, spectra, strict=True)
    ]
    np.testing.assert_allclose(interpolated(spectra, np.arange(20), shift), expected)


def test_invalid_pixels_have_no_shift(drift):
    image = drifting_image(drift)
    valid = np.ones((7, 5), bool)
    valid[1, 2] = False
    image = image.where(xr.DataArray(valid, dims=("y", "x")), 0).assign_coords(
        valid_pixel=(("y", "x"), valid)
    )
    corrected = correct_image(image, corrections())
    np.testing.assert_array_equal(np.isnan(corrected.energy_shift), ~valid)
    assert (corrected.counts[1, 2] == 0).all()


def test_too_large_drifts_are_left_and_counted(drift):
    drift[0, 0] = 6.0
    corrected = correct_image(drifting_image(drift), corrections())
    log = next(entry for entry in corrected.attrs["corrections"] if entry["step"] == "align")
    assert log["pixels_left"] == 1
    assert corrected.energy_shift[0, 0] == 0


def test_crop_takes_the_shifts_along(drift):
    image = drifting_image(drift).assign_coords(x=("x", np.arange(5.0), {"units": "nm"}))
    both = Corrections(
        gain=GainOptions(method="none"), align=corrections().align, crop=CropOptions(x_nm=(1, 3))
    )
    whole = correct_image(image, corrections())
    part = correct_image(image, both)
    np.testing.assert_array_equal(part.energy_shift, whole.energy_shift[:, 1:4])


def test_window_must_be_on_the_axis(drift):
    with pytest.raises(InputError, match=r"corrections\.align\.window_eV: .*500 to 600 eV.*150 to 239.7"):
        correct_image(drifting_image(drift), corrections(window_eV=(500, 600)))
    with pytest.raises(InputError, match=r"corrections\.align\.window_eV leaves 0 channels"):
        correct_image(drifting_image(drift), corrections(window_eV=(150, 151)))
    with pytest.raises(ValueError, match="window_eV is needed"):
        AlignOptions(enabled=True)


def test_ends_that_were_never_measured_are_dropped(drift):
    image = drifting_image(drift)
    corrected = correct_image(image, corrections())
    shifts = corrected.energy_shift.to_numpy() / 0.3  # of the axis, in channels
    first, last = int(np.ceil(shifts.max())), int(np.ceil(-shifts.min()))
    assert min(first, last) > 1
    np.testing.assert_array_equal(corrected.energy_loss, image.energy_loss[first : 300 - last])
    # At either end all pixels show the same spectrum; the edge's noise-free interpolation leaves 0.1 %.
    ends = corrected.counts.to_numpy()[..., [0, -1]]
    np.testing.assert_allclose(ends, np.broadcast_to(ends.mean(axis=(0, 1)), ends.shape), rtol=2e-3)
    log = next(entry for entry in corrected.attrs["corrections"] if entry["step"] == "align")
    assert log["channels_dropped"] == first + last


@pytest.mark.parametrize("blur", [0.0, 1.0])
def test_noise_of_a_channel_after_interpolation(blur):
    """White noise, and noise that neighbouring channels share, on a flat spectrum with one sharp line."""
    rng = np.random.default_rng(4)
    drift = rng.uniform(-1.2, 1.2, (40, 30))
    line = 4e5 * np.exp(-(((ENERGY - drift[..., None] - 188) / 0.9) ** 2))
    noise = rng.normal(0, 20, line.shape)
    noise = (noise + blur * np.roll(noise, 1, axis=-1)) / np.hypot(1, blur)
    image = drifting_image(drift).copy(data=line + 400 + noise)
    image = image.assign_attrs(
        channel_variance_to_mean=1.0, counts_per_electron=(1 + blur) ** 2 / (1 + blur**2)
    )
    corrected = correct_image(image, corrections())
    flat = corrected.counts.sel(energy_loss=slice(210, 230))
    # Sums over a geometric correlation are 5/3 where those of this blur of two channels are 3/2: 8 %.
    stated = corrected.counts.attrs["channel_variance_to_mean"]
    assert stated == pytest.approx(float(flat.var()) / 400, rel=0.02 if blur == 0 else 0.12)
    assert stated < 0.95


def test_ranges_without_data_move_with_the_pixels():
    energy = xr.DataArray(np.arange(400.0, 460.0, 0.5), dims="energy_loss", attrs={"units": "eV"})
    image = xr.DataArray(
        np.ones((2, 3, 120)), dims=("y", "x", "energy_loss"), coords={"energy_loss": energy}
    ).assign_attrs(channels_without_data={"unmeasured_eV": [[420.0, 425.0]], "interpolated_eV": []})
    shift = np.array([[-4.0, 0.0, 2.0], [np.nan, 1.0, 6.0]])
    moved = Alignment(entry={}, shift=shift, step_eV=0.5, kept=slice(6, -4)).apply(with_valid_pixel(image))
    assert moved.attrs["channels_without_data"]["unmeasured_eV"] == [[418.0, 428.0]]
