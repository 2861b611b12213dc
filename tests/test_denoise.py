"""Weighted PCA against an exact singular value decomposition, and the image made from it again."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from eelsunmix.errors import InputError
from eelsunmix.execution import blocks
from eelsunmix.numerics.eigenvalues import largest_eigenvalue
from eelsunmix.pca import DenoiseOptions, denoise, reconstruct
from eelsunmix.pca.gram import weighted_gram

PLAIN = DenoiseOptions(spatial="none")


def expected_counts(shape, mean, seed=1):
    """Three materials that differ by edges on a common background, mixed smoothly; the last dim is energy."""
    rng = np.random.default_rng(seed)
    energy = np.linspace(200, 800, shape[-1])
    background = (energy / 200) ** -2.5
    steps = [np.where(energy > onset, 0.3 * (energy / 200) ** -1.5, 0) for onset in (300, 450, 600)]
    materials = np.stack([background + step for step in steps])
    abundances = rng.dirichlet([0.5] * 3, size=shape[:-1])
    expected = abundances @ materials * rng.uniform(0.7, 1.3, shape[:-1])[..., None]
    return expected * mean / expected.mean()


def label(counts, **attrs):
    dims = ("frame", "y", "x", "energy_loss")[-counts.ndim :]
    coords = {dim: np.arange(size) * 0.5 for dim, size in zip(dims, counts.shape, strict=True)}
    image = xr.DataArray(counts, dims=dims, coords=coords, name="counts", attrs=attrs)
    for dim in dims:
        image[dim].attrs["units"] = "eV" if dim == "energy_loss" else "nm"
    return image


def poisson_image(shape=(17, 13, 40), mean=100.0, seed=0, dtype=np.uint16):
    counts = np.random.default_rng(seed).poisson(expected_counts(shape, mean))
    return label(counts.astype(dtype))


def exact(spectra):
    """Weighted singular value decomposition in plain float64, as HyperSpy does it."""
    spectra = spectra.astype(np.float64)
    total, mean = spectra.sum(axis=1), spectra.mean(axis=0)
    weighted = spectra / np.sqrt(total / total.mean())[:, None] / np.sqrt(mean)
    _, singular, right = np.linalg.svd(weighted, full_matrices=False)
    return singular**2 / len(spectra), right


@pytest.mark.parametrize("mean", [1, 10, 100, 1e3, 8e3, 2e4, 1e5])
def test_equals_exact_decomposition(mean):
    image = poisson_image((34, 23, 40), mean, dtype=np.uint32)
    pca = denoise(image, PLAIN)
    values, right = exact(image.to_numpy().reshape(-1, 40))
    vectors = (pca.loading / pca.channel_weight).to_numpy()
    leading = 1 if mean < 10 else 3
    sine = np.linalg.norm(vectors[:leading] - vectors[:leading] @ right[:leading].T @ right[:leading], 2)
    assert sine < 1e-6
    # The bar is 1e-3; float32 products of deviations from the mean leave 3e-5 at a mean of 1e4.
    np.testing.assert_allclose(pca.eigenvalue, values, rtol=1e-4)
    assert pca.attrs["precision"] == ("float32" if mean < 1e4 else "float64")


def test_float32_gives_way_when_it_loses_the_noise():
    rng = np.random.default_rng(0)
    energy = np.arange(30)
    spectra = np.stack([18000.0 * (energy < 15), 18000.0 * (energy >= 15)]) + 1
    image = label(rng.poisson(spectra[rng.integers(0, 2, (31, 19))]).astype(np.uint16))
    pca = denoise(image, PLAIN)
    assert pca.attrs["precision"] == "float64"
    assert weighted_gram(image).float32_power > 0  # float32 was tried
    np.testing.assert_allclose(pca.eigenvalue, exact(image.to_numpy().reshape(-1, 30))[0], rtol=1e-8)


def test_counts_divided_by_a_gain_are_decomposed_in_float32():
    image = poisson_image((34, 23, 40), 100.0)
    gain = np.random.default_rng(3).normal(1, 0.02, 40)
    divided = label((image.to_numpy() / gain).astype(np.float32))
    pca = denoise(divided, PLAIN)
    assert pca.attrs["precision"] == "float32"
    np.testing.assert_allclose(pca.eigenvalue, exact(divided.to_numpy().reshape(-1, 40))[0], rtol=1e-4)
    divided[7, 11, 3] = np.inf
    with pytest.raises(InputError, match="not finite"):
        denoise(divided, PLAIN)


@pytest.mark.parametrize("mean", [1, 8e3])
def test_scores_in_float32_are_off_by_a_thousandth_of_their_noise(mean):
    image = poisson_image((34, 23, 40), mean)
    image[3, 5] = 0
    pca = denoise(image, PLAIN)
    assert pca.attrs["precision"] == "float32"
    projection = (pca.loading / pca.channel_weight**2).to_numpy().T
    expected = image.to_numpy().astype(np.float64) @ projection
    noise = pca.pixel_weight.to_numpy()[..., None]  # of eigenvectors of the noise, which are of unit length
    assert np.abs((pca.score - expected) / noise).max() < (1e-3 if mean > 1 else 1e-5)
    assert not pca.score[3, 5].any()


def test_scores_and_loadings_rebuild_the_image():
    image = poisson_image((5, 7, 11))
    pca = denoise(image, DenoiseOptions(n_components=11, spatial="none"))
    rebuilt = reconstruct(pca, 11)
    assert rebuilt.chunks is not None
    # Scores are float32: seven digits of values up to a thousand.
    np.testing.assert_allclose(rebuilt, image, atol=1e-3)
    truncated = reconstruct(pca, 3)
    expected = pca.score.to_numpy()[..., :3].astype(np.float64) @ pca.loading.to_numpy()[:3]
    np.testing.assert_allclose(truncated, expected, rtol=1e-5)


def test_truncation_removes_noise():
    expected = expected_counts((34, 23, 40), 100.0)
    image = label(np.random.default_rng(2).poisson(expected).astype(np.uint16))
    pca = denoise(image, PLAIN)
    error = [float(((image_like - expected) ** 2).mean()) for image_like in (image, reconstruct(pca, 3))]
    # 3 of 40 directions keep their noise, and so do the 3 x 40 numbers of the loadings.
    assert error[1] < 0.15 * error[0]


def test_coordinates_and_attributes_travel():
    image = poisson_image().assign_attrs(counts_per_electron=2.0, title="STO", signal="EELS")
    image = image.assign_coords(valid_pixel=(("y", "x"), np.ones((17, 13), dtype=bool)))
    pca = denoise(image)
    for result in (pca.score, reconstruct(pca, 3)):
        xr.testing.assert_identical(result.x, image.x)
        xr.testing.assert_identical(result.valid_pixel, image.valid_pixel)
    rebuilt = reconstruct(pca, 3)
    xr.testing.assert_identical(rebuilt.energy_loss, image.energy_loss)
    assert rebuilt.dims == image.dims
    assert rebuilt.attrs == {**image.attrs, "units": "counts"}
    assert rebuilt.dtype == np.float32


@pytest.mark.parametrize("spatial", ["none", "nlm"])
@pytest.mark.parametrize("shape", [(17, 13, 40), (3, 7, 5, 24)])
def test_lazy_equals_eager_and_chunks_do_not_matter(shape, spatial, monkeypatch):
    options = DenoiseOptions(spatial=spatial)
    image = poisson_image(shape)
    mask = np.ones(shape[:-1], dtype=bool)
    mask[..., 2, 1] = False
    image = image.where(xr.DataArray(mask, dims=image.dims[:-1]), 0).astype(np.uint16)
    image = image.assign_coords(valid_pixel=(image.dims[:-1], mask))
    eager = denoise(image, options)
    lazy = denoise(image.chunk({"y": 3, "x": 4, "energy_loss": 5}), options)
    assert (lazy.score.chunks is not None) == (spatial == "none")
    xr.testing.assert_identical(lazy.compute(), eager)
    monkeypatch.setattr(blocks, "BLOCK_ELEMENTS", 60 * shape[-1])
    small = denoise(image.chunk({"y": 2}), options).compute()
    np.testing.assert_allclose(small.eigenvalue, eager.eigenvalue, rtol=1e-5)
    # Components of pure noise are not compared: a change of the last digit may turn them.
    first = eager.score.isel(component=slice(3))
    scale = float(np.abs(first).max())
    np.testing.assert_allclose(small.score.isel(component=slice(3)), first, atol=1e-5 * scale)


def test_invalid_pixels_have_no_influence():
    image = poisson_image((8, 9, 40))
    mask = np.ones((8, 9), dtype=bool)
    mask[2, 5] = mask[7, 0] = False
    masked = image.copy()
    masked.values[~mask] = 60000
    masked = masked.assign_coords(valid_pixel=(("y", "x"), mask))
    pca = denoise(masked)
    values, _ = exact(image.to_numpy()[mask])
    np.testing.assert_allclose(pca.eigenvalue, values, rtol=1e-8)
    assert pca.attrs["n_valid_pixels"] == 70
    np.testing.assert_array_equal(np.isnan(pca.pixel_weight), ~mask)
    for name in ("score", "score_nlm", "score_nlm_guarded"):
        np.testing.assert_array_equal(np.isnan(pca[name]).all("component"), ~mask)
        assert int(np.isnan(pca[name]).sum()) == 2 * 12
    assert (reconstruct(pca, 3).to_numpy()[~mask] == 0).all()


@pytest.mark.guarantee(7)
def test_pixels_and_channels_without_counts():
    image = poisson_image((8, 9, 40))
    image.values[3, 4] = 0
    image.values[..., 17] = 0
    pca = denoise(image)
    assert all(bool(np.isfinite(pca[name]).all()) for name in pca)
    assert (pca.channel_weight > 0).all()
    assert (pca.pixel_weight > 0).all()
    assert (pca.score[3, 4] == 0).all()
    np.testing.assert_allclose(pca.loading[:, 17], 0, atol=1e-12)
    assert pca.attrs["n_channels_with_counts"] == 39
    keep = image.to_numpy().reshape(-1, 40)
    keep = np.delete(keep[keep.sum(axis=1) > 0], 17, axis=1)
    np.testing.assert_allclose(pca.eigenvalue[:39], exact(keep)[0], rtol=1e-8)


def test_weights_stay_sane_after_dark_subtraction():
    """A quarter of the image is vacuum and half of the channels hold nothing but read-out noise."""
    rng = np.random.default_rng(3)
    expected = expected_counts((16, 12, 60), 200.0)
    expected[..., 30:] = 0
    expected[:4] = 0
    image = label((rng.poisson(expected) + rng.normal(0, 4, expected.shape)).astype(np.float32))
    pca = denoise(image)
    assert all(bool(np.isfinite(pca[name]).all()) for name in pca)
    # Read-out noise of standard deviation 4 counts has the variance of 16 counts.
    assert float((pca.channel_weight[30:] ** 2).mean()) == pytest.approx(16 * 0.75 + 16 * 0.25, rel=0.1)
    assert float(pca.pixel_weight[:4].max() / pca.pixel_weight[4:].min()) < 0.6
    # Neither vacuum nor empty channels make a component of their own.
    assert 2 <= int((pca.eigenvalue > 4 * pca.attrs["noise_level"] * 1.6**2).sum()) <= 4
    signal = np.abs(pca.loading.isel(component=slice(3)))
    # An element of the weakest loading has noise of 4 counts / sqrt(144 pixels); the largest is 3 times that.
    assert float(signal[:, 30:].max()) < 4 * 4 / 12


@settings(max_examples=10)
@given(seed=st.integers(0, 2**16), factor=st.floats(0.01, 100))
def test_pixel_order_and_scale(seed, factor):
    image = poisson_image((6, 11, 15), 30.0, seed=seed).astype(np.float64)
    reference = denoise(image, PLAIN)
    shuffled = np.random.default_rng(seed).permutation(image.to_numpy().reshape(-1, 15)).reshape(11, 6, 15)
    np.testing.assert_allclose(denoise(label(shuffled), PLAIN).eigenvalue, reference.eigenvalue, rtol=1e-8)
    scaled = denoise(image * factor, PLAIN)
    np.testing.assert_allclose(scaled.eigenvalue, factor * reference.eigenvalue, rtol=1e-8)
    np.testing.assert_allclose(scaled.pixel_weight, reference.pixel_weight, rtol=1e-8)


def test_axis_order_of_the_navigation_does_not_matter():
    image = poisson_image()
    straight, turned = denoise(image), denoise(image.transpose("x", "y", "energy_loss"))
    assert turned.score.dims == ("x", "y", "component")
    signal = {"component": slice(3)}
    for name in ("score", "score_nlm"):
        first, second = (
            straight[name].isel(signal),
            turned[name].isel(signal).transpose("y", "x", "component"),
        )
        # Sums in another order, in float32.
        np.testing.assert_allclose(second, first, atol=1e-4 * float(np.abs(first).max()))


def test_frames_are_smoothed_on_their_own():
    image = poisson_image((3, 7, 5, 24))
    pca, reversed_pca = denoise(image), denoise(image.isel(frame=slice(None, None, -1)))
    signal = {"component": slice(3)}
    first, second = pca.score_nlm.isel(signal), reversed_pca.score_nlm.isel(signal)[::-1]
    np.testing.assert_allclose(second, first, atol=1e-4 * float(np.abs(first).max()))


def test_spatial_denoising_on_a_chequerboard():
    rng = np.random.default_rng(0)
    blocks_of = rng.integers(0, 3, (6, 5))
    energy = 200 + 3.33 * np.arange(120)
    background = (energy / 200) ** -3.0
    edges = [np.where(energy > onset, 0.3 * (energy / 200) ** -2.0, 0) for onset in (285, 400, 520)]
    material = 1000 * (background + np.stack(edges))
    expected = material[np.kron(blocks_of, np.ones((8, 8), dtype=int))]
    pca = denoise(label(rng.poisson(expected).astype(np.uint16)))
    weight = np.sqrt(expected.mean(axis=(0, 1)))
    errors = {
        name: float((((reconstruct(pca, 6, score=name).to_numpy() - expected) / weight) ** 2).sum())
        for name in ("score", "score_nlm", "score_nlm_guarded")
    }
    assert errors["score_nlm"] <= 0.3 * errors["score"]
    assert errors["score_nlm_guarded"] <= 0.3 * errors["score"]


@pytest.mark.parametrize("shape", [(49, 6, 30), (2, 21, 64), (1, 9, 20), (5, 1, 8), (1, 1, 12)])
def test_narrow_images(shape):
    pca = denoise(poisson_image(shape, 50.0))
    assert pca.sizes["component"] == min(12, shape[0] * shape[1], shape[2])
    assert all(bool(np.isfinite(pca[name]).all()) for name in pca)


def test_data_without_noise():
    image = label(expected_counts((8, 9, 40), 100.0))
    pca = denoise(image)
    for name in ("score", "score_nlm_guarded"):
        np.testing.assert_allclose(reconstruct(pca, 3, score=name), image, rtol=1e-4)


def test_unusable_input_is_refused():
    image = poisson_image((4, 6, 10)).astype(np.float32)
    image.values[2, 3, 5] = np.nan
    with pytest.raises(
        InputError, match=r"counts: the pixel at y = 1 nm, x = 1\.5 nm holds a value that is not finite"
    ):
        denoise(image)
    with pytest.raises(InputError, match="no valid pixel holds any counts"):
        denoise(label(np.zeros((4, 6, 10), dtype=np.uint16)))
    with pytest.raises(InputError, match="an image has the dims"):
        denoise(image[0])
    pca = denoise(poisson_image((4, 6, 10)), PLAIN)
    with pytest.raises(InputError, match=r"n_components is 11, but the PCA has 1 to 10"):
        reconstruct(pca, 11)
    with pytest.raises(InputError, match=r"no 'score_nlm'; set denoise\.spatial to nlm"):
        reconstruct(pca, 2, score="score_nlm")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_components": 0}, "n_components needs a whole number of at least 1, found 0"),
        ({"spatial": "tv"}, "spatial needs none or nlm, found 'tv'"),
        ({"nlm_strength": 0.0}, r"nlm_strength needs a number above 0, found 0\.0"),
        ({"nlm_window_px": 4}, "nlm_window_px needs an odd number, found 4"),
        ({"nlm_patch_px": -1}, "nlm_patch_px needs an odd whole number of at least 1, found -1"),
        ({"guard_probability": 1.0}, r"guard_probability needs a number above 0 and below 1, found 1\.0"),
    ],
)
def test_options_are_checked(options, message):
    with pytest.raises(ValueError, match=message):
        DenoiseOptions(**options)


def test_the_largest_eigenvalue_of_a_matrix_and_of_none():
    rows = np.random.default_rng(0).normal(size=(50, 7)) * np.arange(1, 8)
    assert largest_eigenvalue(rows.T @ rows) == pytest.approx(np.linalg.norm(rows, 2) ** 2, rel=0.01)
    assert largest_eigenvalue(np.zeros((3, 3))) == 0
