"""Sentences of the verdict: few, short, and with a reason where the stores know one."""

from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from eelsunmix import synthetic
from eelsunmix.background import subtract_background
from eelsunmix.comparison import verdict
from eelsunmix.comparison.caveats import caveats, reference_doubts
from eelsunmix.comparison.departures import UNEXPLAINED, misfit_sentences, reasons, variation
from eelsunmix.comparison.sentences import MOST
from eelsunmix.comparison.standings import Standing
from test_comparison import method, oracle, run

EDGE = {"O_K": SimpleNamespace(element="O", integrate_eV=(530.0, 570.0), is_line=False)}


def displaced(scene, *, of_matter=True):
    """Maps that put every material 3 nm from where it is."""
    spectra, abundance = scene.endmember_spectrum.to_numpy().copy(), scene.abundance.to_numpy().copy()
    if not of_matter:
        spectra[0] -= 2.5 * spectra[1]
    return method(scene, spectra, np.roll(abundance, 25, axis=1))


@pytest.fixture(scope="module")
def scene():
    return synthetic.multilayer(shape=(10, 75), counts=6000.0, seed=1)


@pytest.fixture(scope="module")
def bs(scene):
    return subtract_background(
        scene.spectrum_image, scene.edges, profiles=scene.profiles, regions=scene.regions
    )


def test_followers_and_departures_are_told_apart(scene, bs):
    found = run(scene, bs, {"oracle": oracle, "wrong": displaced}).attrs["sentences"]
    # As in the paper; no method is judged by this edge.
    assert found[0].startswith("Background subtraction failed for Ru_M45, which no method is judged by")
    assert found[1].startswith("The BS profiles are followed by oracle for ")
    departures = [sentence for sentence in found if sentence.startswith("wrong departs from the BS profile")]
    assert len(departures) >= 1
    assert any("of Co (Co_L23)" in sentence for sentence in departures)
    assert all("good from 0.9, bad below 0.7" in sentence for sentence in departures)
    assert departures[0].endswith(UNEXPLAINED)


def test_impossible_components_are_a_reason(scene, bs):
    methods = {"wrong": lambda scene: displaced(scene, of_matter=False), "oracle": oracle}
    found = run(scene, bs, methods).attrs["sentences"]
    assert any("Components of wrong have impossible backgrounds" in sentence for sentence in found)


def test_nine_bad_methods_need_few_sentences(scene, bs):
    found = run(scene, bs, {f"m{i}": displaced for i in range(9)}).attrs["sentences"]
    assert len(found) <= MOST
    departing = [sentence for sentence in found if sentence.startswith("No method follows the BS profile")]
    # One sentence for edges where the same methods depart for the same reason.
    assert len(departing) == 1
    assert "Ru (Ru_M23) and Co (Co_L23)" in departing[0] or "Co (Co_L23) and Ru (Ru_M23)" in departing[0]
    assert max(map(len, found)) < 400


def flat_reference(spread, talk, ceiling=1.0):
    """Comparison of one edge whose profile varies by `spread`, with the cross-talk of one method."""
    values = 100 * (1 + spread * np.array([-1.0, 1.0, -1.0, 1.0]))
    dims = ("label", "edge", "profile", "position")
    return xr.Dataset(
        {
            "element_profile": (dims, np.stack([values, values])[:, None, None]),
            "profile_noise_ceiling": (("edge", "profile"), [[ceiling]]),
            "edge_weight": (("label", "endmember", "edge"), np.array([[0, 0], talk])[..., None]),
        },
        coords={"label": ["BS", "m"], "edge": ["O_K"], "profile": ["P"]},
    )


SETTING = SimpleNamespace(edges=EDGE, profiles={"P": None}, reference_problems={})
STANDING = Standing(edge="O_K", ratio={"m": 0.7, "other": 0.95})


@pytest.mark.parametrize(
    ("spread", "talk", "expected"),
    [
        (
            0.1,
            [1.0, 0.9],
            "O is in several components of m and the BS itself varies by only 10 % of its mean",
        ),
        (0.1, [1.0, 0.2], "The BS itself varies by only 10 % of its mean"),
        (0.8, [1.0, 0.9], "O is in several components of m: an edge that the materials share"),
        (0.8, [1.0, 0.2], UNEXPLAINED),
    ],
)
def test_reasons(spread, talk, expected):
    assert reasons(STANDING, flat_reference(spread, talk), [], SETTING)[0].startswith(expected)


def test_noise_is_no_variation():
    np.testing.assert_allclose(variation(flat_reference(0.4, [1, 1]), "O_K", SETTING), 0.4)
    np.testing.assert_allclose(variation(flat_reference(0.4, [1, 1], ceiling=0.6), "O_K", SETTING), 0.24)
    # Mostly noise: nothing is known.
    assert variation(flat_reference(0.4, [1, 1], ceiling=0.3), "O_K", SETTING) == np.inf


@pytest.mark.parametrize(
    ("negative", "n_pixels", "doubted"), [(0.69, 294, True), (0.69, 42, False), (0.55, 294, False)]
)
def test_a_reference_below_zero_is_doubted(negative, n_pixels, doubted):
    values = np.where(np.arange(n_pixels) < negative * n_pixels, -50.0, 100.0)
    found = caveats(reference_of(values, sd=100.0), SETTING)
    assert [caveat.startswith("BS of O_K is negative in 69 %") for caveat in found] == [True] * doubted


def reference_of(values, sd):
    """Background subtraction of one edge, of whose map only the counts and their deviation are known."""
    maps = values[None, None, None]
    return xr.Dataset(
        {
            "element_map": (("label", "edge", "y", "x"), maps),
            "element_map_sd": (("label", "edge", "y", "x"), np.full_like(maps, sd)),
            "negative_fraction": (("label", "edge"), [[float((values < 0).mean())]]),
            "off_region_mean": (("label", "edge"), [[np.nan]]),
            "off_region_sd": (("label", "edge"), [[np.nan]]),
            "map_noise_ceiling": ("edge", [0.9]),
            "reconstruction_chi2": ("label", [np.nan]),
        },
        coords={"label": ["BS"], "edge": ["O_K"]},
    )


@pytest.mark.parametrize(
    ("below", "depth", "n_pixels", "doubted"),
    [(0.10, -30.0, 600, True), (0.10, -30.0, 60, False), (0.03, -30.0, 600, False), (0.10, -5.0, 600, False)],
)
def test_a_reference_far_below_zero_in_many_pixels_is_doubted(below, depth, n_pixels, doubted):
    """In more pixels than chance puts there, and by more than a tenth of the peak."""
    values = np.where(np.arange(n_pixels) < below * n_pixels, depth, 100.0)
    reference = reference_of(values, sd=2.0)
    assert list(reference_doubts(reference, SETTING)) == ["O_K"] * doubted
    found = caveats(reference, SETTING)
    assert [caveat.startswith("BS of O_K is more than 2 standard deviations below") for caveat in found] == (
        [True] * doubted
    )


def test_a_difference_from_a_reference_in_doubt_may_be_its_own():
    """At the light and in the sentence, where the difference counts and the doubt is of the same edge."""
    red, green = (0.2, "20 % of the peak (O_K, P)"), (0.02, "2 % of the peak (O_K, P)")
    told = "20 % of the peak (O_K, P; part may be BS's own error)"
    assert verdict._with_doubt(red, {"O_K": "doubt"}) == (0.2, told)
    assert verdict._with_doubt(red, {"O_K2": "doubt"}) == verdict._with_doubt(red, ()) == red
    assert verdict._with_doubt(green, {"O_K": "doubt"}) == green
    known = [Standing(edge="O_K", ratio={"m": 0.95}, beyond={"misfit": {"m": "20 % of the peak"}})]
    said = "BS of O_K is in doubt itself"
    assert [said in one for one in misfit_sentences(known, {"O_K": "doubt", "Ti_L23": "doubt"})] == [True]
    assert [said in one for one in misfit_sentences(known, {"Ti_L23": "doubt"})] == [False]


def test_the_reference_says_at_how_many_edges_it_leaves_counts_where_there_is_no_element():
    names = ["Ru_M45", "Ru_M23", "Co_L23"]
    columns = {
        "owner": [-1, -1, -1],
        "off_region_owner": [0.4, 0.1, 0.2],
        "off_region_mean": [-9.0, 1.0, 7.0],
        "off_region_sd": [1.0, 1.0, 1.0],
    }
    one = xr.Dataset({name: ("edge", values) for name, values in columns.items()}, {"edge": names})
    setting = SimpleNamespace(edges={name: SimpleNamespace(element=name[:2]) for name in names})
    value, text = verdict._off_region_of_reference(one, setting)
    assert (value, text) == (0.4, "40 % (Ru_M45; beyond noise at 2 of 3 edges)")
