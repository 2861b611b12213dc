"""The labelled front end: refits, residuals, other axes, masks, lazy images, failures."""

import dataclasses
import re
from typing import ClassVar

import numpy as np
import pytest
import xarray as xr

from eelsunmix import apply, fit, methods, unmix
from eelsunmix.edges import as_requests
from eelsunmix.errors import InputError, MethodFailedError
from eelsunmix.execution import blocks
from eelsunmix.mapping import models
from eelsunmix.mapping.timing import mapping_time
from eelsunmix.methods import Abundances, FrameModel, LinearModel, StoredModel
from eelsunmix.numerics.abundances import non_negative
from eelsunmix.numerics.dose import mean_brightness
from eelsunmix.pca import DenoiseOptions, denoise


def scene(shape=(9, 14), n_channels=30, per_electron=1.0, seed=0):
    """Poisson counts of three spectra with edges, times a detector's factor, and the truth."""
    rng = np.random.default_rng(seed)
    energy = np.linspace(200.0, 780.0, n_channels)
    background = 600 * (energy / 200) ** -2.5
    spectra = background + np.stack([0 * energy, 50.0 * (energy > 300), 40.0 * (energy > 500)])
    fractions = rng.dirichlet(np.full(3, 0.4), shape)
    fractions.reshape(-1, 3)[:3] = np.eye(3)
    counts = per_electron * rng.poisson(fractions @ spectra)
    coords = {"y": np.arange(shape[0]) * 0.5, "x": np.arange(shape[1]) * 0.5, "energy_loss": energy}
    image = xr.DataArray(counts, coords, ("y", "x", "energy_loss"), "counts")
    image = image.assign_coords(valid_pixel=(("y", "x"), np.ones(shape, bool)))
    return image.assign_attrs(counts_per_electron=per_electron), spectra, fractions


def known_model(spectra, image, **options):
    """A fit store whose endmembers are the true ones."""
    model = LinearModel(endmembers=spectra, **options)
    attrs = {"method": "vca", "options": {}, "seed": 0, "n_endmembers": len(spectra)}
    dataset = model.to_dataset().rename(channel="energy_loss").assign_attrs(attrs)
    return dataset.assign_coords(energy_loss=image.energy_loss)


def without_time(dataset):
    return dataset.assign_attrs(seconds=0.0)


def test_refit_is_poisson_weighted_and_free_of_the_sum_to_one():
    image, spectra, _ = scene()
    found = apply(known_model(spectra, image, sum_to_one=True), image)
    deviation = np.sqrt(image.mean(("y", "x"))).to_numpy()
    expected = non_negative(image.to_numpy().reshape(-1, 30), spectra, channel_weight=deviation).reshape(
        9, 14, 3
    )
    np.testing.assert_allclose(found.refit_abundance, expected, rtol=1e-6, atol=1e-7)
    assert np.std(expected.sum(axis=-1)) > 1e-3
    np.testing.assert_allclose(found.abundance.sum("endmember"), 1, rtol=1e-6)


@pytest.mark.parametrize("per_electron", [1.0, 12.0])
@pytest.mark.parametrize("signed", [False, True])
def test_residuals_are_what_noise_makes_them(per_electron, signed):
    image, spectra, _ = scene(shape=(30, 41), per_electron=per_electron)
    found = apply(known_model(per_electron * spectra, image, non_negative=not signed), image)
    # A mean of 1230 values with a relative spread of sqrt(2 / 27) each: 0.8 %; five times that.
    # Non-negative fits have up to three parameters, of which some stand at zero: 3 % more.
    assert float(found.reduced_chi2.mean()) == pytest.approx(1, abs=0.04 if signed else 0.07)
    pull = found.mean_residual / found.mean_residual_sd
    assert np.abs(pull).max() < 4.5
    assert 0.6 < float(np.sqrt((pull**2).mean())) < 1.5


def test_mean_residual_is_the_mean_of_the_residuals():
    image, spectra, _ = scene()
    found = apply(known_model(spectra[:2], image), image)
    fitted = found.refit_abundance.to_numpy().astype(float) @ spectra[:2]
    # refit abundances are kept in float32
    np.testing.assert_allclose(found.mean_residual, (image.to_numpy() - fitted).mean(axis=(0, 1)), atol=1e-4)
    assert found.reduced_chi2.mean() > 1.2


def test_a_denoised_image_is_mapped_and_the_counts_are_refitted():
    image, spectra, fractions = scene()
    expected = xr.DataArray(fractions @ spectra, image.coords, image.dims)
    found = apply(known_model(spectra, image, sum_to_one=True), expected, counts=image)
    np.testing.assert_allclose(found.abundance, fractions, atol=1e-6)
    direct = apply(known_model(spectra, image), image)
    xr.testing.assert_identical(found.refit_abundance, direct.refit_abundance)
    with pytest.raises(InputError, match=r"counts have sizes .*'x': 13.*but the image has .*'x': 14"):
        apply(known_model(spectra, image), expected, counts=image.isel(x=slice(13)))


@pytest.mark.guarantee(34)
def test_lazy_equals_eager_and_stays_lazy(monkeypatch):
    image, _, _ = scene()
    eager = unmix(image, "nmf", n_endmembers=3)
    lazy = unmix(image.chunk(y=2, x=5), "nmf", n_endmembers=3)
    assert lazy.abundance.chunks is not None
    assert eager.abundance.chunks is None
    xr.testing.assert_allclose(lazy.compute(), eager, rtol=1e-6)
    monkeypatch.setattr(blocks, "BLOCK_ELEMENTS", 4 * 14 * 30)
    maps = apply(fit(image, "nmf", n_endmembers=3), image.chunk(x=3))
    assert len(maps.abundance.chunks[0]) == 3
    xr.testing.assert_allclose(maps.compute(), apply(fit(image, "nmf", n_endmembers=3), image), rtol=1e-6)


@pytest.mark.parametrize("sum_to_one", [False, True])
def test_counts_whose_mean_is_known_are_read_once(sum_to_one):
    image, spectra, _ = scene()
    model = known_model(spectra, image, sum_to_one=sum_to_one)
    mean, read = image.mean(["y", "x"]), []
    if sum_to_one:
        model.attrs["learned_brightness"] = mean_brightness(mean.to_numpy(), spectra)

    def counted(block):
        read.append(block.size)
        return block

    lazy = image.copy(
        data=image.chunk(y=3).data.map_blocks(counted, dtype=image.dtype, meta=np.empty((0, 0, 0)))
    )
    vacuum = xr.zeros_like(image.valid_pixel)
    maps = apply(model, lazy, vacuum=vacuum, mean_spectrum=mean).compute()
    assert sum(read) == image.size
    xr.testing.assert_allclose(maps, apply(model, image, vacuum=vacuum), rtol=1e-6)
    with pytest.raises(InputError, match="mean_spectrum has sizes"):
        apply(model, image, mean_spectrum=image.mean(["y", "energy_loss"]))
    moved = mean.assign_coords(energy_loss=mean.energy_loss + 5)
    with pytest.raises(
        InputError, match="mean_spectrum has energy_loss 205 to 785, but the image has 200 to"
    ):
        apply(model, image, mean_spectrum=moved)
    xr.testing.assert_identical(
        apply(model, image, mean_spectrum=mean.drop_vars("energy_loss")), apply(model, image)
    )


@pytest.mark.parametrize("dose", [1.0, 2.0])
@pytest.mark.parametrize("denoised", [False, True])
@pytest.mark.parametrize("width", [0, 4], ids=["sample", "vacuum"])
def test_a_known_mean_changes_no_map(dose, denoised, width):
    """The mean is that of the counts: not of their sample alone, nor of a denoised image."""
    image, spectra, fractions = scene()
    valid, vacuum = np.ones((9, 14), bool), np.zeros((9, 14), bool)
    valid[2, 3], vacuum[:, :width] = False, True
    image[2, 3], image[:, :width] = 10**6, image[:, :width] // 50
    image = image.assign_coords(valid_pixel=(("y", "x"), valid))
    mapped = image.copy(data=0.5 * fractions @ spectra) if denoised else image
    model = known_model(spectra, image, sum_to_one=True)
    with_sample = mapped.to_numpy()[valid & ~vacuum].mean(axis=0)
    model.attrs["learned_brightness"] = mean_brightness(with_sample, spectra) / dose
    images = [mapped.chunk(y=2, x=5), image.chunk(y=2, x=5)] if denoised else 2 * [image.chunk(y=2, x=5)]
    mean, vacuum = image.where(image.valid_pixel).mean(["y", "x"]), xr.DataArray(vacuum, dims=("y", "x"))
    found = apply(model, images[0], counts=images[1], vacuum=vacuum, mean_spectrum=mean)
    expected = apply(model, mapped, counts=image, vacuum=vacuum)
    assert found.attrs == expected.attrs
    assert bool(found.attrs["warnings"]) == (dose != 1.0)
    xr.testing.assert_allclose(found.compute(), expected, rtol=1e-6)


@pytest.mark.guarantee(6)
def test_masked_pixels_change_no_other_pixel():
    image, spectra, _ = scene()
    valid = image.valid_pixel.to_numpy().copy()
    valid[2, 3] = valid[8, 0] = False
    masked = image.where(xr.DataArray(valid, dims=("y", "x")), 0).assign_coords(
        valid_pixel=(("y", "x"), valid)
    )
    model = known_model(spectra, image, sum_to_one=True)
    whole, found = apply(model, image), apply(model, masked)
    assert np.isnan(found.abundance.to_numpy()[~valid]).all()
    np.testing.assert_array_equal(found.abundance.to_numpy()[valid], whole.abundance.to_numpy()[valid])


def test_series_of_frames_and_energy_in_kev():
    image, _, _ = scene(shape=(6, 28))
    series = xr.DataArray(
        image.to_numpy().reshape(4, 6, 7, 30), dims=("frame", "y", "x", "energy"), attrs=image.attrs
    ).assign_coords(energy=np.linspace(1, 9, 30))
    found = unmix(series, "vca", n_endmembers=2)
    assert found.abundance.dims == ("frame", "y", "x", "endmember")
    assert found.endmember_spectrum.dims == ("endmember", "energy")
    turned = unmix(series.transpose("energy", "x", "frame", "y"), "vca", n_endmembers=2)
    assert turned.abundance.dims == ("endmember", "x", "frame", "y")
    xr.testing.assert_allclose(turned.abundance.transpose(*found.abundance.dims), found.abundance)


def test_a_model_maps_another_image():
    first, _, _ = scene(seed=1)
    second, _, _ = scene(shape=(5, 8), seed=2)
    maps = apply(fit(first, "vca", n_endmembers=3), second)
    assert maps.abundance.shape == (5, 8, 3)
    assert "endmember_spectrum" not in maps
    assert maps.attrs["method"] == "vca"


def test_an_energy_axis_within_the_models_is_interpolated():
    image, _, fractions = scene()
    energy = image.energy_loss.to_numpy()
    smooth = np.stack([2e9 * energy**-2.5, 900 - energy, 300 + 0.5 * energy])
    model = known_model(smooth, image, sum_to_one=True)
    finer = np.linspace(250.0, 700.0, 91)
    width = 5.0 / 20.0
    counts = fractions @ (width * np.stack([2e9 * finer**-2.5, 900 - finer, 300 + 0.5 * finer]))
    cropped = xr.DataArray(counts, {"energy_loss": finer}, ("y", "x", "energy_loss"))
    # Within a channel of 20 eV the power law bends: a cubic misses that by up to 0.1 %.
    np.testing.assert_allclose(apply(model, cropped).abundance, fractions, atol=0.005)


@pytest.mark.parametrize("phase", [0.0, 0.25, 0.5, 0.75])
def test_a_coarser_axis_keeps_the_counts_of_a_white_line(phase):
    fine = 400 + 0.5 * np.arange(200)
    spectrum = 5 + 100 * np.exp(-((fine - 450) ** 2))
    signed = np.where(fine < 450, -1.0, 1.0) * spectrum
    model = LinearModel(endmembers=np.stack([spectrum, signed]), channel_weight=np.sqrt(spectrum))
    borders = 410 + phase + 2.0 * np.arange(41)
    found = model.resampled(fine, (borders[1:] + borders[:-1]) / 2)
    inside = (fine > borders[0]) & (fine < borders[-1])
    for row, whole in zip(found.endmembers, model.endmembers, strict=True):
        # Borders that cut a channel of the old axis share out its 5 counts, 2.5 at either end.
        assert row.sum() == pytest.approx(whole[inside].sum(), abs=5.01)
    if phase == 0.25:  # borders of both axes coincide: plain sums
        exact = np.stack([row[inside].reshape(-1, 4).sum(axis=1) for row in model.endmembers])
        np.testing.assert_allclose(found.endmembers, exact, rtol=1e-9)
        np.testing.assert_allclose(found.channel_weight, np.sqrt(exact[0]), rtol=1e-9)
    assert (found.endmembers[0] > 0).all()


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("udas", {"setting": "published"}),
        ("daeu", {"n_epochs": 2}),
        ("daeu", {"n_epochs": 1, "setting": "published"}),
        ("cnnaeu", {"n_epochs": 2}),
    ],
)
def test_encoders_map_images_on_finer_channels(method, options):
    fine, _, _ = scene(n_channels=60)
    pairs = fine.to_numpy().reshape(9, 14, 30, 2).sum(axis=-1)
    centres = fine.energy_loss.to_numpy().reshape(30, 2).mean(axis=1)
    coarse = fine[..., :30].assign_coords(energy_loss=centres).copy(data=pairs)
    model = fit(coarse, method, n_endmembers=3, seed=0, **options)
    expected, found = apply(model, coarse), apply(model, fine)
    np.testing.assert_allclose(found.abundance, expected.abundance, atol=1e-4)
    # Endmembers can be cut to these channels: what other methods find must not be lost.
    failed = apply(model, fine[..., 10:50])
    assert failed.attrs["status"] == "failed"
    message = r"needs all of 2.* \(30 channels\), the image has .* \(40 channels\)"
    assert re.search(message, failed.attrs["message"])
    assert not failed.variables
    assert mapping_time(model, fine[..., 10:50]) == {}


def test_an_image_of_one_channel_is_refused():
    image, spectra, _ = scene()
    with pytest.raises(InputError, match="image has a single channel"):
        apply(known_model(spectra, image), image[..., 7:8])


def test_an_energy_axis_outside_of_the_models_is_refused():
    image, spectra, _ = scene()
    shifted = image.assign_coords(energy_loss=image.energy_loss + 100)
    message = r"covers energy_loss 200 to 780 \(30 channels\), the image has energy_loss 300 to 880"
    with pytest.raises(InputError, match=message):
        apply(known_model(spectra, image), shifted)


@pytest.mark.guarantee(10)
@pytest.mark.parametrize(
    ("n_endmembers", "message"),
    [
        (0, "whole number of at least 1, not 0"),
        (2.0, "whole number of at least 1, not 2.0"),
        (True, "not True"),
        (31, "n_endmembers is 31, but the image has only 126 valid pixels and 30 channels"),
    ],
)
def test_impossible_numbers_of_endmembers(n_endmembers, message):
    with pytest.raises(InputError, match=message):
        fit(scene()[0], "vca", n_endmembers=n_endmembers)


@pytest.mark.guarantee(10)
def test_more_endmembers_than_components_or_rank():
    image, spectra, fractions = scene()
    pca = denoise(image, DenoiseOptions(spatial="none", n_components=2))
    with pytest.raises(InputError, match="the PCA kept only 2 components"):
        fit(image, "vca", n_endmembers=3, pca=pca)
    clean = image.copy(data=fractions @ spectra)
    with pytest.raises(InputError, match="n_endmembers is 4, but the spectra of the image span only rank 3"):
        fit(clean, "vca", n_endmembers=4)


def test_a_given_pca_is_used_and_equals_the_computed_one():
    image, _, _ = scene()
    pca = denoise(image, DenoiseOptions(spatial="none"))
    given, computed = (fit(image, "ica", n_endmembers=3, **extra) for extra in ({"pca": pca}, {}))
    assert without_time(given).identical(without_time(computed))


def test_images_without_labels_of_validity_or_energy():
    image, _, _ = scene()
    bare = image.drop_vars(["valid_pixel", "energy_loss"])
    assert unmix(bare, "vca", n_endmembers=2).abundance.notnull().all()
    with pytest.raises(InputError, match="values of type complex128"):
        fit(image.astype(complex), "vca", n_endmembers=2)
    with pytest.raises(InputError, match="at least one of pixels"):
        fit(image[0, 0], "vca", n_endmembers=2)


def test_names_and_built_methods():
    image, _, _ = scene()
    built = methods.build_method("vca", n_draws=3)
    by_name = fit(image, "vca", n_endmembers=2, n_draws=3)
    assert without_time(fit(image, built, n_endmembers=2)).identical(without_time(by_name))
    assert by_name.attrs["options"] == {"setting": "eels", "n_draws": 3, "weighted": True}
    with pytest.raises(InputError, match=r"options \['n_draws'\] go with the name"):
        fit(image, built, n_endmembers=2, n_draws=3)


class Broken(methods.Method):
    """A method that fails as told."""

    how: str

    def fit(self, learning_set, n_endmembers, rng):
        if self.how == "says so":
            raise MethodFailedError("the loss is\nnot finite")
        if self.how == "linear algebra":
            raise np.linalg.LinAlgError("SVD did not converge")
        if self.how == "overflow":
            raise OverflowError(34, "Numerical result out of range")
        if self.how == "scikit-learn":
            raise ValueError("Array passed to NMF is full of zeros.")
        if self.how == "torch":
            raise RuntimeError("cuDNN error:\nCUDNN_STATUS_NOT_SUPPORTED")
        endmembers = np.ones((n_endmembers, len(learning_set.energy)))
        endmembers[1] = {"nan": np.nan, "empty": 0.0, "nearly empty": 1e-30}[self.how]
        return LinearModel(endmembers=endmembers)


class Drawn(methods.Method):
    """A method whose result is what it draws."""

    def fit(self, learning_set, n_endmembers, rng):
        return LinearModel(endmembers=rng.random((n_endmembers, len(learning_set.energy))))


@pytest.mark.guarantee(34, "G8")
def test_what_a_method_draws_is_settled_by_the_seed_alone():
    """A method may well find the same whatever it draws; this one does not."""
    image, _, _ = scene()
    first, again, other = (fit(image, Drawn(), n_endmembers=3, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.endmember_spectrum, again.endmember_spectrum)
    assert not np.isclose(first.endmember_spectrum, other.endmember_spectrum).any()


class Edgy(methods.Method):
    """A method that looks at the edges that the user names."""

    needs: ClassVar = frozenset({"edges", "mask"})

    def fit(self, learning_set, n_endmembers, rng):
        onsets = [edge.onset_eV for edge in as_requests(learning_set.edges).values()]
        message = f"onsets {onsets}, {int(learning_set.mask.sum())} valid pixels"
        return LinearModel(endmembers=learning_set.spectra[:n_endmembers], message=message)


def test_a_method_is_given_what_it_needs_and_nothing_else():
    image, _, _ = scene()
    edges = {"Ti_L23": {"onset_eV": 456, "fit_eV": [400, 450], "integrate_eV": [456, 500]}}
    found = fit(image, Edgy(), n_endmembers=3, edges=edges)
    assert found.attrs["message"] == "onsets [456.0], 126 valid pixels"
    assert fit(image, Edgy(), n_endmembers=3).attrs["message"].startswith("onsets []")
    given = fit(image, "vca", n_endmembers=2, edges=edges)
    assert without_time(given).identical(without_time(fit(image, "vca", n_endmembers=2)))


SEE_LOG = "; see the log of the fit, look for extreme pixels, move the store aside to fit again"


@pytest.mark.guarantee(33)
@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("says so", "the loss is not finite"),
        ("linear algebra", f"LinAlgError: SVD did not converge{SEE_LOG}"),
        ("overflow", f"OverflowError: (34, 'Numerical result out of range'){SEE_LOG}"),
        ("scikit-learn", f"ValueError: Array passed to NMF is full of zeros{SEE_LOG}"),
        ("torch", f"RuntimeError: cuDNN error: CUDNN_STATUS_NOT_SUPPORTED{SEE_LOG}"),
        ("nan", "the endmembers are not finite"),
        ("empty", "endmember 1 of 3 is empty (zero everywhere)"),
        ("nearly empty", "endmember 1 of 3 is empty (zero everywhere)"),
    ],
)
def test_a_failed_method_is_a_result_without_arrays(how, message):
    image, _, _ = scene()
    fitted = fit(image, Broken(how=how), n_endmembers=3)
    assert not fitted.variables
    assert (fitted.attrs["status"], fitted.attrs["message"]) == ("failed", message)
    maps = apply(fitted, image)
    assert not maps.variables
    assert (maps.attrs["status"], maps.attrs["message"]) == ("failed", message)
    assert unmix(image, Broken(how=how), n_endmembers=3).attrs["status"] == "failed"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Neighbours(StoredModel, FrameModel):
    """A model of images: the shares of the brightest channel, averaged over the row."""

    n_features = 3

    def features(self, spectra):
        assert len(spectra) <= 14
        return spectra[..., :3].astype(np.float32)

    def abundances(self, features):
        assert features.ndim == 3
        return Abundances(np.broadcast_to(features.mean(axis=1, keepdims=True), features.shape))


def test_models_of_images_see_whole_frames(monkeypatch):
    image, spectra, _ = scene()
    monkeypatch.setattr(blocks, "BLOCK_ELEMENTS", 14 * 30)
    monkeypatch.setattr(models, "load_model", lambda dataset: Neighbours(endmembers=spectra))
    found = apply(known_model(spectra, image), image)
    expected = image.mean("x")[:, :3]
    np.testing.assert_allclose(found.abundance.isel(x=4), expected, rtol=1e-6)


def test_counts_of_the_user_stay_as_they_are():
    image, spectra, _ = scene()
    copy = image.copy(deep=True)
    apply(known_model(spectra, image), image, counts=image)
    assert image.identical(copy)


def test_the_kind_of_image_is_recorded():
    image, _, _ = scene()
    assert fit(image, "vca", n_endmembers=2).attrs["input"] == "corrected"
    assert fit(image.assign_attrs(input="nlm"), "vca", n_endmembers=2).attrs["input"] == "nlm"


def test_a_defect_of_a_method_is_not_taken_for_a_failure():
    image, _, _ = scene()
    with pytest.raises(KeyError):
        fit(image, Broken(how="defect"), n_endmembers=3)
