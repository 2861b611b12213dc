"""The neighbourhood of a local exponent, what it is worth, and what stands in where nothing can be fitted."""

import numpy as np
import pytest
from scipy import ndimage

from eelsunmix.background.exponents import exponent_information
from eelsunmix.background.subtraction import (
    BackgroundOptions,
    gaussian_sum,
    overall_shape,
    subtract,
)
from eelsunmix.background.windows import locate
from eelsunmix.edges import Edge

PLACE = locate(
    Edge(element="Ti", onset_eV=456, fit_eV=(405, 450), integrate_eV=(456, 486)), np.arange(350.0, 520.0)
)


def sums_of(exponent, counts):
    """Noise-free window sums of a power law with `counts` in the fit window."""
    limits = np.append(PLACE.fit_bounds, PLACE.integrate_bounds)
    integrals = (limits[1:] ** (1 - exponent) - limits[:-1] ** (1 - exponent)) / (1 - exponent)
    wanted = np.append(integrals[: PLACE.fit.size - 1], integrals[-1])
    return counts[..., None] * wanted / wanted[:-1].sum()


def subtract_from(sums, mode, valid=None, **options):
    valid = np.ones(sums.shape[:-1], dtype=bool) if valid is None else valid
    choice = BackgroundOptions(exponent=mode, **options)
    return subtract(sums, valid, PLACE, choice, counts_per_electron=1.0, average_over=(0, 1))


@pytest.mark.parametrize("sigma", [0.7, 2.0])
def test_gaussian_sum_is_scipys_filter(sigma):
    values = np.random.default_rng(0).normal(size=(14, 9, 3))
    expected = ndimage.gaussian_filter(values, (sigma, sigma, 0), mode="constant", truncate=4.0)
    np.testing.assert_allclose(gaussian_sum(values, sigma, (0, 1)), expected, rtol=1e-10)


def test_squared_weights_give_the_variance_of_the_sum():
    rng = np.random.default_rng(1)
    noise = rng.normal(size=(4000, 11, 7)) * np.linspace(1, 2, 7)
    spread = gaussian_sum(noise, 1.3, (1, 2)).var(axis=0)
    expected = gaussian_sum(
        np.broadcast_to(np.linspace(1, 2, 7) ** 2, (11, 7)).copy(), 1.3, (0, 1), squared=True
    )
    # A variance of 4000 values is known to 2.2 %; 77 places: 5 of those.
    np.testing.assert_allclose(spread, expected, rtol=0.11)


def test_neighbourhood_sharpens_the_exponent_as_its_weights_say():
    sums = sums_of(3.0, np.full((31, 33), 1000.0))
    pixel, local = subtract_from(sums, "pixel"), subtract_from(sums, "local", local_sigma_px=2.0)

    def exponent_part(result):
        # What is left of the variance when the counting of both windows is taken off.
        ratio = result.background_counts / 1000
        return result.net_counts_sd**2 - sums[..., -1] - ratio**2 * 1000

    weights = np.zeros((31, 33))
    weights[15, 16] = 1
    weights = gaussian_sum(weights, 2.0, (0, 1))
    gain = exponent_part(local)[15, 16] / exponent_part(pixel)[15, 16]
    assert gain == pytest.approx((weights**2).sum(), rel=1e-6)
    assert gain == pytest.approx(1 / (4 * np.pi * 2.0**2), rel=0.01)  # the continuous Gaussian


def test_neighbourhood_ends_at_invalid_pixels():
    counts = np.full((6, 8), 500.0)
    valid = np.ones((6, 8), dtype=bool)
    valid[:, 3] = False
    sums = np.where(np.arange(8)[:, None] < 3, sums_of(2.0, counts), sums_of(4.0, counts)) * valid[..., None]
    result = subtract_from(sums, "local", valid, local_sigma_px=0.3)
    np.testing.assert_allclose(result.exponent[:, :3], 2.0, rtol=1e-6)
    np.testing.assert_allclose(result.exponent[:, 4:], 4.0, rtol=1e-6)
    assert np.isnan(result.net_counts[:, 3]).all()


def test_pixels_without_counts_take_the_exponent_of_the_image():
    sums = sums_of(3.0, np.full((4, 5), 100.0))
    sums[0, 0] = 0
    sums[1, 2, :-1] *= -1
    result = subtract_from(sums, "pixel")
    assert np.argwhere(result.not_fitted).tolist() == [[0, 0], [1, 2]]
    assert np.isnan(result.exponent[result.not_fitted]).all()
    assert result.background_counts[0, 0] == 0
    assert result.background_counts[1, 2] == pytest.approx(-result.background_counts[2, 2], rel=1e-6)


def test_overall_shape_is_that_of_the_sum():
    rng = np.random.default_rng(2)
    binned = rng.poisson(sums_of(3.0, np.full((20, 7), 300.0)))[..., :-1].astype(float)
    shape, counts = overall_shape(binned, PLACE)
    assert counts == binned.sum()
    variance = 1 / (counts * exponent_information(shape, PLACE.fit_bounds)[0])
    assert abs(shape[0] - 3) < 4 * np.sqrt(variance)
    assert overall_shape(np.zeros((2, 3, 12)), PLACE) == (PLACE.model.usual, np.inf)


def test_a_common_error_is_only_that_of_a_global_exponent():
    sums = sums_of(3.0, np.full((4, 5), 100.0))
    assert (subtract_from(sums, "pixel").common_sd == 0).all()
    result = subtract_from(sums, "global")
    assert (result.common_sd > 0).all()
    total = result.independent_sd**2 + result.common_sd**2
    np.testing.assert_allclose(total, result.net_counts_sd**2)
