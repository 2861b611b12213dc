"""The recommended result: its layout, its choice on twins against known truth, and whom it leaves out."""

import dataclasses
import re

import numpy as np
import pytest
import xarray as xr

import eelsunmix as eu
from eelsunmix import synthetic
from eelsunmix.comparison.matching import match_whitened
from eelsunmix.comparison.simplex_range import Range
from eelsunmix.errors import InputError, MethodFailedError
from eelsunmix.metrics import nmse, nmse_scale_free
from eelsunmix.numerics.abundances import non_negative
from eelsunmix.recommendation import bending, choice, choosing, sample
from eelsunmix.recommendation.ambiguity import ENDS_SD, Ambiguity
from eelsunmix.recommendation.anchored import anchored, is_anchored, known_owners, shared_elements
from eelsunmix.recommendation.bending import find_bending
from eelsunmix.recommendation.choice import members_of_consensus, passing, with_consensus
from eelsunmix.recommendation.choosing import Choice, _reason, twin_models, without_repeated
from eelsunmix.recommendation.data import prepared, with_sample_alone, without_bending
from eelsunmix.recommendation.deviations import map_deviation
from eelsunmix.recommendation.doubts import doubts, doubts_of_anchoring
from eelsunmix.recommendation.labelling import labelled
from eelsunmix.recommendation.least_squares import mapped_linearly, misfit
from eelsunmix.recommendation.solution import Solution
from eelsunmix.recommendation.twins import Trial, trial, twin_of

MAPS = ("abundance", "thickness_weighted_abundance")


def recommended(scene, **options):
    image = scene.spectrum_image
    return eu.recommend(image, n_endmembers=scene.abundance.sizes["endmember"], **options)


def error(scene, maps, spectra):
    """Mean scale-free error of thickness-weighted maps."""
    true, known = scene.thickness_weighted_abundance.to_numpy(), scene.endmember_spectrum.to_numpy()
    order = match_whitened(known, spectra.to_numpy().astype(float), np.sqrt(known.mean(axis=0)))
    return float(nmse_scale_free(true, maps.to_numpy()[..., order], endmember_axis=-1).mean())


@pytest.fixture(scope="module")
def board():
    return synthetic.chequerboard(size=(20, 27), block=6, filter_size=5, counts=800.0, seed=3)


@pytest.fixture(scope="module")
def of_board(board):
    return recommended(board, edges=board.edges, seed=1)


@pytest.fixture(scope="module")
def with_vacuum():
    scene = synthetic.vacuum(size=(20, 27), seed=2)
    valid = np.ones((20, 27), bool)
    valid[3, 20] = False
    masked = scene.spectrum_image.assign_coords(valid_pixel=(("y", "x"), valid))
    turned = masked.transpose("energy_loss", "x", "y")
    return scene, valid, eu.recommend(turned, n_endmembers=3, seed=0)


@pytest.fixture(scope="module")
def data(board):
    return prepared(with_sample_alone(board.spectrum_image)[0], 3)


@pytest.fixture(scope="module")
def truth(board):
    amounts = board.abundance.to_numpy().reshape(-1, 3)
    return Solution(label="truth", endmembers=board.endmember_spectrum.to_numpy(), amounts=amounts)


def test_shares_sum_to_one_and_all_is_finite(board, of_board):
    assert of_board["abundance"].dims == ("y", "x", "endmember")
    np.testing.assert_allclose(of_board["abundance"].sum("endmember"), 1, rtol=1e-5)
    assert of_board["endmember_spectrum"].shape == board.endmember_spectrum.shape
    for name in (*MAPS, "endmember_spectrum"):
        assert of_board[name].dims == of_board[f"{name}_sd"].dims
        assert np.isfinite(of_board[name]).all()
        assert (of_board[f"{name}_sd"] >= 0).all()


def test_it_is_near_the_truth_and_not_behind_vca(board, of_board):
    vca = eu.unmix(board.spectrum_image, "vca", n_endmembers=3, seed=1)
    found = error(board, of_board["abundance"], of_board["endmember_spectrum"])
    assert found < 0.8 * error(board, vca["abundance"], vca["endmember_spectrum"])
    assert found < 0.01


def test_the_reason_names_the_errors_and_the_edges_their_owners(board, of_board):
    errors = of_board.attrs["twin_error"]
    assert {"BLU", "BLU, many neighbours", "BLU, posterior of many neighbours"} < {*errors}
    assert of_board.attrs["method"] == min(errors, key=errors.get)
    assert of_board.attrs["reason"].isprintable()
    assert (of_board.attrs["brightness"], of_board.attrs["totals"]) == ("constant", "")
    for name in errors:
        assert f"{name} " in of_board.attrs["reason"]
    assert "ICA is no candidate" in of_board.attrs["reason"]
    spectra = board.endmember_spectrum.to_numpy()
    order = match_whitened(spectra, of_board["endmember_spectrum"].to_numpy(), np.sqrt(spectra.mean(axis=0)))
    assert of_board.attrs["edge_owner"]["Co_L23"] == order[1]


def test_deviations_are_of_the_size_of_the_errors(board, of_board):
    true, found = board.abundance.to_numpy(), of_board["abundance"].to_numpy()
    spectra = board.endmember_spectrum.to_numpy()
    order = match_whitened(spectra, of_board["endmember_spectrum"].to_numpy(), np.sqrt(spectra.mean(axis=0)))
    ratio = (found[..., order] - true) / np.maximum(of_board["abundance_sd"].to_numpy()[..., order], 1e-4)
    # Small blocks, smoothed, have no area of one composition: most of the deviation is other simplices.
    assert 0.2 < np.sqrt(np.mean(ratio[true > 0.1] ** 2)) < 2


def test_deviations_hold_the_truth_where_nothing_is_pure_and_no_edge_is_named():
    """The maps are off by a fifth of the peak there, and their deviations say so."""
    scene = synthetic.columns(size=(22, 26), seed=8)
    result = recommended(scene, seed=1)
    true, spectra = scene.abundance.to_numpy(), scene.endmember_spectrum.to_numpy()
    order = match_whitened(spectra, result["endmember_spectrum"].to_numpy(), np.sqrt(spectra.mean(axis=0)))
    found, sd = (result[name].to_numpy()[..., order] for name in ("abundance", "abundance_sd"))
    inside = np.abs(found - true) < 1.96 * sd
    assert inside[true > 0.1].mean() > 0.93
    assert np.mean((np.abs(found - true) < 0.1)[true > 0.1]) < 0.7


def test_pixels_without_sample_are_zero_and_invalid_ones_are_unknown(with_vacuum):
    scene, valid, result = with_vacuum
    assert result["abundance"].dims == ("endmember", "x", "y")
    assert result.attrs["n_empty_pixels"] == int((~scene.sample.to_numpy() & valid).sum())
    for name in MAPS:
        maps = result[name].transpose("y", "x", "endmember")
        assert np.isnan(maps.to_numpy()[3, 20]).all()
        assert (maps.to_numpy()[~scene.sample.to_numpy() & valid] == 0).all()
    sums = result["abundance"].sum("endmember").transpose("y", "x").to_numpy()
    np.testing.assert_allclose(sums[scene.sample.to_numpy() & valid], 1, rtol=1e-5)


def test_the_seed_decides():
    scene = synthetic.chequerboard(size=(12, 15), block=4, filter_size=3, seed=4)
    first, second = (recommended(scene, seed=5) for _ in range(2))
    assert first.identical(second)


def test_amounts_follow_the_thickness():
    scene = synthetic.gradient(size=(20, 27), noise=False, seed=3)
    spectra = scene.endmember_spectrum.to_numpy()
    rows = scene.thickness_weighted_abundance.to_numpy().reshape(-1, 3)
    found = mapped_linearly(rows @ spectra, spectra, np.sqrt(spectra.mean(axis=0)), "variable")
    np.testing.assert_allclose(found, rows, atol=1e-9)


def test_a_twin_has_the_truth_and_the_noise_of_its_model(data, truth):
    twin = twin_of(truth, data, np.random.default_rng(0))
    expected = truth.amounts @ truth.endmembers
    chi2 = np.mean((twin.to_numpy().reshape(expected.shape) - expected) ** 2 / expected)
    assert abs(chi2 - 1) < 0.02
    turned = dataclasses.replace(truth, endmembers=truth.endmembers[::-1], amounts=truth.amounts[:, ::-1])
    assert trial(turned, truth, data.weight).error < 1e-20
    half = dataclasses.replace(truth, amounts=truth.amounts / 2)
    np.testing.assert_allclose(trial(half, truth, data.weight).error, 0.25)


def test_candidates_that_fail_a_check_are_left_out_with_the_reason(data, truth):
    spectra = truth.endmembers.copy()
    spectra[1, :90] *= -1
    bad = [
        dataclasses.replace(truth, label="negative", endmembers=spectra),
        dataclasses.replace(truth, label="far", amounts=np.roll(truth.amounts, 1, axis=1)),
    ]
    kept, excluded = passing([truth, *bad], data)
    assert [one.label for one in kept] == ["truth"]
    assert "below zero" in excluded["negative"]
    assert "misfit" in excluded["far"]
    assert abs(misfit(truth, data) - 1) < 0.05
    assert len(passing(bad[:1], data)[0]) == 1


def test_a_fit_that_stopped_early_takes_part_and_is_named(data, truth):
    late = dataclasses.replace(truth, label="late", status="not converged")
    kept, excluded = passing([truth, late], data)
    assert ([one.label for one in kept], excluded) == (["truth", "late"], {})
    ranking = choice.Ranking(errors={"late": 0.0001, "truth": 0.0004}, trials={}, misfits={})
    assert "; did not converge: late; " in _reason(ranking, kept, {}, 3)
    assert "did not converge" not in _reason(ranking, kept[:1], {}, 3)


def test_a_result_that_is_poor_on_the_twins_or_ill_describes_the_counts_has_a_warning(data, truth):
    good = choice.Ranking(errors={"truth": 0.19**2}, trials={}, misfits={"truth": 1.0})
    assert doubts(truth, good, data, {}) == []
    (poor,) = doubts(truth, dataclasses.replace(good, errors={"truth": 0.42**2}), data, {})
    assert "off by 42 %" in poor
    (ill,) = doubts(truth, dataclasses.replace(good, misfits={"truth": 0.5}), data, {})
    assert "2.0 times as much as counting noise" in ill
    assert "n_endmembers" in ill


def test_warnings_come_of_images_that_deserve_them(board, of_board):
    assert of_board.attrs["warnings"] == []
    image = board.spectrum_image[:12, :15]
    gain = image.copy(data=15 * image.to_numpy()).assign_attrs(counts_per_electron=1.0)
    assert any("standard deviations are too small" in one for one in eu.recommend(gain).attrs["warnings"])
    known = eu.recommend(gain.assign_attrs(counts_per_electron=15.0))
    assert not any("standard deviations" in one for one in known.attrs["warnings"])
    small = synthetic.chequerboard(size=(12, 15), block=4, filter_size=3, counts=6000.0, seed=4)
    too_few = eu.recommend(small.spectrum_image, n_endmembers=2)
    assert any("n_endmembers" in one for one in too_few.attrs["warnings"])


def test_candidates_that_all_fail_on_a_twin_are_said_to(data, truth, monkeypatch):
    monkeypatch.setattr(choice, "solutions", lambda *_, **__: ([], {"VCA": "no signal"}))
    rng = np.random.default_rng(0)
    with pytest.raises(MethodFailedError, match="no method gave a result on images simulated"):
        choice.rank_on_twins([truth], data, 3, models=[truth], brightness="constant", rng=rng)


@pytest.fixture(scope="module")
def mixed():
    """Endmembers of a multilayer that are mixtures of the materials, as a method without edges finds them."""
    scene = synthetic.multilayer(shape=(16, 60), counts=3000.0, seed=5)
    data = prepared(with_sample_alone(scene.spectrum_image)[0], 3, scene.edges)
    mixing = np.array([[1.0, 0.0, 0.0], [0.05, 0.95, 0.0], [0.2, 0.25, 0.55]])
    endmembers = mixing @ scene.endmember_spectrum.to_numpy()
    average = data.averages["many neighbours"]
    found = Solution(
        label="BLU, many neighbours",
        endmembers=endmembers,
        amounts=mapped_linearly(average, endmembers, data.weight, "constant"),
        average="many neighbours",
    )
    return scene, data, found


def test_edges_say_which_endmembers_are_mixtures(mixed):
    scene, data, found = mixed
    true = scene.abundance.to_numpy().reshape(-1, 3)
    clean = anchored(found, data, "constant")
    assert is_anchored(clean)
    before, after = (nmse(true, one.amounts, endmember_axis=1) for one in (found, clean))
    assert (after[1:] < 0.5 * before[1:]).all()
    assert twin_models([found, clean]) == [clean]
    others = [dataclasses.replace(clean, label=f"{n}, anchored by edges") for n in "ab"]
    members = members_of_consensus([found, clean, *others])
    assert members == [one.label for one in (clean, *others)]
    both = with_consensus([found, clean, *others], data.weight, members)[-1]
    np.testing.assert_allclose(both.amounts, clean.amounts)


def test_what_a_compound_would_lose_by_anchoring_is_named(mixed):
    scene, data, found = mixed
    clean = dataclasses.replace(found, endmembers=scene.endmember_spectrum.to_numpy())
    assert shared_elements([clean], data) == {}
    shared = shared_elements([clean, found], data)  # Ru .55 has .25 of .95 of Co
    assert shared == {"Co": pytest.approx(0.25 / 0.95, abs=0.03)}
    (warning,) = doubts_of_anchoring(shared)
    assert re.search(r"took 2\d % of the edge of Co away from another component. .* shared: true", warning)


def test_an_element_that_several_materials_hold_anchors_nothing(mixed):
    """BN beside B4C: each holds its own B, as the shape of the edge shows; Co in Ru is of the mixture."""
    scene = synthetic.stack(size=(12, 40), counts=3000.0, seed=6)
    edges = {name: edge for name, edge in scene.edges.items() if edge.element in "BCN"}
    data = prepared(with_sample_alone(scene.spectrum_image)[0], 4, edges)
    true = Solution(
        label="uDAS, neighbours",
        endmembers=scene.endmember_spectrum.to_numpy(),
        amounts=scene.abundance.to_numpy().reshape(-1, 4),
        average="neighbours",
    )
    assert is_anchored(anchored(true, data, "constant"))  # wrongly
    left, refusal = known_owners([true], data)
    assert not left.edges
    assert refusal.startswith("not anchored: B has an edge of another shape in another material")
    _, several, found = mixed
    left, refusal = known_owners([found], several)
    assert (left.edges, refusal) == (several.edges, "")


def test_the_user_can_say_which_elements_are_shared(mixed):
    _, data, found = mixed
    edges = {name: edge.replaced(shared=name == "Ru_M23") for name, edge in data.edges.items()}
    left, refusal = known_owners([found], dataclasses.replace(data, edges=edges))
    assert (list(left.edges), refusal) == (["Co_L23"], "")


def test_who_follows_the_warning_of_a_shared_element_gets_what_it_says():
    scene = synthetic.multilayer(shape=(7, 31), counts=3000.0, seed=5)
    found = eu.recommend(scene.spectrum_image, n_endmembers=3, edges=scene.edges)
    assert found.attrs["method"].endswith(("anchored by edges", "consensus"))
    (warning,) = found.attrs["warnings"]
    assert re.search(
        r"the edge of Co away .* write shared: true at its edges and run again; an edge of another", warning
    )
    told = {name: edge.replaced(shared=edge.element == "Co") for name, edge in scene.edges.items()}
    left = eu.recommend(scene.spectrum_image, n_endmembers=3, edges=told)
    assert "anchored" not in left.attrs["method"]
    assert left.attrs["warnings"] == []
    assert left.attrs["anchoring"] == "not anchored: 3 endmembers need edges of 2 elements, there are 1"


def test_clean_edges_leave_a_solution_as_it_is(mixed):
    scene, data, found = mixed
    spectra = scene.endmember_spectrum.to_numpy()
    true = dataclasses.replace(found, endmembers=spectra, amounts=scene.abundance.to_numpy().reshape(-1, 3))
    same = anchored(true, data, "constant")
    assert not is_anchored(same)
    left, reason = without_repeated([true, same])
    assert (left, "no endmember has a foreign edge" in reason) == ([true], True)
    assert twin_models(left) == [true]
    number = "(the largest has {} of them)"
    others = [dataclasses.replace(same, fault=f"not anchored {number.format(n)}") for n in ("2.3", "1.7")]
    assert without_repeated(others) == ([], f"not anchored {number.format('2.3')}")


def layers(level, counts, **options):
    """Simulate layers that are pure, with the truth as a solution of the averages."""
    pure = {"co_nm": 2.2, "ru_nm": 1.8, "diffused_fraction": 0.05, "probe_sd_nm": 0.1}
    scene = synthetic.multilayer(shape=(20, 75), level=level, counts=counts, seed=4, **pure, **options)
    data = prepared(with_sample_alone(scene.spectrum_image)[0], 3, scene.edges)
    truth = Solution(
        label="truth",
        endmembers=scene.endmember_spectrum.to_numpy(),
        amounts=scene.abundance.to_numpy().reshape(-1, 3),
        average="many neighbours",
    )
    return truth, data


def test_a_bent_background_is_found_without_a_region_and_taken_out_of_image_and_twin():
    truth, data = layers("thickness", 8000.0, wedge=1.2)
    bending = find_bending(truth, data)
    assert bending.nuisance is not None
    assert "the background bends" in bending.reason
    straight = without_bending(data, bending.nuisance, 3)
    assert np.abs(bending.nuisance.filters @ straight.spectra.T).max() < 1e-6
    twin = twin_of(truth, straight, np.random.default_rng(0)).to_numpy()
    assert np.abs(twin @ bending.nuisance.filters.T).max() < 1e-6
    bent = straight.bent @ bending.nuisance.filters.T
    assert np.std(bent) > 0.9 * np.std(data.averages["neighbours"] @ bending.nuisance.filters.T)


def test_composition_is_not_taken_for_bending():
    truth, data = layers("linear", 200_000.0)
    bending = find_bending(truth, data)
    assert bending.nuisance is None
    assert "along what endmembers differ in" in bending.reason
    without = dataclasses.replace(data, edges={"Co_L23": data.edges["Co_L23"]})
    assert "one material without any" in find_bending(truth, without).reason


def test_a_consensus_is_the_median(data, truth):
    shifted = [
        dataclasses.replace(truth, label=str(factor), amounts=truth.amounts * factor) for factor in (3, 2)
    ]
    far = dataclasses.replace(truth, label="no member", amounts=truth.amounts * 9)
    members = members_of_consensus([truth, *shifted])
    both = with_consensus([truth, *shifted, far], data.weight, members)[-1]
    np.testing.assert_allclose(both.amounts, 2 * truth.amounts)
    assert len(with_consensus([truth, far], data.weight, members)) == 2


def test_deviations_are_averages_over_neighbours_that_have_sample():
    chosen = np.ones((6, 7), bool)
    chosen[:, 0] = False
    deviation = map_deviation([np.full((36, 2), 3.0), np.full((36, 2), -4.0)], chosen)
    np.testing.assert_allclose(deviation[chosen], np.sqrt(12.5))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_endmembers": 0}, "n_endmembers"),
        ({"n_endmembers": 500}, "n_endmembers is 500"),
        ({"seed": -1}, "seed"),
        ({"edges": ["Pt_M45"]}, "Pt_M45"),
    ],
)
def test_mistakes_are_one_line(board, options, message):
    with pytest.raises(InputError, match=message) as caught:
        eu.recommend(board.spectrum_image, **options)
    assert str(caught.value).isprintable()


def test_one_endmember_is_the_brightness(board):
    result = eu.recommend(board.spectrum_image, n_endmembers=1)
    np.testing.assert_allclose(result["abundance"], 1, rtol=1e-6)
    assert 0.9 < float(result["thickness_weighted_abundance"].mean()) < 1.1


def test_an_image_without_counts_is_refused(board):
    dark = board.spectrum_image * 0
    with pytest.raises(InputError, match="no valid pixel with counts"):
        eu.recommend(dark)


@pytest.mark.parametrize("n_channels", [8, 20])
def test_few_channels_are_no_fault_of_candidates_that_do_not_follow_the_noise(n_channels):
    rng, energy = np.random.default_rng(3), np.linspace(0, 1, n_channels)
    endmembers = 2000 * np.stack([np.exp(-energy), np.exp(-3 * energy), 0.2 + energy])
    amounts = rng.dirichlet(np.ones(3), 30 * 35)
    counts = rng.poisson(amounts @ endmembers).reshape(30, 35, n_channels)
    image = xr.DataArray(counts, dims=("y", "x", "energy"), coords={"energy": np.arange(n_channels)})
    data = prepared(with_sample_alone(image)[0], 3)
    truth = Solution(label="truth", endmembers=endmembers, amounts=amounts)
    fitted = non_negative(data.spectra, endmembers, channel_weight=data.weight)
    kept, _ = passing([truth, dataclasses.replace(truth, label="of counts", amounts=fitted)], data)
    assert [one.label for one in kept] == ["truth", "of counts"]


def test_a_perfect_description_sets_no_scale(board):
    result = eu.recommend(board.spectrum_image[:1, :1], n_endmembers=1)
    assert np.isfinite(result["abundance"]).all()


def test_pixels_whose_averages_add_up_to_nothing_have_no_amount(truth):
    spectra = np.vstack([truth.endmembers[1], np.zeros(truth.endmembers.shape[1]), -truth.endmembers[1]])
    weight = np.ones(truth.endmembers.shape[1])
    amounts = mapped_linearly(spectra, truth.endmembers, weight, "variable")
    np.testing.assert_allclose(amounts, [[0, 1, 0], [0, 0, 0], [0, 0, 0]], atol=1e-9)


def test_a_single_pixel_is_its_own_endmember(board):
    found = eu.recommend(board.spectrum_image[:1, :1], n_endmembers=1)
    np.testing.assert_allclose(found["abundance"], 1)


@pytest.fixture
def small_limit(monkeypatch):
    monkeypatch.setattr(sample, "MOST_PIXELS", 300)
    monkeypatch.setattr(sample, "SIDE", 10)


def test_a_large_image_is_mapped_with_the_winner_of_a_sample(board, small_limit):
    result = recommended(board, seed=1)
    assert result.attrs["n_pixels_looked_at"] == 300
    assert result["abundance"].shape == board.abundance.shape
    np.testing.assert_allclose(result["abundance"].sum("endmember"), 1, rtol=1e-5)
    assert error(board, result["abundance"], result["endmember_spectrum"]) < 0.02
    true, found = board.abundance.to_numpy(), result["abundance"].to_numpy()
    spectra = board.endmember_spectrum.to_numpy()
    order = match_whitened(spectra, result["endmember_spectrum"].to_numpy(), np.sqrt(spectra.mean(axis=0)))
    ratio = (found - true[..., np.argsort(order)]) / result["abundance_sd"].to_numpy()
    assert 0.05 < np.sqrt(np.mean(ratio[found > 0.1] ** 2)) < 2


def test_a_sample_has_the_rare_phase_and_no_pixel_twice(small_limit):
    scene = synthetic.rare(size=(60, 47), seed=1)
    image = scene.spectrum_image.assign_coords(y=np.arange(60.0)).chunk(y=7)
    part = sample.representative(image)
    assert part.shape == (30, 10, image.shape[-1])
    rare = scene.abundance.isel(endmember=2).to_numpy()
    rows = {row.tobytes() for row in image.to_numpy()[rare > 0.5]}
    assert len(rows & {row.tobytes() for row in part.to_numpy().reshape(-1, image.shape[-1])}) >= 3
    assert part.dims == image.dims


def test_ambiguity_widens_what_twins_cannot_see(mixed):
    scene, data, found = mixed
    true = scene.abundance.to_numpy().reshape(-1, 3)
    errors = [
        Trial(
            error=0.01,
            amounts=np.full_like(true, 0.01),
            shares=np.full_like(true, 0.01),
            spectra=np.zeros_like(found.endmembers),
        )
    ]
    ranking = choice.Ranking(errors={found.label: 0.01}, trials={found.label: errors}, misfits={})
    made = Choice(best=found, ranking=ranking, data=data, brightness="constant", edges=data.edges, record={})
    empty = np.zeros(data.chosen.shape, bool)
    result = labelled(made, data.image, found.amounts, empty)
    off = np.abs(result["abundance"].to_numpy().reshape(-1, 3) - true)[:, 2]
    sd = result["abundance_sd"].to_numpy().reshape(-1, 3)[:, 2]
    strong = true[:, 2] > 0.1
    assert np.mean(off[strong] <= 2 * sd[strong]) > 0.9
    assert np.mean(off[strong] <= 0.02) < 0.3
    alternating = dataclasses.replace(made, best=_alternating(found))
    varies = dataclasses.replace(alternating, brightness="variable")
    one, other = (labelled(it, data.image, it.best.amounts, empty) for it in (alternating, varies))
    assert (other["abundance_sd"] > one["abundance_sd"]).to_numpy().reshape(-1, 3)[strong, 2].all()
    xr.testing.assert_identical(*(it.drop_vars("abundance_sd") for it in (one, other)))


def _alternating(found):
    """Twice the amounts in every other pixel, half of them in the others."""
    brightness = np.where(np.arange(len(found.amounts)) % 2, 0.5, 2.0)
    return dataclasses.replace(found, amounts=brightness[:, None] * found.amounts)


def test_the_spectrum_of_another_simplex_is_that_of_a_share_of_one():
    endmembers = np.array([[40.0, 30, 20, 10], [38.0, 33, 20, 9]])
    taken = np.array([[[0.0, -0.1], [0.0, 0.0]], [[0.0, 0.02], [0.6, 0.0]]])  # low, high
    one = np.ones(2)
    allowed = Range(
        scale_low=one, scale_high=one, taken_low=taken[0], taken_high=taken[1], pure=np.zeros(2, dtype=int)
    )
    ends = (endmembers[0] + 0.1 * endmembers[1]) / 1.1, (endmembers[1] - 0.6 * endmembers[0]) / 0.4
    off = np.abs(np.array(ends) - endmembers)
    found = Ambiguity(totals=np.zeros(2), range=allowed).of_spectra(endmembers)
    np.testing.assert_allclose(found, off / ENDS_SD)


def test_beside_a_large_vacuum_the_sample_is_not_its_dimmest_pixels(small_limit):
    y, x = np.mgrid[:60, :47]
    channel = np.linspace(0, 1, 100)
    spectra = np.stack([np.exp(-2 * channel), np.exp(-2 * channel) + 0.6 * (channel > 0.7)])
    spectra /= spectra.sum(axis=1, keepdims=True)
    valid, rare = x < 18, (abs(y - 24) < 3) & (abs(x - 4) < 3)
    expected = 3000 * np.clip(1 - x / 18, 0.005, 1)[..., None] * spectra[rare.astype(int)]
    counts = np.random.default_rng(1).poisson(expected * valid[..., None])
    image = xr.DataArray(counts, dims=("y", "x", "energy_loss"), coords={"energy_loss": np.arange(100.0)})
    part = sample.representative(image.assign_coords(valid_pixel=(("y", "x"), valid)))
    rows = {row.tobytes() for row in counts[rare]}
    assert len(rows & {row.tobytes() for row in part.to_numpy().reshape(-1, 100)}) > 10


def test_bending_is_learned_from_all_over_the_image(mixed, monkeypatch):
    _, data, found = mixed
    seen = []

    def recorded(spectra, number, variance):
        seen.append(spectra)
        return None, [0.0]

    monkeypatch.setattr(bending, "SAMPLE_PIXELS", 60)
    monkeypatch.setattr(bending, "find_nuisance", recorded)
    monkeypatch.setattr(bending, "_without_edges", lambda *_: np.ones(len(data.spectra), bool))
    assert "no bending" in find_bending(found, data).reason
    np.testing.assert_array_equal(seen[0][[0, -1]], data.spectra[[0, -1]])


def test_a_consensus_that_only_twins_have_is_not_recommended(data, truth, monkeypatch):
    ranking = choice.Ranking(
        errors={"consensus": 0.01, truth.label: 0.02},
        trials={"consensus": [], truth.label: []},
        misfits={"consensus": 1.0, truth.label: 1.0},
    )
    for name, result in {
        "prepared": data,
        "straightened": (data, "constant", ""),
        "solutions": ([truth], {}),
        "rank_on_twins": ranking,
    }.items():
        monkeypatch.setattr(choosing, name, lambda *_, result=result, **__: result)
    assert choosing.choose(data.image, 3, {}, seed=0).best is truth


def test_endmembers_without_a_background_of_their_own_cost_no_result(board):
    """Where no endmember falls before an edge, as with a window on a rise: nobody got a result."""
    low, high = board.spectrum_image.energy_loss.to_numpy()[[0, -1]]
    image = board.spectrum_image.isel(energy_loss=slice(None, None, -1))
    image = image.assign_coords(energy_loss=board.spectrum_image.energy_loss)
    window = {"onset_eV": (low + high) / 2, "fit_eV": (low + 5, (low + high) / 2 - 20)}
    edge = {"element": "Co", "integrate_eV": ((low + high) / 2, high - 5), **window}
    found = eu.recommend(image, n_endmembers=3, edges={"Co_L23": edge})
    assert set(found.attrs["edge_owner"]) == {"Co_L23"}


def test_counts_that_are_hardly_an_electron_are_named(board):
    """As densities: twins of them were empty, and a mask was blamed that nobody had given."""
    image = board.spectrum_image.astype(float) * 1e-15
    with pytest.raises(MethodFailedError, match=r"electrons at counts_per_electron 1, too few to simulate"):
        eu.recommend(image.assign_attrs(counts_per_electron=1.0), n_endmembers=3)
