"""Number of endmembers: known ranks, broken detectors, a real camera, and mistakes."""

import warnings

import numpy as np
import pytest
import xarray as xr
from scipy.ndimage import gaussian_filter1d

from eelsunmix.errors import InputError
from eelsunmix.pca import DenoiseOptions, denoise
from eelsunmix.pca.noise_eigenvalues import (
    Noise,
    largest_white_eigenvalue,
    marchenko_pastur_quantiles,
    measure_noise,
)
from eelsunmix.rank import ComponentOptions, elbow, estimate_endmembers
from eelsunmix.rank.coherence import count_signals, map_coherence
from eelsunmix.rank.parallel_analysis import noise_quantiles, white_noise_eigenvalues

PLAIN = DenoiseOptions(spatial="none")


def expected_counts(shape=(30, 41, 120), mean=100.0, n_materials=3, gain_sd=0.0, seed=0):
    """Blocks of materials with mixed borders, each with a background and an edge of its own."""
    rng = np.random.default_rng(seed)
    energy = 220 + 400 / shape[2] * np.arange(shape[2])
    onsets = 260 + 70 * np.arange(n_materials)
    edges = [np.where(energy > onset, 0.4 * (energy / 220) ** -1.5, 0) for onset in onsets]
    materials = (energy / 220) ** -2.5 + np.stack(edges)
    blocks = rng.integers(0, n_materials, (-(-shape[0] // 6), -(-shape[1] // 6)))
    blocks.flat[:n_materials] = np.arange(n_materials)
    labels = np.kron(blocks, np.ones((6, 6), dtype=int))[: shape[0], : shape[1]]
    expected = gaussian_filter1d(materials[labels], 1.0, axis=1)
    return expected * mean / expected.mean() * (1 + gain_sd * rng.standard_normal(shape[2]))


def label(counts, **attrs):
    return xr.DataArray(counts, dims=("y", "x", "energy_loss"), name="counts", attrs=attrs)


def poisson_image(seed=0, dtype=np.uint16, **options):
    expected = expected_counts(seed=seed, **options)
    return label(np.random.default_rng(seed + 100).poisson(expected).astype(dtype))


def estimate(image, options=None):
    return estimate_endmembers(image, denoise(image, PLAIN), options)


@pytest.mark.parametrize("mean", [10, 30, 100, 300, 1e3, 1e4])
@pytest.mark.parametrize("gain_sd", [0.0, 0.02])
def test_true_rank_of_counts(mean, gain_sd):
    rank = estimate(poisson_image(mean=mean, gain_sd=gain_sd, seed=int(mean)))
    assert rank.attrs["n_endmembers"] == rank.attrs["signal_rank"] == 3
    assert rank.attrs["chosen"] == "marchenko_pastur"
    assert rank.attrs["noise_level"] == pytest.approx(1, abs=0.05)
    assert rank.estimate.sel(estimator="parallel_analysis") in (3, 4)
    assert rank.attrs["warnings"] == []


@pytest.mark.parametrize("n_materials", [1, 2, 4, 5])
def test_other_ranks(n_materials):
    rank = estimate(poisson_image(mean=300, n_materials=n_materials, seed=n_materials))
    assert rank.attrs["n_endmembers"] == n_materials


@pytest.mark.parametrize("shape", [(49, 6, 200), (26, 31, 150)])
@pytest.mark.parametrize("blur_channels", [0.0, 0.7, 1.2, 3.0])
def test_camera_with_correlated_channels(shape, blur_channels):
    """Variance 15 times the mean, blurred in energy, read-out noise: no component for the noise."""
    rng = np.random.default_rng(5)
    counts = 15.0 * rng.poisson(expected_counts(shape, 1500.0) / 15)
    counts = gaussian_filter1d(counts, blur_channels, axis=-1) if blur_channels else counts
    image = label((counts + rng.normal(0, 3, shape)).astype(np.float32), counts_per_electron=15.0)
    rank = estimate(image)
    assert rank.attrs["n_endmembers"] == 3
    if blur_channels:
        # White noise is no yardstick here: the reason explains it, and nothing is to be done.
        assert rank.estimate.sel(estimator="parallel_analysis") > 10
        assert "as where channels share noise" in rank.attrs["reason"]
    assert not any("white" in text for text in rank.attrs["warnings"])


@pytest.fixture
def real_counts(example_data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations inside RosettaSciIO
        from rsciio.digitalmicrograph import file_reader

        counts = file_reader(str(example_data / "STO-LMO_EELS_SI.dm3"))[0]["data"]
    return np.moveaxis(counts, 0, -1)


@pytest.mark.parametrize("binning", [1, 4])
def test_real_camera(binning, real_counts):
    counts = real_counts
    assert counts.shape == (49, 6, 1024)
    image = label(counts.reshape(49, 6, -1, binning).sum(axis=-1))
    rank = estimate(image)
    assert 4 <= rank.attrs["n_endmembers"] <= 5


def test_pure_noise_has_no_signal():
    found = []
    for seed in range(40):
        data = np.random.default_rng(seed).normal(size=(97, 45))
        values = np.linalg.eigvalsh(data.T @ data / 97)[::-1]
        found.append(measure_noise(values, 97, 45))
    assert np.mean([noise.rank > 0 for noise in found]) < 0.1
    assert np.mean([noise.level for noise in found]) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize(("n_pixels", "n_channels"), [(300, 60), (60, 300), (90, 90)])
def test_marchenko_pastur_against_a_large_matrix(n_pixels, n_channels):
    rng, factor = np.random.default_rng(0), 6
    data = rng.normal(size=(factor * n_pixels, factor * n_channels))
    singular = np.linalg.svd(data, compute_uv=False) ** 2 / len(data)
    probability = np.array([0.05, 0.25, 0.5, 0.75, 0.95])
    theory = marchenko_pastur_quantiles(probability, n_pixels, n_channels)
    np.testing.assert_allclose(np.quantile(singular, probability), theory, rtol=0.02, atol=0.003)


def test_fast_white_noise_equals_the_slow_one():
    rng = np.random.default_rng(0)
    for shape in ((37, 12), (12, 37)):
        fast = np.array([white_noise_eigenvalues(*shape, rng) for _ in range(2000)])
        data = rng.normal(size=(2000, *shape))
        slow = np.linalg.svd(data, compute_uv=False) ** 2 / shape[0]
        np.testing.assert_allclose(fast.mean(axis=0), slow.mean(axis=0), rtol=0.03)
        np.testing.assert_allclose(np.quantile(fast[:, 0], 0.99), largest_white_eigenvalue(*shape), rtol=0.06)


def test_poisson_noise_of_many_counts_is_white():
    rng = np.random.default_rng(0)
    pixel, channel = rng.uniform(0.5, 2, 70), rng.uniform(500, 1000, 25)
    poisson = noise_quantiles(pixel, channel, 2.0, np.random.default_rng(1))
    white = np.quantile([2 * white_noise_eigenvalues(70, 25, rng) for _ in range(200)], 0.99, axis=0)
    np.testing.assert_allclose(poisson, white, rtol=0.12)


def test_parallel_eigenvalues_lie_on_the_scale_of_the_data():
    image = poisson_image(mean=50)
    pca = denoise(image, PLAIN)
    rank = estimate_endmembers(image, pca)
    assert rank.parallel_eigenvalue.sizes == pca.eigenvalue.sizes
    # Three signals come first: the noise of the data begins at index 3.
    ratio = pca.eigenvalue.to_numpy()[3:80] / rank.parallel_eigenvalue.to_numpy()[:77]
    assert np.all((ratio > 0.85) & (ratio < 1.0))


@pytest.mark.parametrize(
    ("values", "number"),
    [
        ([100.0, 50.0], 2),
        ([7.0], 1),
        ([1e5, 1.2, 1.1, 1.0, 0.9], 2),
        ([9e5, 8e5, 1.1, 1.0, 0.9, 0.0, 0.0], 3),
    ],
)
def test_elbow(values, number):
    assert elbow(np.array(values)) == number


def test_elbow_is_the_point_farthest_from_the_line():
    values = np.sort(np.random.default_rng(3).lognormal(0, 3, 50))[::-1]
    height = np.log10(values[:20])
    chord = np.array([19.0, height[-1] - height[0]])
    offsets = np.stack([np.arange(20.0), height - height[0]], axis=1)
    distance = np.abs(chord[0] * offsets[:, 1] - chord[1] * offsets[:, 0]) / np.hypot(*chord)
    assert elbow(values) == np.argmax(distance) + 1


def test_coherence_tells_maps_from_scan_lines():
    rng = np.random.default_rng(0)
    y, x = np.indices((49, 21))
    maps = {
        "gradient": y + 2.0 * x,
        "layer": np.exp(-(((y - 20) / 4) ** 2)) + 0 * x,
        "lattice of period 2": (y + x) % 2 + 0.0,
        "scan lines": rng.normal(size=49)[:, None] + 0 * x,
        "noise": rng.normal(size=(49, 21)),
    }
    noisy = np.stack(list(maps.values()), axis=-1) + 0.1 * rng.normal(size=(49, 21, 5))
    noisy[3, 4] = np.nan
    assert (map_coherence(noisy[None]) > 0).tolist() == [True, True, True, False, False]
    assert (map_coherence(noisy[None, :7, :5]) == 1).all()


def test_only_weak_signals_need_coherence():
    noise = Noise(level=1.0, white_edge=2.0, tail_edge=2.0, rank=3)
    values, coherence = np.array([100.0, 50.0, 3.0, 1.0]), np.array([-1.0, -1.0, -1.0])
    assert count_signals(values, noise, coherence, counting=False) == 2
    assert count_signals(values, noise, coherence, counting=True) == 3
    assert count_signals(values, noise, np.array([-1.0, -1.0, 0.1]), counting=False) == 3
    assert count_signals(values, noise, coherence[:2], counting=False) == 3


def test_user_decides_and_is_warned():
    image = poisson_image(mean=100)
    rank = estimate(image, ComponentOptions(n=5))
    assert (rank.attrs["n_endmembers"], rank.attrs["chosen"]) == (5, "user")
    assert rank.estimate.sel(estimator="user") == 5
    assert rank.estimate.sel(estimator="marchenko_pastur") == 3
    assert rank.attrs["reason"].startswith("5 as set in components.n; 3 eigenvalues exceed the noise edge")
    assert "5 endmembers are asked for, but 3 components stand out" in rank.attrs["warnings"][0]


@pytest.mark.parametrize("estimator", ["parallel_analysis", "elbow"])
def test_estimator_is_used(estimator):
    rank = estimate(poisson_image(mean=100), ComponentOptions(estimator=estimator))
    assert rank.attrs["chosen"] == estimator
    assert rank.attrs["n_endmembers"] == int(rank.estimate.sel(estimator=estimator))


def test_largest_number_is_respected():
    rank = estimate(poisson_image(mean=1000, n_materials=5), ComponentOptions(max=3))
    assert rank.attrs["n_endmembers"] == 3
    assert rank.attrs["reason"].endswith("components.max allows 3.")
    assert rank.attrs["warnings"] == [
        "5 components stand out from the noise, but components.max is 3; endmembers will be mixtures of "
        "materials: raise components.max to 5"
    ]


@pytest.mark.parametrize(
    ("shape", "n", "message"),
    [
        ((2, 3, 20), 7, "components.n is 7, but the image has only 6 valid pixels; choose at most 6"),
        ((9, 5, 4), 5, "components.n is 5, but the image has only 4 channels; choose at most 4"),
        ((3, 5, 1), 2, "components.n is 2, but the image has only 1 channel; choose at most 1"),
        ((9, 5, 30), 13, r"components.n is 13, but the PCA keeps 12 components \(denoise.n_components\)"),
    ],
)
def test_more_endmembers_than_data_are_refused(shape, n, message):
    image = poisson_image(shape=shape)
    with pytest.raises(InputError, match=message):
        estimate(image, ComponentOptions(n=n))


def test_a_single_channel_has_one_component():
    image = poisson_image(shape=(3, 5, 1))
    assert estimate(image).attrs["n_endmembers"] == 1


def test_numerical_rank_is_the_limit():
    image = label(expected_counts((8, 21, 30)))
    with pytest.raises(InputError, match=r"components\.n is 4, but the numerical rank of the image is 3"):
        estimate(image, ComponentOptions(n=4))
    assert estimate(image).attrs["n_endmembers"] == 3


def test_invalid_pixels_take_no_part():
    image = poisson_image(mean=100)
    mask = np.ones((30, 41), dtype=bool)
    mask[5:9, 30:33] = False
    masked = image.where(xr.DataArray(mask, dims=("y", "x")), 0).astype(np.uint16)
    rank = estimate(masked.assign_coords(valid_pixel=(("y", "x"), mask)))
    assert rank.attrs["n_endmembers"] == 3


def test_same_result_again_and_for_another_axis_order():
    image = poisson_image(mean=50)
    first = estimate(image)
    xr.testing.assert_identical(first, estimate(image))
    turned = estimate(image.transpose("x", "y", "energy_loss"))
    assert turned.attrs["n_endmembers"] == first.attrs["n_endmembers"]
    np.testing.assert_allclose(turned.attrs["noise_edge"], first.attrs["noise_edge"], rtol=1e-5)


def test_series_of_frames():
    rng = np.random.default_rng(0)
    counts = rng.poisson(expected_counts((30, 41, 64), 100.0)).reshape(3, 10, 41, 64)
    image = xr.DataArray(counts.astype(np.uint16), dims=("frame", "y", "x", "energy_loss"))
    assert estimate(image).attrs["n_endmembers"] == 3


def test_pca_of_another_image_is_refused():
    pca = denoise(poisson_image(shape=(5, 7, 30)), PLAIN)
    with pytest.raises(InputError, match="the PCA belongs to another image than counts"):
        estimate_endmembers(poisson_image(shape=(5, 7, 31)), pca)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 0}, "n needs a whole number of at least 1 or auto, found 0"),
        ({"n": "three"}, "n needs a whole number of at least 1 or auto, found 'three'"),
        ({"n": True}, "n needs a whole number of at least 1 or auto, found True"),
        ({"max": 0}, "max needs a whole number of at least 1, found 0"),
        ({"estimator": "mle"}, "estimator needs auto, marchenko_pastur, .* found 'mle'"),
    ],
)
def test_options_are_checked(options, message):
    with pytest.raises(ValueError, match=message):
        ComponentOptions(**options)
