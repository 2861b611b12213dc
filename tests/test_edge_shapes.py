"""Foreign edges by their shape: a planted part is found again, under backgrounds that net counts mistake."""

import numpy as np
import pytest

from eelsunmix.anchoring import anchor
from eelsunmix.edge_shapes import SYSTEMATIC, parts_by_shape, unlike_shapes
from eelsunmix.edges import Edge
from eelsunmix.synthetic.edges import SCENE_EDGES
from eelsunmix.synthetic.spectra import pixel_spectrum

ENERGY = np.arange(216.0, 880.0, 3.3)
EDGES = {name: SCENE_EDGES[name] for name in ("Ru_M45", "Ru_M23", "Co_L23")}
OWNER = np.array([2, 1])
"""Owners of Ru and Co among Pt, Co, Ru."""


@pytest.fixture(scope="module")
def materials():
    spectra = np.stack([pixel_spectrum(name, ENERGY) for name in ("Pt", "Co", "Ru")])
    return 2000 * spectra / spectra[:, :1]


def mixed(materials, ru_in_co):
    mixing = np.array([[1.0, 0.0, 0.0], [0.0, 1 - ru_in_co, ru_in_co], [0.0, 0.3, 0.7]])
    return mixing @ materials, mixing


@pytest.mark.parametrize("ru_in_co", [0.0, 0.04, 0.15])
def test_a_planted_part_is_found_again(materials, ru_in_co):
    spectra, mixing = mixed(materials, ru_in_co)
    found = parts_by_shape(spectra, np.full(3, 1 / 300), OWNER, EDGES, ENERGY)
    np.testing.assert_allclose(found.value[1, 0], ru_in_co / mixing[2, 2], atol=2.5 * SYSTEMATIC)
    np.testing.assert_allclose(found.value[2, 1], 0.3 / mixing[1, 1], rtol=0.02)


def test_a_background_with_an_edge_that_nobody_named_says_nothing(materials):
    """Pt-N lies where Ru-M4,5 rises."""
    found = parts_by_shape(materials, np.full(3, 1 / 300), OWNER, EDGES, ENERGY)
    assert np.isnan(found.value[0, 0])
    assert np.isfinite(found.value[0, 1])
    assert np.isnan(found.value[OWNER, [0, 1]]).all()


def test_deviations_are_those_of_other_draws(materials):
    spectra, _ = mixed(materials, 0.06)
    rng, pixels = np.random.default_rng(1), 30
    draws = [
        parts_by_shape(rng.poisson(spectra * pixels) / pixels, np.full(3, 1 / pixels), OWNER, EDGES, ENERGY)
        for _ in range(60)
    ]
    spread = np.std([one.value[1, 0] for one in draws])
    told = np.mean([np.sqrt(one.sd[1, 0] ** 2 - SYSTEMATIC**2) for one in draws])
    assert 0.7 < spread / told < 1.3


def test_too_few_channels_say_nothing(materials):
    few = slice(140, 144)
    found = parts_by_shape(materials[:, few], np.ones(3), OWNER, EDGES, ENERGY[few])
    assert np.isnan(found.value).all()


def test_lines_of_x_rays_are_judged_by_their_net_counts_alone(materials):
    lines = {
        name: Edge.model_validate(edge.model_dump() | {"fit_above_eV": (edge.integrate_eV[1] + 1, 880.0)})
        for name, edge in EDGES.items()
    }
    found = parts_by_shape(mixed(materials, 0.15)[0], np.full(3, 1 / 300), OWNER, lines, ENERGY)
    assert np.isnan(found.value).all()


def test_shape_decides_where_background_subtraction_is_in_doubt(materials):
    """The first material has -900 net counts of Ru: 300 in the second may be no edge; its shape tells."""
    spectra, mixing = mixed(materials, 0.06)
    net = np.array([[-900.0, 0.0], [300.0, 900.0], [4000.0, 300.0]])
    shares = np.random.default_rng(0).dirichlet([0.3, 0.3, 0.3], 3000)
    by_shape = parts_by_shape(spectra, np.full(3, 1 / 300), OWNER, EDGES, ENERGY)
    blind, seen = (anchor(net, np.full((3, 2), 10.0), shares, one) for one in (None, by_shape))
    of_ru = [abs((one.mixing @ mixing)[1, 2] / (one.mixing @ mixing)[1, 1]) for one in (blind, seen)]
    assert of_ru[0] > 0.05
    assert of_ru[1] < 0.015


AXIS = np.arange(150.0, 450.0, 1.0)
OF_BORON = {name: SCENE_EDGES[name] for name in ("B_K", "N_K")}
BORON, NITROGEN = 2, 1
"""Endmembers that own B and N."""


def borides(shift_eV=0.0):
    """C, BN and B4C; and the same with half C, half B4C of another energy axis in place of BN."""
    compounds = np.stack([pixel_spectrum(name, AXIS) for name in ("C", "BN", "B4C")])
    mixtures = compounds.copy()
    mixtures[1] = 0.5 * compounds[0] + 0.5 * pixel_spectrum("B4C", AXIS - shift_eV)
    return 1000 * compounds / compounds[:, :1], 1000 * mixtures / mixtures[:, :1]


@pytest.mark.parametrize("shift_eV", [0.0, 0.4])
def test_an_edge_of_another_shape_is_of_another_material(shift_eV):
    """B of BN and of B4C differ; in a mixture B has the owner's shape, even where the axis has drifted."""
    owner, well_known = np.array([BORON, NITROGEN]), np.full(3, 1 / 300)
    compounds, mixtures = borides(shift_eV)
    found = unlike_shapes(compounds, well_known, owner, OF_BORON, AXIS)
    assert found.tolist() == [[False, False], [True, False], [False, False]]
    assert not unlike_shapes(mixtures, well_known, owner, OF_BORON, AXIS).any()


def test_shapes_that_noise_hides_prove_nothing():
    owner = np.array([BORON, NITROGEN])
    for channels, variance in ((slice(None), 3.0), (slice(20, 26), 1 / 300)):
        spectra = borides()[0][:, channels]
        assert not unlike_shapes(spectra, np.full(3, variance), owner, OF_BORON, AXIS[channels]).any()


def test_each_edge_of_an_element_has_to_be_unlike():
    """One that lies over an edge that nobody named seems so alone."""
    owner = np.array([BORON, NITROGEN])
    again = {**OF_BORON, "B_again": SCENE_EDGES["B_K"].replaced(fit_eV=(300, 340), integrate_eV=(350, 390))}
    assert not unlike_shapes(borides()[0], np.full(3, 1 / 300), owner, again, AXIS).any()


def test_an_endmember_without_a_count_near_an_edge_proves_nothing(recwarn):
    """As NMF finds them."""
    owner, spectra = np.array([BORON, NITROGEN]), borides()[0]
    spectra[0, (AXIS > 150) & (AXIS < 260)] = 0.0
    unlike_shapes(spectra, np.full(3, 1 / 300), owner, OF_BORON, AXIS)
    spectra[0] = 0.0
    assert not unlike_shapes(spectra, np.full(3, 1 / 300), owner, OF_BORON, AXIS)[0].any()
    parts_by_shape(spectra, np.full(3, 1 / 300), owner, OF_BORON, AXIS)
    assert not [str(one.message) for one in recwarn]
