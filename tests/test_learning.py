"""The learning set: which pixels, in bounded memory, whatever the chunks."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from eelsunmix import learning
from eelsunmix.errors import InputError
from eelsunmix.execution import blocks
from eelsunmix.learning import learning_set, sample_tiles, stratified_sample
from eelsunmix.pca import DenoiseOptions, denoise


def layered(shape=(31, 47), n_channels=20, seed=0):
    """Two phases, half of the image each, and a third in four pixels."""
    rng = np.random.default_rng(seed)
    spectra = np.full((3, n_channels), 50.0)
    spectra[1, 5:] += 25
    spectra[2, 12:] += 60
    phase = np.zeros(shape, int)
    phase[:, shape[1] // 2 :] = 1
    phase[7:11, 3] = 2
    valid = np.ones(shape, bool)
    valid[0, :5] = False
    counts = np.where(valid[..., None], rng.poisson(spectra[phase]), 0).astype(np.uint16)
    image = xr.DataArray(counts, dims=("y", "x", "energy_loss"), name="counts")
    return image.assign_coords(valid_pixel=(("y", "x"), valid)), phase


def pca_of(image):
    return denoise(image, DenoiseOptions(spatial="none", n_components=4))


def rows_of(spectra):
    return {tuple(row) for row in spectra}


def test_a_small_image_is_taken_whole_without_its_invalid_pixels():
    image, _ = layered()
    pca = pca_of(image)
    found = learning_set(image.assign_coords(energy_loss=np.arange(20.0)), pca, rng=np.random.default_rng(0))
    valid = image.valid_pixel.to_numpy()
    np.testing.assert_array_equal(found.spectra, image.to_numpy()[valid])
    np.testing.assert_allclose(found.pixel_weight, pca.pixel_weight.to_numpy()[valid])
    np.testing.assert_allclose(found.loadings, pca.loading)
    assert found.tiles is None


def test_a_layer_of_four_pixels_survives_the_sample():
    image, phase = layered()
    image = image.assign_coords(energy_loss=np.arange(20.0))
    pca = pca_of(image)
    rare = rows_of(image.to_numpy()[phase == 2].astype(float))
    for seed in range(5):
        found = learning_set(image, pca, n_pixels=60, rng=np.random.default_rng(seed))
        assert 30 <= len(found.spectra) <= 60
        assert rare <= rows_of(found.spectra)


def test_chunks_and_blocks_change_nothing(monkeypatch):
    image, phase = layered()
    image = image.assign_coords(energy_loss=np.arange(20.0))
    pca = pca_of(image)
    rare = rows_of(image.to_numpy()[phase == 2].astype(float))
    eager = learning_set(image, pca, n_pixels=60, rng=np.random.default_rng(0))
    lazy = learning_set(image.chunk(y=4, x=9), pca.chunk(y=5), n_pixels=60, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(lazy.spectra, eager.spectra)
    # Blocks of three rows: the sample is drawn in two rounds, and the layer survives both.
    monkeypatch.setattr(blocks, "BLOCK_ELEMENTS", 3 * 47 * 4)
    found = learning_set(image, pca, n_pixels=60, rng=np.random.default_rng(0))
    assert len(found.spectra) <= 60
    assert rare <= rows_of(found.spectra)


def test_many_channels_mean_fewer_pixels(monkeypatch):
    monkeypatch.setattr(learning, "LEARNING_ELEMENTS", 20 * 100)
    image, _ = layered()
    image = image.assign_coords(energy_loss=np.arange(20.0))
    assert len(learning_set(image, pca_of(image), rng=np.random.default_rng(0)).spectra) <= 100


@given(st.integers(0, 2**32 - 1), st.integers(1, 400), st.integers(1, 300), st.integers(1, 5))
@settings(max_examples=60)
def test_samples_are_distinct_sorted_and_within_the_limit(seed, n_scores, n_pixels, n_components):
    rng = np.random.default_rng(seed)
    scores = rng.standard_t(2, (n_scores, n_components)) * np.array([1e4, 1, 1e-3, 0, 1])[:n_components]
    found = stratified_sample(scores, n_pixels, np.random.default_rng(1))
    assert len(found) == len(set(found.tolist())) <= n_pixels
    assert (np.diff(found) > 0).all()
    assert len(found) >= min(n_scores, n_pixels) // 2
    np.testing.assert_array_equal(found, stratified_sample(scores, n_pixels, np.random.default_rng(1)))


def test_identical_pixels_fill_the_sample():
    assert len(stratified_sample(np.ones((100, 3)), 30, np.random.default_rng(0))) == 30


def test_dense_and_sparse_cells_give_alike():
    rng = np.random.default_rng(0)
    scores = np.concatenate([rng.normal(0, 1, (9000, 2)), rng.normal(60, 1, (100, 2))])
    found = stratified_sample(scores, 400, rng)
    # A uniform sample would hold 4 of the 100.
    assert np.sum(found >= 9000) > 40


def test_a_bad_value_is_named_by_place():
    image, _ = layered()
    pca = pca_of(image)
    image = image.astype(float).assign_coords(
        energy_loss=("energy_loss", 100 + np.arange(20.0), {"units": "eV"}), x=0.5 * np.arange(47.0)
    )
    image[6, 9, 13] = np.inf
    with pytest.raises(InputError, match=r"counts: the value inf at y = 6, x = 4.5, energy_loss = 113 eV is"):
        learning_set(image, pca, rng=np.random.default_rng(0))


def test_an_invalid_pixel_may_hold_anything():
    image, _ = layered()
    image = image.astype(float).assign_coords(energy_loss=np.arange(20.0))
    pca = pca_of(image)
    image[0, 1, 3] = np.nan
    assert np.isfinite(learning_set(image, pca, rng=np.random.default_rng(0)).spectra).all()


def test_no_valid_pixel_is_an_error():
    image, _ = layered()
    pca = pca_of(image)
    masked = image.assign_coords(
        valid_pixel=(("y", "x"), np.zeros((31, 47), bool)), energy_loss=np.arange(20.0)
    )
    with pytest.raises(InputError, match="no valid pixel"):
        learning_set(masked, pca, rng=np.random.default_rng(0))


def test_tiles_are_pieces_of_the_image():
    image, _ = layered()
    image = image.assign_coords(energy_loss=np.arange(20.0))
    found = learning_set(image, pca_of(image), rng=np.random.default_rng(0), needs={"tiles", "mask"})
    assert found.tiles is not None
    np.testing.assert_array_equal(found.mask, image.valid_pixel)
    assert found.edges is None
    tiles = found.tiles(6, 4, np.random.default_rng(1))
    assert tiles.shape == (6, 4, 4, 20)
    values = image.to_numpy()
    windows = np.lib.stride_tricks.sliding_window_view(values, (4, 4), axis=(0, 1)).transpose(0, 1, 3, 4, 2)
    for tile in tiles:
        assert (windows == tile).all(axis=(2, 3, 4)).sum() >= 1
    lazy = sample_tiles(image.chunk(y=5), 6, 4, np.random.default_rng(1))
    np.testing.assert_array_equal(lazy, tiles)
    with pytest.raises(InputError, match="tiles of 32 x 32 pixels do not fit in an image of 31 x 47"):
        sample_tiles(image, 1, 32, np.random.default_rng(0))


def test_a_large_negative_value_is_named_too():
    """Of a dark signal that was taken off a dead pixel, say: least squares would fit nothing else."""
    image, _ = layered()
    cold = image.astype(float)
    cold[4, 2, 7] = -1e9
    with pytest.raises(InputError, match=r"value -1e\+09 at y = 4, x = 2, .* = 7 is a hot pixel"):
        learning_set(cold, pca_of(cold), rng=np.random.default_rng(0))


def test_a_pixel_hot_in_all_channels_is_named():
    image, _ = layered()
    hot = image.astype(np.int64)
    hot[3, 2] = 10**9
    with pytest.raises(InputError, match=r"y = 3, x = 2, .* pixel with 2e\+10 counts, .* mask this"):
        learning_set(hot, pca_of(hot), rng=np.random.default_rng(0))


def test_a_block_of_vacuum_with_the_rim_of_a_specimen_is_no_mistake(monkeypatch):
    image, _ = layered()
    image = image.astype(np.int64).assign_coords(energy_loss=np.arange(20.0)) * 1000
    image[:16] = 0
    image[15, 40] = 30_000  # one pixel of the specimen among vacuum
    pca = pca_of(image)
    whole = learning_set(image, pca, rng=np.random.default_rng(0))
    monkeypatch.setattr(blocks, "BLOCK_ELEMENTS", 16 * 47 * 20)
    np.testing.assert_array_equal(
        learning_set(image, pca, rng=np.random.default_rng(0)).spectra, whole.spectra
    )
