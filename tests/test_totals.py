"""Deviations of shares where the thickness varies: the totals of the endmembers are a supposition."""

import numpy as np
from scipy.optimize import lsq_linear

from eelsunmix import synthetic
from eelsunmix.recommendation.ambiguity import Ambiguity
from eelsunmix.recommendation.solution import Solution
from eelsunmix.recommendation.totals import deviation_of_shares, said_of_totals, totals_deviation


def of_amounts(amounts):
    return Solution(label="found", endmembers=np.ones((amounts.shape[1], 7)), amounts=amounts)


def test_a_brightness_of_half_and_twice_at_any_composition_is_how_uncertain_totals_are():
    shares = np.array([[1.0, 0.0, 0.0], [0.3, 0.7, 0.0], [0.2, 0.3, 0.5], [0.0, 0.1, 0.9]])
    border = 0.01 * shares[:1]
    found = of_amounts(np.vstack([0.5 * shares, 2.0 * shares, border]))
    np.testing.assert_allclose(totals_deviation(found, "variable"), np.log(2.0))
    assert (totals_deviation(found, "constant") == 0).all()
    assert (totals_deviation(of_amounts(np.zeros((4, 3))), "variable") == 0).all()
    assert totals_deviation(of_amounts(found.amounts[:, :1]), "variable") == 0


def test_totals_are_as_uncertain_as_the_brightness_of_their_own_pixels():
    """A film beside particles on it."""
    film, under = np.tile([0.5, 0.0], (60, 1)), np.tile([0.5, 1.5], (30, 1))
    found = totals_deviation(of_amounts(np.vstack([film, under])), "variable")
    of_film = np.sqrt((60 * np.log(0.5) ** 2 + 30 * 0.25 * np.log(2.0) ** 2) / (60 + 30 * 0.25))
    of_particles = np.log(2.0)
    np.testing.assert_allclose(found, [of_film, of_particles])
    said = said_of_totals(np.log(2.0) * np.array([0.3, 0.1, 0.4]))
    assert said == "shares compare components to within a factor of 2, as the brightness varies"
    assert "factor of 140," in said_of_totals(np.array([np.log(137.0) / 2, 0.0]))
    assert said_of_totals(0 * found) == ""


def test_a_material_that_no_pixel_holds_is_as_uncertain_as_the_least_known_of_the_others():
    """Not perfectly known; and nothing of it reaches the shares, which are zero."""
    film, under = np.tile([0.5, 0.0], (60, 1)), np.tile([0.5, 1.5], (30, 1))
    amounts = np.vstack([film, under])
    two = of_amounts(amounts)
    three = of_amounts(np.column_stack([amounts[:, 0], np.zeros(90), amounts[:, 1]]))
    known, found = (totals_deviation(one, "variable") for one in (two, three))
    np.testing.assert_allclose(found, [known[0], known.max(), known[1]])
    of_shares = deviation_of_shares(three.shares, found)
    np.testing.assert_allclose(of_shares[:, [0, 2]], deviation_of_shares(two.shares, known))
    np.testing.assert_array_equal(of_shares[:, 1], 0.0)


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
    """True shares, and true spectra with the totals that make the brightness one, as a fit returns them."""
    sample = scene.sample.to_numpy()
    thick = scene.thickness_weighted_abundance.to_numpy()[sample].astype(float)
    factors = lsq_linear(thick, np.ones(len(thick)), (0.2, 5.0)).x
    return scene.abundance.to_numpy()[sample].astype(float), of_amounts(thick * factors)


def test_shares_hold_the_truth_where_thickness_goes_with_composition_by_chance():
    inside, width, before = [], [], []
    for seed in range(40, 45):  # medians: an image is one draw of the totals
        true, found = as_fitted(synthetic.gradient(size=(30, 38), noise=False, seed=seed))
        ambiguity = Ambiguity(totals=totals_deviation(found, "variable"))
        off, sd = np.abs(found.shares - true), ambiguity.of_shares(found.shares)
        inside.append(np.mean((off <= 1.96 * sd)[true > 0.1]))
        width.append(np.median(2 * 1.96 * sd[true > 0.1]))
        before.append(np.mean((off <= 0.02)[true > 0.1]))
        assert (ambiguity.of_amounts(found.amounts) == 0).all()
    assert np.median(before) < 0.5
    assert np.median(inside) > 0.95
    assert np.median(width) < 0.3
