"""Planted defects of detectors: each corrected, or named in `warnings`; clean images get none."""

import numpy as np
import pytest
import xarray as xr

import eelsunmix as eu
from eelsunmix.corrections import Corrections, GainOptions, correct_image

ENERGY = 420.0 + 0.7 * np.arange(340)
TI = {"Ti_L23": {"onset_eV": 456.0, "fit_eV": (425.0, 450.0), "integrate_eV": (456.0, 500.0)}}


def edge(onset, energy=ENERGY):
    """Two white lines and a step of height about 1 at an onset."""
    lines = sum(h * np.exp(-(((energy - onset - at) / 1.6) ** 2)) for at, h in ((2.0, 1.0), (8.0, 0.7)))
    return lines + 0.5 / (1 + np.exp(-(energy - onset - 2) / 0.8))


def phases(energy=ENERGY):
    """Two phases that share the edge at 456 eV; the second has another at 580 eV."""
    first, second = ((energy / energy[0]) ** -r + 0.3 * edge(456, energy) for r in (3.0, 2.6))
    return np.stack([first, second + 0.25 * edge(580, energy)])


def expected(dose=2000.0, shape=(26, 19), energy=ENERGY):
    """Noise-free image: the share of the first phase falls from left to right, the thickness from top."""
    share = np.linspace(1, 0, shape[1])[None, :, None]
    thickness = np.linspace(1.2, 0.8, shape[0])[:, None, None]
    ends = phases(energy)
    return dose * thickness * (share * ends[0] + (1 - share) * ends[1])


def image_of(counts, energy=ENERGY, **attrs):
    coords = {"energy_loss": ("energy_loss", energy, {"units": "eV"})}
    attrs = {"counts_per_electron": 1.0} | attrs
    return xr.DataArray(counts, dims=("y", "x", "energy_loss"), coords=coords, attrs=attrs)


def white(rng, sd, size=ENERGY.size):
    values = 1 + sd * rng.standard_normal(size)
    return values / values.mean()


def with_reference(image, values, tmp_path, edges=None, **options):
    np.save(tmp_path / "gain.npy", values)
    options = GainOptions(reference=str(tmp_path / "gain.npy"), **options)
    return correct_image(image, Corrections(gain=options), edges=edges)


@pytest.mark.parametrize("sd", [0.005, 0.02])
@pytest.mark.parametrize("named", [{}, TI])
def test_an_edge_that_all_pixels_share_keeps_its_peak(sd, named):
    rng = np.random.default_rng(21)
    gain = white(rng, sd)
    corrected = eu.correct_gain(image_of(rng.poisson(expected() * gain)), edges=named)
    assert any(step["applied"] for step in corrected.attrs["corrections"])
    # what was divided out at the peaks, averaged over each, against the height of the peak above 1
    divisor = (expected() * gain).mean((0, 1)) / corrected.mean(("y", "x")).to_numpy()
    for onset in (456, 580):
        peak = np.abs(ENERGY - onset - 2) < 1.6
        assert abs(np.mean(divisor[peak]) - 1) < 0.02 * 0.25


def test_a_pattern_as_broad_as_lines_is_estimated_but_not_removed():
    rng = np.random.default_rng(22)
    broad = np.convolve(rng.standard_normal(ENERGY.size), np.hanning(7), "same")
    counts = rng.poisson(expected() * (1 + 0.01 * broad / broad.std()))
    corrected = correct_image(image_of(counts))
    assert (corrected.gain == 1).all()
    assert "as broad as lines" in corrected.attrs["warnings"][0]
    assert "data_driven" in corrected.attrs["warnings"][0]


def test_the_reference_of_another_detector_is_not_applied(tmp_path):
    rng = np.random.default_rng(23)
    image = image_of(rng.poisson(expected() * white(rng, 0.01)))
    corrected = with_reference(image, white(rng, 0.02), tmp_path)
    assert (corrected.gain == 1).all()
    assert "rougher" in corrected.attrs["warnings"][0]
    assert "corrections.gain.kind" in corrected.attrs["warnings"][0]


def test_a_shifted_reference_is_not_applied(tmp_path):
    rng = np.random.default_rng(24)
    gain = white(rng, 0.03)
    corrected = with_reference(image_of(rng.poisson(expected() * gain)), np.roll(gain, 4), tmp_path)
    assert (corrected.gain == 1).all()
    assert "shifted" in corrected.attrs["warnings"][0]


def test_a_reference_applied_already_is_not_applied_again(tmp_path):
    rng = np.random.default_rng(25)
    corrected = with_reference(image_of(rng.poisson(expected())), white(rng, 0.02), tmp_path)
    assert (corrected.gain == 1).all()
    assert "applied already" in corrected.attrs["warnings"][0]


@pytest.mark.parametrize("power", [1, -1])
@pytest.mark.parametrize("dose", [0.02, 0.3, 5000.0])
def test_the_direction_of_a_reference_is_never_a_toss(tmp_path, power, dose):
    for seed in range(4):
        rng = np.random.default_rng(seed)
        gain = white(rng, 0.015)
        image = image_of(rng.poisson(expected(dose, (11, 13)) * gain))
        corrected = with_reference(image, gain**power, tmp_path)
        if (corrected.gain == 1).all():
            assert dose < 5000
            assert "divided or multiplied" in corrected.attrs["warnings"][0]
        else:
            assert np.corrcoef(corrected.gain, gain)[0, 1] > 0.99


def test_a_reference_recorded_on_the_sample_does_not_eat_the_edge(tmp_path):
    rng = np.random.default_rng(26)
    gain = white(rng, 0.02)
    image = image_of(rng.poisson(expected() * gain))
    reference = gain * (1 + 0.1 * edge(456))
    refused = with_reference(image, reference, tmp_path, TI)
    assert (refused.gain == 1).all()
    assert "of the signal of Ti_L23" in refused.attrs["warnings"][0]
    assert "max_taken_percent" in refused.attrs["warnings"][0]
    told = with_reference(image, reference, tmp_path, TI, max_taken_percent=100.0)
    assert not (told.gain == 1).all()
    assert "of the signal of Ti_L23" in told.attrs["warnings"][0]
    taken = next(s for s in told.attrs["corrections"] if s["step"] == "gain")["taken_percent"]["Ti_L23"]
    assert 20 < taken < 50  # a tenth of the counts of an edge that is 0.3 of them


def test_a_right_reference_takes_nothing(tmp_path):
    for seed in range(6):
        rng = np.random.default_rng(seed)
        gain = white(rng, 0.02)
        corrected = with_reference(image_of(rng.poisson(expected() * gain)), gain, tmp_path, TI)
        assert corrected.attrs["warnings"] == []
        assert not (corrected.gain == 1).all()
