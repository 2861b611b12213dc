"""Images whose brightness varies: it is measured, evened out before the fit, and not seen in the maps."""

import numpy as np
import pytest
import xarray as xr

from eelsunmix import apply, fit, metrics, synthetic, unmix
from eelsunmix.errors import InputError
from eelsunmix.learning import learning_set
from eelsunmix.methods import Abundances, LinearModel, PixelModel, brightness_spread, equalised, load_model
from eelsunmix.pca import DenoiseOptions, denoise

QUICK = {
    "vca": {},
    "blu": {"n_sweeps": 300, "n_burn_in": 100},
    "udas": {},
    "daeu": {"n_networks": 1, "n_epochs": 20},
    "mtaeu": {"n_networks": 1, "n_epochs": 20},
    "cnnaeu": {"n_networks": 1, "n_epochs": 20},
}


def scene(*, wedge, shape=(22, 31), seed=0, counts=4000.0):
    """Three materials in blocks, pure in places, of a brightness that runs over the image; and the truth."""
    made = synthetic.chequerboard(size=shape, block=5, filter_size=3, seed=seed, noise=False)
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    brightness = 1 + wedge * (columns / shape[1] - 0.5) + 0.5 * wedge * (rows / shape[0] - 0.5)
    expected = made.spectrum_image * (counts / 1000) * brightness[..., None]
    noisy = np.random.default_rng(seed).poisson(expected)
    return made.spectrum_image.copy(data=noisy), made.abundance.to_numpy(), brightness


def spread(image, n_endmembers=3):
    pca = denoise(image, DenoiseOptions(spatial="none"))
    return brightness_spread(learning_set(image, pca, rng=np.random.default_rng(0)), n_endmembers)


@pytest.mark.parametrize("counts", [300.0, 4000.0])
def test_the_spread_is_one_for_a_constant_brightness_only(counts):
    for seed in range(4):
        assert 0.8 < spread(scene(wedge=0.0, seed=seed, counts=counts)[0]) < 1.3
        assert spread(scene(wedge=0.6, seed=seed, counts=counts)[0]) > 2


def test_a_few_particles_on_an_even_film_are_a_variable_brightness():
    """In most pixels there is the film alone: their median distance is that of noise."""
    made = synthetic.particles(size=(44, 48), seed=973)
    found = fit(made.spectrum_image, "vca", n_endmembers=3)
    assert found.brightness == "variable"


def test_a_few_pixels_of_anything_are_no_variable_brightness():
    image, _, _ = scene(wedge=0.0, counts=300.0)
    image.data[3, :6] *= 3
    assert spread(image) < 1.3


@pytest.mark.parametrize("method", QUICK)
def test_maps_do_not_follow_the_brightness(method):
    image, truth, brightness = scene(wedge=0.6)
    found = unmix(image, method, n_endmembers=3, **QUICK[method])
    assert found.attrs["brightness"] == "variable"
    assert "same counts" in found.attrs["message"]
    order = metrics.match(truth.reshape(-1, 3).T, found.abundance.to_numpy().reshape(-1, 3).T.astype(float))
    maps = found.abundance.to_numpy()[..., order]
    np.testing.assert_allclose(maps.sum(axis=-1), 1, atol=1e-5)
    error = metrics.nmse(truth, maps, endmember_axis=-1).max()
    naive = unmix(image, method, n_endmembers=3, brightness="constant", **QUICK[method])
    worst = metrics.nmse(truth, naive.abundance.to_numpy()[..., order], endmember_axis=-1).max()
    assert error < 0.02
    assert error < 0.5 * worst
    # The refit knows the brightness.
    total = found.refit_abundance.sum("endmember").to_numpy()
    assert np.corrcoef(total.ravel(), brightness.ravel())[0, 1] > 0.95


@pytest.mark.parametrize("method", ["vca", "blu", "daeu", "mtaeu"])
def test_another_dose_gives_the_same_maps(method):
    image, _, _ = scene(wedge=0.6)
    model = fit(image, method, n_endmembers=3, **QUICK[method])
    np.testing.assert_allclose(apply(model, 7 * image).abundance, apply(model, image).abundance, atol=1e-5)


def test_a_constant_brightness_changes_nothing():
    image, _, _ = scene(wedge=0.0)
    auto, constant = (unmix(image, "vca", n_endmembers=3, brightness=how) for how in ("auto", "constant"))
    assert auto.attrs["brightness"] == "constant"
    xr.testing.assert_equal(auto, constant)


def test_even_models_are_projective_on_any_part_of_the_axis():
    rng = np.random.default_rng(1)
    endmembers = rng.uniform(50, 500, (3, 20))
    fractions = rng.dirichlet(np.ones(3), 40)
    spectra = (fractions @ endmembers) * rng.uniform(0.5, 2, (40, 1))
    model = equalised(LinearModel(endmembers=endmembers, sum_to_one=True), 5000.0)
    np.testing.assert_allclose(model.abundances(spectra).mean, fractions, atol=1e-9)
    part = equalised(LinearModel(endmembers=endmembers[:, 5:], sum_to_one=True), 5000.0)
    np.testing.assert_allclose(part.abundances(spectra[:, 5:]).mean, fractions, atol=1e-9)


@pytest.mark.parametrize("method", ["vca", "blu", "udas"])
@pytest.mark.parametrize("channels", [slice(80, None), slice(50, 160)])
def test_a_part_of_the_axis_is_mapped_as_well_as_by_a_fit_to_it(method, channels):
    # The endmembers' shares of all counts are not those in the part.
    image, truth, _ = scene(wedge=0.6)
    part = image.isel(energy_loss=channels)
    model = fit(image, method, n_endmembers=3, brightness="variable", **QUICK[method])
    own = fit(part, method, n_endmembers=3, brightness="variable", **QUICK[method])

    def error(fitted):
        maps = apply(fitted, part).abundance.to_numpy().astype(float)
        order = metrics.match(truth.reshape(-1, 3).T, maps.reshape(-1, 3).T)
        return np.sqrt(np.mean((maps[..., order] - truth) ** 2))

    assert error(model) < 1.05 * error(own) < 0.18


@pytest.mark.parametrize("weighted", [False, True])
def test_the_draws_of_blu_are_brought_to_equal_counts(weighted):
    image, _, _ = scene(wedge=0.6)
    setting = "eels" if weighted else "published"
    model = load_model(
        fit(image, "blu", n_endmembers=3, setting=setting, brightness="constant", **QUICK["blu"])
    )
    assert (model.channel_weight is not None) == weighted
    weight = model.channel_weight if weighted else 1.0

    def drawn(one):
        return (one.origin + one.vertex_draws @ one.axes) * weight

    equal = model.normalised(700.0)
    expected = drawn(model) * (700.0 / drawn(model).sum(axis=-1, keepdims=True))
    np.testing.assert_allclose(drawn(equal), expected, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(equal.axes @ equal.axes.T, np.eye(2), atol=1e-12)
    np.testing.assert_allclose(equal.endmembers.sum(axis=1), 700.0)


@pytest.mark.parametrize("method", QUICK)
def test_the_abundances_of_a_model_are_those_of_its_maps(method):
    image, _, _ = scene(wedge=0.6)
    found = unmix(image, method, n_endmembers=3, **QUICK[method])
    assert found.attrs["brightness"] == "variable"
    model = load_model(found)
    if isinstance(model, PixelModel):
        abundances = model.abundances(image.to_numpy().reshape(-1, image.shape[-1]).astype(float))
        abundances = Abundances(*(None if part is None else part.reshape(22, 31, 3) for part in abundances))
    else:
        abundances = model.abundances(model.features(image.to_numpy().astype(float)))
    np.testing.assert_allclose(abundances.mean, found.abundance, atol=1e-6)
    assert (abundances.sd is not None) == model.knows_sd == ("abundance_sd" in found)
    if model.knows_sd:
        np.testing.assert_allclose(abundances.sd, found.abundance_sd, rtol=1e-5)


def test_the_abundances_of_an_equalised_model_take_the_totals_of_its_endmembers_into_account():
    endmembers = np.array([[8.0, 1.0, 1.0], [1.0, 2.0, 2.0]])
    model = equalised(LinearModel(endmembers=endmembers, sum_to_one=True), 10.0)
    spectra = np.array([[0.3, 0.7] @ endmembers, 9 * endmembers[1], 0.5 * endmembers[0]])
    np.testing.assert_allclose(model.abundances(spectra).mean, [[0.3, 0.7], [0, 1], [1, 0]], atol=1e-9)
    stored = model.to_dataset()
    assert stored.attrs["equalised_counts"] == 10.0
    np.testing.assert_array_equal(load_model(stored).abundances(spectra).mean, model.abundances(spectra).mean)


def test_deviations_and_spectra_of_blu_have_the_scale_of_their_endmembers():
    image, _, _ = scene(wedge=0.6)
    options = {"n_endmembers": 3, **QUICK["blu"]}
    found = unmix(image, "blu", **options)
    ratio = (found.endmember_spectrum_sd / found.endmember_spectrum).median("energy_loss")
    even = unmix(image / image.sum("energy_loss") * image.sum("energy_loss").median(), "blu", **options)
    expected = (even.endmember_spectrum_sd / even.endmember_spectrum).median("energy_loss")
    np.testing.assert_allclose(np.sort(ratio), np.sort(expected), rtol=0.3)
    assert float(found.abundance_sd.max()) < 0.2
    half = image.coarsen(energy_loss=2).sum()
    moved = apply(found.drop_vars([name for name in found.data_vars if "y" in found[name].dims]), half)
    np.testing.assert_allclose(moved.abundance, found.abundance, atol=0.05)


def test_pixels_in_the_dark_stay_out_of_the_simplex():
    image, truth, _ = scene(wedge=0.6)
    dark = image.copy()
    dark[:4] = np.random.default_rng(0).poisson(0.01 * dark[:4])
    found = unmix(dark, "vca", n_endmembers=3)
    maps = found.abundance.to_numpy()[4:]
    order = metrics.match(truth[4:].reshape(-1, 3).T, maps.reshape(-1, 3).T.astype(float))
    assert metrics.nmse(truth[4:], maps[..., order], endmember_axis=-1).max() < 0.05
    assert found.abundance.notnull().all()


def test_what_cannot_be_evened_out_is_refused():
    image, _, _ = scene(wedge=0.6)
    with pytest.raises(InputError, match="not for NMF as it is set"):
        fit(image, "nmf", n_endmembers=3, brightness="variable")
    with pytest.raises(InputError, match="not for VCA as it is set"):
        fit(image, "vca", n_endmembers=3, brightness="variable", setting="published")
    with pytest.raises(InputError, match="auto, constant or variable, not 'varied'"):
        fit(image, "vca", n_endmembers=3, brightness="varied")
    assert fit(image, "vca", n_endmembers=3, setting="published").attrs["brightness"] == "constant"
