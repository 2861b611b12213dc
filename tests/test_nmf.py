"""NMF: known factors, scikit-learn as the oracle, and what a user is told."""

import numpy as np
import pytest
from sklearn.decomposition import NMF as Reference  # noqa: N811

from eelsunmix import metrics
from eelsunmix.errors import MethodFailedError
from eelsunmix.methods import LearningSet
from eelsunmix.methods.nmf import NMF
from eelsunmix.numerics.abundances import non_negative


def learning_of(spectra, n_components=3):
    """Weighted PCA by a plain singular value decomposition."""
    clipped = np.maximum(spectra, 0)
    channel = np.sqrt(np.maximum(clipped.mean(axis=0), 1e-9))
    pixel = np.sqrt(np.maximum(clipped.sum(axis=1) / clipped.sum(axis=1).mean(), 1e-9))
    rows = np.linalg.svd(spectra / channel / pixel[:, None], full_matrices=False)[2]
    return LearningSet(
        spectra=spectra,
        channel_weight=channel,
        pixel_weight=pixel,
        loadings=rows[:n_components] * channel,
        energy=np.arange(float(spectra.shape[1])),
    )


def mixture(n_pixels=200, n_channels=37, counts=400.0, seed=0):
    """Poisson counts of three decaying spectra with edges, and the truth."""
    rng = np.random.default_rng(seed)
    endmembers = counts * np.linspace(1, 0.2, n_channels) ** 2 * np.ones((3, 1))
    endmembers[1, 12:] *= 1.6
    endmembers[2, 25:] *= 2.5
    fractions = rng.dirichlet(np.full(3, 0.4), n_pixels)
    return rng.poisson(fractions @ endmembers).astype(float), endmembers, fractions


@pytest.mark.parametrize(
    "options", [{}, {"loss": "kullback-leibler"}, {"init": "vca", "max_iter": 5000, "tolerance": 0.01}]
)
def test_mixtures_are_taken_apart(options):
    spectra, endmembers, fractions = mixture()
    model = NMF(**options).fit(learning_of(spectra), 3, np.random.default_rng(0))
    order = metrics.match(endmembers, model.endmembers)
    error = metrics.nmse(fractions, model.abundances(spectra).mean[:, order], endmember_axis=1)
    # Fully constrained least squares on the true endmembers gives 0.02.
    assert error.max() < 0.08
    assert model.status == "converged"
    assert model.abundances(spectra).mean.min() >= 0
    assert model.endmembers.min() >= 0


def test_published_is_what_scikit_learn_gives_by_default():
    spectra, _, _ = mixture()
    model = NMF(setting="published").fit(learning_of(spectra), 3, np.random.default_rng(3))
    seed = int(np.random.default_rng(3).integers(2**31))
    reference = Reference(3, random_state=seed).fit(spectra).components_
    order = metrics.match(reference, model.endmembers)
    assert metrics.sad(reference, model.endmembers[order]).max() < 1e-12
    assert model.channel_weight is None


def test_start_from_the_vertices_beats_the_published_start():
    ours, published = [], []
    for seed in range(3):
        spectra, endmembers, fractions = mixture(seed=seed)
        for errors, options in ((ours, {}), (published, {"setting": "published"})):
            model = NMF(**options).fit(learning_of(spectra), 3, np.random.default_rng(0))
            order = metrics.match(endmembers, model.endmembers)
            maps = model.abundances(spectra).mean[:, order]
            errors.append(metrics.nmse_scale_free(fractions, maps, endmember_axis=1).mean())
    assert np.median(ours) < 0.5 * np.median(published)


def test_it_stays_beside_the_oracle_where_the_purest_pixels_do_not_lead():
    ratios = []
    for seed in range(3):
        spectra, endmembers, fractions = mixture(n_pixels=900, n_channels=60, counts=1500.0, seed=seed)
        best = non_negative(spectra, endmembers, channel_weight=np.sqrt(spectra.mean(axis=0)))
        model = NMF().fit(learning_of(spectra), 3, np.random.default_rng(0))
        maps = model.abundances(spectra).mean[:, metrics.match(endmembers, model.endmembers)]
        errors = [metrics.nmse_scale_free(fractions, one, endmember_axis=1).mean() for one in (maps, best)]
        ratios.append(errors[0] / errors[1])
    assert np.median(ratios) < 1.15  # 1.35 from the purest pixels, 2.1 where the descent goes on


def test_abundances_sum_to_one_as_nearly_as_they_can():
    spectra, endmembers, _ = mixture(counts=1e5)
    model = NMF().fit(learning_of(spectra), 3, np.random.default_rng(0))
    sums = model.abundances(spectra).mean.sum(axis=1)
    assert sums.mean() == pytest.approx(1, abs=1e-6)
    assert sums.std() < 0.02
    order = metrics.match(endmembers, model.endmembers)
    np.testing.assert_allclose(model.endmembers[order].sum(axis=1), endmembers.sum(axis=1), rtol=0.05)


def test_too_few_iterations_are_admitted():
    spectra, _, _ = mixture()
    model = NMF(max_iter=2).fit(learning_of(spectra), 3, np.random.default_rng(0))
    assert model.status == "not converged"
    assert model.message == "2 iterations (the limit is 2)"


@pytest.mark.guarantee(9)
def test_negative_counts_are_counted():
    spectra, _, _ = mixture()
    spectra[5, 30:33] = -2.0
    copy = spectra.copy()
    model = NMF().fit(learning_of(spectra), 3, np.random.default_rng(0))
    np.testing.assert_array_equal(spectra, copy)
    share = 100 * 6 / np.abs(spectra).sum()
    assert f"3 negative counts set to zero ({share:.2g} % of all counts)" in model.message


def test_weights_are_the_poisson_scaling():
    spectra, _, _ = mixture()
    learning = learning_of(spectra)
    model = NMF(init="nndsvda", max_iter=5, tolerance=1e-12).fit(learning, 3, np.random.default_rng(1))
    seed = int(np.random.default_rng(1).integers(2**31))
    scaled = spectra / learning.channel_weight / learning.pixel_weight[:, None]
    with pytest.warns(UserWarning, match="Maximum number of iterations"):
        rows = Reference(3, init="nndsvda", max_iter=5, tol=1e-12, random_state=seed).fit(scaled).components_
    expected = rows * learning.channel_weight
    order = metrics.match(expected, model.endmembers)
    assert metrics.sad(expected, model.endmembers[order]).max() < 1e-12


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"setting": "best"}, "setting needs eels or published, found 'best'"),
        ({"loss": "itakura-saito"}, "loss needs frobenius or kullback-leibler"),
        ({"loss": "kullback-leibler", "weighted": True}, "goes with loss: frobenius"),
        ({"init": "zeros"}, "init needs simplex, vca, nndsvda, nndsvd, nndsvdar or random"),
        ({"max_iter": 0}, "max_iter needs a whole number of at least 1, found 0"),
        ({"tolerance": -1.0}, "tolerance needs a number above 0, found -1"),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        NMF(**options)


def test_defaults_follow_the_setting():
    published = NMF(setting="published")
    assert (published.weighted, published.init, published.max_iter) == (False, "nndsvda", 200)
    assert published.tolerance == NMF(init="nndsvda").tolerance == 1e-4
    assert NMF(loss="kullback-leibler").weighted is False


@pytest.mark.parametrize("setting", ["eels", "published"])
def test_one_endmember_is_found_at_once(setting):
    spectra, _, _ = mixture()
    model = NMF(setting=setting).fit(learning_of(spectra, 1), 1, np.random.default_rng(0))
    assert model.status == "converged"
    singular = np.abs(np.linalg.svd(spectra)[2][0])
    assert metrics.sad(singular, model.endmembers[0]) < 0.02


def test_where_the_simplex_fails_the_purest_spectra_are_the_start_and_the_log_says_so(monkeypatch, caplog):
    learning = learning_of(mixture()[0])

    def fails(*_):
        raise MethodFailedError("no pixel has positive counts")

    with monkeypatch.context() as patch:
        patch.setattr("eelsunmix.methods.udas.UDAS.fit", fails)
        found = NMF(max_iter=50).fit(learning, 3, np.random.default_rng(1))
    assert (
        "NMF starts at the purest spectra: the simplex of uDAS failed (no pixel has positive" in caplog.text
    )
    expected = NMF(init="vca", max_iter=50).fit(learning, 3, np.random.default_rng(1))
    np.testing.assert_array_equal(found.endmembers, expected.endmembers)
