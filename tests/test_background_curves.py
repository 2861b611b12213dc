"""Backgrounds other than a power law: against general optimisers, by their properties, and by simulation."""

import functools
import itertools

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, optimize

from eelsunmix.background import BackgroundOptions, net_counts_of_spectra, subtract_background
from eelsunmix.background.convex import EXPONENTS, WEIGHTING, ConvexModel
from eelsunmix.background.integrals import exponential_integrals
from eelsunmix.background.models import background_model
from eelsunmix.background.reference_check import _misfit
from eelsunmix.background.windows import EdgeChannels, locate
from eelsunmix.edge_choice import resolve_edges
from eelsunmix.edge_table import TABLE
from eelsunmix.edges import Edge, EdgeRequest
from eelsunmix.errors import InputError

FIT, SIGNAL = (400.0, 450.0), (456.0, 496.0)
BOUNDS = np.linspace(*FIT, 13)
CURVES = ("power_law", "exponential", "convex")


def power_laws(exponents, bounds):
    """Sums of power laws over bins, each of one count in the fit window, without the module's formulas."""
    bounds = np.asarray(bounds)
    whole = [FIT[1] ** (1 - r) - FIT[0] ** (1 - r) for r in exponents]
    parts = [np.diff(bounds ** (1 - r)) for r in exponents]
    return sum(part / total for part, total in zip(parts, whole, strict=True)) / len(exponents)


def exponentials(width_eV, bounds):
    parts = -np.diff(np.exp(-np.asarray(bounds) / width_eV))
    return parts / -np.diff(np.exp(-np.asarray(FIT) / width_eV))


SHAPES = {
    "power_law": functools.partial(power_laws, [3.1]),
    "exponential": functools.partial(exponentials, 140.0),
    "convex": functools.partial(power_laws, [2.0, 5.0]),
}


@pytest.mark.parametrize("exponent", [-2.0, 0.0, 1e-9, 2.5, 12.0])
def test_exponential_integrals_agree_with_quadrature(exponent):
    bounds, pivot = np.array([120.0, 120.25, 131.0, 240.0]), 150.0
    integral, slope = exponential_integrals(bounds, [exponent], pivot_eV=pivot)
    for index, limits in enumerate(itertools.pairwise(bounds)):
        expected = integrate.quad(lambda e: np.exp(-exponent * e / pivot), *limits, epsrel=1e-12)[0] / pivot
        derivative = integrate.quad(lambda e: -e * np.exp(-exponent * e / pivot), *limits, epsrel=1e-12)[0]
        assert integral[0, index] == pytest.approx(expected, rel=1e-9)
        assert slope[0, index] == pytest.approx(derivative / pivot**2 / expected, rel=1e-8)


def test_exponential_agrees_with_weighted_least_squares():
    # At many counts, least squares weighted by the expected counts and maximum likelihood are one.
    expected = 1e6 * exponentials(140.0, BOUNDS)
    counts = np.random.default_rng(3).poisson(expected, size=(5, 12)).astype(float)
    fit = background_model("exponential", BOUNDS).fit(counts)
    background, variance = fit.extrapolate(SIGNAL)

    def model(bounds, total, width):
        return total * exponentials(width, bounds)

    for row, found, spread in zip(counts, background, variance, strict=True):
        best, covariance = optimize.curve_fit(
            lambda _, total, width: model(BOUNDS, total, width),
            np.arange(12),
            row,
            p0=[1e6, 140.0],
            sigma=np.sqrt(expected),
            absolute_sigma=True,
        )
        assert found == pytest.approx(model(SIGNAL, *best)[0], rel=2e-4)
        step = [1.0, 1e-3]
        slopes = [
            (model(SIGNAL, *(best + one))[0] - model(SIGNAL, *(best - one))[0]) / (2 * one.sum())
            for one in np.diag(step)
        ]
        assert spread == pytest.approx(slopes @ covariance @ slopes, rel=0.01)


@pytest.mark.parametrize("counts_in_fit", [30, 3000, 3e6])
def test_convex_agrees_with_nnls(counts_in_fit):
    model = ConvexModel(BOUNDS)
    rng = np.random.default_rng(5)
    counts = rng.poisson(counts_in_fit * power_laws(rng.uniform(1, 6, size=3), BOUNDS), size=(60, 12))
    shares, fitted = model.shapes(counts)
    assert fitted.all()
    weights = 1 / np.sqrt(power_laws([WEIGHTING], BOUNDS))
    terms = np.array([power_laws([r], BOUNDS) for r in EXPONENTS])
    for row, found in zip(counts, shares, strict=True):
        expected, misfit = optimize.nnls((terms * weights).T, row * weights)
        ours = np.linalg.norm((found * expected.sum()) @ terms * weights - row * weights)
        assert ours == pytest.approx(misfit, rel=1e-9)
        np.testing.assert_allclose(found, expected / expected.sum(), atol=1e-5)


@pytest.mark.parametrize("parts", [12, 6])  # the bins of a fit, and those of the check of the reference
@pytest.mark.parametrize("step_eV", [0.25, 0.5, 1.0, 2.0])
def test_convex_is_solved_in_the_default_windows_of_edges(step_eV, parts):
    named = {"Ti_L23", "In_M45", "Au_N23", "Mn_L1", "Pd_M1", "Xe_M45", "Se_L23"}  # narrow, or far up
    for one in (one for place, one in enumerate(TABLE) if one.name in named or place % 16 == 0):
        axis = np.arange(max(one.onset_eV - 120, 15), one.onset_eV + 120, step_eV)
        try:
            place = locate(resolve_edges([one.name], axis)[one.name], axis)
        except InputError:  # no room on so short an axis
            continue
        n_bins = place.fit_bounds.size - 1
        model = ConvexModel(place.fit_bounds[np.linspace(0, n_bins, min(parts, n_bins) + 1).astype(int)])
        assert len(model.solutions) == 31 or n_bins < 5
        for terms, inverse in model.solutions:
            np.testing.assert_allclose(inverse[terms] @ model.terms[terms].T, np.eye(terms.sum()), atol=1e-5)


def test_terms_that_rounding_alone_tells_apart_are_left_out():
    model = ConvexModel(np.linspace(3000.0, 3001.0, 13))
    assert len(model.solutions) < 31
    assert model.shapes(model.terms)[1].all()
    for terms, inverse in model.solutions:
        np.testing.assert_allclose(inverse[terms] @ model.terms[terms].T, np.eye(terms.sum()), atol=1e-3)


@pytest.mark.parametrize("curve", CURVES)
def test_a_background_of_its_kind_leaves_nothing(curve):
    shape = SHAPES[curve]
    fit = background_model(curve, BOUNDS).fit(1e6 * shape(BOUNDS)[None])
    np.testing.assert_allclose(fit.expected_counts(BOUNDS), 1e6 * shape(BOUNDS)[None], rtol=1e-6)
    np.testing.assert_allclose(fit.extrapolate(SIGNAL)[0], 1e6 * shape(SIGNAL), rtol=1e-6)


@pytest.mark.parametrize("counts_in_fit", [1e3, 3e4, 1e6])
@pytest.mark.parametrize(
    ("curve", "shape", "lowest"),
    [
        ("power_law", SHAPES["power_law"], 0.95),
        ("exponential", SHAPES["exponential"], 0.95),
        ("convex", functools.partial(power_laws, [3.1]), 0.95),
        (
            "convex",
            SHAPES["convex"],
            0.9,
        ),  # two terms; noise cannot push the others below zero
    ],
)
def test_pulls_in_pure_background_have_a_deviation_of_one(curve, shape, lowest, counts_in_fit):
    # Shapes of 50 pixels, as a neighbourhood of 2 px has; the amplitude is the pixel's.
    rng, n_pixels = np.random.default_rng(11), 4000
    expected, reach = shape(BOUNDS), shape(SIGNAL)[0]
    model = background_model(curve, BOUNDS)
    shapes, _ = model.shapes(rng.poisson(50 * counts_in_fit * expected, size=(n_pixels, 12)))
    rows = rng.poisson(counts_in_fit * expected, size=(n_pixels, 12))
    fit = model.fit(rows, shapes=shapes, determining=np.full(n_pixels, 50 * counts_in_fit))
    background, variance = fit.extrapolate(SIGNAL)
    signal = rng.poisson(counts_in_fit * reach, size=n_pixels)
    pulls = (signal - background) / np.sqrt(signal + variance)
    assert lowest < pulls.std() < 1.05  # known to 1.1 %


def test_variance_with_the_terms_found_is_that_of_linear_least_squares():
    model, rng = ConvexModel(BOUNDS), np.random.default_rng(2)
    counts = rng.poisson(1e7 * power_laws([2.0, 5.0], BOUNDS), size=(40, 12)).astype(float)
    fit = model.fit(counts, counts_per_electron=2.5)
    variance = fit.extrapolate(SIGNAL)[1]
    step = np.sqrt(counts) * 1e-4
    moved = np.array(
        [model.fit(counts + step * (np.arange(12) == place)).extrapolate(SIGNAL)[0] for place in range(12)]
    )
    slopes = (moved - fit.extrapolate(SIGNAL)[0]) / step.T
    numerical = 2.5 * (slopes**2 * fit.expected_counts(BOUNDS).T).sum(axis=0)
    np.testing.assert_allclose(variance, numerical, rtol=1e-3)


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.floats(1e-3, 1e6))
def test_shares_know_neither_scale_nor_order(seed, scale):
    rng = np.random.default_rng(seed)
    counts = rng.poisson(400 * power_laws([3.0], BOUNDS), size=(9, 12)).astype(float)
    order, model = rng.permutation(9), ConvexModel(BOUNDS)
    np.testing.assert_allclose(
        model.shapes(scale * counts[order])[0], model.shapes(counts)[0][order], rtol=1e-6, atol=1e-9
    )


def test_shares_of_spectra_that_are_no_background():
    model = ConvexModel(BOUNDS)
    rising = power_laws([-4.0], BOUNDS)
    shares, fitted = model.shapes(np.array([np.zeros(12), -rising, rising, power_laws([9.0], BOUNDS)]))
    np.testing.assert_array_equal(fitted, [False, False, True, True])
    np.testing.assert_array_equal(shares[2:], np.eye(len(EXPONENTS))[[0, -1]])
    fit = model.fit(np.array([rising, power_laws([3.1], BOUNDS)]))
    np.testing.assert_array_equal(fit.implausible, [True, False])
    assert ConvexModel(BOUNDS[:4]).shapes(power_laws([3.5], BOUNDS[:4])[None])[1].all()  # 3 bins, 5 terms


ENERGY = xr.DataArray(np.arange(390.5, 510.0), dims="energy_loss", attrs={"units": "eV"})


def image_of(shape, counts, rng, sizes=(5, 7)):
    """Poisson counts of one background in all pixels."""
    limits = np.append(ENERGY.to_numpy() - 0.5, ENERGY.to_numpy()[-1] + 0.5)
    expected = counts * shape(limits)
    return xr.DataArray(
        rng.poisson(expected, size=(*sizes, ENERGY.size)).astype(float),
        dims=("y", "x", "energy_loss"),
        coords={"energy_loss": ENERGY},
    )


def edge_of(curve):
    return Edge(element="Ti", onset_eV=456, fit_eV=FIT, integrate_eV=SIGNAL, background=curve)


@pytest.mark.parametrize("mode", ["pixel", "local", "global"])
@pytest.mark.parametrize("curve", CURVES)
def test_image_is_subtracted_by_the_curve_of_its_edge(curve, mode):
    image = image_of(SHAPES[curve], 1e8, np.random.default_rng(4))
    edges = {"Ti_L23": edge_of(curve)}
    bs = subtract_background(image, edges, BackgroundOptions(exponent=mode))
    assert bs.attrs["edges"]["Ti_L23"]["background"] == curve
    assert bs.attrs["reference_problems"] == {}
    # of 35 pixels, in standard deviations; a power law through the exponential is off by hundreds
    assert abs(bs["snr"]).max() < 6
    for other in set(CURVES) - {curve} - ({"convex"} if curve == "power_law" else set()):
        wrong = subtract_background(image, {"Ti_L23": edge_of(other)}, BackgroundOptions(exponent=mode))
        assert abs(wrong["snr"]).mean() > 10
    spectra = image.mean(("y", "x")).to_numpy()[None]
    net = net_counts_of_spectra(spectra, image["energy_loss"], edges)[0, 0]
    assert net == pytest.approx(float(bs["net_counts"].mean()), abs=5 * float(bs["net_counts_sd"].mean()))


@pytest.mark.parametrize("curve", ["exponential", "convex"])
def test_blocks_do_not_matter(curve):
    image = image_of(SHAPES[curve], 3000, np.random.default_rng(8))
    eager = subtract_background(image, {"Ti_L23": edge_of(curve)})
    lazy = subtract_background(image.chunk({"y": 2, "x": 3}), {"Ti_L23": edge_of(curve)})
    xr.testing.assert_allclose(eager, lazy.compute(), rtol=1e-5)


def test_image_that_no_convex_combination_follows_is_no_reference():
    image = image_of(functools.partial(power_laws, [-4.0]), 1e6, np.random.default_rng(9))
    bs = subtract_background(image, {"Ti_L23": edge_of("convex")})
    assert "exponent" in bs.attrs["reference_problems"]["Ti_L23"][0]
    assert bs.attrs["flags"]["Ti_L23"]["implausible_exponent"] == 35


@pytest.mark.parametrize("curve", CURVES)
def test_the_misfit_is_the_relative_deviation_of_the_parts(curve):
    # So steep that one term of the convex combination is left, while the others fit two parameters.
    shape = functools.partial(power_laws, [9.0]) if curve == "convex" else SHAPES[curve]
    place = EdgeChannels(
        fit=np.arange(13), fit_bounds=BOUNDS, integrate=(13, 14), integrate_bounds=SIGNAL, background=curve
    )
    counts = 1e9 * shape(BOUNDS) * (1 + 0.1 * np.repeat([-1, 0, 1, 1, 0, -1], 2))
    parts = counts.reshape(6, 2).sum(axis=1)
    fitted = background_model(curve, BOUNDS[::2]).fit(parts[None])
    expected = fitted.expected_counts(BOUNDS[::2])[0]
    deviation = np.sqrt(((parts - expected) ** 2 / expected).sum() / parts.sum())
    assert _misfit(counts, place, 1.0)[0] == pytest.approx(deviation, rel=1e-3)


def test_a_slope_that_no_background_has_is_not_called_the_exponent_of_an_exponential():
    image = image_of(functools.partial(exponentials, -60.0), 1e6, np.random.default_rng(9))
    said = subtract_background(image, {"Ti_L23": edge_of("exponential")}).attrs["reference_problems"][
        "Ti_L23"
    ]
    assert said[0].startswith("The background falls like a power law of exponent -7.")


def test_an_unknown_curve_is_refused():
    with pytest.raises(InputError, match="background"):
        EdgeRequest(element="Ti", background="parabola")
