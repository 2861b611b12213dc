"""Dims, valid pixels and the words for a place are those of the image, however it is ordered."""

import numpy as np
import pytest
import xarray as xr

from eelsunmix.image import in_canonical_order, spectral_dim, valid_pixels, with_valid_pixel
from eelsunmix.words import place_in_words


@pytest.fixture
def image():
    return xr.DataArray(
        np.arange(3 * 2 * 5.0).reshape(3, 2, 5),
        dims=("y", "x", "energy_loss"),
        coords={
            "y": ("y", [0.0, 1.5, 3.0], {"units": "nm"}),
            "energy_loss": ("energy_loss", np.arange(200.0, 205.0), {"units": "eV"}),
            "valid_pixel": (("y", "x"), [[True, False], [True, True], [False, True]]),
        },
    )


@pytest.mark.parametrize(
    "dims", [("y", "x", "energy_loss"), ("energy_loss", "x", "y"), ("x", "energy_loss", "y")]
)
def test_the_energy_comes_last_and_rows_before_columns(image, dims):
    found = in_canonical_order(image.transpose(*dims))
    assert spectral_dim(image.transpose(*dims)) == "energy_loss"
    assert found.dims == ("y", "x", "energy_loss")
    np.testing.assert_array_equal(found, image)


def test_unknown_dims_come_before_the_known_ones_and_the_last_is_spectral():
    image = xr.DataArray(np.ones((2, 3, 4, 5)), dims=("tilt", "x", "frame", "wavelength"))
    assert spectral_dim(image) == "wavelength"
    assert in_canonical_order(image).dims == ("tilt", "frame", "x", "wavelength")


def test_the_mask_follows_the_order_of_the_dims(image):
    np.testing.assert_array_equal(valid_pixels(image), image.valid_pixel)
    turned = image.transpose("x", "y", "energy_loss", transpose_coords=False)
    np.testing.assert_array_equal(valid_pixels(turned), image.valid_pixel.T)


def test_all_pixels_are_valid_where_nothing_is_said(image):
    plain = image.drop_vars("valid_pixel")
    assert valid_pixels(plain).shape == (3, 2)
    assert valid_pixels(plain).all()
    assert with_valid_pixel(plain).valid_pixel.all()


def test_a_lazy_mask_is_loaded(image):
    loaded = with_valid_pixel(image.chunk({"y": 1}))
    assert loaded.valid_pixel.chunks is None
    assert loaded.chunks is not None
    xr.testing.assert_equal(loaded.compute(), image)


def test_a_place_is_named_in_the_coordinates_of_the_image(image):
    assert place_in_words(image, (1, 1)) == "y = 1.5 nm, x = 1"
    assert place_in_words(image, (2, 0, 4)) == "y = 3 nm, x = 0, energy_loss = 204 eV"


def test_a_place_in_a_block_is_that_in_the_image(image):
    assert place_in_words(image[1:, 1:], (0, 0), corner=(1, 1)) == place_in_words(image, (1, 1))
