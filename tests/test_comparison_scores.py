"""Kernels of the comparison against closed forms and simulation."""

from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from eelsunmix.comparison import agreement
from eelsunmix.comparison.components import Components
from eelsunmix.comparison.matching import groups, match_whitened, sad_between
from eelsunmix.comparison.regrouped import groups_of
from eelsunmix.comparison.shape import peak_shape
from eelsunmix.comparison.tables import _smooth
from eelsunmix.comparison.thresholds import CRITERIA, Criterion


def component(label, spectra):
    return Components(
        label=label,
        spectra=np.asarray(spectra, dtype=float),
        refit=None,
        abundance=None,
        reduced_chi2=1.0,
        status="converged",
        message="",
        seconds=1.0,
    )


def test_correlation_is_that_of_numpy_without_the_missing_points():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 5, 9))
    x[1, 2] = np.nan
    kept = np.isfinite(x)
    np.testing.assert_allclose(agreement.correlation(x, y), np.corrcoef(x[kept], y[kept])[0, 1])


@given(st.floats(0.01, 100), st.floats(-50, 50))
def test_correlation_knows_neither_scale_nor_offset(factor, offset):
    x, y = np.random.default_rng(1).normal(size=(2, 30))
    expected = agreement.correlation(x, y)
    np.testing.assert_allclose(agreement.correlation(x, factor * y + offset), expected, rtol=1e-6)


@pytest.mark.parametrize("score", [agreement.correlation, lambda x, y: agreement.scaled_error(x, y, 1.0)])
def test_too_few_or_constant_points_have_no_score(score):
    assert np.isnan(score(np.array([1.0, np.nan, 2.0]), np.array([1.0, 1.0, np.nan])))
    assert np.isnan(agreement.correlation(np.arange(5.0), np.ones(5)))


def test_scale_is_weighted_least_squares():
    rng = np.random.default_rng(2)
    other, sd = rng.uniform(1, 2, 40), rng.uniform(0.1, 3, 40)
    reference = 3.0 * other + sd * rng.normal(size=40)
    expected = np.linalg.lstsq((other / sd)[:, None], reference / sd, rcond=None)[0][0]
    np.testing.assert_allclose(agreement.scale(reference, other, sd), expected)


def test_reduced_chi2_of_noise_is_one():
    rng = np.random.default_rng(3)
    truth, sd = rng.uniform(10, 20, 4000), rng.uniform(0.5, 2, 4000)
    noisy = truth + sd * rng.normal(size=4000)
    chi2 = agreement.reduced_chi2(noisy, truth, sd, agreement.scale(noisy, truth, sd))
    assert abs(chi2 - 1) < 5 * np.sqrt(2 / 4000)


@pytest.mark.parametrize("noise", [0.3, 1.0, 3.0])
def test_ceiling_is_the_correlation_of_the_truth_with_the_measurement(noise):
    rng = np.random.default_rng(4)
    truth = rng.normal(size=40_000)
    sd = noise * rng.uniform(0.5, 1.5, truth.size)
    measured = truth + sd * rng.normal(size=truth.size)
    # Both have a sampling error of about 1/200 at this size.
    expected = np.corrcoef(truth, measured)[0, 1]
    np.testing.assert_allclose(agreement.noise_ceiling(measured, sd), expected, atol=0.03)


def test_ceiling_of_pure_noise_is_nearly_zero():
    noise = np.random.default_rng(5).normal(size=10_000)
    assert agreement.noise_ceiling(noise, 1.05 * np.ones(10_000)) == 0


def test_shape_of_a_triangle():
    position = np.linspace(0, 20, 201)
    values = np.interp(position, [4, 10, 12], [0, 5, 0])  # left flank three times as wide as the right one
    shape = peak_shape(position, values)
    np.testing.assert_allclose(shape.fwhm, 4.0)
    np.testing.assert_allclose(shape.left_10_90, 0.8 * 6)
    np.testing.assert_allclose(shape.right_10_90, 0.8 * 2)
    np.testing.assert_allclose(shape.asymmetry, -0.5)


def test_shape_of_a_mirrored_profile_is_the_mirrored_shape():
    position = np.arange(60.0)
    values = np.exp(-0.5 * ((position - 22) / np.where(position < 22, 6, 3)) ** 2)
    one, other = peak_shape(position, values), peak_shape(position, values[::-1])
    np.testing.assert_allclose(other.fwhm, one.fwhm)
    np.testing.assert_allclose(other.left_10_90, one.right_10_90)
    np.testing.assert_allclose(other.asymmetry, -one.asymmetry)


def test_fwhm_of_a_gaussian():
    position = np.linspace(-10, 10, 2001)
    shape = peak_shape(position, np.exp(-0.5 * (position / 2) ** 2))
    np.testing.assert_allclose(shape.fwhm, 2 * np.sqrt(2 * np.log(2)) * 2, rtol=1e-4)


def test_a_step_has_one_flank_only():
    position = np.arange(30.0)
    shape = peak_shape(position, np.clip((position - 10) / 5, 0, 1))
    assert np.isnan(shape.fwhm)
    assert np.isnan(shape.right_10_90)
    np.testing.assert_allclose(shape.left_10_90, 4.0)


def test_missing_points_and_empty_profiles():
    position = np.arange(8.0)
    values = np.array([0, 1, 2, 1, 0, np.nan, np.nan, np.nan], dtype=float)
    np.testing.assert_allclose(peak_shape(position, values).fwhm, 2.0)
    assert np.isnan(peak_shape(position, np.full(8, np.nan)).fwhm)
    assert np.isnan(peak_shape(position, -np.ones(8)).fwhm)


@given(st.permutations(range(4)))
def test_permuted_spectra_are_matched_back(order):
    spectra = np.random.default_rng(6).uniform(1, 2, (4, 25))
    partners = match_whitened(spectra, spectra[list(order)], np.ones(25))
    np.testing.assert_array_equal(np.array(order)[partners], np.arange(4))


def test_groups_follow_the_first_method_with_a_result():
    spectra = np.random.default_rng(7).uniform(1, 2, (3, 25))
    methods = [
        component("failed", np.empty((0, 0))),
        component("a", spectra),
        component("b", spectra[[2, 0, 1]]),
        component("c", spectra[[1, 0]]),
    ]
    expected = [[-1, -1, -1, -1], [0, 1, 2, -1], [2, 0, 1, -1], [1, 0, -1, -1]]
    np.testing.assert_array_equal(groups(methods, np.ones(25), 4), expected)


def test_angles_between_methods_are_symmetric_and_zero_for_permutations():
    rng = np.random.default_rng(8)
    spectra = rng.uniform(1, 2, (3, 25))
    methods = [
        component("a", spectra),
        component("b", 5 * spectra[[2, 0, 1]]),
        component("failed", np.empty((0, 0))),
        component("c", spectra + rng.uniform(0, 1, (3, 25))),
    ]
    angles = sad_between(methods, rng.uniform(1, 2, 25))
    np.testing.assert_allclose(angles, angles.T)
    np.testing.assert_allclose(angles[0, 1], 0, atol=1e-7)
    assert angles[0, 3] > 0.05
    assert np.isnan(angles[2]).all()


def test_groups_without_any_result():
    assert (groups([component("x", np.empty((0, 0)))], np.ones(5), 2) == -1).all()


@pytest.mark.parametrize(
    ("value", "light"), [(0.05, "green"), (0.1, "green"), (0.2, "amber"), (0.4, "red"), (np.nan, "grey")]
)
def test_lights_where_lower_is_better(value, light):
    assert (
        Criterion(title="t", outputs=("counts",), green=0.1, amber=0.3, explanation="").light(value) == light
    )


@pytest.mark.parametrize(("value", "light"), [(0.95, "green"), (0.8, "amber"), (0.1, "red"), (-1.0, "red")])
def test_lights_where_higher_is_better(value, light):
    assert CRITERIA["agreement"].light(value) == light


def test_cross_talk_is_never_red():
    assert CRITERIA["cross_talk"].light(5.0) == "amber"


@pytest.mark.parametrize(
    ("criterion", "value", "text"),
    [
        ("misfit", 0.12, "12 %"),
        ("misfit", 0.1203, "12.03 %"),
        ("misfit", 0.1243, "12.4 %"),
        ("misfit", 0.0602, "6.02 %"),
        ("misfit", 0.119, "11.9 %"),
        ("misfit", 0.1196, "11.96 %"),
        ("misfit", 0.134, "13 %"),
        ("cross_talk", -0.1004, "-10.04 %"),
        ("reconstruction", 1.1004, "1.1004"),
        ("agreement", 0.89996, "0.89996"),
        ("agreement", 0.9, "0.9"),
        ("agreement", -0.9, "-0.9"),
        ("misfit", np.nan, "nan %"),
    ],
)
def test_a_value_beside_a_limit_does_not_read_as_the_limit(criterion, value, text):
    assert CRITERIA[criterion].form(value) == text


def test_binned_and_cropped_axes_find_their_fine_positions():
    fine = 216.0 + 3.33 * np.arange(20)
    bins, n = groups_of(fine, fine[4:16].reshape(-1, 3).mean(axis=1))
    assert n == 3
    np.testing.assert_array_equal(bins, [-1] * 4 + [i for i in range(4) for _ in range(3)] + [-1] * 4)


def test_axes_that_do_not_fit_are_noticed():
    fine = np.arange(10.0)
    assert groups_of(fine, np.arange(0.0, 9.0, 1.5)) is None
    assert groups_of(fine, np.arange(5.0, 15.0)) is None


def test_invalid_pixels_do_not_darken_their_neighbours():
    values = np.full((2, 6, 5), 7.0)
    values[0, 2, 3] = values[1, :4, :3] = np.nan
    image = xr.DataArray(values, dims=("frame", "y", "x"))
    smooth = _smooth(image, SimpleNamespace(navigation=image.dims))
    np.testing.assert_allclose(smooth[np.isfinite(smooth)], 7.0)
    assert np.isnan(smooth[1, :3, :2]).all()
    assert np.isfinite(smooth[0]).all()
