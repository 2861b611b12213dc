"""Planted defects of alignment: features that pixels lack, and zeros that an earlier alignment filled in."""

import numpy as np
import pytest
import xarray as xr

import eelsunmix as eu
from eelsunmix.corrections import AlignOptions, Corrections, CropOptions, GainOptions, correct_image
from eelsunmix.corrections.neighbours import follow_neighbours
from eelsunmix.corrections.shift_deviations import measured_shifts

ENERGY = 500.0 + 0.6 * np.arange(200)
SHAPE = (18, 23)


def image_of(counts, energy=ENERGY, **attrs):
    coords = {"energy_loss": ("energy_loss", energy, {"units": "eV"})}
    attrs = {"counts_per_electron": 1.0} | attrs
    return xr.DataArray(counts, dims=("y", "x", "energy_loss"), coords=coords, attrs=attrs)


def expected(drift, *, height=0.3, dose=400.0):
    """An edge with a white line at 532 eV on a power law, all moved by a drift in eV."""
    place = ENERGY - np.broadcast_to(drift, SHAPE)[..., None]
    line, step = np.exp(-(((place - 535) / 2) ** 2)), 1 / (1 + np.exp(-(place - 533) / 0.7))
    return dose * ((place / 500) ** -2.8 + np.broadcast_to(height, SHAPE)[..., None] * (line + 0.5 * step))


def aligned(counts, **options):
    align = AlignOptions(enabled=True, **({"window_eV": (520.0, 550.0), "max_shift_eV": 2.4} | options))
    return correct_image(image_of(counts), Corrections(gain=GainOptions(method="none"), align=align))


def drifts():
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    smooth = (y / SHAPE[0] - 0.5) + 0.1 * np.sin(x / 4)
    return {"none": 0.0 * y, "smooth": smooth, "stepwise": 1.0 * (y > 6) - 0.5 * (y > 12)}


def log_of(corrected):
    return next(entry for entry in corrected.attrs["corrections"] if entry["step"] == "align")


@pytest.mark.parametrize("kind", ["smooth", "stepwise"])
@pytest.mark.parametrize("size", [0.3, 1.0, 2.5])
def test_drift_is_recovered(kind, size):
    drift = size * drifts()[kind]
    drift -= drift.mean()
    corrected = aligned(np.random.default_rng(1).poisson(expected(drift)))
    error = corrected.energy_shift.to_numpy() + drift
    assert error.std() < 0.11  # what one pixel alone is known to
    assert abs(error.mean()) < 0.03
    assert corrected.attrs["warnings"] == []


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("share", [0.3, 0.7])
def test_pixels_without_the_feature_stay_where_their_neighbours_are(seed, share):
    without = np.broadcast_to(np.arange(SHAPE[1]) < share * SHAPE[1], SHAPE)
    counts = np.random.default_rng(seed).poisson(expected(0.0, height=np.where(without, 0.0, 0.3)))
    corrected = aligned(counts)
    shift = corrected.energy_shift.to_numpy()
    assert np.abs(shift[without]).max() < 0.2
    assert shift[~without].std() < 0.09
    following = log_of(corrected)["pixels_following"]
    assert abs(following - without.sum()) <= 0.02 * without.sum()
    assert "follow their neighbours" in log_of(corrected)["summary"]


def test_pixels_without_the_feature_follow_a_smooth_drift():
    rng = np.random.default_rng(4)
    drift = 1.5 * drifts()["smooth"]
    without = rng.random(SHAPE) < 0.4
    corrected = aligned(rng.poisson(expected(drift, height=np.where(without, 0.0, 0.3))))
    error = corrected.energy_shift.to_numpy() + drift
    assert error[without].std() < 0.15
    assert error[~without].std() < 0.09


def test_an_image_without_a_feature_is_left_alone_and_says_so():
    corrected = aligned(np.random.default_rng(5).poisson(expected(0.0, height=0.0)))
    assert "energy_shift" not in corrected
    assert "corrections.align.window_eV" in corrected.attrs["warnings"][0]


@pytest.mark.parametrize("dose", [150.0, 400.0, 5000.0])
def test_the_stated_deviation_is_that_of_many_spectra(dose):
    spectrum = expected(0.0, dose=dose)[0, 0]
    spectra = np.random.default_rng(6).poisson(spectrum, (600, ENERGY.size)).astype(float)
    shift, deviation, strength = measured_shifts(spectra, spectrum, (33, 83, 5), variance_to_mean=1.0)
    assert np.median(deviation) == pytest.approx(shift.std(), rel=0.2)
    assert (strength > 4).mean() > 0.99


def test_steps_stay_and_what_is_not_known_follows():
    shift = np.repeat([0.0, 2.0], 8)[:, None] * np.ones(9)
    known = np.ones(shift.shape, bool)
    known[3:6, 4] = False
    measured = np.where(known, shift, 77.0)
    found = follow_neighbours(measured, np.full(shift.shape, 0.05), known)
    np.testing.assert_allclose(found, shift, atol=0.02)


def test_single_pixels_that_differ_are_kept():
    shift = np.random.default_rng(7).uniform(-1, 1, (13, 8))
    found = follow_neighbours(shift, np.full(shift.shape, 0.02), np.ones(shift.shape, bool))
    np.testing.assert_allclose(found, shift, atol=0.02)


def test_frames_without_the_feature_lie_between_those_before_and_after():
    shift = np.arange(10.0)[:, None, None]
    known = ~np.isin(shift, (4, 7, 8, 9))
    found = follow_neighbours(np.where(known, shift, np.nan), np.full(shift.shape, 0.05), known)
    np.testing.assert_allclose(found.ravel(), [0, 1, 2, 3, 4, 5, 6, 6, 6, 6])


def filled(counts, runs, end):
    """Put zeros into the first or last `runs` channels of each pixel."""
    channel = np.arange(counts.shape[-1])
    channel = channel if end == "first" else channel[::-1]
    return np.where(channel < runs[..., None], 0, counts)


@pytest.mark.parametrize("end", ["first", "last"])
@pytest.mark.parametrize("lazy", [False, True])
def test_zeros_that_an_earlier_alignment_filled_in_are_named(end, lazy):
    rng = np.random.default_rng(8)
    runs = rng.integers(0, 7, SHAPE)
    image = image_of(filled(rng.poisson(expected(0.0)), runs, end))
    warnings = eu.correct_gain(image.chunk({"y": 5}) if lazy else image).attrs["warnings"]
    (warning,) = (text for text in warnings if "not measured" in text)
    assert f"{(runs > 0).sum()} of {runs.size} pixels" in warning
    low, high = (
        ("500 to 503 eV", "[503.6, 619.4]") if end == "first" else ("616.4 to 619.4 eV", "[500, 615.8]")
    )
    assert low in warning
    assert f"corrections: crop: energy_eV: {high}" in warning
    kept = (503.6, 619.4) if end == "first" else (500.0, 615.8)
    cropped = correct_image(image, Corrections(crop=CropOptions(energy_eV=kept)))
    assert not any("not measured" in text for text in cropped.attrs["warnings"])


def test_zeros_of_a_real_alignment_at_few_counts_are_named():
    rng = np.random.default_rng(9)
    counts = rng.poisson(expected(0.0, dose=9.0))
    runs = rng.integers(0, 12, SHAPE)
    warnings = eu.correct_gain(image_of(filled(counts, runs, "first"))).attrs["warnings"]
    (warning,) = (text for text in warnings if "not measured" in text)
    n_named = int(warning.split()[0])
    assert 0.95 * (runs > 3).sum() <= n_named <= (runs > 0).sum()


def eds(rng, dose):
    """Two materials, one of which absorbs the low energies; nothing below the threshold of the detector."""
    energy = 10.0 * np.arange(1, 301)
    lines = [np.exp(-0.5 * ((energy - at) / 45) ** 2) for at in (277, 525, 1740, 2100)]
    slowing = np.exp(-energy / 1500) * (1 - np.exp(-((energy / 400) ** 3))) * (energy > 120)
    first = 0.05 * slowing + lines[0] + 0.4 * lines[1]
    second = 0.08 * slowing + 0.5 * lines[2] + lines[3]
    share = np.linspace(1, 0, SHAPE[1])[None, :, None]
    counts = rng.poisson(dose * (share * first + (1 - share) * second) * np.ones((SHAPE[0], 1, 1)))
    return image_of(counts, energy, signal="EDS")


def zero_loss(rng, dose):
    """A drifting zero-loss peak with nothing before it, and empty channels where it has not begun."""
    energy = -8 + 0.25 * np.arange(160)
    place = energy - 1.5 * drifts()["smooth"][..., None]
    spectrum = np.exp(-0.5 * (place / 0.5) ** 2) + 0.02 * np.exp(-0.5 * ((place - 16) / 5) ** 2)
    return image_of(rng.poisson(dose * spectrum), energy)


def core_loss(rng, dose):
    return image_of(rng.poisson(expected(0.0, dose=dose)))


def falling(rng, dose):
    """Counts that fall to nothing towards the end of the axis, in two thicknesses."""
    thickness = np.where(np.arange(SHAPE[1]) > 9, 1.0, 0.05)[None, :, None]
    spectrum = thickness * np.exp(-np.arange(200) / 18.0)
    return image_of(rng.poisson(dose * spectrum * np.ones((SHAPE[0], 1, 1))))


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    ("make", "dose"),
    [
        (eds, 0.3),
        (eds, 4),
        (eds, 300),
        (zero_loss, 30),
        (zero_loss, 1e5),
        (core_loss, 0.05),
        (core_loss, 2),
        (core_loss, 3000),
        (falling, 5),
        (falling, 3000),
    ],
)
def test_clean_images_get_no_word_of_zeros(make, dose, seed):
    corrected = eu.correct_gain(make(np.random.default_rng(seed), dose))
    assert corrected.attrs["warnings"] == []
