"""Counting noise of abundances: closed forms against draws, coverage of the truth, what happens at bounds."""

import numpy as np
import pytest
import xarray as xr

from eelsunmix.fitting import fit
from eelsunmix.mapping import apply
from eelsunmix.methods._equalised import equalised
from eelsunmix.methods._linear import LinearModel
from eelsunmix.numerics.abundances import fully_constrained, least_squares, non_negative
from eelsunmix.numerics.propagation import Propagation
from eelsunmix.synthetic import SCENES, simulate

N_DRAWS = 4000


@pytest.fixture(scope="module")
def endmembers():
    channel = np.arange(37)
    shapes = [np.exp(-channel / 15), np.exp(-channel / 30) * (channel > 9), 0.2 + (channel > 20)]
    return 300 * np.array(shapes) + 5


def drawn(endmembers, mixture, seed):
    return np.random.default_rng(seed).poisson(mixture @ endmembers, (N_DRAWS, endmembers.shape[1])) * 1.0


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("solve", [least_squares, non_negative, fully_constrained])
def test_deviations_are_those_of_many_draws(endmembers, solve, weighted):
    mixture = np.array([0.5, 0.3, 0.2])
    weight = np.sqrt(np.array([0.2, 0.3, 0.5]) @ endmembers) if weighted else None
    found = solve(drawn(endmembers, mixture, 3), endmembers, channel_weight=weight)
    propagation = Propagation(endmembers, weight, sum_to_one=solve is fully_constrained)
    sd = propagation.sd(mixture[None], np.ones((1, 3), bool))[0]
    # The standard deviation of N draws is known to 1 / sqrt(2 N): 1.1 %, here four times that.
    np.testing.assert_allclose(found.std(axis=0), sd, rtol=0.045)
    covariance = propagation.covariance(mixture[None], np.ones((1, 3), bool))[0]
    np.testing.assert_allclose(np.sqrt(np.diag(covariance)), sd, rtol=1e-9)
    correlation = np.corrcoef(found.T) - covariance / np.outer(sd, sd)
    assert np.abs(correlation).max() < 0.06


def test_divided_by_noisy_totals_the_deviations_are_those_of_many_draws(endmembers):
    weight, counts = np.sqrt(endmembers.mean(axis=0)), 2000.0
    inner = LinearModel(endmembers=endmembers, sum_to_one=True, channel_weight=weight)
    model = equalised(inner, counts)
    for brightness in (0.5, 3.0):
        found = model.abundances(drawn(endmembers, brightness * np.array([0.5, 0.3, 0.2]), 5))
        np.testing.assert_allclose(found.mean.std(axis=0), np.median(found.sd, axis=0), rtol=0.05)


def test_noisy_endmembers_widen_the_deviations_as_draws_of_them_do(endmembers):
    rng, mixture = np.random.default_rng(8), np.array([0.5, 0.3, 0.2])
    endmembers = 30 * endmembers
    spectrum, weight = (mixture @ endmembers)[None], np.sqrt(endmembers.mean(axis=0))
    draws = [
        fully_constrained(spectrum, rng.poisson(endmembers) * 1.0, channel_weight=weight)[0]
        for _ in range(1000)
    ]
    quiet, noisy = (
        Propagation(endmembers, weight, sum_to_one=True, endmember_noise=v).sd(
            mixture[None], np.ones((1, 3), bool)
        )[0]
        for v in (0.0, 1.0)
    )
    np.testing.assert_allclose(np.sqrt(noisy**2 - quiet**2), np.std(draws, axis=0), rtol=0.1)


@pytest.mark.parametrize("sum_to_one", [True, False])
def test_no_deviation_is_zero_at_a_bound_or_without_counts(endmembers, sum_to_one):
    abundances = np.array([[1.0, 0.0, 0.0], [0.0, 0.6, 0.4], [0.0, 0.0, float(sum_to_one)]])
    propagation = Propagation(
        endmembers, np.sqrt(0.6 * endmembers[1] + 0.4 * endmembers[2]), sum_to_one=sum_to_one
    )
    sd = propagation.sd(abundances, abundances > 0)
    assert (sd > 0).all()
    free = propagation.sd(abundances[1:2], np.ones((1, 3), bool))
    assert sd[1, 0] == pytest.approx(free[0, 0])  # set free beside the two others
    assert (sd[1, 1:] < free[0, 1:]).all()  # on the face there is less to confuse them with


def test_one_endmember_that_is_all_there_is_is_certain(endmembers):
    assert Propagation(endmembers[:1], sum_to_one=True).sd(np.ones((2, 1)), np.ones((2, 1), bool)).max() == 0


@pytest.mark.parametrize(
    ("scene", "options"),
    [
        ("chequerboard", {"endmembers": "ru3", "size": (24, 40)}),
        ("chequerboard", {"endmembers": "k4", "size": (24, 40)}),
        ("multilayer", {"shape": (16, 75), "ru_nm": 1.6, "diffused_fraction": 0.0}),
    ],
)
@pytest.mark.parametrize("counts", [100, 1000, 10_000])
@pytest.mark.parametrize("factor", [1, 3])
def test_intervals_cover_the_truth_with_the_true_endmembers(scene, options, counts, factor):
    """The camera of gain 3 counts three for an electron, and says so."""
    made = simulate(SCENES[scene](counts=counts, seed=17 + counts, **options))
    names, truth = dict(endmember="true"), made.abundance.to_numpy()
    image = factor * made.spectrum_image.astype(float)
    image = image.assign_attrs(made.spectrum_image.attrs, counts_per_electron=float(factor))
    weight = np.sqrt(image.mean(["y", "x"]).to_numpy())
    model = LinearModel(
        endmembers=factor * made.endmember_spectrum.rename(names).to_numpy(),
        sum_to_one=True,
        channel_weight=weight,
    )
    energy = image.dims[-1]
    stored = model.to_dataset().rename(channel=energy).assign_coords({energy: image[energy]})
    found = apply(stored, image)
    for name in ("abundance", "refit_abundance"):
        inside = np.abs(found[name].to_numpy() - truth) < 1.96 * found[f"{name}_sd"].to_numpy()
        # Where many pixels are pure, half of their errors are cut off at the bound.
        assert 0.93 < inside[truth > 0.1].mean() < 0.975


def test_pixels_that_are_not_valid_have_no_deviation(endmembers):
    model = LinearModel(endmembers=endmembers)
    energy = xr.DataArray(np.arange(37.0), dims="energy_loss", attrs={"units": "eV"})
    stored = model.to_dataset().rename(channel="energy_loss").assign_coords(energy_loss=energy)
    counts = np.random.default_rng(0).poisson(np.full((4, 5, 3), 0.3) @ endmembers)
    valid = np.ones((4, 5), bool)
    valid[1, 2] = False
    image = xr.DataArray(
        counts,
        dims=("y", "x", "energy_loss"),
        coords={"energy_loss": energy, "valid_pixel": (("y", "x"), valid)},
    )
    found = apply(stored, image)
    for name in ("abundance_sd", "refit_abundance_sd"):
        assert (np.isfinite(found[name]).all("endmember").to_numpy() == valid).all()


@pytest.mark.parametrize("sum_to_one", [True, False])
def test_what_is_below_zero_in_a_mixture_adds_its_absolute_value_to_the_noise(endmembers, sum_to_one):
    """Noisy endmembers and subtracted backgrounds have channels below zero; a variance has none."""
    signed, mixture = endmembers - 120.0, np.array([0.5, 0.3, 0.2])
    mean, rng = mixture @ signed, np.random.default_rng(4)
    assert 0.1 < (mean < 0).mean() < 0.9
    draws = mean + np.sqrt(np.abs(mean)) * rng.standard_normal((N_DRAWS, len(mean)))
    weight = np.sqrt(np.abs(mean) + 5)
    found = (fully_constrained if sum_to_one else non_negative)(draws, signed, channel_weight=weight)
    assert (found > 0).all()
    propagation, free = Propagation(signed, weight, sum_to_one=sum_to_one), np.ones((1, 3), bool)
    sd = propagation.sd(mixture[None], free)[0]
    np.testing.assert_allclose(found.std(axis=0), sd, rtol=0.045)
    covariance = propagation.covariance(mixture[None], free)[0]
    np.testing.assert_allclose(np.sqrt(np.diag(covariance)), sd, rtol=1e-9)


def test_no_deviation_is_zero_where_more_was_subtracted_than_there_is(endmembers):
    signed, bound = endmembers - 400.0, np.zeros((1, 3))
    assert (signed.sum(axis=1) < 0).all()
    assert (Propagation(signed).sd(bound, bound > 0) > 0).all()


def test_no_deviation_is_zero_at_single_digit_counts():
    made = simulate(SCENES["chequerboard"](endmembers="ru3", counts=0.1, size=(22, 26), seed=3))
    assert 3 < float(made.spectrum_image.sum("energy_loss").mean()) < 5
    found = apply(fit(made.spectrum_image, "vca", n_endmembers=3, seed=1), made.spectrum_image)
    no_zeros(found)


def test_no_deviation_is_zero_where_too_much_was_subtracted():
    made = simulate(SCENES["chequerboard"](endmembers="ru3", counts=4, size=(22, 26), seed=91))
    image = made.spectrum_image.astype(float)
    image = (image - 0.95 * image.mean()).assign_attrs(made.spectrum_image.attrs)
    no_zeros(apply(fit(image, "vca", n_endmembers=3, seed=1), image))


def no_zeros(found):
    for name in ("abundance_sd", "refit_abundance_sd", "thickness_weighted_abundance_sd"):
        assert (found[name] > 0).all()


def test_threads_that_share_a_propagation_see_no_half_made_inverse(monkeypatch):
    propagation = Propagation(np.eye(3, 5) + 0.1)
    made, pinv = [], np.linalg.pinv

    def watched(*arguments, **options):
        made.append(all(inverse.any() for inverse in propagation._inverses.values()))
        return pinv(*arguments, **options)

    monkeypatch.setattr(np.linalg, "pinv", watched)
    propagation.sd(
        np.array([[1.0, 0.0, 2.0], [0.5, 1.0, 0.0]]), np.array([[True, False, True], [True, True, False]])
    )
    assert len(made) > 1
    assert all(made)
