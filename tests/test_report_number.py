"""How many components, and is the number right: one answer, of what is known of the last and the next."""

from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from eelsunmix.report.number_words import number_in_words


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
    return SimpleNamespace(n_endmembers=n, rank=rank, pca=pca)


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
