"""Planted defects of detectors: each corrected, or named in `warnings`; clean images get none."""

import math
import re

import numpy as np
import pytest
import xarray as xr

import eelsunmix as eu
from eelsunmix.corrections import (
    AlignOptions,
    BadChannelOptions,
    BinOptions,
    Corrections,
    CropOptions,
    GainOptions,
    SpikeOptions,
    correct_image,
)

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


def log_of(corrected, step):
    return next(entry for entry in corrected.attrs["corrections"] if entry["step"] == step)


def atoms(rng, line, dose=400.0, height=12.0, number=9, shape=(22, 17)):
    """Counts of a few single atoms, whose line is in one pixel each, and what the line alone has."""
    there = np.zeros(shape)
    there.flat[rng.permutation(there.size)[:number]] = 1
    signal = there[..., None] * height * np.sqrt(dose) * line
    return rng.poisson(expected(dose, shape) + signal), signal


def line_of(width, at=498.3):
    """Return a line of height 1 with a full width at half maximum of `width` channels."""
    return np.exp(-4 * np.log(2) * ((ENERGY - at) / (width * 0.7)) ** 2)


DELAYED = np.clip(ENERGY - 495, 0, None) / 6 * np.exp(1 - np.clip(ENERGY - 495, 0, None) / 6)
SINGLE = {
    "5 channels": line_of(5),
    "9 channels": line_of(9),
    "15 channels": line_of(15),
    "delayed edge": DELAYED,
    "two lines and a step": edge(490),
}
NO_GAIN = GainOptions(method="none")


@pytest.mark.parametrize("line", SINGLE.values(), ids=SINGLE)
@pytest.mark.parametrize(("dose", "height"), [(8.0, 20.0), (400.0, 15.0), (400.0, 60.0), (20000.0, 100.0)])
def test_the_edges_of_single_atoms_stay(line, dose, height):
    counts, signal = atoms(np.random.default_rng(31), line, dose, height)
    corrected = correct_image(image_of(counts), Corrections(gain=NO_GAIN))
    assert counts.sum() - corrected.counts.sum() < 0.02 * signal.sum()
    assert corrected.attrs["warnings"] == []


@pytest.mark.parametrize("width", [1, 2, 3])
@pytest.mark.parametrize("dose", [3.0, 300.0])
def test_cosmic_rays_of_one_to_three_channels_go(width, dose):
    rng = np.random.default_rng(32)
    shape = (27, 22)
    clean = expected(dose, shape)
    counts = rng.poisson(clean)
    pixel = np.array(np.meshgrid(np.arange(1, 27, 3), np.arange(1, 22, 3), indexing="ij")).reshape(2, -1)
    channel = rng.integers(0, ENERGY.size - 3, pixel.shape[1])
    hit = np.zeros(counts.shape, bool)
    for step in range(width):
        hit[(*pixel, channel + step)] = True
    # 14 standard deviations: the highest of 24 values beside is some two above the mean
    counts[hit] = np.rint((np.sqrt(clean[hit] + 0.375) + 7) ** 2)
    spikes = correct_image(image_of(counts), Corrections(gain=NO_GAIN)).spike_position.to_numpy()
    found = np.zeros(counts.shape, bool)
    found[tuple(spikes.T)] = True
    assert (found & hit).sum() > 0.95 * hit.sum()
    assert not (found & ~hit).any()


def test_lines_of_single_atoms_as_narrow_as_cosmic_rays_are_named_and_left():
    named = {"X": {"onset_eV": 495.0, "fit_eV": (470.0, 492.0), "integrate_eV": (495.0, 515.0)}}
    counts, signal = atoms(np.random.default_rng(33), line_of(1.6), 400.0, 60.0)
    for edges in ({}, named):
        corrected = correct_image(image_of(counts), Corrections(gain=NO_GAIN), edges=edges)
        assert (corrected.counts == counts).all()
        assert "pixels stand out at the same energies (498" in corrected.attrs["warnings"][0]
        assert "corrections.bad_channels.channels" in corrected.attrs["warnings"][0]
    assert log_of(corrected, "spikes")["taken_percent"]["X"] > 10
    told = Corrections(gain=NO_GAIN, spikes=SpikeOptions(max_taken_percent=100.0))
    corrected = correct_image(image_of(counts), told)
    assert counts.sum() - corrected.counts.sum() > 0.3 * signal.sum()


def test_a_strong_edge_does_not_speak_for_a_weak_one_that_it_overlaps():
    weak = {"onset_eV": 495.0, "fit_eV": (470.0, 492.0), "integrate_eV": (495.0, 515.0)}
    strong = {"onset_eV": 456.0, "fit_eV": (425.0, 450.0), "integrate_eV": (456.0, 530.0)}
    counts, _ = atoms(np.random.default_rng(43), line_of(1.6), 400.0, 60.0)
    for edges, number in (({"strong": strong}, 1), ({"weak": weak, "strong": strong}, 0)):
        corrected = correct_image(image_of(counts), Corrections(gain=NO_GAIN), edges=edges)
        assert (corrected.sizes["spike"] > 0) == number
        assert len(corrected.attrs["warnings"]) == 1 - number
    taken = log_of(corrected, "spikes")["taken_percent"]
    assert taken["strong"] < 10 < taken["weak"]
    assert "pixels stand out at the same energies (498" in corrected.attrs["warnings"][0]


def test_many_cosmic_rays_at_random_energies_are_no_lines():
    rng = np.random.default_rng(34)
    counts = rng.poisson(expected(200.0, (22, 17)))
    where = tuple(rng.integers(0, size, 150) for size in counts.shape)
    counts[where] += 3000
    corrected = correct_image(image_of(counts), Corrections(gain=NO_GAIN), edges=TI)
    assert corrected.attrs["warnings"] == []
    assert corrected.sizes["spike"] > 140
    assert log_of(corrected, "spikes")["taken_percent"] == {"Ti_L23": 0.0}


def zero_loss(width, offset=0.2, origin=0.0, dose=3000.0, shape=(12, 17)):
    """Zero-loss peak of a width in channels of 1 eV, each integrated over its channel, and a plasmon."""
    energy = np.arange(-10.0, 80.0)
    edges = np.arange(-10.5, 80.0)
    peak = np.diff([0.5 * (1 + math.erf((at - offset) / width * 2 * math.sqrt(math.log(2)))) for at in edges])
    spectrum = peak + 0.004 * np.exp(-(((energy - 16) / 6) ** 2)) + 1e-5
    thickness = np.linspace(1, 0.6, shape[1])[None, :, None]
    return dose * spectrum * thickness * np.ones((shape[0], 1, 1)), energy + origin


@pytest.mark.parametrize("width", [0.7, 1.0, 2.0])
@pytest.mark.parametrize("origin", [0.0, 25.0])
@pytest.mark.parametrize("dose", [100.0, 1e6])
def test_a_zero_loss_peak_of_a_channel_stays(width, origin, dose):
    clean, energy = zero_loss(width, origin=origin, dose=dose)
    counts = np.random.default_rng(35).poisson(clean)
    corrected = correct_image(image_of(counts, energy))
    np.testing.assert_array_equal(corrected.counts, counts)
    assert corrected.attrs["warnings"] == []


@pytest.mark.parametrize("hot", [800.0, 2500.0, 9000.0])
def test_a_hot_channel_brighter_than_the_zero_loss_peak_does_not_stand_in_for_it(hot):
    clean, energy = zero_loss(0.4, offset=0.0)
    clean[..., 73] += hot
    counts = np.random.default_rng(44).poisson(clean)
    corrected = correct_image(image_of(counts, energy), Corrections(gain=NO_GAIN))
    assert np.flatnonzero(corrected.bad_channel).tolist() == [73]
    np.testing.assert_array_equal(corrected.counts[..., 10], counts[..., 10])
    (warning,) = corrected.attrs["warnings"]  # it took much of all counts away, which is not to go unseen
    assert warning.startswith("Channel 73 (63 eV) may be a fault of the detector: replaced, with ")


def test_two_channels_that_may_be_the_zero_loss_peak_are_named_and_left():
    clean, energy = zero_loss(0.4, offset=0.0)
    clean[..., 13] += 7000
    counts = np.random.default_rng(45).poisson(clean)
    corrected = correct_image(image_of(counts, energy), Corrections(gain=NO_GAIN))
    np.testing.assert_array_equal(corrected.counts, counts)
    assert "Channels 10 (0 eV), 13 (3 eV) may be faults" in corrected.attrs["warnings"][0]
    assert "corrections.bad_channels.channels" in corrected.attrs["warnings"][0]


@pytest.mark.parametrize("width", [1.0, 2.0])
@pytest.mark.parametrize("dose", [1.0, 100.0, 1e5])
def test_x_ray_lines_of_a_channel_stay(width, dose):
    energy = 40.0 * np.arange(90)
    shape = (12, 17)
    lines = sum(zero_loss(width, offset=at, shape=shape)[0] / 3000 for at in (9.0, 22.3, 47.5))
    counts = np.random.default_rng(36).poisson(dose * (lines + 0.003))
    corrected = correct_image(image_of(counts, energy, signal="EDS"))
    np.testing.assert_array_equal(corrected.counts, counts)
    assert corrected.attrs["warnings"] == []


@pytest.mark.parametrize("share", [0.03, 0.3, 0.7])
@pytest.mark.parametrize("added", [60.0, 400.0])
def test_a_channel_that_is_high_in_vacuum_alone_is_found(share, added):
    rng = np.random.default_rng(37)
    vacuum = rng.random((26, 19)) < share
    clean = expected(3000.0) * np.where(vacuum, 0.003, 1.0)[..., None]
    clean[..., 203] += added
    image = image_of(rng.poisson(clean))
    corrected = correct_image(image)
    assert np.flatnonzero(corrected.bad_channel).tolist() == [203]
    in_blocks = correct_image(image.chunk({"y": 5, "x": 7}))
    np.testing.assert_array_equal(in_blocks.bad_channel, corrected.bad_channel)


def test_a_channel_high_beside_a_named_edge_is_named():
    rng = np.random.default_rng(38)
    clean = expected()
    clean[..., 70] *= 3  # 469 eV, 13 eV beyond the onset
    corrected = correct_image(image_of(rng.poisson(clean)), edges=TI)
    assert not corrected.bad_channel.any()
    assert "Channel 70 (469 eV)" in corrected.attrs["warnings"][0]
    listed = Corrections(bad_channels=BadChannelOptions(channels=(70,)))
    assert correct_image(image_of(rng.poisson(clean)), listed, edges=TI).attrs["warnings"] == []


def test_a_dark_reference_with_the_sample_in_it_does_not_eat_the_edge(tmp_path):
    rng = np.random.default_rng(39)
    dark = 30 + 3 * rng.standard_normal(ENERGY.size)
    image = image_of(rng.poisson(expected() + dark))
    for values, refused in ((dark, False), (dark + 250 * edge(456), True)):
        np.save(tmp_path / "dark.npy", values)
        options = Corrections(gain=GainOptions(dark=str(tmp_path / "dark.npy")))
        corrected = correct_image(image, options, edges=TI)
        assert (corrected.dark == 0).all() == refused
        assert ["of the signal of Ti_L23" in text for text in corrected.attrs["warnings"]] == [True] * refused


def test_every_step_says_what_it_takes_from_the_edges():
    rng = np.random.default_rng(40)
    image = image_of(rng.poisson(expected() * white(rng, 0.01)))
    align = AlignOptions(enabled=True, window_eV=(450.0, 480.0), max_shift_eV=2.1)
    channels = BadChannelOptions(channels=(54, 200))
    corrected = correct_image(image, Corrections(align=align, bad_channels=channels), edges=TI)
    for step in ("gain", "bad_channels", "spikes", "align"):
        assert list(log_of(corrected, step)["taken_percent"]) == ["Ti_L23"]
    assert "taken_percent" in log_of(corrected, "dark")
    # the peak of L3 lies in channel 54; a straight line across it takes some, and the other takes nothing
    assert 0.1 < log_of(corrected, "bad_channels")["taken_percent"]["Ti_L23"] < 10
    assert "Taken from the edges: Ti_L23" in log_of(corrected, "align")["summary"]


def test_an_alignment_that_blurs_an_edge_away_is_refused():
    rng = np.random.default_rng(41)
    sharp = 0.02 + 3 * np.exp(-(((ENERGY - 470) / 0.45) ** 2)) + 0.5 * (ENERGY > 470)
    drift = rng.integers(0, 2, (13, 16)) * 0.35
    moved = [[np.interp(ENERGY - d, ENERGY, sharp + (ENERGY / 420) ** -3) for d in row] for row in drift]
    image = image_of(rng.poisson(3000 * np.array(moved)))
    edges = {"X": {"onset_eV": 468.0, "fit_eV": (430.0, 466.0), "integrate_eV": (468.0, 490.0)}}
    align = {"enabled": True, "window_eV": (460.0, 480.0), "max_shift_eV": 1.4}
    told = AlignOptions(**align, max_taken_percent=100.0)
    done = correct_image(image, Corrections(gain=NO_GAIN, align=told), edges=edges)
    taken = log_of(done, "align")["taken_percent"]["X"]
    assert taken > 2
    strict = AlignOptions(**align, max_taken_percent=taken / 2)
    refused = correct_image(image, Corrections(gain=NO_GAIN, align=strict), edges=edges)
    assert "energy_shift" not in refused
    assert "corrections.align.max_taken_percent" in refused.attrs["warnings"][0]


def with_dead(channels, seed=50, dose=2000.0):
    """An image of two edges, and the same with channels that recorded nothing."""
    image = image_of(np.random.default_rng(seed).poisson(expected(dose)))
    dead = image.copy(deep=True)
    dead[..., channels] = 0
    return image, dead


TWO = TI | {"O_K": {"onset_eV": 580.0, "fit_eV": (540.0, 574.0), "integrate_eV": (580.0, 610.0)}}
BS_EDGES = {name: edge | {"element": name.split("_")[0]} for name, edge in TWO.items()}


@pytest.mark.parametrize("channels", [slice(54, 57), slice(52, 58), slice(50, 68)])
def test_what_listed_channels_take_from_an_edge_is_what_its_net_counts_lose(channels):
    image, _ = with_dead([])
    listed = tuple(range(340))[channels]
    told = BadChannelOptions(channels=listed, max_taken_percent=100.0)
    replaced = correct_image(image, Corrections(gain=NO_GAIN, bad_channels=told), edges=TWO)
    before, after = (
        eu.subtract_background(each, BS_EDGES).net_counts.sum(("y", "x")).to_numpy()
        for each in (image, replaced.counts)
    )
    taken = log_of(replaced, "bad_channels")["taken_percent"]
    lost = 100 * (1 - after / before)
    assert lost[0] > 2
    assert taken["Ti_L23"] == pytest.approx(lost[0], rel=0.15)
    assert taken["O_K"] == 0
    assert f"takes {taken['Ti_L23']:.1f} % of the signal of Ti_L23" in replaced.attrs["warnings"][0]


def test_good_channels_beside_each_other_that_hold_an_edge_are_not_replaced_unless_told():
    image, _ = with_dead([])
    listed = BadChannelOptions(channels=(9, *range(50, 68)))
    left = correct_image(image, Corrections(gain=NO_GAIN, bad_channels=listed), edges=TWO)
    assert np.flatnonzero(left.bad_channel).tolist() == [9]
    assert "corrections.bad_channels.max_taken_percent" in left.attrs["warnings"][0]
    told = BadChannelOptions(channels=listed.channels, max_taken_percent=100.0)
    done = correct_image(image, Corrections(gain=NO_GAIN, bad_channels=told), edges=TWO)
    assert done.bad_channel.sum() == 19


@pytest.mark.parametrize(("number", "fails"), [(1, False), (3, False), (8, True)])
def test_dead_channels_count_as_their_share_of_the_window(number, fails):
    whole, dead = with_dead(slice(54, 54 + number))
    corrected = correct_image(dead, Corrections(gain=NO_GAIN), edges=TWO)
    assert np.flatnonzero(corrected.bad_channel).tolist() == list(range(54, 54 + number))
    share = 100 * number / 63  # channels from 456 to 500 eV
    assert log_of(corrected, "bad_channels")["taken_percent"]["Ti_L23"] == pytest.approx(share, rel=1e-3)
    named = [text for text in corrected.attrs["warnings"] if "Ti_L23 is integrated are bad" in text]
    assert len(named) == (share > 5)
    found = eu.subtract_background(corrected.counts, BS_EDGES)
    true = eu.subtract_background(whole, BS_EDGES)
    lost = 1 - (found.net_counts.sum() / true.net_counts.sum()).item()
    assert abs(lost) < share / 100
    assert list(found.attrs["reference_problems"]) == ["Ti_L23"] * fails


@pytest.mark.parametrize(
    ("dead", "failed", "window"),
    [
        (slice(60, 69), ["Ti_L23"], "integration"),
        (slice(20, 32), ["Ti_L23"], "fit"),
        (slice(181, 221), ["O_K"], "fit"),
        (slice(300, 325), [], ""),
    ],
)
def test_long_runs_of_dead_channels_are_named_and_no_reference_is_fitted_to_them(dead, failed, window):
    _, image = with_dead(dead)
    corrected = correct_image(image, Corrections(gain=NO_GAIN), edges=TWO)
    energies = f"from {ENERGY[dead][0]:.6g} to {ENERGY[dead][-1]:.6g} eV"
    assert "recorded nothing " + energies in corrected.attrs["warnings"][0]
    assert "corrections.crop.energy_eV" in corrected.attrs["warnings"][0]
    problems = eu.subtract_background(corrected.counts, BS_EDGES).attrs["reference_problems"]
    assert list(problems) == failed
    assert all(f"The {window} window" in text and energies in text for (text,) in problems.values())


@pytest.mark.parametrize("binned", [1, 2, 3])
def test_binned_and_cropped_images_know_of_their_dead_channels(binned):
    _, image = with_dead(slice(61, 73))
    options = Corrections(
        gain=NO_GAIN, bin=BinOptions(energy=binned), crop=CropOptions(energy_eV=(424.0, 640.0))
    )
    corrected = correct_image(image, options, edges=TWO)
    problems = eu.subtract_background(corrected.counts, BS_EDGES).attrs["reference_problems"]
    assert list(problems) == ["Ti_L23"]


@pytest.mark.parametrize(("window", "named"), [((424.0, 640.0), False), ((424.0, 657.0), True)])
def test_dead_channels_that_a_crop_removes_are_not_named(window, named):
    _, image = with_dead(slice(300, 325))
    options = Corrections(gain=NO_GAIN, crop=CropOptions(energy_eV=window))
    warnings = correct_image(image, options, edges=TWO).attrs["warnings"]
    assert [text.startswith("The detector recorded nothing") for text in warnings] == [True] * named


@pytest.mark.parametrize(
    ("replaced", "fails"), [(range(18, 24), False), ((*range(18, 26), *range(28, 36)), True)]
)
def test_no_reference_is_fitted_to_a_window_that_is_mostly_interpolated(replaced, fails):
    _, image = with_dead([*replaced])
    corrected = correct_image(image, Corrections(gain=NO_GAIN), edges=TWO)
    assert np.flatnonzero(corrected.bad_channel).tolist() == [*replaced]
    problems = eu.subtract_background(corrected.counts, BS_EDGES).attrs["reference_problems"]
    assert list(problems) == ["Ti_L23"] * fails
    for (text,) in problems.values():
        assert text.startswith("46 % of the fit window 425-450 eV lie in bad channels")


def test_dead_channels_broken_by_one_that_counts_are_dead():
    _, image = with_dead([*range(60, 66), *range(67, 72)])
    corrected = correct_image(image, Corrections(gain=NO_GAIN), edges=TWO)
    assert np.flatnonzero(corrected.bad_channel).tolist() == [*range(60, 66), *range(67, 72)]


def test_dead_channels_that_the_list_lacks_are_named():
    _, image = with_dead([90, 301])
    listed = Corrections(gain=NO_GAIN, bad_channels=BadChannelOptions(channels=(301,)))
    corrected = correct_image(image, listed, edges=TWO)
    assert "recorded nothing at 483 eV (1 channel)" in corrected.attrs["warnings"][0]
    assert list(eu.subtract_background(corrected.counts, BS_EDGES).attrs["reference_problems"]) == ["Ti_L23"]


def test_channels_in_which_two_pixels_agree_by_chance_are_not_dead():
    rng = np.random.default_rng(51)
    for _ in range(20):
        corrected = correct_image(image_of(rng.poisson(expected(300.0, (1, 2)))), Corrections(gain=NO_GAIN))
        assert not corrected.bad_channel.any()
        assert corrected.attrs["warnings"] == []


def test_a_detector_that_ends_before_the_axis_is_no_fault_unless_a_window_lies_there():
    _, image = with_dead(slice(320, None))
    corrected = correct_image(image, Corrections(gain=NO_GAIN), edges=TWO)
    assert corrected.attrs["warnings"] == []
    assert eu.subtract_background(corrected.counts, BS_EDGES).attrs["reference_problems"] == {}
    _, image = with_dead(slice(260, None))
    corrected = correct_image(image, Corrections(gain=NO_GAIN), edges=TWO)
    assert list(eu.subtract_background(corrected.counts, BS_EDGES).attrs["reference_problems"]) == ["O_K"]


@pytest.mark.parametrize("edge_named", [True, False])
def test_a_gain_that_stays_at_an_edge_is_named(edge_named):
    rng = np.random.default_rng(52)
    image = image_of(rng.poisson(expected(20000.0) * white(rng, 0.03)))
    corrected = correct_image(image, edges=TWO if edge_named else {})
    assert not (corrected.gain == 1).all()
    named = [text for text in corrected.attrs["warnings"] if "O_K" in text and "gain reference" in text]
    assert len(named) == len(corrected.attrs["warnings"]) == edge_named


def test_by_how_much_a_gain_that_stays_moves_net_counts():
    """Twelve patterns of 2.5 %: the scatter of the net counts is what the warning says."""
    clean, off, said = expected(2e5), [], []
    true = eu.subtract_background(image_of(clean), BS_EDGES).net_counts.sum(("y", "x")).sel(edge="O_K")
    for seed in range(12):
        rng = np.random.default_rng(seed)
        image = image_of(rng.poisson(clean * white(rng, 0.025)))
        corrected = correct_image(image, edges=TWO)
        found = eu.subtract_background(corrected.counts, BS_EDGES).net_counts.sum(("y", "x"))
        off.append(100 * (float(found.sel(edge="O_K") / true) - 1))
        said += [
            float(part) for part in re.findall(r"(\d+) % for O_K", " ".join(corrected.attrs["warnings"]))
        ]
    assert len(said) == 12
    assert 0.5 < np.std(off) / np.mean(said) < 2


@pytest.mark.parametrize("part", [0.1, 0.4])
@pytest.mark.parametrize(("channel", "edge_name"), [(20, "Ti_L23"), (190, "O_K")])
def test_a_warm_channel_in_a_fit_window_is_named_and_replaced_once_listed(part, channel, edge_name):
    clean = expected()
    clean[..., channel] *= 1 + part
    image = image_of(np.random.default_rng(53).poisson(clean))
    corrected = correct_image(image, Corrections(gain=NO_GAIN), edges=TWO)
    (warning,) = corrected.attrs["warnings"]
    assert f"Channel {channel} ({ENERGY[channel]:.6g} eV) may be a fault" in warning
    assert "corrections.bad_channels.channels" in warning
    listed = Corrections(gain=NO_GAIN, bad_channels=BadChannelOptions(channels=(channel,)))
    corrected = correct_image(image, listed, edges=TWO)
    assert corrected.attrs["warnings"] == []
    assert corrected.bad_channel.sum() == 1


def clean_images(rng):
    """Images without any defect: name -> (counts, energies, edges, attributes)."""
    shape = (14, 17)
    layers = ((np.arange(17) // 3) % 2)[None, :, None] * np.ones((14, 1, 1))
    first, second = phases()
    particles = np.where(rng.random(shape) < 0.4, 1.0, 0.003)[..., None]
    drifting = np.linspace(1, 0.7, 14)[:, None, None]
    low = zero_loss(0.9, dose=2e4, shape=shape)
    camera = 12.0 * rng.poisson(expected(80.0, shape)) + rng.normal(0, 9, (*shape, ENERGY.size))
    return {
        "layers": (rng.poisson(800 * (layers * first + (1 - layers) * second)), ENERGY, TI, {}),
        "particles": (rng.poisson(expected(3000.0, shape) * particles), ENERGY, TI, {}),
        "thickness": (rng.poisson(expected(20000.0, shape) * drifting**3), ENERGY, {}, {}),
        "atoms": (atoms(rng, edge(490), shape=shape)[0], ENERGY, {}, {}),
        "EDS": (rng.poisson(low[0] / 5000 + 0.01), 40.0 * np.arange(90), {}, {"signal": "EDS"}),
        "zero loss": (rng.poisson(low[0]), low[1], {}, {}),
        "camera": (np.rint(camera + 40), ENERGY, TI, {"counts_per_electron": 13.0}),
        "few counts": (rng.poisson(expected(0.2, shape)), ENERGY, TI, {}),
    }


@pytest.mark.parametrize("kind", clean_images(np.random.default_rng(0)))
@pytest.mark.parametrize("seed", [42, 43])
def test_clean_images_lose_nothing(kind, seed):
    counts, energy, edges, attrs = clean_images(np.random.default_rng(seed))[kind]
    corrected = correct_image(image_of(counts, energy, **attrs), edges=edges)
    assert corrected.attrs["warnings"] == []
    np.testing.assert_allclose(corrected.counts, counts)
