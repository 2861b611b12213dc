"""Noise of images whose gain is known."""

import numpy as np
import pytest
import xarray as xr
from scipy import ndimage, stats

from eelsunmix.io.counts import DetectorOptions, counts_check
from eelsunmix.io.noise import compare
from eelsunmix.io.residual_noise import count_components
from eelsunmix.io.saturation import _chance, heights_of_block, pile_up
from eelsunmix.io.survey import survey


def image(cube):
    dims = ("frame", "y", "x", "energy_loss")[-cube.ndim :]
    return xr.DataArray(cube, dims=dims)


def check(cube, **options):
    detector = DetectorOptions(**options)
    return counts_check(survey(image(cube), detector.saturation), detector)


def layered(shape=(24, 18, 320), mean=400.0):
    """Two materials with an edge each, an interface across y, and a thickness gradient along x."""
    energy = np.arange(shape[-1]) / shape[-1]
    first = mean * (1 + energy) ** -3 * np.where(energy > 0.4, 1.5, 1)
    second = mean * (1 + energy) ** -2.5 * np.where(energy > 0.6, 1.7, 1)
    upper = (np.arange(shape[0]) < shape[0] // 2)[:, None, None]
    return np.where(upper, first, second) * np.linspace(1, 2, shape[1])[:, None]


@pytest.mark.parametrize("mean", [0.05, 3.0, 400.0, 1e5])
def test_counting_detector_is_recognised_at_any_dose(mean):
    counts = np.random.default_rng(3).poisson(layered(mean=mean))
    found = check(counts)
    assert found["counts_per_electron"] == 1.0
    assert found["counts_per_electron_from"] == "measured"
    # 24 x 17 pairs: 3 % is some four standard errors.
    assert found["variance_to_mean"] == pytest.approx(1.0, abs=0.05)
    assert abs(found["neighbour_correlation"]) < 0.05
    assert found["warnings"] == []


@pytest.mark.parametrize("gain", [0.25, 4.0, 30.0])
def test_gain_is_measured(gain):
    counts = gain * np.random.default_rng(4).poisson(layered())
    found = check(counts)
    assert found["counts_per_electron"] == pytest.approx(gain, rel=0.05)
    assert len(found["notes"]) == (gain > 1)
    assert len(found["warnings"]) == (gain < 1)


def test_point_spread_hides_noise_at_one_channel_only():
    """A kernel of sum 1 and sum of squares q: q F at one channel, F in wide bins; correlation as computed."""
    kernel = np.array([0.25, 0.5, 0.25])
    counts = ndimage.convolve1d(
        8.0 * np.random.default_rng(5).poisson(layered((24, 18, 1600))), kernel, axis=-1
    )
    found = check(counts)
    q = float((kernel**2).sum())
    assert found["variance_to_mean"] == pytest.approx(8 * q, rel=0.05)
    # Sixteen channels still lose a little over their borders.
    assert found["counts_per_electron"] == pytest.approx(8.0, rel=0.08)
    assert found["neighbour_correlation"] == pytest.approx(
        float((kernel[1:] * kernel[:-1]).sum()) / q, abs=0.05
    )
    assert any("point spread" in text for text in found["notes"])
    assert found["warnings"] == []


def test_sharp_structure_everywhere_but_along_one_axis():
    rng = np.random.default_rng(6)
    rows = rng.uniform(0.2, 1.0, (30, 1, 1)) * np.ones((30, 20, 256))
    rows[::2, :, 100:] *= 2
    assert check(rng.poisson(2000 * rows))["counts_per_electron"] == 1.0


def test_result_depends_neither_on_laziness_nor_on_chunks():
    cube = np.random.default_rng(7).poisson(layered((24, 18, 64)))
    results = [
        survey(image(cube)),
        survey(image(cube).chunk(y=5, x=7)),
        survey(image(cube).chunk(energy_loss=10)),
    ]
    for found in results[1:]:
        assert counts_check(found, DetectorOptions()) == counts_check(results[0], DetectorOptions())
        np.testing.assert_array_equal(found.spectrum, results[0].spectrum)


def test_statistic_is_that_of_scipy():
    """Oracle: one segment, one pair, single channels = Pearson's chi squared of the 2 x bins table."""
    from scipy.stats import chi2_contingency

    first, second = np.random.default_rng(8).poisson([[20.0], [35.0]], (2, 30))
    found = compare(first[None], second[None], width=1, segments=1)
    expected = chi2_contingency(np.stack([first, second]), correction=False)
    ratio = expected.statistic / expected.dof
    total = first.sum() + second.sum()
    assert found.factor[0] == pytest.approx(ratio * total / (total + ratio))
    assert found.freedom[0] == expected.dof


def test_noise_is_measured_without_the_structure():
    """A factor of 6 behind a kernel of sum of squares 3/8; every pixel mixes its materials anew."""
    rng = np.random.default_rng(11)
    energy = np.linspace(0, 1, 640)
    materials = [800 * (1 + energy) ** -3 * np.where(energy > onset, 2.0, 1) for onset in (0.2, 0.5, 0.8)]
    counts = 6.0 * rng.poisson(rng.dirichlet([0.5] * 3, (23, 26)) @ np.stack(materials))
    found = check(ndimage.convolve1d(counts, [0.25, 0.5, 0.25], axis=-1))
    assert found["counts_per_electron"] == pytest.approx(6.0, rel=0.08)
    assert found["variance_to_mean"] == pytest.approx(6.0 * 3 / 8, rel=0.05)
    assert found["neighbour_correlation"] == pytest.approx(2 / 3, abs=0.05)


@pytest.mark.parametrize("rank", [1, 2, 5])
def test_components_of_structure_are_counted(rank):
    rng = np.random.default_rng(12)
    mean = rng.dirichlet([0.5] * rank, 150) @ rng.gamma(0.5, 60.0, (rank, 48))
    counts = rng.poisson(mean + 2.0).astype(float)
    assert abs(count_components(counts) - rank) <= 1
    assert count_components(counts[:10]) is None
    assert count_components(counts - 50) is None


@pytest.mark.parametrize("shape", [(1, 30, 400), (2, 10, 400), (3, 5, 200)])
def test_small_images_are_seldom_called_camera_counts(shape):
    """Four standard errors; some of the estimates share pixels, so 1 in 50 is allowed for 1 in 16000."""
    rng = np.random.default_rng(13)
    alarms = sum(
        check(rng.poisson(layered((24, 40, shape[-1]))[:, : shape[1]][: shape[0]]))["counts_per_electron"]
        != 1
        for _ in range(50)
    )
    assert alarms <= 1


def test_heights_of_blocks_add_up_to_those_of_the_image():
    cube = np.random.default_rng(14).poisson(3.0, (9, 7, 33)).clip(max=6)
    cube[..., 5] = 2
    valid = np.random.default_rng(15).random((9, 7)) < 0.8
    whole = heights_of_block(cube, valid)
    pieces = heights_of_block(cube[:4], valid[:4]) + heights_of_block(cube[4:], valid[4:])
    pieces += heights_of_block(cube[:2], np.zeros((2, 7), bool))
    for name in ("top", "n_top", "second", "n_second", "n", "total", "squares"):
        np.testing.assert_array_equal(getattr(pieces, name), getattr(whole, name), err_msg=name)
    np.testing.assert_allclose(whole.variance, cube[valid].var(axis=0))
    for channel in range(33):
        values, numbers = np.unique(cube[valid][:, channel], return_counts=True)
        assert (whole.top[channel], whole.n_top[channel]) == (values[-1], numbers[-1])
        if len(values) > 1:
            assert (whole.second[channel], whole.n_second[channel]) == (values[-2], numbers[-2])


def test_the_chance_of_a_pile_up_is_that_of_a_fair_coin():
    top, lower = np.array([0, 0, 3, 5000, 7, 2**31]), np.array([0, 5, 4, 4900, 0, 2**31])
    np.testing.assert_allclose(_chance(top, lower), stats.binom.sf(top - 1, top + lower, 0.5), rtol=1e-9)


def test_a_stuck_channel_and_coarse_steps_are_no_saturation():
    rng = np.random.default_rng(16)
    stuck = rng.poisson(100.0, (12, 15, 80))
    stuck[..., 33] = 4000
    coarse = np.rint(rng.poisson(4000.0, (12, 15, 80)) / 400)
    for cube in (stuck, coarse):
        assert pile_up(heights_of_block(cube, np.ones((12, 15), bool))) is None


@pytest.mark.guarantee(9)
def test_fractions():
    cube = np.random.default_rng(9).poisson(100.0, (7, 5, 40)).astype(np.int16)
    cube[0, 0, :4] = -3
    cube[2, 3, 7] = np.iinfo(np.int16).max
    found = check(cube)
    assert found["negative_fraction"] == 4 / 1400
    assert found["saturated_fraction"] == 1 / 1400
    assert check(cube, saturation=90.0)["saturated_fraction"] == (cube >= 90).mean()
    assert any("negative" in text for text in found["warnings"])
    assert any(text.startswith("0.071% of the values are saturated") for text in found["warnings"])
    every = check(np.full((10, 7, 20), 255, np.uint8))["warnings"]
    assert any(text.startswith("100% of the values are saturated") for text in every)  # and no 1e+02


def test_one_pixel_cannot_be_measured():
    found = check(np.full((1, 1, 50), 7.0))
    assert found["counts_per_electron_from"] == "assumed"
    assert found["variance_to_mean"] is None
    assert "could not be measured" in found["warnings"][0]


def test_frames_are_surveyed_too(monkeypatch):
    monkeypatch.setattr("eelsunmix.execution.blocks.BLOCK_ELEMENTS", 3 * 5 * 64)
    cube = np.random.default_rng(10).poisson(50.0, (3, 7, 5, 64))
    cube[1, 4, 2] = 0
    found = survey(image(cube))
    assert found.first_empty == (1, 4, 2)
    assert found.n_valid == 3 * 7 * 5 - 1
    assert counts_check(found, DetectorOptions())["counts_per_electron"] == 1.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"counts_per_electron": 0}, "counts_per_electron needs a number from 1e-9 to 1e9 or auto"),
        ({"counts_per_electron": "automatic"}, "found 'automatic'"),
        ({"counts_per_electron": 1e308}, "found 1e[+]308"),
        ({"counts_per_electron": 5e-324}, "found 5e-324"),
        ({"counts_per_electron": None}, "found None"),
        ({"saturation": -5.0}, "saturation needs a number above 0"),
        ({"saturation": "auto"}, "saturation needs"),
    ],
)
def test_options_are_checked(options, message):
    with pytest.raises(ValueError, match=message):
        DetectorOptions(**options)


@pytest.mark.parametrize(("taken_off", "is_noise"), [(0.0, False), (100.0, True), (200.0, False)])
def test_values_far_below_zero_are_no_noise(taken_off, is_noise):
    counts = np.random.default_rng(7).normal(layered() - taken_off, 8.0)
    found = check(counts)
    assert any("as read-out noise makes them" in text for text in found["notes"]) == is_noise
