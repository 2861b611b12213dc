"""BLU: kernels against exact distributions, the chain, and what the model says of its certainty."""

import dataclasses

import numpy as np
import pytest
import xarray as xr
from scipy import integrate, special, stats

from eelsunmix import apply, fit, metrics, synthetic
from eelsunmix.errors import InputError, MethodFailedError
from eelsunmix.learning import learning_set
from eelsunmix.mapping.abundance_maps import map_abundance
from eelsunmix.methods import LearningSet, build_method, load_model
from eelsunmix.methods.blu import kernels
from eelsunmix.methods.blu.chain_statistics import effective_sample_size, split_rhat
from eelsunmix.methods.blu.gibbs import Posterior, nearest_mixtures, run_chain
from eelsunmix.methods.blu.model import MAP_DRAWS, BayesianModel, relative_variance
from eelsunmix.methods.blu.threads import n_threads_allowed
from eelsunmix.numerics.abundances import fully_constrained
from eelsunmix.pca import DenoiseOptions, denoise

SHORT = {"n_sweeps": 120, "n_burn_in": 40}


def learning_of(image):
    pca = denoise(image, DenoiseOptions(spatial="none", n_components=8))
    return learning_set(image, pca, rng=np.random.default_rng(0))


@pytest.fixture(scope="module")
def scene():
    return synthetic.chequerboard(endmembers="ru3", size=(40, 32), seed=2, counts=1000.0)


@pytest.fixture(scope="module")
def learning(scene):
    return learning_of(scene.spectrum_image)


def toy(seed=0, *, faces=True, n_pixels=37, n_channels=11):
    """A small posterior with known ingredients: two dimensions, three endmembers."""
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.normal(size=(n_channels, 2)))[0].T
    start = np.array([[4.0, 0.0], [-2.0, 3.0], [-2.0, -3.0]])
    a = rng.dirichlet(np.full(3, 0.5), n_pixels)
    return Posterior(
        points=a @ start + 0.3 * rng.normal(size=(n_pixels, 2)),
        relative_variance=0.5 + rng.random(n_pixels),
        axes=axes,
        origin=np.full(n_channels, 20.0),
        power_outside=0.09 * n_pixels * (n_channels - 2),
        start=start,
        prior_variance=8.0,
        face_prior=faces,
    )


# --- random numbers


def test_philox_gives_the_known_answer():
    # Random123, kat_vectors: philox4x32 10, counter and key zero.
    first, second = kernels.philox(0, 0, 0, 0)
    assert (int(first), int(second)) == (0x6627E8D5E169C58D, 0xBC57AC4C9B00DBD8)


def test_every_counter_gives_other_uniform_numbers():
    draws = [
        kernels.uniform(np.uint64(word))
        for counter in np.ndindex(12, 25, 3)
        for word in kernels.philox(99, *counter)
    ]
    assert len(set(draws)) == len(draws)
    assert stats.kstest(draws, "uniform").pvalue > 1e-3


@pytest.mark.parametrize(
    ("low", "high"),
    [
        (-1.0, 2.0),
        (0.5, 9.0),
        (3.0, 5.0),
        (-50.0, 60.0),
        (8.0, 9.0),
        (-9.0, -8.5),
        (31.0, 40.0),
        (-1e-9, 2e-9),
    ],
)
def test_truncated_normals_follow_scipy(low, high):
    u = np.random.default_rng(1).random(4000)
    found = np.array([kernels.drawn(low, high, 0.0, 0.0, value) for value in u])
    assert low <= found.min()
    assert found.max() <= high
    assert stats.kstest(found, stats.truncnorm(low, high).cdf).pvalue > 1e-3


def test_truncated_normals_are_the_quantiles():
    u = np.linspace(0.001, 0.999, 333)
    for low, high in [(-2.5, 1.5), (1.0, 4.0), (-20.0, -6.0)]:
        found = [kernels.drawn(low, high, 0.0, 0.0, value) for value in u]
        # The oracle loses digits in the tails, not the kernel.
        np.testing.assert_allclose(found, stats.truncnorm(low, high).ppf(u), rtol=1e-9, atol=1e-9)


def test_upper_quantile_is_precise():
    p = np.concatenate([10.0 ** -np.arange(1.0, 200.0, 3.7), np.linspace(0.01, 0.99, 77)])
    found = np.array([kernels.upper_quantile(value) for value in p])
    np.testing.assert_allclose(found, -special.ndtri(p), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(
    ("low", "high"), [(-1.0, 2.0), (0.0, 30.0), (-7.0, -0.2), (5.0, 6.0), (-33.0, -29.0), (2.0, 2.0 + 1e-8)]
)
def test_the_ends_of_an_interval_have_their_mass(low, high):
    near = np.clip(0, low, high)  # the densities relative to the one here: none is too small for a number
    first, last = np.exp((near**2 - np.square([low, high])) / 2)
    between = integrate.quad(
        lambda x: np.exp((near**2 - x**2) / 2), low, high, points=[(near + low) / 2, (near + high) / 2]
    )[0]
    # Mass at the ends as large as that between them, where it does not take more than a huge density.
    at_low, at_high = (min(between / density, 1e6) for density in (first, last))
    total = at_low * first + between + at_high * last
    u = (np.arange(30_000) + 0.5) / 30_000
    found = np.array([kernels.drawn(low, high, at_low, at_high, value) for value in u])
    assert np.mean(found == low) == pytest.approx(at_low * first / total, abs=1e-4)
    assert np.mean(found == high) == pytest.approx(at_high * last / total, abs=1e-4)
    assert np.all(np.diff(found) >= 0)


def test_tables_and_formulas_agree():
    """The same draws by both ways, for intervals that the tables reach; NaN for those that they do not."""
    rng = np.random.default_rng(8)
    low = rng.uniform(-15, 8, 5000)
    rows = np.column_stack([low, low + rng.exponential(4, 5000), *rng.exponential(1, (2, 5000))])
    u = rng.random(5000)
    looked_up = np.array([kernels._looked_up(*row, value) for row, value in zip(rows, u, strict=True)])
    worked_out = np.array([kernels._worked_out(*row, value) for row, value in zip(rows, u, strict=True)])
    reached = np.isfinite(looked_up)
    least = np.where(rows[:, 0] + rows[:, 1] < 0, -rows[:, 1], rows[:, 0])
    np.testing.assert_array_equal(reached, least < 8.3)
    np.testing.assert_allclose(looked_up[reached], worked_out[reached], rtol=1e-9, atol=1e-9)
    assert np.isnan(kernels._looked_up(9.0, 11.0, 1.0, 1.0, 0.5))


# --- conditional distributions


def swept(n_draws, *, faces, n_pixels=4000, point=(0.35,), deviation=0.4):
    """Many copies of one pixel between two or more vertices after some sweeps, shape (pixel, endmember)."""
    point = np.asarray(point)
    n_endmembers = len(point) + 1
    vertices = np.vstack([np.zeros(len(point)), np.eye(len(point))])
    a = np.full((n_pixels, n_endmembers), 1.0 / n_endmembers)
    points = np.tile(point, (n_pixels, 1))
    for sweep in range(n_draws):
        kernels.sweep_abundances(
            7, sweep, 0, sweep % n_endmembers, 1, points, np.full(n_pixels, deviation), vertices, faces, a
        )
    return a


def test_two_endmembers_give_a_truncated_normal():
    a = swept(1, faces=np.empty(0))
    np.testing.assert_allclose(a.sum(axis=1), 1, rtol=1e-14)
    expected = stats.truncnorm((0 - 0.35) / 0.4, (1 - 0.35) / 0.4, loc=0.35, scale=0.4)
    assert stats.kstest(a[:, 1], expected.cdf).pvalue > 1e-3


def test_three_endmembers_give_the_normal_on_the_triangle():
    a = swept(40, faces=np.empty(0), point=(0.3, 0.1), deviation=0.2)
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, 401)] * 2, indexing="ij"), axis=-1).reshape(-1, 2)
    grid = grid[grid.sum(axis=1) <= 1]
    density = np.exp(-np.sum((grid - [0.3, 0.1]) ** 2, axis=1) / (2 * 0.2**2))
    mean = density @ grid / density.sum()
    second = density @ grid**2 / density.sum()
    # Four standard errors of 4000 independent chains.
    margin = 4 * np.sqrt(second - mean**2) / np.sqrt(len(a))
    assert np.all(np.abs(a[:, 1:].mean(axis=0) - mean) < margin)
    assert np.all(np.abs((a[:, 1:] ** 2).mean(axis=0) - second) < 2 * margin)


def test_faces_get_their_exact_probabilities():
    prior = np.array([0.1, 0.2, 0.3, 0.4])  # none, the first, the second, both
    a = swept(30, faces=prior)
    likelihood = np.array([0.0, np.exp(-(0.35**2) / 0.32), np.exp(-(0.65**2) / 0.32), 0.0])
    likelihood[3] = 0.4 * np.sqrt(2 * np.pi) * (stats.norm.cdf(0.65 / 0.4) - stats.norm.cdf(-0.35 / 0.4))
    expected = prior * likelihood / (prior @ likelihood)
    found = [np.mean(a[:, 1] == 0), np.mean(a[:, 0] == 0), np.mean((a > 0).all(axis=1))]
    np.testing.assert_allclose(found, expected[1:], atol=4 * 0.5 / np.sqrt(len(a)))


def test_triangles_and_their_sides_are_weighed_by_their_densities():
    # Without a likelihood (huge noise) the prior must come back: uniform within each face.
    prior = np.array([1e-9, 0.05, 0.1, 0.15, 0.2, 0.1, 0.1, 0.3])
    a = swept(60, faces=prior, point=(0.2, 0.3), deviation=1e4)
    bits = (a > 0) @ [1, 2, 4]
    found = np.bincount(bits, minlength=8) / len(a)
    np.testing.assert_allclose(found, prior / prior.sum(), atol=4 * 0.5 / np.sqrt(len(a)))
    inside = a[bits == 7]
    assert stats.kstest(inside[:, 0], stats.beta(1, 2).cdf).pvalue > 1e-3


def test_a_pixel_does_not_care_where_it_stands():
    rng = np.random.default_rng(9)
    vertices, faces = np.eye(3)[:, :2].copy(), np.full(8, 1 / 8)
    start = rng.dirichlet(np.ones(3), 700)  # three rounds of lanes, the last one not full
    points = start @ vertices + 0.1 * rng.normal(size=(700, 2))
    together, alone = start.copy(), start.copy()
    deviation = np.full(700, 0.1)
    kernels.sweep_abundances(3, 1, 0, 1, 2, points, deviation, vertices, faces, together)
    for first, last in [(0, 1), (1, 257), (257, 300), (300, 700)]:
        part = slice(first, last)
        kernels.sweep_abundances(
            3, 1, first, 1, 2, points[part], deviation[part], vertices, faces, alone[part]
        )
    np.testing.assert_array_equal(alone, together)
    np.testing.assert_allclose(together.sum(axis=1), 1, rtol=1e-14)
    assert np.mean(together != start) > 0.9


def test_sums_are_matrix_products():
    rng = np.random.default_rng(3)
    a, points, precision = rng.dirichlet(np.ones(4), 23), rng.normal(size=(23, 3)), rng.random(23)
    sums = np.empty((4, 7))
    kernels.gather(points, precision, a, sums)
    np.testing.assert_allclose(sums, (a * precision[:, None]).T @ np.hstack([a, points]), rtol=1e-13)
    faces = np.empty(16, np.int64)
    a[:5, 2] = 0
    kernels.count_faces(a, faces)
    assert (faces[0b1111], faces[0b1011]) == (18, 5)


def test_vertices_follow_their_conditional_normal():
    rng = np.random.default_rng(4)
    sums = np.array([[9.0, 2.0, 3.0], [2.0, 5.0, -4.0]])  # two endmembers on a line
    gram, pull = sums[:, :2] / 0.5 + np.eye(2) / 3.0, sums[:, 2] / 0.5 + np.array([1.0, -1.0]) / 3.0
    vertices, draws = np.array([[1.0], [-1.0]]), []
    for _ in range(4000):
        room = np.full((2, 6), 1e6)
        kernels.sweep_vertices(
            rng.random((2, 2, 1)), sums, 0.5, np.array([[1.0], [-1.0]]), 3.0, np.eye(6)[:1], room, vertices
        )
        draws.append(vertices[:, 0].copy())
    expected = np.linalg.solve(gram, pull)
    covariance = np.linalg.inv(gram)
    np.testing.assert_allclose(
        np.mean(draws, axis=0), expected, atol=0.03 * np.sqrt(covariance.diagonal().max()) * 3
    )
    np.testing.assert_allclose(np.cov(np.transpose(draws)), covariance, atol=0.1 * covariance.max())


def test_vertices_stay_above_their_limit():
    rng = np.random.default_rng(5)
    sums = np.array([[4.0, 0.0, -80.0], [0.0, 4.0, 0.0]])  # the data pull the first far below zero
    vertices = np.array([[1.0], [-1.0]])
    axes = np.array([[0.6, -0.8]])
    room = np.array([5.0, 5.0]) + vertices @ axes
    for _ in range(50):
        kernels.sweep_vertices(rng.random((1, 2, 1)), sums, 1.0, np.zeros((2, 1)), 1e6, axes, room, vertices)
        spectra = np.array([5.0, 5.0]) + vertices @ axes
        assert spectra.min() >= -1e-12
        np.testing.assert_allclose(room, spectra, rtol=1e-12, atol=1e-12)


# --- the chain


@pytest.mark.guarantee(34)
def test_the_number_of_threads_changes_no_bit():
    posterior = toy(n_pixels=3000)  # three blocks
    one, two = (
        run_chain(
            posterior, n_sweeps=25, n_burn_in=5, n_passes=2, rng=np.random.default_rng(1), n_threads=number
        )
        for number in (1, 2)
    )
    for item in dataclasses.fields(one):
        np.testing.assert_array_equal(getattr(one, item.name), getattr(two, item.name))


def test_threads_are_as_many_as_the_environment_allows(monkeypatch):
    monkeypatch.delenv("NUMBA_NUM_THREADS", raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert n_threads_allowed() == 3
    monkeypatch.setenv("NUMBA_NUM_THREADS", "5")
    assert n_threads_allowed() == 5
    monkeypatch.setenv("NUMBA_NUM_THREADS", "many")
    monkeypatch.setenv("OMP_NUM_THREADS", "2,1")
    assert n_threads_allowed() >= 1


def test_the_variance_of_the_noise_is_found():
    chain = run_chain(
        toy(), n_sweeps=400, n_burn_in=100, n_passes=1, rng=np.random.default_rng(2), n_threads=1
    )
    # 37 x 11 values of variance 0.09 and relative variance of about one: 7 % is one standard error.
    assert chain.variance[100:].mean() == pytest.approx(0.09, rel=0.3)
    assert chain.face_probability.sum() == pytest.approx(1)


def test_the_chain_agrees_with_an_independent_sampler():
    """Posterior means of abundances with everything else pinned, against importance sampling in NumPy."""
    posterior = toy(faces=False, n_pixels=2)
    chain = run_chain(
        dataclasses.replace(posterior, prior_variance=1e-12, power_outside=0.09 * 2e6),
        n_sweeps=4000,
        n_burn_in=100,
        n_passes=1,
        rng=np.random.default_rng(3),
        n_threads=1,
    )
    # With pinned vertices and a pinned variance: normals around the points, confined to the triangle.
    rng = np.random.default_rng(4)
    a = rng.dirichlet(np.ones(3), 400_000)
    for pixel in range(2):
        variance = chain.variance[100:].mean() * posterior.relative_variance[pixel]
        misfit = np.sum((a @ posterior.start - posterior.points[pixel]) ** 2, axis=1)
        weight = np.exp(-(misfit - misfit.min()) / (2 * variance))
        expected = weight @ a / weight.sum()
        sd = np.sqrt(weight @ (a - expected) ** 2 / weight.sum())
        np.testing.assert_allclose(chain.abundance[pixel], expected, atol=0.15 * sd.max())


def test_effective_sample_size_and_rhat_know_autoregressions():
    rng = np.random.default_rng(6)
    noise = rng.normal(size=(6000, 3))
    series = noise.copy()
    for number in range(1, len(series)):
        series[number, 1:] = 0.8 * series[number - 1, 1:] + noise[number, 1:]
    series[:, 2] += np.linspace(0, 8, len(series))
    size, rhat = effective_sample_size(series), split_rhat(series)
    # White noise: all count. Autoregression: (1 - 0.8) / (1 + 0.8) of them. A trend: R-hat shows it.
    assert size[0] == pytest.approx(6000, rel=0.15)
    assert size[1] == pytest.approx(6000 / 9, rel=0.3)
    assert rhat[:2].max() < 1.02
    assert rhat[2] > 1.3
    assert size[2] < 50


def test_constant_draws_are_no_problem():
    assert split_rhat(np.ones((40, 2))).tolist() == [1, 1]
    assert np.isfinite(effective_sample_size(np.ones((41, 2)))).all()


def test_nearest_mixtures_take_a_vertex_at_zero():
    points = np.array([[0.2, 0.1], [-1.0, -1.0]])
    vertices = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    np.testing.assert_allclose(nearest_mixtures(points, vertices), [[0.7, 0.2, 0.1], [1, 0, 0]], atol=1e-12)
    assert nearest_mixtures(np.zeros((4, 0)), np.zeros((1, 0))).tolist() == [[1.0]] * 4


# --- the method


def test_endmembers_maps_and_their_deviations_are_found(scene, learning):
    model = build_method("blu", n_sweeps=600, n_burn_in=200).fit(learning, 3, np.random.default_rng(0))
    truth, true_maps = scene.endmember_spectrum.to_numpy(), scene.abundance.to_numpy().reshape(-1, 3)
    order = metrics.match(truth, model.endmembers)
    maps, sd = model.abundances(learning.spectra)
    oracle = fully_constrained(learning.spectra, truth, channel_weight=learning.channel_weight)
    error = metrics.nmse(true_maps, maps[:, order], endmember_axis=1).mean()
    assert error < 1.3 * metrics.nmse(true_maps, oracle, endmember_axis=1).mean()
    # 95 % intervals, within what 1280 correlated values and a short chain allow.
    inside = np.abs(maps[:, order] - true_maps) < 1.96 * sd[:, order] + 1e-3
    assert 0.85 < inside.mean() <= 1
    spectrum_sd = model.endmember_spectrum_sd[order]
    assert 0.75 < np.mean(np.abs(model.endmembers[order] - truth) < 1.96 * spectrum_sd) <= 1
    assert model.noise_variance == pytest.approx(1, rel=0.02)


def test_the_record_of_the_chain_is_kept(scene):
    fitted = fit(scene.spectrum_image, "blu", n_endmembers=3, **SHORT)
    assert fitted.endmember_spectrum_sd.dims == ("endmember", "energy_loss")
    assert fitted.split_rhat.dims == fitted.effective_sample_size.dims == ("endmember",)
    assert fitted.sizes["iteration"] == 120
    assert "split R-hat at most" in fitted.attrs["message"]
    enough = float(fitted.split_rhat.max()) < 1.1 and float(fitted.effective_sample_size.min()) >= 50
    assert fitted.attrs["status"] == ("converged" if enough else "not converged")
    assert ("raise n_sweeps" in fitted.attrs["message"]) is not enough


def test_published_is_what_its_codes_do(learning):
    method = build_method("blu", setting="published")
    assert (method.n_sweeps, method.n_burn_in, method.n_passes, method.prior) == (100, 33, 5, "uniform")
    model = method.fit(learning, 3, np.random.default_rng(0))
    assert model.channel_weight is None
    assert model.face_probability is None
    maps = model.abundances(learning.spectra).mean
    assert maps.min() > 0  # the uniform prior has no mass on the faces
    np.testing.assert_allclose(maps.sum(axis=1), 1, rtol=1e-12)
    # One variance for all channels: that of the counts, averaged.
    assert model.noise_variance == pytest.approx(learning.spectra.mean(), rel=0.05)


def test_a_single_endmember_is_the_mean(learning):
    model = build_method("blu", **SHORT).fit(learning, 1, np.random.default_rng(0))
    np.testing.assert_allclose(model.endmembers[0], learning.spectra.mean(axis=0), rtol=0.02)
    assert model.abundances(learning.spectra[:5]).mean.tolist() == [[1.0]] * 5


def test_many_endmembers_take_the_uniform_prior(learning):
    method = build_method("blu", **SHORT)
    assert method._with_faces(10)
    assert not method._with_faces(11)


def test_outliers_do_not_pull_the_endmembers(learning):
    spectra = learning.spectra.copy()
    spectra[100, 50:60] += 30 * spectra[100, 50:60] + 1000
    method = build_method("blu", **SHORT)
    clean = method.fit(learning, 3, np.random.default_rng(0))
    found = method.fit(dataclasses.replace(learning, spectra=spectra), 3, np.random.default_rng(0))
    assert "1 of 1280 pixels left out" in found.message
    order = metrics.match(clean.endmembers, found.endmembers)
    angles = metrics.sad_whitened(clean.endmembers, found.endmembers[order], learning.channel_weight)
    assert angles.max() < 0.01


def test_negative_counts_are_described_too(scene):
    image = scene.spectrum_image.astype(float) - 120.0
    image.attrs = dict(scene.spectrum_image.attrs)
    for setting in ("eels", "published"):
        fitted = fit(image, "blu", n_endmembers=3, setting=setting, **SHORT)
        assert fitted.attrs["status"] in ("converged", "not converged"), fitted.attrs["message"]
        assert np.isfinite(fitted.endmember_spectrum).all()


def test_pixels_without_signal_are_refused():
    learning = LearningSet(
        spectra=np.zeros((30, 9)),
        channel_weight=np.ones(9),
        pixel_weight=np.ones(30),
        loadings=np.eye(4, 9),
        energy=np.arange(9.0),
    )
    with pytest.raises(MethodFailedError, match="only 0 pixels have signal"):
        build_method("blu").fit(learning, 3, np.random.default_rng(0))


def test_another_energy_axis_gives_the_same_maps(scene, learning):
    fitted = fit(scene.spectrum_image, "blu", n_endmembers=3, **SHORT)
    expected = apply(fitted, scene.spectrum_image)
    cropped = apply(fitted, scene.spectrum_image.isel(energy_loss=slice(3, 190)))
    # Fewer channels, nearly the same information.
    difference = cropped.abundance - expected.abundance
    assert float(np.sqrt((difference**2).mean())) < 0.02


@pytest.mark.parametrize(("setting", "width"), [("eels", 2), ("eels", 4), ("published", 2)])
def test_wider_channels_give_the_same_counts_and_maps(scene, setting, width):
    image = scene.spectrum_image
    coarse = image.coarsen(energy_loss=width).sum(keep_attrs=True)  # at the mean energies
    model = load_model(fit(image, "blu", n_endmembers=3, setting=setting, **SHORT))
    moved = model.resampled(image.energy_loss.to_numpy(), coarse.energy_loss.to_numpy())

    def summed(values):
        return values.reshape(3, -1, width).sum(axis=2)

    np.testing.assert_allclose(moved.endmembers, summed(model.endmembers), rtol=1e-9)
    np.testing.assert_allclose(moved.axes @ moved.axes.T, np.eye(2), atol=1e-12)
    maps, sd = model.abundances(image.to_numpy().reshape(1280, -1))
    coarse_maps, coarse_sd = moved.abundances(coarse.to_numpy().reshape(1280, -1))
    # Wider channels hold nearly the same information: far less than a standard deviation apart.
    assert np.sqrt(np.mean((coarse_maps - maps) ** 2)) < 0.1 * np.sqrt(np.mean(sd**2))
    assert coarse_sd.mean() == pytest.approx(sd.mean(), rel=0.01)
    # Neighbours share some of the endmembers' uncertainty: more than without, less than all of it.
    assert np.all(moved.endmember_spectrum_sd**2 > 0.99 * summed(model.endmember_spectrum_sd**2))
    assert np.all(moved.endmember_spectrum_sd < 0.95 * summed(model.endmember_spectrum_sd))


def test_relative_variance_never_reaches_zero():
    spectra = np.array([[4.0, 4.0], [2.0, 2.0], [-1.0, 0.0]])
    np.testing.assert_allclose(relative_variance(spectra, np.array([2.0, 2.0]), 4.0), [1, 0.5, 0.025])
    assert relative_variance(spectra, np.ones(2), -1.0).tolist() == [1, 1, 1]


def test_maps_hold_means_and_deviations_of_one_pass(scene, monkeypatch):
    image = scene.spectrum_image
    valid = np.ones((40, 32), bool)
    valid[4, 5] = False
    counts = image.where(xr.DataArray(valid, dims=("y", "x")), 0)
    counts[7] = counts[7] // 100  # a dark row
    counts = counts.assign_coords(valid_pixel=(("y", "x"), valid)).assign_attrs(image.attrs)
    fitted = fit(counts, "blu", n_endmembers=3, **SHORT)
    mean, sd = load_model(fitted).abundances(counts.to_numpy()[valid].astype(float))
    calls = []
    once = BayesianModel.abundances
    monkeypatch.setattr(
        BayesianModel, "abundances", lambda model, spectra: calls.append(len(spectra)) or once(model, spectra)
    )
    found = apply(fitted, counts)
    assert sum(calls) == valid.sum()  # deviations cost no second pass
    assert found.abundance_sd.dims == ("y", "x", "endmember")
    assert found.abundance_sd.dtype == np.float32
    assert np.isnan(found.abundance_sd.to_numpy()[~valid]).all()
    np.testing.assert_array_equal(found.abundance.to_numpy()[valid], mean.astype("f4"))
    np.testing.assert_array_equal(found.abundance_sd.to_numpy()[valid], sd.astype("f4"))
    assert 0.003 < sd.mean() < 0.05
    lazy = apply(fitted, counts.chunk(y=7)).compute()
    np.testing.assert_array_equal(lazy.abundance_sd, found.abundance_sd)
    # A block of dark pixels alone is mapped as within the image.
    dark = map_abundance(load_model(fitted), counts.isel(y=[7]))
    np.testing.assert_array_equal(dark.abundance[0], found.abundance[7])
    np.testing.assert_array_equal(dark.abundance_sd[0], found.abundance_sd[7])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"setting": "best"}, "setting needs eels or published, found 'best'"),
        ({"prior": "flat"}, "prior needs faces or uniform, found 'flat'"),
        ({"n_passes": 0}, "n_passes needs a whole number of at least 1, found 0"),
        ({"n_sweeps": 60, "n_burn_in": 50}, r"n_sweeps must exceed n_burn_in \(50\) by 20"),
        ({"n_burn_in": -1}, "n_burn_in needs a whole number of at least 0, found -1"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(InputError, match=message):
        build_method("blu", **options)


def test_models_keep_at_most_a_few_draws(learning):
    model = build_method("blu", **SHORT).fit(learning, 3, np.random.default_rng(0))
    assert isinstance(model, BayesianModel)
    assert model.vertex_draws.shape == (MAP_DRAWS, 3, 2)
