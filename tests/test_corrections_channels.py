"""Bad channels: dead and hot ones are found, lines and edges are left alone."""

import numpy as np
import pytest
import xarray as xr

from eelsunmix.corrections import BadChannelOptions, Corrections, GainOptions, correct_image
from eelsunmix.corrections.common import interpolate_channels
from eelsunmix.errors import InputError

CHANNEL = np.arange(120)


def spectra(shape=(7, 9)):
    """Ti-like lines two channels wide, a steep edge, a falling background; two phases."""
    background = 2000 * np.exp(-CHANNEL / 80)
    lines = 1500 * sum(np.exp(-0.5 * ((CHANNEL - c) / 0.85) ** 2) for c in (40.0, 45.3, 47.6, 52.0))
    edge = 1200.0 * (CHANNEL >= 90)
    share = np.linspace(0, 1, shape[1])[None, :, None] * np.ones((shape[0], 1, 1))
    return background + share * lines + edge


def image_of(counts):
    dims = ("y", "x", "energy_loss")
    return xr.DataArray(counts, dims=dims, coords={"energy_loss": 440.0 + 0.5 * CHANNEL})


def bad_channels(counts, edges=None, **options):
    corrections = Corrections(gain=GainOptions(method="none"), bad_channels=BadChannelOptions(**options))
    corrected = correct_image(image_of(counts), corrections, edges=edges)
    return np.flatnonzero(corrected.bad_channel).tolist(), corrected


@pytest.mark.parametrize("seed", range(5))
def test_lines_and_edges_are_not_bad(seed):
    found, corrected = bad_channels(np.random.default_rng(seed).poisson(spectra()))
    assert found == []
    assert corrected.counts.dtype.kind == "i"


@pytest.mark.parametrize("scale", [1e-4, 1e-3, 1e-2, 1.0])
def test_noise_alone_is_not_bad(scale):
    for seed in range(5):
        assert bad_channels(np.random.default_rng(seed).poisson(scale * spectra()))[0] == []


def test_dead_hot_and_weak_channels_are_found():
    counts = np.random.default_rng(1).poisson(spectra())
    counts[..., 10] = 0
    counts[..., 20:23] = 0
    counts[..., 30] = 65535
    counts[..., 70] *= 4
    counts[..., 80] //= 2
    found, corrected = bad_channels(counts)
    assert found == [10, 20, 21, 22, 30, 70, 80]
    assert corrected.counts.dtype == np.float32
    expected = (counts[..., 9] + counts[..., 11]) / 2
    np.testing.assert_allclose(corrected.counts[..., 10], expected, rtol=1e-6)
    good = ~corrected.bad_channel.to_numpy()
    np.testing.assert_array_equal(corrected.counts[..., good], counts[..., good])


def test_a_channel_that_holds_much_of_all_counts_is_named():
    """It may be a zero-loss peak on an axis that is off: a summary alone would hide what was taken."""
    counts = np.random.default_rng(1).poisson(20, (7, 9, CHANNEL.size))
    counts[..., 30] += 1000
    found, corrected = bad_channels(counts)
    assert found == [30]
    (warning,) = corrected.warnings
    assert warning.startswith(
        "Channel 30 (455 eV) may be a fault of the detector: replaced, with 29 % of all "
    )


def test_an_image_with_all_counts_in_one_channel_is_refused():
    """All counts were taken away, and a later stage complained of an image without any."""
    counts = np.zeros((7, 9, CHANNEL.size), int)
    counts[..., 30] = np.random.default_rng(1).poisson(500, (7, 9))
    with pytest.raises(InputError, match=r"Channel 30 \(455 eV\) may be .* no counts lie in others"):
        bad_channels(counts)


def test_long_empty_stretches_are_no_dead_channels():
    counts = np.random.default_rng(2).poisson(spectra())
    counts[..., :15] = 0
    counts[..., 60:80] = 0
    assert bad_channels(counts)[0] == []


def test_an_edge_in_the_configuration_protects_its_surroundings():
    counts = np.random.default_rng(3).poisson(spectra())
    counts[..., 70] *= 4
    assert bad_channels(counts)[0] == [70]
    assert bad_channels(counts, edges={"X": {"onset_eV": 475.0}})[0] == []


def test_rims_of_chips():
    rng = np.random.default_rng(4)
    clean = spectra()
    clean[..., 66:70] *= [1.0, 1.3, 1.35, 1.0]
    counts = rng.poisson(clean)
    assert bad_channels(counts)[0] == []
    assert bad_channels(counts, chip_gaps=(68,))[0] == [67, 68]
    assert bad_channels(rng.poisson(spectra()), chip_gaps=(68,))[0] == []


def test_listed_channels():
    counts = np.random.default_rng(5).poisson(spectra())
    found, corrected = bad_channels(counts, channels=[3, 119])
    assert found == [3, 119]
    np.testing.assert_array_equal(corrected.counts[..., 119], counts[..., 118])
    assert bad_channels(counts, channels="none")[0] == []


@pytest.mark.parametrize(
    ("channel", "message"),
    [
        (-1, r"channels\[0\] needs a whole number of at least 0, found -1"),
        (2.5, r"channels\[0\] needs a whole number of at least 0, found 2\.5"),
        (120, "120 is no channel of an axis from 0 to 119"),
    ],
)
def test_listed_channels_must_exist(channel, message):
    with pytest.raises(InputError, match=message):
        bad_channels(spectra().astype(int), channels=(channel,))


def test_other_mistakes():
    with pytest.raises(ValueError, match="channels needs a list of whole numbers, auto or none, found 'all'"):
        BadChannelOptions(channels="all")
    with pytest.raises(InputError, match="no good channel is left"):
        bad_channels(spectra().astype(int), channels=tuple(range(120)))
    with pytest.raises(InputError, match="chip_gaps: 119"):
        bad_channels(spectra().astype(int), chip_gaps=(119,))


def test_interpolation_is_that_of_numpy():
    rng = np.random.default_rng(6)
    cube, bad = rng.random((3, 4, 30)), rng.random(30) < 0.4
    bad[[0, 29]] = True
    expected = np.apply_along_axis(
        lambda s: np.interp(np.arange(30), np.flatnonzero(~bad), s[~bad]), -1, cube
    )
    before = cube.copy()
    np.testing.assert_allclose(interpolate_channels(cube, bad), expected)
    np.testing.assert_array_equal(cube, before)
