"""uDAS: denoisers and steps against plain formulas, falling objectives, and recovery of a known scene."""

import dataclasses
import itertools

import numpy as np
import pytest
from scipy.optimize import lsq_linear

from eelsunmix import fit, metrics, synthetic
from eelsunmix.errors import InputError, MethodFailedError
from eelsunmix.learning import learning_set
from eelsunmix.methods import build_method, load_model
from eelsunmix.methods.udas.denoising import denoising_layer, stacked_denoiser
from eelsunmix.methods.udas.objective import Autoencoder, bounded_least_squares
from eelsunmix.methods.udas.sparse_mixtures import SparseMixtures, significant_abundances
from eelsunmix.numerics.abundances import fully_constrained
from eelsunmix.pca import DenoiseOptions, denoise


@pytest.fixture(scope="module")
def scene():
    return synthetic.chequerboard(endmembers="ru3", size=(40, 32), seed=2, counts=1000.0)


@pytest.fixture(scope="module")
def learning(scene):
    pca = denoise(scene.spectrum_image, DenoiseOptions(spatial="none", n_components=8))
    return learning_set(scene.spectrum_image, pca, rng=np.random.default_rng(0))


# --- denoising


def test_a_layer_is_the_average_over_all_corrupted_copies():
    """Least squares on every way to set channels to zero, weighted by its probability."""
    rng = np.random.default_rng(0)
    spectra, corruption, ridge = rng.random((13, 3)), 0.3, 0.7
    extended = np.hstack([spectra, np.ones((13, 1))])
    gram, cross = np.zeros((4, 4)), np.zeros((3, 4))
    for kept in itertools.product([0, 1], repeat=3):
        probability = np.prod([1 - corruption if one else corruption for one in kept])
        copies = extended * [*kept, 1]
        gram += probability * copies.T @ copies
        cross += probability * spectra.T @ copies
    gram[np.arange(3), np.arange(3)] += ridge
    expected = (1 - corruption) * cross @ np.linalg.inv(gram)
    layer = denoising_layer(extended.T @ extended, corruption=corruption, ridge=ridge)
    np.testing.assert_allclose(layer[:3], expected, rtol=1e-10)
    np.testing.assert_array_equal(layer[3], [0, 0, 0, 1])


def test_stacked_layers_follow_the_scatter_of_their_inputs():
    rng = np.random.default_rng(1)
    spectra = rng.random((17, 5))
    expected = spectra
    for _ in range(3):
        extended = np.hstack([expected, np.ones((17, 1))])
        layer = denoising_layer(extended.T @ extended, corruption=0.1, ridge=0.5)
        expected = (extended @ layer.T)[:, :-1]
    found = stacked_denoiser(spectra, n_layers=3, corruption=0.1, ridge=0.5)(spectra)
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_the_ridge_keeps_the_mean_and_shrinks_weak_directions():
    spectra = np.tile([[8.0, 5.01], [8.0, 4.99], [2.0, 5.01], [2.0, 4.99]], (100, 1))
    found = stacked_denoiser(spectra, n_layers=4, corruption=0.0, ridge=1.0)(spectra)
    np.testing.assert_allclose(found.mean(axis=0), spectra.mean(axis=0), rtol=1e-6)
    spread = found.std(axis=0) / spectra.std(axis=0)
    # s / (s + 1) for each layer, with scatters of 3600 and about 0.04.
    assert spread[0] == pytest.approx(1, abs=0.01)
    assert spread[1] < 0.01


# --- the published steps


def network(seed=0):
    rng = np.random.default_rng(seed)
    hidden = rng.dirichlet(np.full(3, 0.4), 61)
    decoder = rng.random((3, 9))
    targets = hidden @ decoder
    ae = Autoencoder(
        inputs=targets + 0.05 * rng.normal(size=targets.shape),
        targets=targets,
        delta=2.0,
        penalty=1e-3,
        gain=1.1,
        upper=1.0,
    )
    return ae, np.clip(decoder + 0.2 * rng.normal(size=(3, 9)), 0, 1), 0.2 * rng.random((3, 9))


@pytest.mark.parametrize("seed", range(5))
def test_no_half_step_raises_the_objective(seed):
    ae, decoder, encoder = network(seed)
    values = [ae.objective(decoder, encoder)]
    for _ in range(15):
        decoder = ae.decoder_step(decoder, encoder)
        values.append(ae.objective(decoder, encoder))
        encoder = ae.encoder_step(decoder, encoder)
        values.append(ae.objective(decoder, encoder))
    # Rounding of a sum of squares.
    assert np.diff(values).max() <= 1e-13 * values[0]
    assert values[-1] < 0.5 * values[0]
    assert 0 <= decoder.min() <= decoder.max() <= 1


def test_the_objective_is_the_one_of_the_paper():
    ae, decoder, encoder = network()
    hidden = np.maximum(ae.inputs @ encoder.T, 0)
    expected = 0.0
    for pixel in range(61):
        expected += 1.1 * np.sum((ae.targets[pixel] - hidden[pixel] @ decoder) ** 2)
        expected += 4.0 * (1 - hidden[pixel].sum()) ** 2
    expected = expected / (2 * 61) + 0.5e-3 * sum(np.sqrt(np.sum(row**2)) for row in encoder)
    assert ae.objective(decoder, encoder) == pytest.approx(expected, rel=1e-12)


def test_the_encoder_goes_down_the_gradient():
    ae, decoder, encoder = network()
    step = ae.encoder_step(decoder, encoder) - encoder
    gradient = np.zeros_like(encoder)
    for place in np.ndindex(*encoder.shape):
        shift = np.zeros_like(encoder)
        shift[place] = 1e-6
        ends = [ae.objective(decoder, encoder + sign * shift) for sign in (1, -1)]
        gradient[place] = (ends[0] - ends[1]) / 2e-6
    cosine = -np.sum(step * gradient) / np.linalg.norm(step) / np.linalg.norm(gradient)
    assert cosine == pytest.approx(1, abs=1e-6)


def test_bounded_least_squares_finds_scipys_minimum():
    rng = np.random.default_rng(3)
    hidden, targets = rng.random((31, 3)), rng.normal(size=(31, 5))
    found = bounded_least_squares(hidden.T @ hidden, hidden.T @ targets, np.full((3, 5), 0.5), upper=0.8)
    for channel in range(5):
        expected = lsq_linear(hidden, targets[:, channel], (0, 0.8), tol=1e-13).x
        np.testing.assert_allclose(found[:, channel], expected, atol=1e-6)


def test_rows_without_weight_stay():
    gram = np.diag([2.0, 0.0])
    found = bounded_least_squares(gram, np.array([[2.0, 4.0], [0.0, 0.0]]), np.full((2, 2), 0.3))
    np.testing.assert_allclose(found, [[1, 2], [0.3, 0.3]])


# --- significant abundances


def test_without_a_threshold_and_noise_the_truth_comes_back():
    rng = np.random.default_rng(4)
    vertices, a = rng.normal(size=(4, 6)), rng.dirichlet(np.ones(4), 23)
    found = significant_abundances(a @ vertices, vertices, np.full(23, 1e-9), 2.0)
    np.testing.assert_allclose(found, a, atol=1e-10)


def test_insignificant_abundances_are_zero_and_the_rest_is_solved_again():
    vertices = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    points = np.array([[0.6, 0.38, 0.02], [0.5, 0.3, 0.2], [-0.1, 1.05, 0.02]])
    found = significant_abundances(points, vertices, np.full(3, 0.03), 2.0)
    np.testing.assert_allclose(found[0], [0.61, 0.39, 0], atol=1e-12)
    np.testing.assert_allclose(found[1], [0.5, 0.3, 0.2], atol=1e-12)
    np.testing.assert_allclose(found[2], [0, 1, 0], atol=1e-12)


def test_each_pixel_is_judged_by_its_own_noise():
    vertices = np.eye(2)
    points = np.array([[0.9, 0.1], [0.9, 0.1]])
    found = significant_abundances(points, vertices, np.array([0.01, 0.2]), 2.0)
    np.testing.assert_allclose(found, [[0.9, 0.1], [1, 0]], atol=1e-12)


def test_sparse_mixtures_never_raise_their_objective():
    rng = np.random.default_rng(5)
    truth = rng.normal(size=(4, 4)) * 5
    points = rng.dirichlet(np.full(4, 0.3), 300) @ truth + 0.3 * rng.normal(size=(300, 4))
    mixtures = SparseMixtures(points=points, deviation=0.2 + 0.2 * rng.random(300), threshold=2.0)
    vertices, a, values = truth + rng.normal(size=(4, 4)), None, []
    for _ in range(12):
        a = mixtures.improved_abundances(a, vertices)
        values.append(mixtures.cost(a, vertices).sum())
        vertices = mixtures.improved_vertices(a, vertices)
        values.append(mixtures.cost(a, vertices).sum())
    assert np.diff(values).max() <= 1e-10 * values[0]


def test_a_vertex_without_pixels_stays_where_it_is():
    mixtures = SparseMixtures(points=np.zeros((5, 2)), deviation=np.ones(5), threshold=2.0)
    vertices = np.array([[0.0, 0.0], [7.0, 3.0]])
    a = np.tile([1.0, 0.0], (5, 1))
    np.testing.assert_allclose(mixtures.improved_vertices(a, vertices), vertices, atol=1e-12)


# --- the method


def test_the_scene_is_found_as_well_as_with_known_endmembers(scene, learning):
    model = build_method("udas").fit(learning, 3, np.random.default_rng(0))
    truth, maps = scene.endmember_spectrum.to_numpy(), scene.abundance.to_numpy().reshape(-1, 3)
    order = metrics.match(truth, model.endmembers)
    oracle = fully_constrained(learning.spectra, truth, channel_weight=learning.channel_weight)
    error = metrics.nmse(maps, model.abundances(learning.spectra).mean[:, order], endmember_axis=1).mean()
    assert error < 1.3 * metrics.nmse(maps, oracle, endmember_axis=1).mean()
    assert model.status == "converged"
    assert np.diff(model.loss).max() <= 1e-9 * model.loss[0]


def test_eels_beats_published(scene, learning):
    truth, maps = scene.endmember_spectrum.to_numpy(), scene.abundance.to_numpy().reshape(-1, 3)
    errors = []
    for setting in ("eels", "published"):
        model = build_method("udas", setting=setting).fit(learning, 3, np.random.default_rng(0))
        order = metrics.match(truth, model.endmembers)
        found = model.abundances(learning.spectra).mean[:, order]
        errors.append(metrics.nmse(maps, found, endmember_axis=1).mean())
    assert errors[0] < 0.5 * errors[1]


def test_the_published_model_is_its_encoder(scene):
    fitted = fit(scene.spectrum_image, "udas", n_endmembers=3, setting="published")
    assert fitted.attrs["model"] == "udas.RectifiedEncoder"
    assert fitted.encoder.dims == ("endmember", "energy_loss")
    model = load_model(fitted)
    spectra = scene.spectrum_image.to_numpy()[3].astype(float)
    expected = np.maximum(spectra @ fitted.encoder.to_numpy().T, 0)
    np.testing.assert_allclose(model.abundances(spectra).mean, expected)
    # Only a penalty holds the sum at one.
    assert model.abundances(spectra).mean.sum(axis=1) == pytest.approx(np.ones(32), abs=0.15)
    assert model.endmembers.min() >= 0
    assert model.endmembers.max() <= float(scene.spectrum_image.max())
    assert (np.diff(fitted.loss) <= 0).all()


@pytest.mark.parametrize("setting", ["eels", "published"])
def test_one_endmember_and_negative_counts(scene, learning, setting):
    method = build_method("udas", setting=setting)
    model = method.fit(learning, 1, np.random.default_rng(0))
    np.testing.assert_allclose(model.endmembers[0], learning.spectra.mean(axis=0), rtol=0.03)
    image = scene.spectrum_image.astype(float) - 120.0
    image.attrs = dict(scene.spectrum_image.attrs)
    fitted = fit(image, method, n_endmembers=3)
    assert fitted.attrs["status"] == "converged", fitted.attrs["message"]
    assert np.isfinite(fitted.endmember_spectrum).all()


def test_published_needs_something_to_divide_by(learning):
    empty = dataclasses.replace(learning, spectra=np.zeros_like(learning.spectra))
    with pytest.raises(MethodFailedError, match="no pixel has positive counts"):
        build_method("udas", setting="published").fit(empty, 3, np.random.default_rng(0))


def test_the_limit_of_iterations_is_a_status(learning):
    model = build_method("udas", n_iterations=2).fit(learning, 3, np.random.default_rng(0))
    assert model.status == "not converged"
    assert "2 iterations, last move" in model.message


def test_denoised_data_are_taken_too(scene, learning):
    exact = dataclasses.replace(
        learning, spectra=scene.expected_counts.to_numpy().reshape(-1, 200).astype(float)
    )
    model = build_method("udas").fit(exact, 3, np.random.default_rng(0))
    truth = scene.endmember_spectrum.to_numpy()
    order = metrics.match(truth, model.endmembers)
    assert metrics.sad(truth, model.endmembers[order]).max() < 0.01


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"setting": "best"}, "setting needs eels or published, found 'best'"),
        ({"n_draws": 0}, "n_draws needs a whole number of at least 1, found 0"),
        ({"n_iterations": 2.5}, "n_iterations needs a whole number of at least 1, found 2.5"),
        ({"threshold": -1.0}, "threshold needs a number of at least 0, found -1.0"),
        ({"tolerance": 0.0}, "tolerance needs a number above 0, found 0.0"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(InputError, match=message):
        build_method("udas", **options)
