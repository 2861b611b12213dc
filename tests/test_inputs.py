"""What a method learns from and is applied to."""

import numpy as np
import pytest
import xarray as xr

from eelsunmix.inputs import learning_image, mapped_image
from eelsunmix.pca import denoise


@pytest.fixture(scope="module")
def stores():
    rng = np.random.default_rng(0)
    spectra = rng.uniform(50, 200, (2, 40))
    share = np.linspace(0, 1, 9 * 7).reshape(9, 7, 1)
    counts = rng.poisson(share * spectra[0] + (1 - share) * spectra[1])
    image = xr.DataArray(counts, dims=("y", "x", "energy_loss"), name="counts")
    return image, denoise(image), xr.Dataset(attrs={"signal_rank": 2, "n_endmembers": 1})


def test_corrected_counts_pass_unchanged(stores):
    for image in (learning_image("corrected", *stores), mapped_image("corrected", *stores)):
        np.testing.assert_array_equal(image, stores[0])
        assert image.attrs["input"] == "corrected"


def test_components_above_the_noise_are_reconstructed(stores):
    _, pca, _ = stores
    expected = pca.score[..., :2].values @ pca.loading[:2].values
    np.testing.assert_allclose(learning_image("pca", *stores), expected, rtol=1e-5)
    assert learning_image("pca", *stores).attrs["input"] == "pca"


def test_non_local_means_learns_unguarded_and_maps_guarded(stores):
    _, pca, _ = stores
    for image, score in ((learning_image, "score_nlm"), (mapped_image, "score_nlm_guarded")):
        np.testing.assert_allclose(
            image("nlm", *stores), pca[score][..., :2].values @ pca.loading[:2].values, rtol=1e-5
        )
