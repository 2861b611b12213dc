"""The power-law fit against closed forms, numerical integration, a general optimiser and simulation."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, optimize

from eelsunmix.background.exponents import exponent_information, fit_exponent
from eelsunmix.background.integrals import power_law_integrals
from eelsunmix.background.power_law import PLAUSIBLE_EXPONENTS, fit_power_law

FIT, SIGNAL = (225.0, 275.0), (285.0, 385.0)
BOUNDS = np.linspace(*FIT, 16)  # 15 channels of 3.33 eV, the dispersion of the paper


def exact_counts(bounds, exponent):
    """Antiderivative of E^-r, written without the module's formula."""
    if exponent == 1:
        return np.diff(np.log(bounds))
    return np.diff(bounds ** (1.0 - exponent)) / (1.0 - exponent)


def spectra_of(exponent, counts_per_channel, n_spectra, rng, scale=1.0):
    """Poisson counts (times `scale`) of one power law, with the given counts in the last channel."""
    shape = exact_counts(BOUNDS, exponent)
    expected = shape * counts_per_channel / shape[-1]
    return scale * rng.poisson(expected / scale, size=(n_spectra, BOUNDS.size - 1)), expected


def ratio_of_windows(fitted, window, exponent):
    return exact_counts(np.array(window), exponent)[0] / exact_counts(np.array(fitted)[[0, -1]], exponent)[0]


def true_background(expected, exponent):
    return expected.sum() * ratio_of_windows(BOUNDS, SIGNAL, exponent)


@pytest.mark.parametrize("exponent", [1.0, 1.5, 2.0, 3.0, 5.0])
@pytest.mark.parametrize("dispersion", [0.25, 1.0, 3.33])
def test_pure_power_law_leaves_nothing(dispersion, exponent):
    n_channels = round(50 / dispersion)
    bounds = 225 + dispersion * np.arange(n_channels + 1)
    counts = 1e6 * exact_counts(bounds, exponent) / exact_counts(bounds, exponent).sum()
    background, _ = fit_power_law(counts[None], bounds).extrapolate(SIGNAL)
    np.testing.assert_allclose(background, 1e6 * ratio_of_windows(bounds, SIGNAL, exponent), rtol=1e-6)


@pytest.mark.parametrize("exponent", [1.0, 3.0, 5.0])
@pytest.mark.parametrize("dispersion", [0.25, 1.0, 3.33])
def test_sampled_power_law_leaves_less_than_a_thousandth(dispersion, exponent):
    # A simulator that evaluates E^-r at the centre of each channel: the promise of the report, 1e-3.
    energies = 226 + dispersion * np.arange(round(170 / dispersion))
    bounds = np.append(energies, energies[-1] + dispersion) - dispersion / 2
    before, after = energies <= 275, (energies >= 285) & (energies <= 385)
    counts = 1e9 * energies**-exponent
    last, first, stop = before.sum(), np.argmax(after), np.argmax(after) + after.sum()
    background, _ = fit_power_law(counts[None, before], bounds[: last + 1]).extrapolate(bounds[[first, stop]])
    assert abs(counts[after].sum() / background[0] - 1) < 1e-3


@pytest.mark.parametrize("exponent", [-4.0, 0.3, 1.0, 1.0 + 1e-9, 2.5, 12.0])
def test_integrals_agree_with_quadrature(exponent):
    bounds = np.array([120.0, 120.25, 131.0, 240.0, 900.0])
    integral, slope = power_law_integrals(bounds, np.array([exponent]))
    for index, (low, high) in enumerate(itertools.pairwise(bounds)):
        expected = integrate.quad(lambda e: e**-exponent, low, high, epsrel=1e-11)[0]
        derivative = integrate.quad(lambda e: -np.log(e) * e**-exponent, low, high, epsrel=1e-11)[0]
        np.testing.assert_allclose(integral[0, index], expected, rtol=1e-9)
        np.testing.assert_allclose(slope[0, index], derivative / expected, rtol=1e-8)


@pytest.mark.parametrize("counts_per_channel", [3, 30, 1000])
def test_fit_agrees_with_a_general_optimiser(counts_per_channel):
    counts, _ = spectra_of(3.0, counts_per_channel, 6, np.random.default_rng(5))
    fit = fit_power_law(counts, BOUNDS)
    for row, exponent in zip(counts, fit.exponent, strict=True):

        def loss(parameters, row=row):
            expected = np.exp(parameters[0]) * exact_counts(BOUNDS / 250, parameters[1])
            return expected.sum() - row @ np.log(expected)

        found = optimize.minimize(loss, [np.log(row.sum() * 5), 2.9], method="Nelder-Mead", tol=1e-10)
        # A minimum is flat: a general optimiser finds its place to the square root of rounding.
        assert exponent == pytest.approx(found.x[1], abs=2e-4)
        np.testing.assert_allclose(fit_total(found.x), row.sum(), rtol=1e-4)


def fit_total(parameters):
    return np.exp(parameters[0]) * exact_counts(BOUNDS / 250, parameters[1]).sum()


def test_variance_of_the_background_follows_from_the_fisher_information():
    exponent, amplitude, dispersion = 2.7, 3e9, 4.0
    expected = amplitude * exact_counts(BOUNDS, exponent)

    def slope(bounds, step=1e-5):
        low, high = (exact_counts(bounds, exponent + sign * step) for sign in (-1, 1))
        return np.log(high / low) / (2 * step)

    fisher = np.column_stack([np.ones_like(expected), slope(BOUNDS)])
    covariance = dispersion * np.linalg.inv(fisher.T @ (expected[:, None] * fisher))
    fit = fit_power_law(expected[None], BOUNDS, counts_per_electron=dispersion)
    background, variance = fit.extrapolate(SIGNAL)
    jacobian = background[0] * np.array([1.0, slope(np.array(SIGNAL))[0]])
    # The numerical derivative limits the agreement.
    np.testing.assert_allclose(variance[0], jacobian @ covariance @ jacobian, rtol=1e-6)


@pytest.mark.parametrize(("counts_per_channel", "tolerance"), [(100, 0.05), (1000, 0.05)])
@pytest.mark.parametrize("scale", [1.0, 7.0])
def test_background_is_unbiased_and_its_sd_is_true(counts_per_channel, tolerance, scale):
    n_spectra = 4000
    counts, expected = spectra_of(3.0, counts_per_channel, n_spectra, np.random.default_rng(1), scale)
    truth = true_background(expected, 3.0)
    background, variance = fit_power_law(counts, BOUNDS, counts_per_electron=scale).extrapolate(SIGNAL)
    spread = background.std()
    # The median of n normal values has a standard error of 1.25 sd / sqrt(n); 4 of them.
    assert abs(np.median(background) - truth) < 4 * 1.25 * spread / np.sqrt(n_spectra)
    # The sd of 4000 values is known to 1.1 %; the linear propagation adds some per cent at 100/7 electrons.
    wide = 0.15 if counts_per_channel / scale < 50 else tolerance
    assert np.sqrt(np.median(variance)) == pytest.approx(spread, rel=wide)


@pytest.mark.parametrize("counts_per_channel", [10, 30])
def test_mean_bias_of_few_counts_is_removed(counts_per_channel):
    counts, expected = spectra_of(3.0, counts_per_channel, 8000, np.random.default_rng(3))
    truth, fit = true_background(expected, 3.0), fit_power_law(counts, BOUNDS)
    plain = fit.extrapolate(SIGNAL)[0]
    corrected = fit.extrapolate(SIGNAL, mean_unbiased=True)[0]
    error = 4 * plain.std() / np.sqrt(plain.size)
    assert plain.mean() - truth > error
    # First order in the variance of the exponent: what is left of the bias is well below half of it.
    assert abs(corrected.mean() - truth) < error + 0.3 * (plain.mean() - truth)


def test_given_exponent_leaves_a_closed_form():
    counts = np.array([[5.0, 3.0, 4.0, 1.0], [9.5, 0.0, -0.5, 3.0]])
    bounds = np.array([100.0, 110.0, 120.0, 130.0, 140.0])
    fit = fit_power_law(counts, bounds, exponent=[2.0, 3.5], determining=np.inf)
    background, variance = fit.extrapolate((150.0, 200.0))
    ratio = np.array([ratio_of_windows(bounds, (150.0, 200.0), r) for r in (2.0, 3.5)])
    np.testing.assert_allclose(background, counts.sum(axis=1) * ratio)
    np.testing.assert_allclose(variance, counts.sum(axis=1) * ratio**2)


def test_fractional_negative_and_empty_spectra_do_not_fail():
    rng = np.random.default_rng(4)
    counts = rng.poisson(2.0, size=(300, 15)) + rng.normal(0, 1.5, size=(300, 15))
    counts[0] = 0
    counts[1] = -1
    fit = fit_power_law(counts, BOUNDS)
    empty = counts.sum(axis=1) <= 0
    assert empty[:2].all()
    np.testing.assert_array_equal(np.isnan(fit.exponent), empty)
    assert not fit.converged[empty].any()
    assert fit.converged.mean() > 0.9
    assert np.isfinite(fit.extrapolate(SIGNAL)[0][~empty]).all()
    assert np.isnan(fit.reduced_chi2(counts)[empty]).all()


def test_hopeless_and_implausible_exponents_are_flagged():
    rising, steep = np.zeros(15), np.zeros(15)
    rising[-1], steep[0] = 50, 50
    fit = fit_power_law([rising, steep, exact_counts(BOUNDS, 3.0), exact_counts(BOUNDS, 8.0)], BOUNDS)
    np.testing.assert_array_equal(fit.converged, [False, False, True, True])
    np.testing.assert_array_equal(fit.implausible, [True, True, False, True])
    assert PLAUSIBLE_EXPONENTS[1] < fit.exponent[3] == pytest.approx(8.0)


def test_reduced_chi2_is_one_for_noise_and_more_for_a_bump():
    counts, expected = spectra_of(3.0, 200, 3000, np.random.default_rng(6), scale=3.0)
    fit = fit_power_law(counts, BOUNDS, counts_per_electron=3.0)
    # Mean of 3000 values of variance 2/13: sd 0.007.
    assert fit.reduced_chi2(counts).mean() == pytest.approx(1, abs=0.03)
    bump = expected * (1 + 0.5 * (np.arange(15) == 7))
    assert fit_power_law(bump[None], BOUNDS).reduced_chi2(bump[None])[0] > 2


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.floats(1e-3, 1e6))
def test_exponent_knows_neither_scale_nor_order(seed, scale):
    rng = np.random.default_rng(seed)
    counts, _ = spectra_of(3.0, 40, 9, rng)
    order = rng.permutation(9)
    exponent, _, converged = fit_exponent(counts, BOUNDS)
    scaled, _, _ = fit_exponent(scale * counts[order], BOUNDS)
    assert converged.all()
    np.testing.assert_allclose(scaled, exponent[order], rtol=1e-6)


def test_a_dozen_bins_tell_almost_all_of_the_exponent():
    fine, coarse = np.linspace(*FIT, 201), np.linspace(*FIT, 13)
    variances = [1e-4 / exponent_information([3.0], bounds)[0] for bounds in (fine, coarse)]
    assert 1 < variances[1] / variances[0] < 1.01


def test_batches_do_not_matter(monkeypatch):
    counts, _ = spectra_of(2.0, 20, 11, np.random.default_rng(7))
    expected = fit_exponent(counts, BOUNDS)
    monkeypatch.setattr("eelsunmix.background.exponents.BATCH", 4)
    np.testing.assert_array_equal(fit_exponent(counts, BOUNDS), expected)
