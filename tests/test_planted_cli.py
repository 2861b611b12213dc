"""Defects planted into images and configurations, each mended or named by the command line."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import eelsunmix as eu
from edge_spectra import spectrum_of
from eelsunmix.background.onset_check import on_fine_structure, strange_onsets
from eelsunmix.background.window_check import check_windows
from eelsunmix.edge_choice import resolve_edges
from eelsunmix.edges import Edge, EdgeRequest
from eelsunmix.errors import InputError
from eelsunmix.proposal import configuration_text, propose_edges

AXIS = np.arange(370.0, 800.0, 0.5)
OXIDE = ("O_K", "Mn_L23", "La_M45")


def proposed(image):
    proposal = propose_edges(image)
    return proposal, configuration_text({"S": Path("a.dm4")}, proposal, page="p.html")


def test_an_axis_that_is_off_is_put_right():
    image, _ = spectrum_of(OXIDE, 450, 960, 200, seed=21, shift=-14.0)
    proposal, text = proposed(image)
    assert proposal.written_axis["offset_eV"] == pytest.approx(450, abs=3)
    assert "So it is put right:" in text


def test_an_unexpected_element_is_found():
    image, _ = spectrum_of((*OXIDE, "Cu_L23"), 450, 1100, 300, seed=22)
    assert "Cu_L23" in [one.named.name for one in proposed(image)[0].edges]


def test_an_edge_in_a_third_of_the_image_is_found():
    image, _ = spectrum_of(("O_K",), 400, 900, 300, seed=23)
    part, _ = spectrum_of(("O_K", "Fe_L23"), 400, 900, 300, seed=23)
    image[:, :3] = part[:, :3]
    assert "Fe_L23" in [one.named.name for one in proposed(image)[0].edges]


def test_a_hot_channel_is_no_edge():
    image, _ = spectrum_of((), 400, 800, 100, seed=24)
    image[..., 300] += 60
    assert propose_edges(image).edges == ()


def test_a_spike_in_one_pixel_is_no_edge():
    image, _ = spectrum_of((), 400, 800, 100, seed=25)
    image[2, 3, 200:203] += 20_000
    assert propose_edges(image).edges == ()


def test_a_fixed_pattern_is_no_edge():
    image, _ = spectrum_of((), 400, 800, 2000, seed=26)
    gain = 1 + 0.01 * np.random.default_rng(1).normal(size=image.sizes["energy_loss"])
    assert propose_edges((image * gain).assign_attrs(image.attrs)).edges == ()


def test_an_edge_without_room_is_left_out_with_the_reason():
    image, _ = spectrum_of(("V_L23", "Ti_L23"), 447, 700, 300, seed=27)
    _, text = proposed(image)
    assert "left out: no room to fit a background" in text or "Ti_L23" not in text


def test_elements_that_overlap_are_refused():
    with pytest.raises(
        InputError, match="no room to fit a background before 532 eV, since V rises at 513 eV"
    ):
        resolve_edges(["V", "O"], AXIS)


def test_a_window_across_another_edge_is_named():
    ti = Edge(element="Ti", onset_eV=456, fit_eV=(405, 450), integrate_eV=(453, 560))
    (text,) = check_windows(resolve_edges({"Ti_L23": ti, "O_K": {}}, AXIS), AXIS)
    assert "lies across the onset of O_K at 532 eV, whose counts are then taken for Ti" in text


def test_an_edge_between_the_fit_window_and_the_onset_is_named():
    """All counts of V were those of O, "likely off by 1.1 %", without a word."""
    v = Edge(element="V", onset_eV=513, fit_eV=(460, 508), integrate_eV=(512, 530))
    o = Edge(element="O", onset_eV=532, fit_eV=(460, 508), integrate_eV=(531, 575))
    texts = check_windows({"V_L23": v, "O_K": o}, AXIS)
    between = [text for text in texts if text.startswith("edges.O_K.fit_eV: V_L23 rises at 513 eV, between")]
    assert len(between) == 1
    assert "its counts are then taken for O" in between[0]
    beside = o.replaced(fit_eV=(514, 528))
    assert not any("between" in text for text in check_windows({"V_L23": v, "O_K": beside}, AXIS))


def test_an_onset_at_which_the_element_has_no_edge_is_named():
    iron = Edge(element="Fe", onset_eV=456, fit_eV=(405, 450), integrate_eV=(453, 486))
    (text,) = check_windows({"mine": iron}, AXIS)
    assert "Fe has no edge within 40 eV of 456 eV (it has L23 at 708" in text


@pytest.mark.parametrize(
    ("name", "onset", "said"),
    [
        ("Ti_L23", 456, None),
        ("Ti_L", 456, None),
        ("Fe_M", 54, None),
        ("Ti_L1", 561, None),
        ("Ti_L3", 460, None),
        (
            "Ti_M1",
            456,
            "edges.Ti_M1: 456 eV is the onset of Ti_L23, not of Ti_M1; correct the name or the onset",
        ),
        (
            "Ti_K",
            456,
            "edges.Ti_K: 456 eV is the onset of Ti_L23, not of Ti_K; correct the name or the onset",
        ),
        ("Cm_M45", 456, "Cm has no edge within 40 eV of 456 eV (the table knows none of it)"),
        ("H_K", 13, None),
    ],
)
def test_a_name_of_another_edge_than_the_onset_is_named(name, onset, said):
    edge = Edge(
        element=name.partition("_")[0],
        onset_eV=onset,
        fit_eV=(5, onset - 3),
        integrate_eV=(onset, onset + 30),
    )
    found = "".join(strange_onsets({name: edge}))
    assert said in found if said else not found


def test_lines_in_an_odd_order_are_called_what_they_are_taken_for():
    (text,) = check_windows(resolve_edges({"Ti_L32": {}}, AXIS), AXIS)
    assert text == (
        "edges.Ti_L32: is taken for Ti_L23, and called Ti_L32 in all results; if that is a slip, write Ti_L23"
    )
    assert not check_windows(resolve_edges({"Ti_L3,2": {}}, AXIS), AXIS)


def test_a_name_of_another_element_is_refused():
    with pytest.raises(InputError, match="the name says Mn, but the element is Fe"):
        resolve_edges({"Mn_L23": {"element": "Fe"}}, AXIS)


@pytest.mark.parametrize("dose", [20, 400])
@pytest.mark.parametrize("names", [("O_K",), ("Ti_L23", "O_K"), ("C_K", "N_K", "O_K")], ids="-".join)
def test_clean_images_have_no_warning(names, dose):
    low = 200 if "C_K" in names else 370
    image, _ = spectrum_of(names, low, 800, dose, seed=31)
    assert eu.subtract_background(image, list(names)).attrs["warnings"] == []
    assert {one.named.name for one in propose_edges(image).edges if one.edge} <= set(names)


def test_a_background_on_the_fine_structure_of_another_edge_is_named():
    """Without any Cr, BS of Cr behind O K found 4 to 12 % of the background in 12 of 12 images."""
    axis = xr.DataArray(np.arange(400.0, 820.0, 0.5), dims="energy_loss", attrs={"units": "eV"})

    def warnings_of(*names):
        return on_fine_structure(resolve_edges({name: EdgeRequest() for name in names}, axis))

    (told,) = warnings_of("O_K", "Cr_L23")
    assert told.startswith("edges.Cr_L23.fit_eV: ")
    assert "lies on the fine structure of O_K" in told
    for others in (("O_K", "Mn_L23"), ("O_K", "Fe_L23"), ("Cr_L23", "Mn_L23"), ("Cr_L23",)):
        assert warnings_of(*others) == []
