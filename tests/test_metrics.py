"""Metrics, by values that are known exactly."""

import numpy as np
import pytest
import xarray as xr

from eelsunmix import metrics
from eelsunmix.errors import InputError


def test_angles_of_known_spectra():
    assert metrics.sad([1.0, 0.0], [1.0, 1.0]) == pytest.approx(np.pi / 4, rel=1e-15)
    assert metrics.sad([1.0, 0.0, 0.0], [0.0, 0.0, 2.0]) == pytest.approx(np.pi / 2, rel=1e-15)
    assert metrics.sad([1.0, 2.0], [-1.0, -2.0]) == pytest.approx(np.pi, rel=1e-15)


@pytest.mark.parametrize("angle", [1e-12, 1e-9, 1e-6, 0.3, np.pi - 1e-9])
def test_small_angles_keep_their_digits(angle):
    # The arc cosine of the textbook gives 0 or 1.5e-8 for the first two.
    # The unit vectors themselves are rounded to 1e-16, which is the absolute error allowed here.
    found = metrics.sad([1.0, 0.0], [np.cos(angle), np.sin(angle)])
    assert found == pytest.approx(angle, rel=1e-12, abs=3e-16)


def test_the_scale_of_a_spectrum_does_not_matter_even_near_the_limits_of_floats():
    spectrum = np.array([3.0, 4.0, 5.0])
    assert metrics.sad(spectrum * 1e-200, spectrum * 1e200) < 1e-15


def test_a_zero_spectrum_has_no_angle():
    assert np.isnan(metrics.sad([0.0, 0.0], [1.0, 0.0]))


def test_angles_of_many_spectra_at_a_time():
    rng = np.random.default_rng(0)
    first, second = rng.random((3, 40)), rng.random((5, 40))
    found = metrics.sad(first[:, None], second[None])
    assert found.shape == (3, 5)
    naive = np.arccos((first[2] @ second[4]) / np.linalg.norm(first[2]) / np.linalg.norm(second[4]))
    assert found[2, 4] == pytest.approx(naive, rel=1e-12)


def test_whitening_divides_by_the_standard_deviation():
    deviation = np.array([10.0, 1.0])
    assert metrics.sad_whitened([10.0, 0.0], [10.0, 1.0], deviation) == pytest.approx(np.pi / 4)
    with pytest.raises(InputError, match="positive in every channel"):
        metrics.sad_whitened([1.0, 0.0], [1.0, 1.0], [1.0, 0.0])


def test_edge_angle_sees_only_what_the_subtraction_leaves():
    background = np.array([100.0, 90.0, 80.0])
    first, second = background + np.eye(3)[1], background + np.eye(3)[2]
    assert metrics.sad(first, second) < 0.02
    assert metrics.sad_edge(first, second, lambda spectra: spectra - background) == pytest.approx(np.pi / 2)


def test_nmse_of_known_maps():
    true = np.array([[1.0, 0.0, 2.0], [0.0, 2.0, 0.0]])
    assert metrics.nmse(true, true) == 0.0
    assert metrics.nmse(true, np.zeros_like(true)) == 1.0
    assert metrics.nmse(true, true + np.array([[0, 3.0, 0], [0, 0, 0]])) == pytest.approx(1.0)
    assert metrics.nmse(true, 1.5 * true) == pytest.approx(0.25)
    assert np.isnan(metrics.nmse(np.zeros(3), np.ones(3)))


def test_nmse_per_endmember_along_any_axis():
    rng = np.random.default_rng(1)
    true, estimated = rng.random((7, 5, 3)), rng.random((7, 5, 3))
    found = metrics.nmse(true, estimated, endmember_axis=-1)
    moved = metrics.nmse(np.moveaxis(true, -1, 0), np.moveaxis(estimated, -1, 0), endmember_axis=0)
    np.testing.assert_array_equal(found, moved)
    assert found[1] == pytest.approx(metrics.nmse(true[..., 1], estimated[..., 1]), rel=1e-14)


def test_masked_pixels_are_left_out_of_both_norms():
    assert metrics.nmse([1.0, 2.0, 9.0], [1.0, 0.0, np.nan]) == pytest.approx(4 / 5)


def test_scale_free_nmse_is_the_least_over_all_scales():
    rng = np.random.default_rng(2)
    true, estimated = rng.random((7, 5)), rng.random((7, 5))
    scales = np.linspace(0.01, 3, 4000)
    scan = min(metrics.nmse(true, scale * estimated) for scale in scales)
    found = metrics.nmse_scale_free(true, estimated)
    assert found <= scan
    # The scan misses the minimum by at most half a step, in which the parabola rises by less than 1e-6.
    assert found == pytest.approx(scan, abs=1e-6)


def test_scale_free_nmse_does_not_turn_maps_round():
    assert metrics.nmse_scale_free([1.0, 2.0], [-1.0, -2.0]) == 1.0
    assert metrics.nmse_scale_free([1.0, 2.0], [0.0, 0.0]) == 1.0


def test_maps_of_different_shape_are_refused():
    with pytest.raises(InputError, match=r"\(3,\) and \(2,\)"):
        metrics.nmse(np.ones(3), np.ones(2))


def test_match_undoes_a_permutation():
    rng = np.random.default_rng(3)
    true = rng.random((4, 40))
    shuffle = np.array([2, 0, 3, 1])
    order = metrics.match(true, 7 * true[shuffle])
    np.testing.assert_array_equal(7 * true[shuffle][order], 7 * true)


def test_match_takes_the_best_sum_not_the_best_pair():
    angles_true, angles_found = np.array([0.0, 0.3]), np.array([0.25, 1.5])
    true = np.stack([np.cos(angles_true), np.sin(angles_true)], axis=1)
    found = np.stack([np.cos(angles_found), np.sin(angles_found)], axis=1)
    # The closest pair is (1, 0), but 0.05 + 1.5 is more than 0.25 + 1.2.
    np.testing.assert_array_equal(metrics.match(true, found), [0, 1])


def test_match_with_missing_and_zero_endmembers():
    true = np.eye(3)
    np.testing.assert_array_equal(metrics.match(true, true[[2, 0]]), [1, -1, 0])
    np.testing.assert_array_equal(metrics.match(true, np.stack([true[1], 0 * true[0], true[0]])), [2, 0, 1])
    with pytest.raises(InputError, match="same channels"):
        metrics.match(true, np.eye(4))


def test_labelled_arrays_are_welcome():
    true = xr.DataArray(np.eye(3), dims=("endmember", "energy_loss"))
    np.testing.assert_array_equal(metrics.match(true, true[::-1]), [2, 1, 0])


WRONG = {
    "text": "a",
    "mapping": {"a": 1},
    "object": object(),
    "ragged": [[1, 2], [3]],
    "dataset": xr.Dataset({"q": ("x", [1.0])}),
}


@pytest.mark.parametrize("value", WRONG.values(), ids=WRONG)
def test_what_is_no_array_of_numbers_is_named(value):
    spectra = np.ones((3, 10))
    wrong = [
        (lambda: metrics.sad(value, spectra), "a needs an array of numbers"),
        (lambda: metrics.sad_whitened(spectra, spectra, value), "standard_deviation needs an array"),
        (lambda: metrics.sad_edge(spectra, value, np.abs), "b needs an array of numbers"),
        (lambda: metrics.sad_edge(spectra, spectra, value), "subtract needs a function"),
        (lambda: metrics.nmse(value, spectra), "true needs an array of numbers"),
        (lambda: metrics.nmse_scale_free(spectra, value), "estimated needs an array of numbers"),
        (lambda: metrics.nmse(spectra, spectra, endmember_axis=value), "endmember_axis needs the number"),
        (lambda: metrics.match(spectra, value), "estimated needs an array of numbers"),
        (lambda: metrics.match(spectra, spectra, distance=value), "distance needs a function"),
    ]
    for call, said in wrong:
        with pytest.raises(InputError, match=said) as caught:
            call()
        assert str(caught.value).isprintable()


@pytest.mark.parametrize(("a", "b"), [((2, 10), (3, 10)), ((3, 5), (3, 10)), ((), (10,)), ((3, 0), (3, 0))])
def test_spectra_of_other_channels_are_refused(a, b):
    with pytest.raises(InputError, match=r"a, b must be spectra, shape \(..., channel\)"):
        metrics.sad(np.ones(a), np.ones(b))


@pytest.mark.parametrize("axis", [2, -3, 1.5, (0, 1)])
def test_an_axis_that_does_not_exist_is_refused(axis):
    with pytest.raises(InputError, match="one of 2 axes, not"):
        metrics.nmse(np.ones((3, 10)), np.ones((3, 10)), endmember_axis=axis)
