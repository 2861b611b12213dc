"""Spikes: found wherever they are, and never anything else."""

import numpy as np
import pytest
import scipy
import xarray as xr

from eelsunmix.corrections import Corrections, GainOptions, SpikeOptions, correct_image
from eelsunmix.corrections.spike_shape import are_lines
from eelsunmix.corrections.spikes import _lowest_around, find_spikes


def search(cube, sigma=8.0, counts_per_electron=1.0, valid=None):
    """Judge all voxels of a whole cube."""
    valid = np.ones(cube.shape[:-1], bool) if valid is None else valid
    core = tuple(slice(0, size) for size in valid.shape)
    return find_spikes(cube, valid, core=core, variance_to_mean=counts_per_electron, sigma=sigma)


def white_lines(shape=(9, 7, 80), height=1500.0):
    """Background, a steep edge, and two lines two channels wide, everywhere."""
    channel = np.arange(shape[-1])
    spectrum = 3000 * np.exp(-channel / 60) + 800.0 * (channel >= 60)
    spectrum += height * np.exp(-0.5 * ((channel - 30) / 0.85) ** 2)
    spectrum += height * np.exp(-0.5 * ((channel - 36.4) / 0.85) ** 2)
    return np.broadcast_to(spectrum, shape).copy()


@pytest.mark.parametrize("mean", [0.1, 1, 10, 1000])
@pytest.mark.parametrize("counts_per_electron", [1.0, 15.0])
def test_no_false_positive_in_clean_noise(mean, counts_per_electron):
    rng = np.random.default_rng(int(10 * mean))
    cube = rng.poisson(mean, (25, 40, 500)) * counts_per_electron
    assert len(search(cube, counts_per_electron=counts_per_electron).found) == 0


@pytest.mark.parametrize("mean", [1, 10, 1000])
def test_spikes_of_all_sizes_are_found(mean):
    rng = np.random.default_rng(1)
    clean = rng.poisson(mean, (12, 13, 200))
    cube = clean.copy()
    position = np.column_stack([rng.permutation(12)[:8], rng.permutation(13)[:8], rng.permutation(200)[:8]])
    size = np.array([60, 100, 200, 1000, 3000, 1e5, 1e7, 1e9]) + 14 * np.sqrt(mean)
    cube[tuple(position.T)] += size.astype(int)
    found = search(cube)
    assert sorted(map(tuple, found.position)) == sorted(map(tuple, position))
    np.testing.assert_array_equal(found.found, cube[tuple(found.position.T)])
    # replaced by what the surroundings expect: within five standard deviations of the mean
    assert (np.abs(found.replaced - mean) <= 5 * np.sqrt(mean)).all()


def test_a_spike_spread_over_five_channels_goes_whole():
    cube = np.random.default_rng(2).poisson(100, (5, 6, 60)).astype(float)
    cube[2, 3, 30:35] += [800, 5000, 20000, 5000, 800]
    found = search(cube)
    np.testing.assert_array_equal(found.position, [[2, 3, channel] for channel in range(30, 35)])
    assert found.replaced.max() < 150


def test_edges_and_white_lines_stay():
    cube = np.random.default_rng(3).poisson(white_lines())
    assert len(search(cube).found) == 0
    cube = np.random.default_rng(3).poisson(white_lines(height=1e5))
    assert len(search(cube).found) == 0


def test_a_layer_one_pixel_thin_stays():
    rng = np.random.default_rng(4)
    cube = white_lines(height=0)
    cube[4] = white_lines()[4]
    assert len(search(rng.poisson(cube)).found) == 0
    diagonal = white_lines((7, 7, 80), height=0)
    diagonal[np.arange(7), np.arange(7)] = white_lines()[0, 0]
    assert len(search(rng.poisson(diagonal)).found) == 0


def test_a_bright_pixel_beside_vacuum_stays():
    cube = white_lines()
    cube[:4] *= 0.001
    cube[:, :2] *= 0.001
    assert len(search(np.random.default_rng(5).poisson(cube)).found) == 0


def test_a_drift_of_one_channel_stays():
    cube = white_lines(height=20000)
    cube[1::2] = np.roll(cube[1::2], 1, axis=-1)
    cube[..., :3] = cube[..., 3:4]
    assert len(search(np.random.default_rng(6).poisson(cube)).found) == 0


def test_a_spike_on_a_white_line_is_found_and_replaced_by_the_line():
    cube = np.random.default_rng(7).poisson(white_lines())
    expected = white_lines()[4, 3, 30]
    cube[4, 3, 30] += 5000
    found = search(cube)
    np.testing.assert_array_equal(found.position, [[4, 3, 30]])
    assert abs(found.replaced[0] - expected) < 5 * np.sqrt(expected)


def test_pixels_without_neighbours_are_not_judged():
    cube = np.random.default_rng(8).poisson(10, (3, 4, 50))
    cube[1, 1, 20] = 10**6
    valid = np.zeros((3, 4), bool)
    valid[1, 1] = True
    assert len(search(cube, valid=valid).found) == 0
    assert len(search(cube).found) == 1


def test_ends_of_the_axis():
    cube = np.random.default_rng(9).poisson(10, (3, 4, 50))
    cube[1, 1, 0] = cube[2, 3, 49] = 10**6
    np.testing.assert_array_equal(search(cube).position, [[1, 1, 0], [2, 3, 49]])


def image_with_spike(value):
    counts = np.random.default_rng(10).poisson(white_lines()).astype("i8")
    clean = counts.copy()
    counts[4, 3, 50] = value
    dims = ("y", "x", "energy_loss")
    image = xr.DataArray(counts, dims=dims, coords={"energy_loss": 200.0 + np.arange(80)})
    return image, clean


@pytest.mark.guarantee(8)
def test_one_voxel_of_a_billion_changes_nothing_else():
    image, clean = image_with_spike(10**9)
    corrected = correct_image(image)
    assert corrected.counts.dtype == image.dtype
    changed = np.argwhere(corrected.counts.to_numpy() != clean)
    assert len(changed) <= 1  # the replaced voxel itself, unless it meets the old value by chance
    np.testing.assert_array_equal(corrected.spike_position, [[4, 3, 50]])
    np.testing.assert_array_equal(corrected.spike_found, [10**9])
    np.testing.assert_array_equal(corrected.spike_replaced, corrected.counts[4, 3, 50])
    np.testing.assert_array_equal(corrected.axis, ["y", "x", "energy_loss"])
    assert not corrected.bad_channel.any()


def test_a_spike_does_not_enter_the_gain():
    image, _ = image_with_spike(10**9)
    clean, _ = image_with_spike(1300)
    options = Corrections(gain=GainOptions(method="data_driven"))
    with_spike, without = (correct_image(each, options) for each in (image, clean))
    np.testing.assert_allclose(with_spike.gain, without.gain, atol=1e-3)  # one voxel replaced, of 63


def test_switched_off():
    image, _ = image_with_spike(10**9)
    corrected = correct_image(image, Corrections(spikes=SpikeOptions(enabled=False)))
    xr.testing.assert_equal(corrected.counts.drop_vars("valid_pixel"), image.rename("counts"))
    assert corrected.sizes["spike"] == 0


def test_a_single_pixel_says_why():
    image, _ = image_with_spike(10**9)
    corrected = correct_image(image[4:5, 3:4])
    summary = next(s["summary"] for s in corrected.attrs["corrections"] if s["step"] == "spikes")
    assert "no neighbours" in summary


def test_sigma_is_checked():
    with pytest.raises(ValueError, match="sigma needs a number of at least 3"):
        SpikeOptions(sigma=1.0)


@pytest.mark.parametrize("dose", [1e3, 1e4, 1e6])
@pytest.mark.parametrize(("width", "period"), [(0.85, 5), (1.0, 6), (1.5, 8)])
def test_atomic_columns_stay_at_any_dose(dose, width, period):
    """White lines that are strongest in the middle of columns about two pixels wide (sd `width`)."""
    y, x = np.indices((20, 26)) % period - period // 2
    column = np.exp(-(y**2 + x**2) / (2 * width**2))
    cube = dose * (1 + column[..., None] * white_lines((1, 1, 80), height=1500) / 3000)
    assert len(search(np.random.default_rng(11).poisson(cube)).found) == 0


def test_noise_is_that_of_one_channel_where_the_detector_couples_channels():
    image, _ = image_with_spike(0)
    image[4, 3, 50] = image[4, 3, 49] + 2000  # 27 standard deviations of counts, 5 at a variance of 30
    image = image.assign_attrs(counts_per_electron=30.0)
    assert correct_image(image).sizes["spike"] == 0
    coupled = image.assign_attrs(channel_variance_to_mean=1.0)
    np.testing.assert_array_equal(correct_image(coupled).spike_position, [[4, 3, 50]])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dark", [0.0, 19.0, 21.0, 26.0, 45.0])
def test_lines_stay_and_spikes_go_where_too_much_dark_signal_is_subtracted(dark):
    """Twenty electrons in each channel, of which `dark` counts are missing."""
    rng = np.random.default_rng(13)
    pixels = np.array(np.meshgrid(np.arange(1, 34, 3), np.arange(1, 28, 3), indexing="ij")).reshape(2, -1).T
    voxels = np.column_stack([pixels, np.full(len(pixels), 31)])
    line = np.round(60 * np.exp(-4 * np.log(2) * (np.arange(-6, 7) / 5) ** 2))
    found = []
    for shape in (line, [60]):
        cube = rng.poisson(20.0, (35, 29, 70)) - dark
        first = 31 - len(shape) // 2
        cube[pixels[:, 0], pixels[:, 1], first : first + len(shape)] += shape
        found.append(are_lines(cube, np.ones(cube.shape[:2], bool), voxels, 1.0).mean())
    assert found[0] > 0.9
    assert found[1] < 0.3


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("n_channels", [1, 2, 3, 4, 6, 7, 50])
def test_the_sieve_looks_three_channels_around(n_channels, order):
    spectra = np.random.default_rng(n_channels).normal(size=(5, n_channels)).astype("f4", order=order)
    expected = scipy.ndimage.minimum_filter1d(spectra, 7, axis=-1, mode="mirror")
    np.testing.assert_array_equal(_lowest_around(spectra), expected)
