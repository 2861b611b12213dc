"""ICA: known independent edges, fixed signs and order, honest convergence."""

import dataclasses

import numpy as np
import pytest

from eelsunmix import metrics, synthetic
from eelsunmix.errors import MethodFailedError
from eelsunmix.learning import learning_set
from eelsunmix.methods import LearningSet, LinearModel
from eelsunmix.methods.ica import _CONTRASTS, ICA, power_law, refuted_independence
from eelsunmix.pca import DenoiseOptions, denoise


def learning_of(spectra, n_components=3):
    """Weighted PCA by a plain singular value decomposition."""
    channel = np.sqrt(spectra.mean(axis=0))
    pixel = np.sqrt(spectra.sum(axis=1) / spectra.sum(axis=1).mean())
    rows = np.linalg.svd(spectra / channel / pixel[:, None], full_matrices=False)[2]
    return LearningSet(
        spectra=spectra,
        channel_weight=channel,
        pixel_weight=pixel,
        loadings=rows[:n_components] * channel,
        energy=np.arange(float(spectra.shape[1])),
    )


def edges_on_background(n_pixels=150, n_channels=90, seed=0):
    """Noise-free sums of a background and two sharp edges, whose differences hardly overlap."""
    rng = np.random.default_rng(seed)
    energy = np.linspace(1, 3, n_channels)
    background = 1000 * energy**-2.0
    components = background * np.stack([np.ones(n_channels), energy > 1.5, energy > 2.2])
    amounts = rng.uniform(0.2, 1, (n_pixels, 3))
    return amounts @ components, components, amounts


def test_independent_edges_are_taken_apart():
    spectra, components, amounts = edges_on_background()
    model = ICA().fit(learning_of(spectra), 3, np.random.default_rng(0))
    order = metrics.match(components, model.endmembers)
    error = metrics.nmse_scale_free(
        amounts[:, 1:], model.abundances(spectra).mean[:, order][:, 1:], endmember_axis=1
    )
    assert error.max() < 0.05
    assert model.status == "converged"
    assert model.signed


@pytest.mark.parametrize("setting", ["eels", "published"])
def test_the_components_span_the_data(setting):
    spectra, _, _ = edges_on_background()
    model = ICA(setting=setting).fit(learning_of(spectra), 3, np.random.default_rng(0))
    np.testing.assert_allclose(model.abundances(spectra).mean @ model.endmembers, spectra, rtol=1e-9)


@pytest.mark.parametrize("setting", ["eels", "published"])
def test_sign_scale_and_order_are_settled(setting):
    spectra, _, _ = edges_on_background()
    model = ICA(setting=setting).fit(learning_of(spectra), 3, np.random.default_rng(0))
    values = model.abundances(spectra).mean
    assert (values.mean(axis=0) > 0).all()
    assert values.sum(axis=1).mean() == pytest.approx(1)
    sizes = np.abs(model.endmembers).sum(axis=1)
    np.testing.assert_allclose(sizes, sizes[0])
    contribution = np.abs(values).mean(axis=0) * sizes
    assert (np.diff(contribution) <= 0).all()


def test_signs_of_the_loadings_do_not_matter():
    spectra, _, _ = edges_on_background()
    learning = learning_of(spectra)
    flipped = dataclasses.replace(learning, loadings=learning.loadings * [[-1], [1], [-1]])
    first, second = (ICA().fit(each, 3, np.random.default_rng(0)) for each in (learning, flipped))
    np.testing.assert_allclose(first.endmembers, second.endmembers, rtol=1e-6, atol=1e-9)


def test_any_seed_finds_the_same_components():
    spectra, _, _ = edges_on_background()
    models = [ICA().fit(learning_of(spectra), 3, np.random.default_rng(seed)) for seed in range(4)]
    for model in models[1:]:
        order = metrics.match(models[0].endmembers, model.endmembers)
        assert metrics.sad(models[0].endmembers, model.endmembers[order]).max() < 5e-4


def test_published_equals_the_differences_of_an_unweighted_pca():
    from sklearn.decomposition import FastICA

    spectra, _, _ = edges_on_background()
    model = ICA(setting="published").fit(learning_of(spectra), 3, np.random.default_rng(2))
    rows = np.linalg.svd(spectra, full_matrices=False)[2][:3]
    reference = FastICA(whiten="unit-variance", max_iter=1000, tol=1e-10, random_state=0)
    expected = reference.fit(np.diff(rows, axis=1).T).components_ @ rows
    order = metrics.match(expected, model.endmembers, distance=_line_angle)
    assert _line_angle(expected, model.endmembers[order]).max() < 1e-3


def _line_angle(first, second):
    """Angle between lines: the sign of a reference component is arbitrary."""
    return np.minimum(metrics.sad(first, second), metrics.sad(first, -second))


def test_too_few_iterations_are_admitted():
    spectra, _, _ = edges_on_background()
    model = ICA(max_iter=1).fit(learning_of(spectra), 3, np.random.default_rng(0))
    assert model.status == "not converged"
    assert model.message == "1 iterations (the limit is 1)"


def test_one_component_is_the_first_loading():
    spectra, _, _ = edges_on_background()
    learning = learning_of(spectra)
    model = ICA().fit(learning, 1, np.random.default_rng(0))
    assert _line_angle(model.endmembers, learning.loadings[:1]).max() < 1e-12


def test_too_few_channels_fail_with_the_reason():
    spectra = 1 + np.random.default_rng(0).random((20, 3))
    with pytest.raises(
        MethodFailedError, match="3 components, but their channels differ in 1 independent ways"
    ):
        ICA().fit(learning_of(spectra), 3, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"setting": "x"}, "setting needs eels or published"),
        ({"contrast": "tanh"}, "contrast needs logcosh, exp or cube"),
        ({"max_iter": 0}, "max_iter needs a whole number of at least 1"),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        ICA(**options)


@pytest.mark.parametrize("exponent", [1.5, 3.0, 4.5])
def test_power_law_is_that_of_the_background_beside_edges(exponent):
    energy = np.linspace(200.0, 900.0, 211)
    mean = 1e4 * (energy / 200) ** -exponent
    mean[60:] += 0.5 * mean[60] * (energy[60:] / energy[60]) ** -exponent
    mean[150:] += 0.5 * mean[150] * (energy[150:] / energy[150]) ** -exponent
    law = power_law(mean, energy)
    assert np.polyfit(np.log(energy), np.log(law), 1)[0] == pytest.approx(-exponent, abs=1e-6)


@pytest.mark.parametrize("offset", [-0.2, 0.0, 0.01])
def test_power_law_is_finite_on_axes_that_begin_at_zero(offset):
    energy = offset + 0.01 * np.arange(150)
    mean = np.where(energy > 0.1, 50.0, 0.0)
    law = power_law(mean, energy)
    assert np.isfinite(law).all()
    assert law.min() > 0
    np.testing.assert_array_equal(power_law(np.zeros(150), energy), 1.0)


def test_many_starts_find_one_solution_where_single_ones_find_two():
    scene = synthetic.chequerboard(endmembers="k4", seed=1010, counts=100.0)
    pca = denoise(scene.spectrum_image, DenoiseOptions(spatial="none"))
    learning = learning_set(scene.spectrum_image, pca, rng=np.random.default_rng(0))

    def endmembers(method, seed):
        return method.fit(learning, 4, np.random.default_rng(seed)).endmembers

    def apart(first, second):
        return metrics.sad(first, second[metrics.match(first, second)]).max()

    single = [endmembers(ICA(n_starts=1), seed) for seed in range(6)]
    assert max(apart(single[0], other) for other in single) > 0.05
    many = [endmembers(ICA(), seed) for seed in range(3)]
    assert max(apart(many[0], other) for other in many) < 1e-3


@pytest.mark.parametrize("contrast", ["logcosh", "exp", "cube"])
def test_contrasts_know_the_mean_of_a_normal_variable(contrast):
    function, of_normal = _CONTRASTS[contrast]
    points = np.linspace(-12, 12, 100_001)
    density = np.exp(-(points**2) / 2) / np.sqrt(2 * np.pi)
    assert np.trapezoid(function(points) * density, points) == pytest.approx(of_normal, abs=1e-8)


def test_starts_are_counted():
    with pytest.raises(ValueError, match="n_starts needs a whole number of at least 1, found 0"):
        ICA(n_starts=0)


def test_components_that_no_pixel_could_hold_refute_independence():
    clean, _, _ = edges_on_background()
    assert "refuted" not in ICA().fit(learning_of(clean), 3, np.random.default_rng(0)).message
    counts = synthetic.multilayer(shape=(12, 60), seed=1).spectrum_image.to_numpy().reshape(720, 200)
    model = ICA().fit(learning_of(counts.astype(float)), 3, np.random.default_rng(0))
    assert "independence is refuted: " in model.message
    assert "% of the pixels in component" in model.message
    assert model.status == "converged"


def test_spectra_below_zero_refute_independence_and_one_component_never_does():
    spectra, components, _ = edges_on_background()
    learning = learning_of(spectra)
    turned = np.stack([components[0], components[1] - 3 * components[2], components[2]])
    model = LinearModel(endmembers=turned, non_negative=False)
    assert "% of the counts of component 1 are below zero" in refuted_independence(model, learning)
    one = LinearModel(endmembers=-components[:1], non_negative=False)
    assert refuted_independence(one, learning) == ""
