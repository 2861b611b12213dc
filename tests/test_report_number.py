"""How many components, and is the number right: one answer, of what is known of the last and the next."""

from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from eelsunmix.rank.line_words import line_warnings
from eelsunmix.report import number_words
from eelsunmix.report.loading_edges import SHARP, edges_in_loading, excess
from eelsunmix.report.number_words import answered, number_in_words


def ranked(*, estimates=None, n=4, chosen="marchenko_pastur", reason="r", warnings=(), **found):
    """What is known of n components, and of the next one as said."""
    above, halves, order = (
        found.get(name, default) for name, default in (("above", n), ("halves", 0), ("order", 0))
    )
    estimates = {"marchenko_pastur": n} | (estimates or {})
    rank = xr.Dataset(
        {
            "estimate": ("estimator", list(estimates.values())),
            "stability": ("number", [0.99, found.get("last", 0.97), halves]),
            "coherence": ("component", np.array([1.0] * n + [order - 0.5])),
        },
        coords={"estimator": list(estimates), "number": [n - 1, n, n + 1]},
    )
    told = {"n_endmembers": n, "chosen": chosen, "reason": reason, "warnings": list(warnings)}
    pca = xr.Dataset({"eigenvalue": ("index", [900.0, 700.0, 500.0, 411.0, 263.0, 100.0])})
    rank = rank.assign_attrs(told, signal_rank=above, noise_edge=184.0)
    return SimpleNamespace(n_endmembers=n, rank=rank, pca=pca, edges={})


@pytest.mark.parametrize(
    ("evidence", "said"),
    [
        ({}, "3 of 3 tests show the fourth. No fifth stands out (0 of 3 tests)."),
        ({"order": 1}, "No fifth stands out (1 of 3 tests)."),
        ({"above": 5}, "A fifth is unlikely (1 of 3 tests)."),
        (
            {"above": 5, "halves": 0.9},
            "A fifth is possible (2 of 3 tests); to see, compare with a run of comp",
        ),
        ({"above": 5, "estimates": {"prediction": 5}}, "A fifth is possible (2 of 4 tests); to see"),
        (
            {"above": 4, "last": 0.2, "estimates": {"prediction": 3}},
            "2 of 4 tests show the fourth; it may be noise",
        ),
        ({"above": 5, "warnings": ["the energy axis drifts"]}, "(1 of 3 tests); but the energy axis shifts"),
    ],
)
def test_the_facts_say_who_chose_the_number_and_what_supports_it(evidence, said):
    told = number_in_words(ranked(**evidence))
    assert told.startswith("4, estimated from the image. ")
    assert said in told


def test_the_head_of_the_section_gives_the_numbers_behind_each_test():
    assert number_in_words(ranked(above=5, halves=0.9, chosen="user"), why=True) == (
        "4 components, set in the configuration. 3 of 3 tests show the fourth: its eigenvalue 411 is above "
        "the noise (up to 184), two halves of the pixels show it alike and its map has an order in space. A "
        "fifth is possible: its eigenvalue 263 is above the noise (up to 184) and two halves of the pixels "
        "show it alike, but its map has no order in space beyond chance; to see, compare with a run of "
        "components.n: 5."
    )


def test_components_that_are_a_drift_or_nothing_are_not_tested():
    drift = (
        "5 eigenvalues exceed the noise edge of 184; 1 of them not counted: a drift of the energy axis. More."
    )
    assert number_in_words(ranked(reason=drift)) == (
        "4, estimated from the image. 5 eigenvalues exceed the noise edge of 184; 1 of them not counted: a "
        "drift of the energy axis."
    )
    nothing = number_in_words(ranked(estimates={"marchenko_pastur": 0}))
    assert nothing.endswith("Nothing in the image stands out from the noise: no component is a material.")


def test_the_edges_of_its_loading_decide_a_component_that_is_possible(monkeypatch):
    monkeypatch.setattr(number_words, "edges_in_loading", lambda inputs, component: ["Ti_L23", "La_M45"])
    told = number_in_words(ranked(above=5, halves=0.9))
    assert (
        "A fifth is likely (2 of 3 tests): its loading changes at Ti L23 and La M45, as noise does not"
        in told
    )
    assert "Run with components.n: 5" in told
    assert number_words.likely_further(ranked(above=5, halves=0.9)) == "a fifth component"
    moved = ranked(above=5, halves=0.9, warnings=["the energy axis drifts"])
    assert {number_words.likely_further(one) for one in (ranked(), moved)} == {""}
    assert "No fifth stands out" in number_in_words(ranked())
    moving = number_in_words(ranked(above=5, warnings=["the energy axis drifts"]))
    assert "but the energy axis shifts" in moving


ENERGY = np.arange(350.0, 850.0, 0.5)
MEAN = 1e4 * (ENERGY / 350) ** -3.0


@pytest.mark.parametrize("correlated", [False, True])
def test_noise_has_no_edges_white_or_correlated_over_channels(correlated):
    rng = np.random.default_rng(11)
    onsets = np.arange(390.0, 800.0, 40.0)
    highest = []
    for _ in range(20):
        noise = rng.normal(size=ENERGY.size)
        noise = np.convolve(noise, [0.25, 0.5, 0.25], mode="same") if correlated else noise
        highest.append(excess(noise * np.sqrt(MEAN), MEAN, ENERGY, onsets).max())
    assert max(highest) < SHARP


def test_bad_channels_are_no_edge():
    rng = np.random.default_rng(13)
    loading = rng.normal(size=ENERGY.size)
    loading[np.searchsorted(ENERGY, [535.0, 541.0])] += (12.0, -9.0)
    assert excess(loading * np.sqrt(MEAN), MEAN, ENERGY, np.array([532.0]))[0] < SHARP


def test_an_edge_is_found_where_it_is_and_a_bent_background_is_none():
    rng = np.random.default_rng(12)
    white_line = 8.0 * np.exp(-(((ENERGY - 461) / 3.0) ** 2))
    bent = 20 * np.log(ENERGY / 500) ** 2
    loading = (rng.normal(size=ENERGY.size) + white_line + bent) * np.sqrt(MEAN)
    found = excess(loading, MEAN, ENERGY, np.array([456.0, 532.0, 640.0, 5000.0]))
    assert found[0] > SHARP
    assert (found[1:3] < SHARP).all()
    assert np.isnan(found[3])
    np.testing.assert_allclose(
        excess(-3 * loading, 9 * MEAN, ENERGY, np.array([456.0])), found[:1], rtol=1e-9
    )


def test_edges_of_a_loading_are_named_on_any_axis():
    loadings = np.random.default_rng(14).normal(size=(3, ENERGY.size)) * np.sqrt(MEAN)
    loadings[2] += 8.0 * np.exp(-(((ENERGY - 461) / 3.0) ** 2)) * np.sqrt(MEAN)
    edges = {"Ti_L23": {"onset": 0.456}, "O_K": {"onset": 0.532}, "by_hand": {}}
    inputs = SimpleNamespace(
        edges=edges,
        energy=ENERGY / 1000,
        energy_unit="keV",
        pca=xr.Dataset({"loading": (("component", "energy"), loadings)}),
        corrected=xr.Dataset({"mean_spectrum": ("energy", MEAN)}),
    )
    assert [edges_in_loading(inputs, component) for component in range(4)] == [[], [], ["Ti_L23"], []]


def test_a_warning_that_asks_for_the_edges_of_a_loading_gets_the_answer(monkeypatch):
    maps = np.random.default_rng(15).normal(size=(1, 30, 1, 5)) * np.ones((1, 1, 24, 1))
    evidence = SimpleNamespace(
        eigenvalues=np.array([900.0, 700, 500, 411, 263, 100]),
        noise=SimpleNamespace(edge=184.0, level=1.0),
        n_stable=5,
    )
    coherence = np.array([1.0, 1, 1, 1, -0.5])
    (warning,) = line_warnings(maps, coherence, evidence)
    assert "the loading may (edges, or noise?)" in warning
    monkeypatch.setattr(number_words, "edges_in_loading", lambda inputs, k: ["Ti_L23"] if k == 4 else [])
    told = answered(None, warning)
    assert told.startswith("Component 5 (eigenvalue 263): whole scan lines differ")
    assert told.endswith(
        "Its loading changes at Ti L23, as noise does not: it is probably of the specimen; "
        "set components.n to 5 and compare"
    )
    monkeypatch.setattr(number_words, "edges_in_loading", lambda inputs, k: [])
    assert answered(None, warning).endswith("which is not counted; to see its maps, set components.n to 5")
    assert answered(None, "the number is a guess") == "the number is a guess"
