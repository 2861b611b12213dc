"""Constrained least squares against SciPy and against their own conditions of optimality."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize, nnls

from eelsunmix.numerics.abundances import MAX_ENUMERATED, fully_constrained, least_squares, non_negative


def problem(n_endmembers, n_pixels=60, n_channels=40, seed=0):
    """Spectra around, inside and far outside of the simplex of their endmembers."""
    rng = np.random.default_rng(seed)
    endmembers = 50 * rng.random((n_endmembers, n_channels)) * np.linspace(3, 1, n_channels)
    spectra = rng.normal(1 / n_endmembers, 1.0, (n_pixels, n_endmembers)) @ endmembers
    return spectra + rng.normal(0, 5, spectra.shape), endmembers, 1 + rng.random(n_channels)


def whitened_nnls(spectra, endmembers, weight):
    return np.array([nnls((endmembers / weight).T, row / weight)[0] for row in spectra])


@pytest.mark.parametrize("n_endmembers", [1, 2, 3, 4, 6, MAX_ENUMERATED, MAX_ENUMERATED + 2])
def test_non_negative_equals_scipy(n_endmembers):
    spectra, endmembers, weight = problem(n_endmembers)
    found = non_negative(spectra, endmembers, channel_weight=weight)
    expected = whitened_nnls(spectra, endmembers, weight)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9 * np.abs(expected).max())
    assert n_endmembers == 1 or (expected == 0).any()


def misfit(abundance, spectrum, endmembers):
    return np.sum((spectrum - abundance @ endmembers) ** 2)


@pytest.mark.parametrize("n_endmembers", [2, 3, 5, MAX_ENUMERATED + 1])
def test_fully_constrained_is_never_beaten_by_a_quadratic_programme(n_endmembers):
    spectra, endmembers, _ = problem(n_endmembers, n_pixels=11)
    spectra, endmembers = spectra / 500, endmembers / 500  # SLSQP stops too early on large numbers
    found = fully_constrained(spectra, endmembers)
    for abundance, spectrum in zip(found, spectra, strict=True):
        solution = minimize(
            misfit,
            np.full(n_endmembers, 1 / n_endmembers),
            (spectrum, endmembers),
            jac=lambda a, y, e: -2 * (y - a @ e) @ e.T,
            bounds=[(0, 1)] * n_endmembers,
            constraints={"type": "eq", "fun": lambda a: a.sum() - 1, "jac": np.ones_like},
            method="SLSQP",
            options={"maxiter": 500, "ftol": 1e-12},
        )
        assert solution.success
        assert misfit(abundance, spectrum, endmembers) <= solution.fun + 1e-9
        # SLSQP stops where the misfit changes by 1e-12; that is the square root of it in the abundances.
        np.testing.assert_allclose(abundance, solution.x, rtol=0, atol=2e-5)


@pytest.mark.parametrize("n_endmembers", [2, 3, 4, 7])
def test_enumeration_equals_the_active_sets(n_endmembers):
    spectra, endmembers, weight = problem(n_endmembers, seed=n_endmembers)
    found = fully_constrained(spectra, endmembers, channel_weight=weight)
    differences = (endmembers[None] - spectra[:, None]) / weight
    # The nearest point of a simplex by NNLS with one more row, as `_nearest_in_simplex` explains.
    for abundance, columns in zip(found, differences, strict=True):
        columns = columns / np.abs(columns).max()
        goal = np.append(np.zeros(columns.shape[1]), 1.0)
        expected = nnls(np.vstack([columns.T, np.ones(n_endmembers)]), goal)[0]
        np.testing.assert_allclose(abundance, expected / expected.sum(), rtol=0, atol=1e-8)


@given(st.integers(1, 6), st.integers(0, 2**32 - 1), st.booleans())
@settings(max_examples=60)
def test_conditions_of_optimality(n_endmembers, seed, sum_to_one):
    spectra, endmembers, _ = problem(n_endmembers, n_pixels=7, n_channels=13, seed=seed)
    found = (fully_constrained if sum_to_one else non_negative)(spectra, endmembers)
    assert (found >= 0).all()
    slope = (found @ endmembers - spectra) @ endmembers.T
    scale = np.abs(spectra @ endmembers.T).max(axis=1, keepdims=True)
    if sum_to_one:
        np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-14)
        slope -= np.min(slope, axis=1, keepdims=True)
    assert (slope >= -1e-8 * scale).all()
    assert (np.abs(slope * found) <= 1e-8 * scale * np.maximum(np.abs(found), 1)).all()


def test_exact_mixtures_are_found_exactly():
    _, endmembers, weight = problem(4)
    true = np.random.default_rng(5).dirichlet(np.full(4, 0.3), 50)
    for solve in (fully_constrained, non_negative, least_squares):
        # 1e-10: the Gram form squares the condition number of the endmembers, here about 1e2.
        np.testing.assert_allclose(
            solve(true @ endmembers, endmembers, channel_weight=weight), true, atol=1e-10
        )


def test_least_squares_equals_numpy():
    spectra, endmembers, _ = problem(3)
    expected = np.linalg.lstsq(endmembers.T, spectra.T, rcond=None)[0].T
    np.testing.assert_allclose(least_squares(spectra, endmembers), expected, rtol=1e-10)
    assert (expected < 0).any()


def test_weights_are_the_same_as_dividing_both_sides():
    spectra, endmembers, weight = problem(3)
    for solve in (fully_constrained, non_negative, least_squares):
        np.testing.assert_allclose(
            solve(spectra, endmembers, channel_weight=weight), solve(spectra / weight, endmembers / weight)
        )


def test_counts_of_any_size_give_the_same_abundances():
    spectra, endmembers, _ = problem(4)
    for factor in (1e-9, 1e9):
        for solve in (fully_constrained, non_negative):
            np.testing.assert_allclose(
                solve(factor * spectra, factor * endmembers), solve(spectra, endmembers), rtol=0, atol=1e-9
            )


@pytest.mark.parametrize("solve", [fully_constrained, non_negative])
def test_equal_and_empty_endmembers_give_the_best_fit_all_the_same(solve):
    spectra, endmembers, _ = problem(2)
    padded = np.vstack([endmembers, endmembers[:1], np.zeros_like(endmembers[:1])])
    found = solve(spectra, padded)
    reference = solve(spectra, np.vstack([endmembers, padded[3:]]))
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found @ padded, reference @ np.delete(padded, 2, 0), rtol=0, atol=1e-6)


def test_nearly_equal_endmembers_keep_the_fit_of_scipy():
    spectra, endmembers, _ = problem(3)
    near = np.vstack([endmembers, endmembers[0] * (1 + 1e-7)])
    found, expected = non_negative(spectra, near), whitened_nnls(spectra, near, 1.0)
    costs = [np.sum((spectra - a @ near) ** 2, axis=1) for a in (found, expected)]
    np.testing.assert_allclose(costs[0], costs[1], rtol=1e-6)


def test_zero_spectra_and_no_spectra():
    _, endmembers, _ = problem(3)
    np.testing.assert_array_equal(non_negative(np.zeros((2, 40)), endmembers), 0)
    assert fully_constrained(np.zeros((2, 40)), endmembers).sum() == pytest.approx(2)
    assert fully_constrained(np.zeros((0, 40)), endmembers).shape == (0, 3)


def test_inputs_stay_as_they_are():
    spectra, endmembers, weight = problem(3)
    copies = spectra.copy(), endmembers.copy(), weight.copy()
    for solve in (fully_constrained, non_negative, least_squares):
        solve(spectra, endmembers, channel_weight=weight)
    for array, copy in zip((spectra, endmembers, weight), copies, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_batches_do_not_matter(monkeypatch):
    spectra, endmembers, weight = problem(4)
    expected = fully_constrained(spectra, endmembers, channel_weight=weight)
    monkeypatch.setattr("eelsunmix.numerics.abundances.BATCH", 7)
    found = fully_constrained(spectra, endmembers, channel_weight=weight)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_endmembers_in_one_direction_meet_the_sum_exactly():
    endmembers = np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 0.0]])
    spectra = np.array([[0.5, 0.0], [1.2, 0.0], [1.9, 0.0]])
    np.testing.assert_allclose(fully_constrained(spectra, endmembers) @ endmembers, spectra, atol=1e-12)


@pytest.mark.parametrize("n_endmembers", [3, MAX_ENUMERATED + 1])
@pytest.mark.parametrize("solve", [fully_constrained, non_negative])
def test_a_spectrum_with_nan_has_no_abundances(solve, n_endmembers):
    spectra, endmembers, _ = problem(n_endmembers)
    expected = solve(spectra[1:], endmembers)
    spectra[0, 3] = np.nan
    found = solve(spectra, endmembers)
    assert np.isnan(found[0]).all()
    np.testing.assert_allclose(found[1:], expected, atol=1e-12)
