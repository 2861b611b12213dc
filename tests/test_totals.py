"""Deviations of shares where the thickness varies: the totals of the endmembers are a supposition."""

import numpy as np
import pytest

from eelsunmix import synthetic
from eelsunmix.methods import factors_to_one
from eelsunmix.numerics.equal_counts import DARK
from eelsunmix.recommendation.ambiguity import Ambiguity
from eelsunmix.recommendation.solution import Solution
from eelsunmix.recommendation.totals import deviation_of_shares, said_of_totals, totals_deviation


def of_amounts(amounts):
    return Solution(label="found", endmembers=np.ones((amounts.shape[1], 7)), amounts=amounts)


def test_a_brightness_of_half_and_twice_at_any_composition_is_how_uncertain_totals_are():
    shares = np.array([[1.0, 0.0, 0.0], [0.3, 0.7, 0.0], [0.2, 0.3, 0.5], [0.0, 0.1, 0.9]])
    border = 0.01 * shares[:1]
    found = of_amounts(np.vstack([0.5 * shares, 2.0 * shares, border]))
    np.testing.assert_allclose(totals_deviation(found, "variable"), np.log(2.0), rtol=1e-3)
    assert (totals_deviation(found, "constant") == 0).all()
    assert (totals_deviation(of_amounts(np.zeros((4, 3))), "variable") == 0).all()
    assert totals_deviation(of_amounts(found.amounts[:, :1]), "variable") == 0


def test_what_brighter_pixels_make_of_a_total_otherwise_adds_to_it():
    dark, bright = [[0.5, 0.0], [0.25, 0.25]], [[2.0, 0.0], [1.0, 2.0]]  # factors 2, 2 and 1/2, 1/4
    unlike_one = np.log([0.5, 0.5, 2.0, 3.0]) ** 2
    weights = np.array([[1, 0], [0.5, 0.5], [1, 0], [1 / 3, 2 / 3]])
    expected = np.hypot(np.sqrt(unlike_one @ weights / weights.sum(axis=0)), np.log(8 / 4) / 4)
    found = totals_deviation(of_amounts(np.array(dark + bright)), "variable")
    np.testing.assert_allclose(found, expected)
    assert f"a factor of {np.exp(2 * expected.max()):.2g}, as the brightness" in said_of_totals(found)
    assert said_of_totals(0 * found) == ""


def test_deviations_of_shares_are_those_of_small_changes_of_the_totals():
    rng = np.random.default_rng(3)
    shares, totals = rng.dirichlet([0.5, 1.0, 2.0], 40), np.array([0.3, 0.1, 0.6])
    square = np.zeros_like(shares)
    for column, step in enumerate(1e-6 * np.eye(3)):
        moved = shares * np.exp(step)
        square += ((moved / moved.sum(axis=1, keepdims=True) - shares) / 1e-6 * totals[column]) ** 2
    np.testing.assert_allclose(deviation_of_shares(shares, totals), np.sqrt(square), rtol=1e-4, atol=1e-7)
    np.testing.assert_array_equal(deviation_of_shares(np.eye(3), totals), 0.0)


def as_fitted(scene):
    """Amounts of true spectra of which the totals make the brightness one, as a fit returns them."""
    sample = scene.sample.to_numpy()
    thick = scene.thickness_weighted_abundance.to_numpy()[sample].astype(float)
    counts = thick * scene.endmember_spectrum.to_numpy().astype(float).sum(axis=1)
    counts /= np.median(counts.sum(axis=1))
    factors = factors_to_one(counts[counts.sum(axis=1) > DARK])
    return scene.abundance.to_numpy()[sample].astype(float), of_amounts(counts * factors)


@pytest.mark.parametrize(
    ("made", "covered"), [(synthetic.gradient, 0.93), (synthetic.particles, 0.8)], ids=["gradient", "film"]
)
def test_shares_hold_the_truth_whatever_the_thickness_does(made, covered):
    """With the composition on particles; on a gradient only by chance. An image is one draw, so medians."""
    inside, width, before = [], [], []
    for seed in range(40, 49):
        true, found = as_fitted(made(size=(30, 38), noise=False, seed=seed))
        ambiguity = Ambiguity(totals=totals_deviation(found, "variable"))
        off, sd = np.abs(found.shares - true), ambiguity.of_shares(found.shares)
        strong = true > 0.1
        inside.append(np.mean((off <= 1.96 * sd)[strong]))
        width.append(np.median(2 * 1.96 * sd[strong]))
        before.append(np.sqrt(np.mean(off[strong] ** 2)))
        assert (ambiguity.of_amounts(found.amounts) == 0).all()
    assert np.median(before) > 0.04
    assert np.median(inside) > covered
    assert np.median(width) < 0.6
