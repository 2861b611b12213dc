"""The contract of every method; a new file in methods/ is tested without editing this one."""

import dataclasses
import pickle
import subprocess
import sys
from typing import get_args

import numpy as np
import pytest
import xarray as xr
from pydantic import ValidationError

from eelsunmix import apply, fit, metrics, unmix
from eelsunmix.errors import InputError, MethodFailedError
from eelsunmix.learning import learning_set
from eelsunmix.methods import (
    LearningSet,
    LinearModel,
    Method,
    Need,
    PixelModel,
    StoredModel,
    array,
    build_method,
    load_model,
    method_class,
    method_names,
)

N_ENDMEMBERS = 3


def mixture(seed=0):
    """Three spectra with edges on one background, in an image with one invalid pixel, 13 x 11 x 40."""
    rng = np.random.default_rng(seed)
    energy = np.linspace(200.0, 590.0, 40)
    background = 800 * (energy / 200) ** -3.0
    jumps = [0 * energy, 60.0 * (energy > 280), 30.0 * (energy > 450)]
    spectra = background + np.stack(jumps)
    fractions = rng.dirichlet(np.full(3, 0.4), (13, 11))
    fractions[:2, :3] = np.eye(3)
    counts = rng.poisson(fractions @ spectra)
    valid = np.ones((13, 11), bool)
    valid[5, 7] = False
    counts[5, 7] = 0
    coords = {"y": 0.5 * np.arange(13), "x": 0.5 * np.arange(11), "energy_loss": energy}
    image = xr.DataArray(counts.astype(np.uint16), coords, ("y", "x", "energy_loss"), "counts")
    return image.assign_coords(valid_pixel=(("y", "x"), valid)).assign_attrs(counts_per_electron=1.0)


@pytest.fixture(scope="module")
def image():
    return mixture()


@pytest.fixture(params=method_names(), scope="module")
def method(request):
    """Every method as it is by default; with its own options for small images where it learns for long."""
    return build_method(request.param, **getattr(method_class(request.param), "quick", {}))


@pytest.fixture(scope="module")
def result(image, method):
    return unmix(image, method, n_endmembers=N_ENDMEMBERS, seed=1)


def steady(dataset):
    """Without the run time, the only thing that may differ between two runs."""
    return dataset.assign_attrs(seconds=0.0)


def distances(first, second):
    """Whitened angles between the endmembers of two results, matched."""
    deviation = np.sqrt(np.abs(first.endmember_spectrum).mean("endmember").to_numpy()) + 1e-9
    first, second = first.endmember_spectrum.to_numpy(), second.endmember_spectrum.to_numpy()
    order = metrics.match(first, second)
    return metrics.sad_whitened(first, second[order], deviation)


def test_shapes_labels_and_record(result, image):
    assert result.attrs["status"] in ("converged", "not converged")
    assert result.endmember_spectrum.dims == ("endmember", "energy_loss")
    assert result.abundance.dims == result.refit_abundance.dims == ("y", "x", "endmember")
    assert result.sizes["endmember"] == N_ENDMEMBERS
    for name in ("y", "x", "energy_loss", "valid_pixel"):
        xr.testing.assert_identical(result[name].reset_coords(drop=True), image[name].reset_coords(drop=True))
    assert result.attrs["n_learning_pixels"] == 13 * 11 - 1
    assert result.attrs["seed"] == 1


@pytest.mark.guarantee(7)
def test_everything_is_finite_but_the_invalid_pixel(result):
    assert np.isfinite(result.endmember_spectrum).all()
    valid = result.valid_pixel
    with_sd = ("abundance_sd",) if load_model(result).knows_sd else ()
    assert ("abundance_sd" in result) == bool(with_sd)
    for name in ("abundance", "refit_abundance", "reduced_chi2", *with_sd):
        assert np.isfinite(result[name].where(valid, 0.0)).all()
        assert np.isnan(result[name].where(~valid, np.nan)).all()


def test_signs_and_sums_are_as_promised(result):
    model = load_model(result)
    abundance = result.abundance.to_numpy()[result.valid_pixel]
    if not model.signed:
        assert abundance.min() >= 0
        assert result.refit_abundance.min() >= 0
    # float32 maps: sums of three numbers below one
    if getattr(model, "sum_to_one", False):
        np.testing.assert_allclose(abundance.sum(axis=1), 1, rtol=1e-6)
    else:
        np.testing.assert_allclose(abundance.sum(axis=1).mean(), 1, rtol=1e-4)


def test_the_endmembers_describe_the_counts(result):
    # A wrong scale of the endmembers, or axes mixed up, gives thousands.
    assert result.reduced_chi2.mean() < 1.5
    fitted = result.abundance.fillna(0) @ result.endmember_spectrum
    assert float(fitted.sum()) == pytest.approx(float(mixture().sum()), rel=0.05)


@pytest.mark.guarantee(34, "G8")
def test_same_seed_same_result(image, method, result):
    again = unmix(image, method, n_endmembers=N_ENDMEMBERS, seed=1)
    assert steady(again).identical(steady(result))


@pytest.mark.guarantee(34)
def test_axis_order_is_irrelevant_and_given_back(image, method, result):
    found = unmix(image.transpose("energy_loss", "x", "y"), method, n_endmembers=N_ENDMEMBERS, seed=1)
    assert found.abundance.dims == ("endmember", "x", "y")
    assert found.reduced_chi2.dims == ("x", "y")
    xr.testing.assert_allclose(found.transpose(*result.dims), result.transpose(*result.dims), rtol=1e-6)


def test_input_stays_as_it_is(image, method):
    copy = image.copy(deep=True)
    unmix(image, method, n_endmembers=N_ENDMEMBERS)
    assert image.identical(copy)


def test_model_survives_a_round_through_its_dataset(image, method):
    fitted = fit(image, method, n_endmembers=N_ENDMEMBERS)
    for variable in fitted.variables.values():
        assert variable.dtype.kind in "fiub"
    model = load_model(fitted)
    again = load_model(model.to_dataset())
    maps = [apply(fitted, image), apply(fitted.copy(deep=True), image)]
    assert maps[0].identical(maps[1])
    assert type(again) is type(model)
    if isinstance(model, PixelModel):
        spectra = image.to_numpy()[0].astype(float)
        np.testing.assert_array_equal(model.abundances(spectra).mean, again.abundances(spectra).mean)


@pytest.mark.guarantee(34)
@pytest.mark.parametrize(
    "method", [n for n in method_names() if "tiles" not in method_class(n).needs], indirect=True
)
def test_order_of_pixels_does_not_matter(image, method, result):
    """But for methods that look at neighbours, which say so by needing tiles."""
    assert isinstance(load_model(result), PixelModel)
    shuffled = image.isel(
        y=np.random.default_rng(3).permutation(13), x=np.random.default_rng(4).permutation(11)
    )
    found = unmix(shuffled, method, n_endmembers=N_ENDMEMBERS, seed=1)
    # Iterations may stop elsewhere when sums are rounded in another order; angles are in units of the noise.
    assert distances(result, found).max() < 0.02


@pytest.mark.guarantee(34)
def test_brighter_images_give_brighter_endmembers_and_the_same_maps(image, method, result):
    brighter = (4.0 * image).assign_attrs(counts_per_electron=4.0)
    found = unmix(brighter, method, n_endmembers=N_ENDMEMBERS, seed=1)
    assert distances(result, found).max() < 0.02
    ratio = found.endmember_spectrum.sum("energy_loss") / result.endmember_spectrum.sum("energy_loss")
    np.testing.assert_allclose(np.sort(ratio), 4, rtol=0.02)


def test_one_endmember(image, method):
    found = unmix(image, method, n_endmembers=1)
    assert found.attrs["status"] in ("converged", "not converged"), found.attrs["message"]
    total = (found.abundance * found.endmember_spectrum).sum(("energy_loss", "endmember"))
    assert float(total.mean()) == pytest.approx(float(image.sum("energy_loss").mean()), rel=0.1)


@pytest.mark.guarantee(8)
def test_a_hot_pixel_is_named(image, method):
    hot = image.astype(float)
    hot[3, 2, 17] = 1e9
    with pytest.raises(InputError, match=r"1e\+09 at y = 1\.5, x = 1, energy_loss = 370 is a hot pixel"):
        fit(hot, method, n_endmembers=N_ENDMEMBERS)


@pytest.mark.guarantee(7)
def test_a_constant_image_is_refused(image, method):
    with pytest.raises(InputError, match="n_endmembers is 3, but the spectra of the image span only rank 1"):
        fit(xr.full_like(image, 7), method, n_endmembers=N_ENDMEMBERS)
    assert unmix(xr.full_like(image, 7), method, n_endmembers=1).abundance.notnull().any()


def test_methods_are_plain_options(method):
    assert isinstance(method, Method)
    with pytest.raises(ValidationError, match="frozen"):
        setattr(method, next(iter(type(method).model_fields)), None)
    assert build_method(type(method).__module__.rpartition(".")[2], **method.model_dump()) == method
    assert method.needs <= set(get_args(Need))
    assert isinstance(method.simplex, bool)


def test_misspelt_names_and_options_get_a_suggestion():
    with pytest.raises(InputError, match=r"method 'vka' does not exist; did you mean vca\?"):
        build_method("vka")
    with pytest.raises(InputError, match=r"possible: .*ica, .*nmf"):
        build_method("quantum")
    with pytest.raises(InputError, match=r"method 'vca' has no option 'n_draw'; did you mean n_draws\?"):
        build_method("vca", n_draw=3)
    with pytest.raises(InputError, match=r"VCA: n_draws needs a whole number of at least 1, found 0"):
        build_method("vca", n_draws=0)
    with pytest.raises(InputError, match="'_linear' does not exist"):
        method_class("_linear")


def test_importing_the_methods_is_cheap():
    code = (
        "import sys, eelsunmix.methods as m; [m.build_method(name) for name in m.method_names()];"
        "heavy = {'torch', 'sklearn', 'numba', 'dask', 'rsciio'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_learning_set_has_an_orthonormal_signed_basis():
    rng = np.random.default_rng(0)
    learning = LearningSet(
        spectra=rng.random((7, 5)),
        channel_weight=1 + rng.random(5),
        pixel_weight=np.ones(7),
        loadings=rng.normal(size=(4, 5)),
        energy=np.arange(5.0),
    )
    basis = learning.basis(3)
    np.testing.assert_allclose(basis @ basis.T, np.eye(3), atol=1e-14)
    flipped = dataclasses.replace(learning, loadings=-learning.loadings).basis(3)
    np.testing.assert_allclose(flipped, basis, atol=1e-14)
    np.testing.assert_allclose(learning.scores(3), (learning.spectra / learning.channel_weight) @ basis.T)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Encoder(StoredModel):
    """A stand-in for a network: weights of any shape, and plain settings."""

    weights: dict = dataclasses.field(metadata=array())
    bias: np.ndarray = dataclasses.field(metadata=array("endmember"))
    slope: float = 0.1


@pytest.mark.guarantee(35)
def test_models_with_weights_become_plain_arrays():
    model = Encoder(
        endmembers=np.ones((2, 5)),
        weights={"0.kernel": np.arange(12.0).reshape(3, 4), "0.scale": np.float64(3)},
        bias=np.array([1.0, 2.0]),
        loss=np.array([3.0, 2.0]),
        status="not converged",
    )
    dataset = model.to_dataset()
    assert dataset["weights.0.kernel"].shape == (3, 4)
    assert dataset.loss.dims == ("iteration",)
    again = Encoder.from_dataset(dataset)
    np.testing.assert_array_equal(again.weights["0.kernel"], model.weights["0.kernel"])
    assert (again.slope, again.status, again.weights["0.scale"]) == (0.1, "not converged", 3)
    message = r"own energy axis, 0 to 4 \(5 channels\), the image has 0 to 3"
    with pytest.raises(MethodFailedError, match=message):
        model.resampled(np.arange(5.0), np.arange(4.0))


def test_an_unknown_model_is_refused():
    dataset = LinearModel(endmembers=np.ones((2, 5))).to_dataset()
    for name in (
        "Oracle",
        "_linear.Oracle",
        "os.system",
        "..storage.store.Draft",
        "vca.LinearModel",
        "",
        "vca",
    ):
        with pytest.raises(InputError, match=f"method 'vca' holds no known model, but '{name}'"):
            load_model(dataset.assign_attrs(method="vca", model=name))


def test_every_model_loads_by_name_where_nothing_else_was_imported(result, tmp_path):
    stored = load_model(result).to_dataset()
    path = tmp_path / "model.pickle"
    path.write_bytes(pickle.dumps(stored))
    code = (
        "import pickle, sys, pathlib; from eelsunmix.methods._loading import load_model;"
        "stored = pickle.loads(pathlib.Path(sys.argv[1]).read_bytes());"
        "assert not [name for name in sys.modules if '.blu' in name or '_networks' in name];"
        "print(type(load_model(stored)).__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == type(load_model(result)).__name__


def test_every_method_takes_a_bare_learning_set(image, method):
    """The contract below the labels: spectra in, a model out, nothing changed."""
    from eelsunmix.pca import DenoiseOptions, denoise

    pca = denoise(image, DenoiseOptions(spatial="none"))
    learning = learning_set(image, pca, rng=np.random.default_rng(0), needs=method.needs)
    copy = learning.spectra.copy()
    model = method.fit(learning, N_ENDMEMBERS, np.random.default_rng(0))
    assert model.endmembers.shape == (N_ENDMEMBERS, 40)
    np.testing.assert_array_equal(learning.spectra, copy)
