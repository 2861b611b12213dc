"""Non-local means and its guard on score maps with known noise."""

import numpy as np
import pytest

from eelsunmix.pca.nonlocal_means import nonlocal_means, shifts, significant_loss


def neighbourhood(centre, side, usable):
    """Usable pixels of a square around a pixel."""
    offsets = np.indices((side, side)).reshape(2, -1).T - side // 2
    around = [tuple(pixel) for pixel in (offsets + centre).tolist()]
    return {pixel for pixel in around if pixel in usable}


def patch_distance(scores, variance, p, q, patch, usable):
    shift = np.subtract(q, p)
    pairs = [(a, tuple((a + shift).tolist())) for a in neighbourhood(p, patch, usable)]
    return np.mean(
        [
            2 * ((scores[a] - scores[b]) ** 2).sum() / (variance[a] + variance[b])
            for a, b in pairs
            if b in usable
        ]
    )


def naive(scores, variance, valid, n_compared, strength, window, patch):
    """Non-local means, pixel by pixel as the formula says."""
    usable = {tuple(pixel) for pixel in np.argwhere(valid).tolist()}
    compared, result = scores[..., :n_compared], scores.copy()
    for p in usable:
        weights = {p: 1.0}
        for q in neighbourhood(p, window, usable) - {p}:
            excess = max(patch_distance(compared, variance, p, q, patch, usable) - 2 * n_compared, 0)
            weights[q] = np.exp(-excess / (2 * strength**2 * n_compared))
        result[p] = sum(w * scores[q] for q, w in weights.items()) / sum(weights.values())
    return result


@pytest.mark.parametrize("shape", [(7, 5), (1, 9), (11, 2), (2, 21), (1, 1)])
def test_equals_the_formula(shape):
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(*shape, 4)) + 2.0 * (np.arange(shape[1]) > shape[1] // 2)[:, None]
    variance = rng.uniform(0.5, 2, shape)
    valid = np.ones(shape, dtype=bool)
    valid.flat[3::11] = False
    found = nonlocal_means(scores, variance, valid, n_compared=3, strength=0.8, window=5, patch=3)
    expected = naive(scores, variance, valid, 3, 0.8, 5, 3)
    # Kept in float32.
    np.testing.assert_allclose(found, expected, atol=2e-5)


@pytest.mark.parametrize("shape", [(5, 8), (1, 4), (20, 3)])
def test_every_displacement_comes_once(shape):
    index = np.arange(np.prod(shape)).reshape(shape)
    pairs = set()
    for here, there in shifts(shape, 7):
        new = {frozenset(pair) for pair in zip(index[here].ravel(), index[there].ravel(), strict=True)}
        assert not pairs & new
        pairs |= new
    y, x = np.divmod(np.arange(index.size), shape[1])
    near = (np.abs(y[:, None] - y) <= 3) & (np.abs(x[:, None] - x) <= 3)
    assert len(pairs) == (near.sum() - index.size) // 2


def test_removes_noise_and_keeps_an_interface():
    rng = np.random.default_rng(1)
    truth = np.zeros((40, 31, 3))
    truth[:, 15:] = [12.0, -5.0, 3.0]
    noisy = truth + rng.normal(size=truth.shape)
    smooth = nonlocal_means(noisy, np.ones((40, 31)), np.ones((40, 31), dtype=bool), n_compared=3)
    assert np.mean((smooth - truth) ** 2) < 0.05
    step = smooth[:, 15].mean(axis=0) - smooth[:, 14].mean(axis=0)
    # The mean over 40 rows of unit noise on both sides: 0.22.
    np.testing.assert_allclose(step, [12.0, -5.0, 3.0], atol=0.7)


def test_invalid_pixels_are_neither_used_nor_changed():
    rng = np.random.default_rng(2)
    scores = rng.normal(size=(9, 12, 2))
    valid = np.ones((9, 12), dtype=bool)
    valid[4, 3:6] = False
    variance = np.where(valid, 1.0, np.nan)
    first, second = scores.copy(), scores.copy()
    first[~valid], second[~valid] = np.nan, 1e9
    results = [nonlocal_means(maps, variance, valid, n_compared=2) for maps in (first, second)]
    np.testing.assert_array_equal(results[0][valid], results[1][valid])
    assert np.isnan(results[0][~valid]).all()


def test_arguments_are_not_changed():
    scores, variance = np.random.default_rng(0).normal(size=(5, 6, 2)), np.ones((5, 6))
    copy = scores.copy()
    nonlocal_means(scores, variance, np.ones((5, 6), dtype=bool), n_compared=1)
    np.testing.assert_array_equal(scores, copy)


def test_guard_raises_few_false_alarms():
    rng = np.random.default_rng(3)
    noise = rng.normal(size=(120, 101, 5))
    valid = np.ones((120, 101), dtype=bool)
    found = significant_loss(noise, np.zeros_like(noise), np.ones((120, 101)), valid, probability=1e-4)
    # Five tests a pixel and nine pixels an alarm: 0.45 % of the pixels expected, standard deviation 0.2 %.
    assert found.mean() < 0.012


def test_guard_finds_what_was_smoothed_away():
    rng = np.random.default_rng(4)
    scores = rng.normal(size=(30, 41, 3))
    scores[8, 8] += 10.0
    scores[20:22, 30:32] += 4.0
    valid = np.ones((30, 41), dtype=bool)
    valid[0, :5] = False
    scores[0, :5] = np.nan
    found = significant_loss(scores, np.zeros_like(scores), np.ones((30, 41)), valid, probability=1e-4)
    assert found[8, 8]
    assert found[20:22, 30:32].all()
    assert not found[~valid].any()


@pytest.mark.parametrize(
    ("size", "fraction", "least", "most"), [((2, 2), 0.3, 0.8, 1.2), ((1, 1), 0.7, 0.9, 1.1)]
)
def test_small_features_survive(size, fraction, least, most):
    """A feature in a uniform matrix; the pure material lies 30 standard deviations of noise away."""
    height, width = size
    recovered = []
    for seed in range(6):
        scores = np.random.default_rng(seed).normal(size=(31, 42, 5))
        scores[14 : 14 + height, 20 : 20 + width, 1] += 30 * fraction
        everywhere = np.ones((31, 42), dtype=bool), np.ones((31, 42))
        smooth = nonlocal_means(scores, everywhere[1], everywhere[0], n_compared=5)
        back = significant_loss(scores, smooth, everywhere[1], everywhere[0], probability=1e-4)
        guarded = np.where(back[..., None], scores, smooth)
        recovered.append(guarded[14 : 14 + height, 20 : 20 + width, 1].mean() / (30 * fraction))
    assert least <= np.mean(recovered) <= most
