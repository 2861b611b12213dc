"""VCA: vertices of known simplices, and what must not become a vertex."""

import itertools

import numpy as np
import pytest

from eelsunmix import metrics
from eelsunmix.errors import MethodFailedError
from eelsunmix.methods import LearningSet
from eelsunmix.methods._vertices import clean_pixels
from eelsunmix.methods.vca import VCA
from eelsunmix.numerics.simplex import find_vertices, largest_simplex


def learning_of(spectra, n_components=3):
    """Weighted PCA by a plain singular value decomposition."""
    channel = np.sqrt(np.maximum(spectra.mean(axis=0), 1e-9))
    pixel = np.sqrt(np.maximum(spectra.sum(axis=1) / spectra.sum(axis=1).mean(), 1e-9))
    rows = np.linalg.svd(spectra / channel / pixel[:, None], full_matrices=False)[2]
    return LearningSet(
        spectra=spectra,
        channel_weight=channel,
        pixel_weight=pixel,
        loadings=rows[:n_components] * channel,
        energy=np.arange(float(spectra.shape[1])),
    )


def mixture(n_pixels=300, n_channels=37, dose=1.0, seed=0):
    """Endmembers and noise-free mixtures; the first three pixels are pure."""
    rng = np.random.default_rng(seed)
    endmembers = dose * (20 + 100 * rng.random((3, n_channels)))
    fractions = rng.dirichlet(np.ones(3), n_pixels)
    fractions[:3] = np.eye(3)
    return fractions @ endmembers, endmembers


def worst_angle(endmembers, model):
    found = model.endmembers[metrics.match(endmembers, model.endmembers)]
    return metrics.sad(endmembers, found).max()


@pytest.mark.parametrize("setting", ["eels", "published"])
def test_pure_pixels_are_found_exactly(setting):
    spectra, endmembers = mixture()
    model = VCA(setting=setting).fit(learning_of(spectra), 3, np.random.default_rng(0))
    order = metrics.match(endmembers, model.endmembers)
    np.testing.assert_allclose(model.endmembers[order], endmembers, rtol=1e-8)


def test_thickness_does_not_hide_the_vertices():
    spectra, endmembers = mixture()
    thickness = np.random.default_rng(1).uniform(0.5, 2, (len(spectra), 1))
    model = VCA().fit(learning_of(thickness * spectra), 3, np.random.default_rng(0))
    assert worst_angle(endmembers, model) < 1e-7


def test_the_largest_simplex_is_the_best_of_all_triples():
    rng = np.random.default_rng(2)
    points = np.column_stack([rng.normal(size=(25, 2)), np.ones(25)])
    volumes = {draw: abs(np.linalg.det(points[list(draw)])) for draw in itertools.combinations(range(25), 3)}
    found = largest_simplex(points, n_draws=200, rng=rng)
    assert abs(np.linalg.det(points[found])) == pytest.approx(max(volumes.values()))


def test_more_draws_never_give_less_volume():
    rng = np.random.default_rng(3)
    points = np.column_stack([rng.normal(size=(400, 3)), np.ones(400)])
    sizes = [
        abs(np.linalg.det(points[largest_simplex(points, n_draws=n, rng=np.random.default_rng(5))]))
        for n in (1, 5, 30)
    ]
    assert sizes == sorted(sizes)


def test_vertices_are_distinct_corners():
    points = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [0.3, 0.3, 0.4]])
    for seed in range(20):
        assert sorted(find_vertices(points, np.random.default_rng(seed))) == [0, 1, 2]


def test_the_first_published_vertex_may_lie_on_either_side():
    """Affine coordinates: one score, and the same last coordinate for all points."""
    points = np.column_stack([np.append(np.linspace(-5, 2, 9), 4.0), np.full(10, 5.0)])
    for seed in range(10):
        # The larger score wins in any direction without a part along the last axis; -5 is the farthest.
        assert find_vertices(points, np.random.default_rng(seed), published=True).tolist() == [0, 9]


def test_dark_and_badly_described_pixels_are_no_vertices():
    spectra, endmembers = mixture(dose=30)
    rng = np.random.default_rng(4)
    counts = rng.poisson(spectra).astype(float)
    counts[10] = rng.poisson(0.02 * spectra[10])
    counts[20, 5] += 30_000
    learning = learning_of(counts[np.r_[0:20, 21:300]])
    learning = LearningSet(**{**vars(learning), "spectra": counts, "pixel_weight": np.ones(300)})
    model = VCA().fit(learning, 3, np.random.default_rng(0))
    assert "2 of 300 pixels not considered as vertices" in model.message
    assert worst_angle(endmembers, model) < 0.02


def test_clean_pixels_by_their_numbers():
    chi2, signal = np.array([1.0, 1.1, 0.9, 1.0, 5.0]), np.array([1.0, 1.2, 0.9, 0.05, 1.0])
    np.testing.assert_array_equal(clean_pixels(chi2, signal), [True, True, True, False, False])
    assert clean_pixels(np.zeros(4), np.ones(4)).all()
    assert not clean_pixels(np.ones(4), np.zeros(4)).any()


def test_weights_matter_for_poisson_counts():
    """Weak channels carry the difference, strong ones most of the noise."""
    energy = np.linspace(0, 1, 60)
    endmembers = 3000 * np.exp(-6 * energy) * np.ones((3, 1))
    endmembers[1, 30:] *= 1.5
    endmembers[2, 45:] *= 2.5
    rng = np.random.default_rng(6)
    fractions = rng.dirichlet(np.full(3, 0.5), 600)
    angles = []
    for seed in range(5):
        counts = np.random.default_rng(seed).poisson(fractions @ endmembers).astype(float)
        models = [
            VCA(setting=s).fit(learning_of(counts), 3, np.random.default_rng(0))
            for s in ("eels", "published")
        ]
        angles.append([worst_angle(endmembers / endmembers[0], m_(m, endmembers[0])) for m in models])
    ours, published = np.median(angles, axis=0)
    assert ours < published


def m_(model, unit):
    """The model in units of the common background, so that the angle is not all background."""
    return type(model)(endmembers=model.endmembers / unit)


def test_published_switches_at_low_signal():
    spectra, _ = mixture(dose=0.01)
    counts = np.random.default_rng(7).poisson(spectra).astype(float)
    low = VCA(setting="published").fit(learning_of(counts), 3, np.random.default_rng(0))
    assert low.message.endswith("affine projection")
    high = VCA(setting="published").fit(learning_of(spectra), 3, np.random.default_rng(0))
    assert high.message.endswith("projective projection")
    assert np.isfinite(low.endmembers).all()


@pytest.mark.parametrize("setting", ["eels", "published"])
def test_one_endmember_is_the_mean(setting):
    spectra, _ = mixture()
    model = VCA(setting=setting).fit(learning_of(spectra), 1, np.random.default_rng(0))
    np.testing.assert_array_equal(model.endmembers[0], spectra.mean(axis=0))
    np.testing.assert_array_equal(model.abundances(spectra).mean, 1)


def test_defaults_follow_the_setting():
    assert (VCA().n_draws, VCA().weighted) == (30, True)
    assert (VCA(setting="published").n_draws, VCA(setting="published").weighted) == (1, False)
    assert VCA(setting="published", n_draws=7).n_draws == 7
    with pytest.raises(ValueError, match="setting needs eels or published, found 'fast'"):
        VCA(setting="fast")


def test_nothing_but_dark_pixels_fails_with_the_reason():
    spectra, _ = mixture()
    learning = learning_of(spectra)
    dark = LearningSet(**{**vars(learning), "spectra": np.zeros((9, 37)), "pixel_weight": np.ones(9)})
    with pytest.raises(MethodFailedError, match="only 0 pixels have signal that 3 components describe"):
        VCA().fit(dark, 3, np.random.default_rng(0))
