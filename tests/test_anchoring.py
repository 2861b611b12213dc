"""Anchoring by edges: planted simplices are found again, and what cannot be known is refused in words."""

import numpy as np
import pytest

from eelsunmix import fit
from eelsunmix.anchoring import KEPT, anchor, least_scales
from eelsunmix.errors import InputError
from eelsunmix.mapping import apply
from eelsunmix.methods import load_model
from eelsunmix.stage_warnings import collect_warnings
from eelsunmix.synthetic import SCENES, simulate

EDGES = np.array([[0.0, 0.0], [900.0, 0.0], [0.0, 250.0]])
"""Net counts of two elements in three materials, the first without edges."""


def pixels(rng, number=4000):
    """Mixtures whose faces are occupied, none of them purer than 60 % in the third material."""
    shares = rng.dirichlet([0.3, 0.3, 0.3], number)
    return shares[shares[:, 2] < 0.6]


def rotated(seed):
    """Abundances on endmembers that are mixtures of the materials, with their net counts."""
    rng = np.random.default_rng(seed)
    mixtures = np.array([[0.98, 0.02, 0.0], [0.03, 0.97, 0.0], [0.08, 0.34, 0.58]])
    truth = pixels(rng)
    return truth, mixtures, truth @ np.linalg.inv(mixtures), mixtures @ EDGES


@pytest.mark.parametrize("seed", range(5))
def test_planted_materials_are_found_again(seed):
    truth, mixtures, abundances, net_counts = rotated(seed)
    found = anchor(net_counts, np.full((3, 2), 0.1), abundances)
    assert not found.refused
    np.testing.assert_allclose((found.mixing @ mixtures) @ np.ones(3), 1, rtol=1e-9)
    # Half a per cent of the pixels may lie outside, so that the scales come out a little small.
    np.testing.assert_allclose(found.mixing @ mixtures, np.eye(3), atol=0.05)
    np.testing.assert_allclose(abundances @ np.linalg.inv(found.mixing), truth, atol=0.05)


def test_order_of_endmembers_and_units_of_counts_do_not_matter():
    _, _, abundances, net_counts = rotated(0)
    order, units = [2, 0, 1], np.array([7.0, 0.3])
    first = anchor(net_counts, np.full((3, 2), 0.1), abundances)
    second = anchor(net_counts[order] * units, np.full((3, 2), 0.1) * units, abundances[:, order])
    np.testing.assert_allclose(second.mixing, first.mixing[order][:, order], atol=1e-3)


def test_clean_edges_are_left_as_they_are():
    truth = pixels(np.random.default_rng(3))
    noise = np.random.default_rng(4).normal(0, 1, (3, 2))
    found = anchor(EDGES + noise, np.ones((3, 2)), truth)
    assert found.refused
    assert "no endmember has a foreign edge" in found.reason
    np.testing.assert_array_equal(found.mixing, np.eye(3))


def test_false_alarms_on_clean_edges_are_rare():
    """Four foreign coefficients at four standard deviations: one image in 4000."""
    rng, truth = np.random.default_rng(6), pixels(np.random.default_rng(5), 50)
    found = [anchor(EDGES + rng.normal(size=(3, 2)), np.ones((3, 2)), truth) for _ in range(300)]
    assert sum(not one.refused for one in found) <= 1


def test_negative_counts_are_a_background_and_no_edge():
    """Background subtraction takes 40 counts too much in the first material: 30 elsewhere may be the same."""
    found = anchor(
        EDGES + np.array([[0, -40], [0, 30], [0, 0]]), np.ones((3, 2)), pixels(np.random.default_rng(3))
    )
    assert found.refused
    assert not anchor(
        EDGES + np.array([[0, -40], [0, 50], [0, 0]]), np.ones((3, 2)), pixels(np.random.default_rng(3))
    ).refused


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("chequerboard", {"size": (40, 48), "counts": 1000}),
        ("chequerboard", {"size": (40, 48), "counts": 100}),
        ("multilayer", {"shape": (30, 75), "ru_nm": 1.6, "diffused_fraction": 0.0, "counts": 1000}),
    ],
)
def test_images_with_pure_pixels_stay_as_they_are(name, options):
    scene = simulate(SCENES[name](seed=12, **options))
    found = fit(scene.spectrum_image, "udas", n_endmembers=3, edges=scene.edges, anchor="edges")
    assert not found.anchored
    assert found.attrs["warnings"] == []


def test_single_pixels_as_endmembers_are_averaged_before_their_edges_judge():
    """Edges of one pixel are too noisy; means of many tell, and pure pixels stay as they are."""
    scene = simulate(SCENES["multilayer"](shape=(30, 75), level="linear", counts=2000, seed=41))
    before, _ = error_of_ru_and_co(scene, 41, "vca")
    after, found = error_of_ru_and_co(scene, 41, "vca", anchor="edges")
    assert found.anchored
    assert (after < [0.1 * before[0], 0.1 * before[1]]).all()


@pytest.mark.parametrize("counts", [20, 300])
def test_anchoring_never_makes_spectra_with_counts_below_zero(counts):
    """At 20 counts VCA would get 29 % below zero."""
    scene = simulate(SCENES["chequerboard"](size=(36, 44), counts=counts, seed=42))
    found = fit(scene.spectrum_image, "vca", n_endmembers=3, edges=scene.edges, anchor="edges", seed=42)
    assert not found.anchored
    assert any("below zero" in text for text in found.attrs["warnings"]) == (counts == 20)


def test_cleaning_takes_foreign_edges_off_and_chooses_no_scale():
    _, _, abundances, net_counts = rotated(1)
    found = anchor(net_counts, np.full((3, 2), 0.1), abundances)
    clean = found.cleaning @ net_counts
    own = clean[[1, 2], [0, 1]]
    np.testing.assert_allclose(clean[[0, 0, 1, 2], [0, 1, 1, 0]], 0, atol=1e-9 * own.min())
    np.testing.assert_allclose(own, net_counts[[1, 2], [0, 1]], rtol=1e-9)


@pytest.mark.parametrize("sd", [1.0, 20.0])
def test_clean_edges_are_trouble_only_where_foreign_ones_could_not_be_seen(sd):
    found = anchor(EDGES, np.full((3, 2), sd), pixels(np.random.default_rng(3)))
    assert found.refused
    assert found.clean == (sd == 1.0)
    assert ("only from 32 % of the strength" in found.reason) == (sd == 20.0)


def test_endmembers_with_the_same_edges_in_sum_are_refused():
    alike = np.array([[75.0, 75.0], [100.0, 50.0], [50.0, 100.0]])
    found = anchor(alike, np.ones((3, 2)), pixels(np.random.default_rng(3)))
    assert found.refused
    assert "same proportions" in found.reason


@pytest.mark.parametrize(
    ("net_counts", "reason"),
    [
        (EDGES[:, :1], "need edges of 2 elements, there are 1"),
        (np.array([[0.0, 0.0], [9.0, 9.0], [1.0, 2.0]]), "two elements are strongest in the same"),
        (EDGES / 200, "no significant edge"),
    ],
)
def test_what_edges_cannot_tell_is_refused_in_words(net_counts, reason):
    found = anchor(net_counts, np.ones(net_counts.shape), pixels(np.random.default_rng(0)))
    assert found.refused
    assert reason in found.reason


def test_least_scales_leave_the_edge_free_part_non_negative_in_the_stated_part_of_the_pixels():
    counts = pixels(np.random.default_rng(9)) @ EDGES
    scales = least_scales(counts)
    assert np.mean((counts / scales).sum(axis=1) <= 1) == pytest.approx(KEPT, abs=1e-3)
    for factor in (np.array([0.8, 1.0]), np.array([1.0, 0.8])):
        assert np.mean((counts / (factor * scales)).sum(axis=1) <= 1) < KEPT


def error_of_ru_and_co(scene, seed, method="udas", **options):
    """Squared error of both, relative to the truth; and the fit."""
    image = scene.spectrum_image
    fitted = fit(image, method, n_endmembers=3, seed=seed, edges=scene.edges, **options)
    found, truth = apply(fitted, image).abundance.to_numpy(), scene.abundance.to_numpy()
    order = [np.argmin(((found - truth[..., [k]]) ** 2).sum(axis=(0, 1))) for k in range(3)]
    error = ((found[..., order] - truth) ** 2).sum(axis=(0, 1)) / (truth**2).sum(axis=(0, 1))
    return error[1:], fitted


@pytest.mark.parametrize(("level", "co", "ru"), [("linear", 0.006, 0.05), ("thickness", 0.03, 0.05)])
def test_the_multilayer_without_pure_ru_is_anchored(level, co, ru):
    scene = simulate(SCENES["multilayer"](shape=(40, 75), level=level, counts=2000, seed=31))
    before, plain = error_of_ru_and_co(scene, 1)
    after, anchored = error_of_ru_and_co(scene, 1, anchor="edges")
    assert before[1] > 0.3
    assert after[0] < co < before[0]
    assert after[1] < ru
    assert anchored.anchored
    assert "foreign edges taken out" in anchored.message
    assert "anchored" not in plain.attrs
    assert list(load_model(anchored).endmembers.shape) == [3, 200]


def test_compounds_that_share_an_element_keep_it():
    """B of BN, B2O3 and B4C beside C; whoever is sure can say so, and anchors nothing by it."""
    scene = simulate(SCENES["stack"](size=(16, 40), counts=2000, seed=7))
    edges = {name: edge for name, edge in scene.edges.items() if edge.element in "BCN"}
    found = fit(scene.spectrum_image, "udas", n_endmembers=4, edges=edges, anchor="edges")
    assert not found.anchored
    assert "not anchored: B has an edge of another shape in another material" in found.attrs["warnings"][0]
    told = {name: edge.replaced(shared=edge.element == "B") for name, edge in edges.items()}
    found = fit(scene.spectrum_image, "udas", n_endmembers=4, edges=told, anchor="edges")
    assert "not anchored: 4 endmembers need edges of 3 elements, there are 2" in found.message


def test_edges_that_the_dose_does_not_show_are_refused_and_the_result_stays():
    scene = simulate(SCENES["multilayer"](shape=(20, 30), pixel_nm=0.3, level="thickness", counts=20, seed=5))
    plain = fit(scene.spectrum_image, "udas", n_endmembers=3)
    found = fit(scene.spectrum_image, "udas", n_endmembers=3, edges=scene.edges, anchor="edges")
    assert not found.anchored
    assert "not anchored" in found.message
    told = collect_warnings({}, {"udas": found})
    assert [place for place, _ in told] == ["udas"]
    assert told[0][1].startswith("anchor: edges was asked for, but the endmembers are not anchored: ")
    np.testing.assert_array_equal(found.endmember_spectrum, plain.endmember_spectrum)


def test_anchoring_needs_edges_and_abundances_that_sum_to_one():
    scene = simulate(SCENES["multilayer"](shape=(6, 40), seed=1))
    with pytest.raises(InputError, match="anchor: edges needs edges"):
        fit(scene.spectrum_image, "vca", n_endmembers=3, anchor="edges")
    with pytest.raises(InputError, match="not for NMF"):
        fit(scene.spectrum_image, "nmf", n_endmembers=3, anchor="edges", edges=scene.edges)
