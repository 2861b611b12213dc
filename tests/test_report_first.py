"""The first screen: whose maps it shows, its pictures and curves, and sentences that say what is known."""

import dataclasses
import re
import struct
import zlib
from base64 import b64decode

import numpy as np
import pytest
import xarray as xr

from eelsunmix.report import candidates, cards
from eelsunmix.report.alike import found_by
from eelsunmix.report.figures.endmembers import members_of
from eelsunmix.report.first import choice, next_step, pictures, rare, screen, sentences, state
from eelsunmix.report.first.map_errors import MapError, map_errors, relative_noise, rough
from eelsunmix.report.first.screen import first_screen, gathered
from eelsunmix.report.formatting import in_words, number
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.sections import citation, cost, errors, profiles, provenance, residuals
from eelsunmix.report.texts import one_style
from tiny_run import report_arguments

LIGHT = {"value": 1.0, "text": "12 % of the peak (Co_L23, all_rows)", "explanation": "e"}


def inputs_of(**options):
    given = report_arguments(**options)
    names = ("sample", "title", "fits", "maps", "benchmarks", "settings", "seals", "versions")
    return Inputs(**given["stores"], **{name: given[name] for name in names})


@pytest.fixture
def inputs():
    """Maps of nmf, ica and vca; nothing that blocks their use, and no light that is red."""
    found = inputs_of(truth=False)
    for store in (found.bs, found.comparison, found.raw, found.corrected, found.rank):
        store.attrs = {name: value for name, value in store.attrs.items() if name != "warnings"}
    found.raw.attrs["counts_check"] = {}
    found.bs.attrs |= {"reference_problems": {}, "energy_axis": {}}
    found.comparison.attrs["verdict"] = []
    return found


def lit(inputs, **lights):
    inputs.comparison.attrs["verdict"] = [
        {"method": method, "criterion": criterion, "light": light, **LIGHT}
        for method, rows in lights.items()
        for criterion, light in rows.items()
    ]


def with_recommended(inputs):
    """The same stores, in which nmf has the label `recommended`."""
    names = ["recommended" if one == "nmf" else one for one in inputs.comparison["label"].values.tolist()]
    comparison = inputs.comparison.assign_coords(label=names, other_label=names)
    known = {"method": "BLU, neighbours", "reason": "r", "warnings": [], "twin_error": TWINS}
    return Inputs(
        **{name: getattr(inputs, name) for name in ("raw", "corrected", "pca", "rank", "bs")},
        **{name: getattr(inputs, name) for name in ("sample", "title", "settings", "seals", "versions")},
        comparison=comparison.assign_attrs(recommended=known),
        fits={"recommended" if one == "nmf" else one: store for one, store in inputs.fits.items()},
        maps={"recommended" if one == "nmf" else one: store for one, store in inputs.maps.items()},
        benchmarks=[],
    )


TWINS = {
    "BLU, neighbours": 4e-4,
    "BLU": 9e-4,
    "uDAS": 25e-4,
    "consensus": 1e-2,
    "VCA": 0.04,
    "VCA, neighbours": 0.03,
}


def said(inputs):
    label = choice.chosen_label(inputs)
    return sentences.sentences(inputs, label, choice.shown_maps(inputs, label))


def test_the_image_of_the_scan_comes_first_cropped_and_binned_as_the_spectra(inputs):
    """HAADF on pixels half as wide, with a margin that was cropped; one that does not fit is left out."""
    total = inputs.corrected["total_counts"]
    fine = {dim: axis_of_halves(total[dim].to_numpy()) for dim in ("y", "x")}
    values = np.add.outer(fine["y"], 10 * fine["x"])
    image = xr.DataArray(values, dims=("y", "x"), coords=fine, attrs={"title": "HAADF"})
    raw = xr.Dataset({"scan_image": image}, attrs=inputs.raw.attrs)
    shown = dataclasses.replace(inputs, raw=raw).scan_image
    expected = np.add.outer(total["y"].to_numpy(), 10 * total["x"].to_numpy())
    np.testing.assert_allclose(shown, expected)
    first, second = gathered(dataclasses.replace(inputs, raw=raw)).pictures[:2]
    assert (first.name, second.name) == ("HAADF", "Total counts")
    moved = raw.assign_coords(x=raw["x"] + 1000.0)
    assert dataclasses.replace(inputs, raw=moved).scan_image is None
    assert gathered(inputs).pictures[0].name == "Total counts"


def axis_of_halves(centres):
    """Centres of pixels of half the width, two of which lie in each of these, and two on either side."""
    step = centres[1] - centres[0]
    return centres[0] - 1.25 * step + np.arange(2 * len(centres) + 4) * step / 2


def test_the_recommended_result_is_shown_with_its_errors_on_twins(inputs):
    found = with_recommended(inputs)
    lit(found, recommended={"misfit": "amber"}, vca={})
    first = said(found)[0]
    assert (first.level, first.section) == ("use", "maps")
    assert first.text == (
        "the maps of “recommended”: BLU, mapped on averages over similar neighbours. On images simulated "
        "from these results its component maps are off by 2.0\u00a0% of their size (rms), those of uDAS by "
        "5.0\u00a0%, of the consensus by 10\u00a0% and of VCA by 17\u00a0%."
    )


def test_methods_with_better_lights_that_were_no_candidates_are_named(inputs):
    """Not vca, which was tried on simulated images and did worse there; nor where another light is worse."""
    found = with_recommended(inputs)
    lit(found, recommended={"a": "red", "b": "amber"}, ica={"a": "amber", "b": "amber"}, vca={"a": "green"})
    told = ". ica has better marks in the verdict, but was not tried on simulated images."
    assert said(found)[0].text.endswith(told)
    for lights in ({"a": "red", "b": "amber"}, {"a": "green", "b": "red"}, {"a": "grey", "b": "amber"}):
        lit(found, recommended={"a": "red", "b": "amber"}, ica=lights, vca={})
        assert "better marks" not in said(found)[0].text


def test_what_of_a_method_a_red_light_speaks_about_is_named(inputs):
    lit(inputs, nmf={"misfit to BS": "red"}, ica={"misfit to BS": "red", "background shape": "red"})
    text = said(inputs)[1].text
    assert "counts of any method are right" not in text  # vca has none
    lit(inputs, nmf={"background shape": "red"}, **{one: {"misfit to BS": "red"} for one in ("ica", "vca")})
    text = said(inputs)[1].text
    assert "spectra of nmf itself where it has ✖: background shape" in text
    assert "counts and shares of other methods, which all have ✖ (misfit to BS)" in text


def test_an_axis_that_is_not_confirmed_is_among_what_to_take_care_of(inputs):
    assert "Take care" not in [one.title for one in said(inputs)]
    onset = {"onset_eV": 525.0, "given_eV": 525.0, "table_eV": 532.0}
    inputs.bs.attrs["energy_axis"] = {"offset_eV": 0.0, "offset_sd_eV": 1.0, "onsets": {"O_K": onset}}
    (care,) = [one for one in said(inputs) if one.title == "Take care"]
    assert care.text == "The energy axis is not confirmed: the facts below say why."


def test_a_further_component_that_is_likely_comes_before_taking_maps_home(inputs, monkeypatch):
    monkeypatch.setattr(next_step, "likely_further", lambda inputs: "a fourth component")
    told = said(inputs)[-1].text
    assert "recommended: {}" in told
    found = with_recommended(inputs)
    told = said(found)[-1].text
    n = found.n_endmembers + 1
    assert told.startswith(
        f"run with components.n: {n} and compare, as a fourth component is likely; export maps"
    )


def test_what_anchoring_assumes_is_said_beside_the_errors_that_do_not_test_it():
    known = {"method": "BLU, anchored by edges", "twin_error": {"BLU, anchored by edges": 1e-4, "uDAS": 4e-4}}
    assert candidates.on_twins(known).endswith(", as anchoring assumes of yours and of these")
    assert "anchoring" not in candidates.on_twins(known | {"method": "uDAS"})


@pytest.mark.parametrize(
    ("lights", "error", "level"),
    [
        ({}, 4e-4, "use"),
        ({"convergence": "amber"}, 4e-4, "doubt"),
        ({"a": "red"}, 4e-4, "doubt"),
        ({}, 0.05, "doubt"),
    ],
)
def test_the_recommended_result_is_to_be_used_with_care_where_it_is_off(inputs, lights, error, level):
    found = with_recommended(inputs)
    lit(found, recommended=lights, vca={})
    found.comparison.attrs["recommended"]["twin_error"] = TWINS | {"BLU, neighbours": error}
    first = said(found)[0]
    assert (first.level, first.title) == (level, "Use" if level == "use" else "Use with care")


def test_no_component_is_to_be_used_where_there_is_no_structure(inputs):
    estimate = xr.where(inputs.rank["estimator"] == "marchenko_pastur", 0, inputs.rank["estimate"])
    found = dataclasses.replace(inputs, rank=inputs.rank.assign(estimate=estimate))
    first, *_, last = said(found)
    assert (first.level, first.title, last.section) == ("void", "Use no components", "components")


@pytest.mark.parametrize("light", ["amber", "green"])
def test_what_did_not_converge_says_so_where_it_is_to_be_used(inputs, light):
    found = with_recommended(inputs)
    lit(found, recommended={"convergence": light}, vca={"convergence": "amber"})
    told = "similar neighbours (not converged). On images" in said(found)[0].text
    assert told == (light == "amber")
    lit(inputs, nmf={"convergence": light}, ica={"a": "red"}, vca={"a": "red"})
    assert ("the maps of nmf, which did not converge: of 3" in said(inputs)[0].text) == (light == "amber")


def test_without_it_the_method_with_the_best_lights_is(inputs):
    lit(inputs, nmf={"a": "red"}, ica={"a": "amber", "b": "amber"}, vca={"a": "amber", "b": "green"})
    assert choice.chosen_label(inputs) == "vca"
    texts = [one.text for one in said(inputs)]
    assert texts[0].startswith("the maps of vca: of 3 methods it has the best lights in the verdict (with 1")
    assert "other methods where they have ✖: results of nmf (a)" in texts[1]
    assert "recommended: {}" in texts[-1]
    lit(inputs, nmf={"a": "red"}, ica={"a": "red"}, vca={"a": "red", "b": "red"})
    assert choice.chosen_label(inputs) == "nmf"
    lit(inputs, nmf={"misfit to BS": "red"}, ica={"a": "red", "b": "red"}, vca={"a": "red", "b": "red"})
    assert "(Co L23, all rows), bad above 12\u00a0%" in said(inputs)[1].text


def test_what_is_red_is_named_of_all_methods_or_of_each(inputs):
    lit(inputs, nmf={"a": "red"}, ica={"a": "amber", "b": "red"}, vca={"a": "red", "b": "red"})
    text = said(inputs)[1].text
    assert "results of nmf itself where it has ✖: a, 12\u00a0% of the peak (Co L23, all rows)" in text
    assert "other methods where they have ✖: results of ica (b), results of vca (a and b)" in text
    lit(inputs, nmf={"a": "red"}, ica={"a": "red"}, vca={"a": "red", "b": "red"})
    text = said(inputs)[1].text
    assert "that results of any method are right: all have ✖ in a; nmf 12\u00a0% of the peak" in text
    assert "other methods where they have ✖: results of vca (b)" in text
    assert "itself" not in text
    lit(inputs, nmf={}, ica={"a": "red"}, vca={"a": "red"})
    assert "results of other methods, which all have ✖ (a)" in said(inputs)[1].text


def test_at_most_four_sentences_and_none_is_red_unless_nothing_can_be_used(inputs):
    lit(inputs, nmf={"a": "red"}, vca={"b": "red"}, ica={"c": "red"})
    inputs.rank.attrs["warnings"] = ["the number is a guess", "and another"]
    found = said(inputs)
    assert [one.title for one in found] == ["Use", "Do not believe", "Take care", "Next"]
    assert {one.level for one in found} == {"use", "doubt", "next"}
    assert found[2].text == "The number is a guess. The verdict has further warnings."
    inputs.__dict__.pop("warnings")  # gathered once
    inputs.fits["ica"].attrs["warnings"] = ["even ica is off"]
    assert said(inputs)[2].text == "The number is a guess. The verdict has further warnings."
    inputs.__dict__.pop("warnings")
    inputs.fits[choice.chosen_label(inputs)].attrs["warnings"] = ["even the best is off by 30 %"]
    assert said(inputs)[2].text.startswith("Even the best is off by 30\u00a0%.")
    assert 'class="void"' not in first_screen(inputs)


def test_an_energy_axis_that_is_off_comes_first_and_recommends_nothing(inputs):
    inputs.bs.attrs["energy_axis"] = {"warnings": ["all energies are 15 eV too high"]}
    found = said(inputs)
    assert (found[0].title, found[0].level) == ("Use nothing yet", "void")
    assert "15 eV too high" in found[0].text
    assert "Use" not in [one.title for one in found]
    assert "correct the energy axis" in found[-1].text
    assert len(found) <= 4
    page = first_screen(inputs)
    assert page.count('class="void"') == 1
    assert "<strong>Use nothing yet</strong>. No map of an element" in page


def test_edges_that_failed_are_named_and_void_only_if_all_did(inputs):
    inputs.bs.attrs["reference_problems"] = {"Ru_M23": ["net counts are negative"]}
    found = said(inputs)
    text = "BS counts of Ru M23 (its background failed); nothing checks the methods' counts there"
    assert found[1].text.startswith(text)
    assert found[0].level == "use"
    inputs.bs.attrs["reference_problems"] = {edge: ["bad"] for edge in inputs.edges}
    assert said(inputs)[0].level == "void"


def agreeing(inputs, **agreements):
    inputs.comparison.attrs["verdict_by_element"] = [
        {"method": method, "element": element, "agreement": value}
        for method, values in agreements.items()
        for element, value in zip(("Ru", "Co"), values, strict=True)
    ]


@pytest.mark.parametrize(
    ("agreement", "void"),
    [((0.1, 0.3), True), ((0.1, None), True), ((0.1, 0.8), False), ((None, None), False)],
)
def test_nothing_is_to_be_used_where_no_map_follows_background_subtraction(inputs, agreement, void):
    agreeing(inputs, nmf=agreement, vca=(0.1, 0.99), ica=(None, None))
    first, *_, last = sentences.sentences(inputs, "nmf", [])
    assert (first.level == "void") is void
    if void:
        assert first.title == "Use nothing yet"
        assert first.text.startswith("no method follows background subtraction in every element; as to nmf, ")
        assert f"reach {max(filter(None, agreement)):.2f} at most" in first.text
        assert last.text.startswith("try another number of components (components.n)")


def test_methods_that_follow_background_subtraction_are_named_where_the_one_shown_does_not(inputs):
    agreeing(inputs, nmf=(0.1, 0.3), vca=(0.99, 0.8), ica=(0.99, None))
    first, *_, last = sentences.sentences(inputs, "nmf", [])
    assert (first.title, first.level) == ("Use no map of nmf", "void")
    assert "reach 0.30 at most" in first.text
    assert first.text.endswith("vca and ica follow it.")
    assert last.text.startswith("compare the maps of vca and ica with those of BS, and use those that agree")
    agreeing(inputs, nmf=(0.1, 0.3), vca=(0.99, 0.8), ica=(0.2, None))
    assert sentences.sentences(inputs, "nmf", [])[0].text.endswith("vca follows it.")


def test_without_edges_nothing_checks_the_components_and_the_first_screen_says_so(inputs):
    assert not any("no edge is named" in one.text for one in said(inputs))
    found = said(dataclasses.replace(inputs, bs=inputs.bs.drop_dims("edge")))
    assert any(one.title == "Do not believe" and "no edge is named" in one.text for one in found)
    assert len(found) <= 4


def test_each_element_is_shown_once_by_a_sound_edge(inputs):
    maps = choice.shown_maps(inputs, "vca")
    elements = [one["element"] for one in inputs.edges.values()]
    assert [one.name for one in maps] == list(dict.fromkeys(elements))
    first = maps[0].edge
    inputs.bs.attrs["reference_problems"] = {first: ["bad"]}
    others = [edge for edge, one in inputs.edges.items() if one["element"] == elements[0] and edge != first]
    assert choice.shown_maps(inputs, "vca")[0].edge == (others[0] if others else first)


def test_an_element_that_no_component_shows_has_the_map_of_bs_and_says_so(inputs):
    edge = next(iter(inputs.edges))
    inputs.comparison["element_map"].loc[{"label": "vca", "edge": edge}] = 0.0
    maps = choice.shown_maps(inputs, "vca")
    assert maps[0].source == "BS"
    np.testing.assert_array_equal(maps[0].values, inputs.comparison["element_map"].sel(label="BS", edge=edge))
    found = sentences.sentences(inputs, "vca", maps)
    assert any("no component of vca shows it, so its map is that of BS" in one.text for one in found)
    inputs.comparison["element_map"].loc[{"label": "vca"}] = 0.0
    maps = choice.shown_maps(inputs, "vca")
    found = sentences.sentences(inputs, "vca", maps)
    assert any("absent: no component of vca shows them, so their maps are those of" in o.text for o in found)
    # An element that BS does not see either may be absent.
    inputs.bs["net_counts"][:] = 0.0
    assert not any("absent: no component" in o.text for o in sentences.sentences(inputs, "vca", maps))


def test_shares_that_other_simplices_change_are_not_to_be_believed(inputs):
    edges = list(inputs.edges)
    inputs.comparison["scale_low"].loc[{"label": "vca"}] = 0.95
    inputs.comparison["scale_high"].loc[{"label": "vca"}] = 1.05
    inputs.comparison["shape_error"].loc[{"label": "vca"}] = 0.1
    maps = choice.shown_maps(inputs, "vca")
    assert not any("absolute shares" in one.text for one in sentences.sentences(inputs, "vca", maps))
    for edge in edges:
        inputs.comparison["scale_low"].loc[{"label": "vca", "edge": edge}] = 0.43
    text = sentences.sentences(inputs, "vca", maps)[1].text
    assert f"absolute shares (not counts) of {maps[0].name} and {maps[1].name}: other shares fit" in text


def test_each_map_is_said_to_be_off_by_the_largest_of_its_errors(inputs):
    """Of noise, simulated images, the difference from BS and a pattern that cannot be told from an edge."""
    found = with_recommended(inputs)
    maps = choice.shown_maps(found, "recommended")
    first, second = maps[0].edge, maps[1].edge
    found.comparison.attrs["recommended"]["twin_error"] = {"BLU, neighbours": 0.16}
    found.comparison.attrs["verdict_by_element"] = [
        {"method": "recommended", "element": maps[0].name, "misfit": 0.1, "agreement": 1.0}
    ]
    found.corrected.attrs["corrections"] = [{"step": "dark", "disturbed_percent": {second: 52.0, first: 7.0}}]
    one, two = map_errors(found, maps[:2])
    size = np.sqrt((maps[0].values ** 2).mean()).item() / np.quantile(maps[0].values, 0.995)
    net = found.comparison["element_map"].sel(label="BS")
    shifts = [part * net.sel(edge=edge).mean().item() for part, edge in ((0.07, first), (0.52, second))]
    peaks = [np.quantile(one.values, 0.995) for one in maps[:2]]
    assert [
        one.parts[part] for part in ("simulated images", "difference from BS", "fixed pattern")
    ] == pytest.approx([0.4 * size, 0.1, abs(shifts[0]) / peaks[0]])
    largest = f"{rough(max(one.parts.values()))} of the peak (simulated images)"
    assert one.said == largest
    unchecked = {name: value for name, value in one.parts.items() if name != "difference from BS"}
    assert dataclasses.replace(one, parts=unchecked).said == f"{largest[:-1]}; BS cannot check it)"
    assert two.pattern == pytest.approx(abs(shifts[1]))
    assert two.parts["fixed pattern"] == pytest.approx(abs(shifts[1]) / peaks[1])
    picture = next(picture for picture in gathered(found).pictures if picture.name == maps[0].title)
    assert picture.note == f"likely off by {largest}"
    doubts = next(one for one in said(found) if one.title == "Do not believe")
    counts = f"a fixed pattern may make ±\u00a0{number(abs(shifts[1]), 2)} in every pixel"
    parts = f"{rough(two.parts['fixed pattern'])} of the peak and 52 % of the mean of BS"
    assert one_style(f"counts of {maps[1].name} ({counts}, {parts}; widths hardly change)") in doubts.text
    assert one.doubt == ""
    found.corrected.attrs["corrections"][0]["step"] = "gain"
    gain = map_errors(found, maps[:2])[1]
    assert gain.parts == two.parts
    assert gain.doubt == f"{counts.replace('every', 'a typical')}, {parts}"
    table, text = errors.section(found).blocks
    assert [cell.text for cell in table.rows[1].cells[:2]] == [maps[1].title, gain.said]
    assert len(text.lines) == len(table.columns) - 2
    values = maps[0].values * 0 + np.arange(maps[0].values.sizes["x"])
    assert relative_noise(values, values * 0 + 2.0) == pytest.approx(2 / np.quantile(values, 0.995))


def test_an_edge_that_is_noise_in_its_spectrum_is_not_to_be_believed(inputs):
    """Of a homogeneous image without Ru, its map was said to be off by 1 %: the noise of the shares alone."""
    found = with_recommended(inputs)
    shown = choice.shown_maps(found, "recommended")[0]
    at = found.comparison.sel(label="recommended", edge=shown.edge)
    owner = int(at["owner"])
    sd = found.comparison["endmember_net_counts_sd"]
    places = {"label": "recommended", "edge": shown.edge, "endmember": sd["endmember"][owner]}
    sd.loc[places] = 0.7 * float(at["endmember_net_counts"][owner])
    (one,) = map_errors(found, [shown])
    assert one.said == "70 % of the peak (noise of its spectrum)"
    doubts = next(one for one in said(found) if one.title == "Do not believe")
    assert one_style(f"counts of {shown.name} ({one.doubt})") in doubts.text


def test_the_error_of_a_map_of_few_pixels_is_a_part_of_what_these_hold():
    """Of Ru in 2 of 500 pixels the page said "likely off by 110 000 % of the peak", its 99.5 % quantile."""
    values = np.full((20, 30), 1e-3)
    values[4, 5:7] = 100.0
    few, sd = (xr.DataArray(one, dims=("y", "x")) for one in (values, np.full(values.shape, 12.0)))
    assert relative_noise(few, sd) == pytest.approx(0.12)
    values[4, 5:7] = 30.0  # noise may do that
    assert relative_noise(few, sd) > 100
    sd[0, 0] = values[0, 0] = np.nan
    assert relative_noise(few, sd) > 100
    assert np.isnan(relative_noise(few * np.nan, sd))
    assert np.isnan(relative_noise(few, sd * np.nan))  # of networks


def unseen(inputs, edge, *, by_spectrum):
    """Let BS see nothing of an edge, and the component of nmf that owns it hold so many deviations of it."""
    inputs.bs["net_counts"].loc[{"edge": edge}] = 0.0
    at = inputs.comparison.sel(label="nmf", edge=edge)
    sd, owner = inputs.comparison["endmember_net_counts_sd"], int(at["owner"])
    places = {"label": "nmf", "edge": edge, "endmember": sd["endmember"][owner]}
    sd.loc[places] = float(at["endmember_net_counts"][owner]) / by_spectrum


def test_an_element_that_neither_bs_nor_a_component_shows_is_not_found(inputs):
    """Its map was said to be likely off by 210 % of the peak, and its noise was a colour of the composite."""
    inputs.comparison["scale_low"].loc[{"label": "nmf"}] = 0.43
    unseen(inputs, "Co_L23", by_spectrum=2.9)
    maps = choice.shown_maps(inputs, "nmf")
    ru, co = map_errors(inputs, maps)
    assert (ru.no_peak, co.said, co.doubt, co.parts) == ("", "not found", "", {})
    assert state.open_shares(inputs, "nmf", maps) == ["Ru"]
    page = gathered(inputs)
    (shown,) = [one for one in page.pictures if one.name == "Co L23"]
    assert shown.note == "not found"
    assert co.scale_end == pytest.approx(3 / 2.9 * float(maps[1].values.max()), rel=1e-3)  # not all bright
    assert shown.high == f"{number(co.scale_end)} counts"
    assert "Composite" not in {one.name for one in page.pictures}
    assert [curve.name for curve in page.profile.curves] == ["Ru"]
    assert any(text.startswith("Co is not found: neither BS nor a component") for text in page.where)
    assert not any("Co" in one.text for one in page.said if one.title == "Do not believe")
    assert any(line.startswith("Not found: neither BS") for line in errors.section(inputs).blocks[1].lines)
    unseen(inputs, "Co_L23", by_spectrum=3.1)
    assert not map_errors(inputs, maps)[1].no_peak
    unseen(inputs, "Co_L23", by_spectrum=2.9)
    inputs.bs["net_counts"].loc[{"edge": "Co_L23", "y": inputs.bs["y"][3], "x": inputs.bs["x"][4]}] = 1e6
    assert not map_errors(inputs, maps)[1].no_peak


def test_an_element_is_found_by_any_of_its_edges(inputs):
    unseen(inputs, "Ru_M23", by_spectrum=1.0)
    assert not map_errors(inputs, choice.shown_maps(inputs, "nmf"))[0].no_peak
    unseen(inputs, "Ru_M45", by_spectrum=1.0)
    assert map_errors(inputs, choice.shown_maps(inputs, "nmf"))[0].no_peak == "not found"


def test_a_map_of_bs_without_a_peak_has_no_parts_of_it(inputs):
    inputs.comparison["element_map"].loc[{"label": "nmf"}] = 0.0
    inputs.bs["net_counts"] = inputs.bs["net_counts"].astype(float)
    inputs.bs["net_counts_sd"].loc[{"edge": "Ru_M23"}] = 1e6
    inputs.bs.attrs["reference_problems"] = {"Co_L23": ["its background"]}
    ru, co = map_errors(inputs, choice.shown_maps(inputs, "nmf"))
    assert (ru.shown.source, ru.said) == ("BS", "no pixel is clear of its noise")  # Ru M4,5 is seen
    assert (co.shown.source, co.said) == ("BS", "its background failed")


def test_the_error_on_simulated_images_of_a_map_of_few_pixels_lies_in_these(inputs):
    """Over all pixels it was 0.2 % of the peak, where the pixels were off by 3 %."""
    found = with_recommended(inputs)
    shown = choice.shown_maps(found, "recommended")[0]
    values = np.zeros(shown.values.shape)
    values[1, 2] = 100.0
    few = dataclasses.replace(
        shown, values=shown.values.copy(data=values), deviation=shown.values.copy(data=values * 0 + 1)
    )
    assert few.scale_end(few.values.to_numpy() / 16) == pytest.approx(100 / 16)  # of averages over blocks
    assert map_errors(found, [few])[0].parts["simulated images"] == pytest.approx(0.02)
    noise = np.random.default_rng(0).normal(0, 1, values.shape)
    for level, sd in ((40, 1.0), (100, 10.0)):  # a spike on a map that is strong elsewhere
        data = 9 * values + level + sd * noise
        one = dataclasses.replace(
            few, values=few.values.copy(data=data), deviation=few.values.copy(data=values * 0 + sd)
        )
        if level == 100:
            assert np.isnan(one.scale_end(data))
            assert map_errors(found, [one])[0].parts["simulated images"] == pytest.approx(0.02, rel=0.3)


def test_an_element_is_looked_for_in_the_whole_image_where_no_method_has_two_components(inputs):
    """Of a homogeneous image there is no phase map: the page was not written."""
    unseen(inputs, "Co_L23", by_spectrum=1.0)
    alone = dataclasses.replace(inputs, comparison=inputs.comparison.drop_vars(["phase", "phase_confidence"]))
    assert map_errors(alone, choice.shown_maps(alone, "nmf"))[1].no_peak == "not found"
    alone.bs["net_counts"].loc[{"edge": "Co_L23"}] = alone.bs["net_counts_sd"].sel(edge="Co_L23")
    assert not map_errors(alone, choice.shown_maps(alone, "nmf"))[1].no_peak


def test_where_bs_failed_and_no_component_shows_it_nothing_is_said_for_an_element(inputs):
    inputs.comparison["element_map"].loc[{"label": "nmf", "edge": "Co_L23"}] = 0.0
    inputs.bs.attrs["reference_problems"] = {"Co_L23": ["its background"]}
    doubts = next(one for one in said(inputs) if one.title == "Do not believe").text
    assert "that Co is there, or absent: BS failed, and no component of nmf shows it" in doubts
    assert "that Co is absent" not in doubts


def test_counts_that_may_all_be_background_are_said_to_be(inputs):
    """O of pure Pt was "likely off by 23 %", 1 % of the background; a bend of the background had made it."""
    maps = choice.shown_maps(inputs, "nmf")
    assert not any("may be off by as much" in one.said for one in map_errors(inputs, maps))
    inputs.bs["background_counts"].loc[{"edge": "Co_L23"}] = 80.0 * float(maps[1].values.max())
    one = map_errors(inputs, maps)[1]
    assert one.said.endswith("% of the background, which may be off by as much")
    assert (
        one_style(f"counts of Co ({one.doubt})") in next(s for s in said(inputs) if s.level == "doubt").text
    )


def test_a_factor_between_map_and_bs_is_a_difference(inputs):
    shown = choice.shown_maps(inputs, "nmf")[1]
    row = {"method": "nmf", "element": "Co", "misfit": 0.05, "scale": 0.34}
    inputs.comparison.attrs["verdict_by_element"] = [row]
    assert map_errors(inputs, [shown])[0].parts["difference from BS"] == 0.34
    row["scale"] = None
    assert map_errors(inputs, [shown])[0].parts["difference from BS"] == 0.05


def test_cards_say_nothing_of_edges_that_are_not_found(inputs):
    at = inputs.comparison.sel(label="nmf")
    owner = int(at["owner"].sel(edge="Co_L23"))
    assert "Co L23" in dict(cards._facts(inputs, ("nmf", owner), [], matched=False))["edges strongest here"]
    unseen(inputs, "Co_L23", by_spectrum=1.0)
    facts = dict(cards._facts(inputs, ("nmf", owner), [], matched=False))
    assert not any("Co L23" in text for text in facts.values())


def test_a_spike_is_no_peak_of_a_map_that_is_strong_elsewhere():
    """Errors would be parts of it, and the map dark; a plateau below a spike was off by 800 %."""
    image = 100 + 10 * np.random.default_rng(0).normal(size=(60, 70))
    image[3, 4] = 1000.0
    sd = xr.DataArray(np.full(image.shape, 10.0))
    assert not rare.is_rare(image, sd)
    assert rare.highest(image, sd) < 150
    plateau = np.where(np.arange(4200).reshape(60, 70) == 7, 100.0, 40.0)
    assert not rare.is_rare(plateau, sd / 10)
    assert rare.is_rare(np.where(plateau > 40, 100.0, 4.0), sd / 10)


def test_what_may_be_background_is_said_of_a_map_without_other_errors(inputs):
    one = MapError(shown=choice.shown_maps(inputs, "nmf")[0], parts={}, of_background=0.0096)
    assert one.doubt == "0.96 % of the background, which may be off by as much"


def test_a_map_of_shares_has_what_other_spectra_allow_beside_its_error():
    """Without edges, shares were "likely off by 1 %", where others that fit as well differ by a third."""
    found = with_recommended(inputs_of(source="eds", edges={}, methods=("nmf", "vca")))
    store = found.maps["recommended"]
    deviation = 0.31 * store["abundance"].quantile(0.995, ["y", "x"]) * xr.ones_like(store["abundance"])
    store = store.assign(abundance_sd=deviation.drop_vars("quantile"))
    found = dataclasses.replace(found, maps={**found.maps, "recommended": store})
    one, *_ = map_errors(found, choice.shown_maps(found, "recommended"))
    assert one.said.endswith("; other spectra allow ±\u00a031 %")
    table, text = errors.section(found).blocks
    assert table.columns[-1] == "other spectra allow, as a share"
    assert table.rows[0].cells[-1].text == "± 31 %"
    assert text.lines[-1].startswith("Other spectra allow: other sets of spectra")
    one, *_ = map_errors(found, choice.shown_maps(found, "vca"))
    assert one.said.endswith("(counting noise; nothing else is known)")


def test_without_edges_components_are_shown_and_without_methods_bs(inputs):
    found = inputs_of(source="eds", edges={}, methods=("nmf", "vca"))
    page = gathered(found)
    assert len(page.pictures) == 2 + 3
    assert page.profile is None
    failed = inputs_of(truth=False, methods=("failed",), failed=("failed",))
    assert choice.chosen_label(failed) == "BS"
    assert "no method gave a result" in said(failed)[0].text or said(failed)[0].level == "void"
    assert "data:image/png" in first_screen(failed)


def test_a_card_says_how_sure_its_component_is_where_it_is_strong_and_what_that_holds(inputs):
    found = with_recommended(inputs)
    store = found.maps["recommended"]
    share = store["abundance"].isel(endmember=1)
    strong = share > 0.5 * np.quantile(share, 0.995)
    sd = xr.where(strong, 0.3 * np.quantile(share, 0.995), 1e-4) * xr.ones_like(store["abundance"])
    maps = {**found.maps, "recommended": store.assign(abundance_sd=sd)}
    found = dataclasses.replace(found, maps=maps)
    edge = next(iter(found.edges))
    text = cards._abundance(found, ("recommended", 1), [edge])
    assert "on average; a pixel above half of its peak ± 30 % of the peak (errors on simulated" in text
    counts = found.comparison.sel(label="recommended", edge=edge)
    noise = relative_noise(counts["element_map"], counts["element_map_sd"])
    assert text.endswith(f"; counts of {edge.replace('_', ' ')} ± {100 * noise:.2g} % (noise alone)")
    assert "(noise alone)" in cards._abundance(found, ("vca", 1), [])
    assert "simulated" not in cards._abundance(found, ("vca", 1), [])
    store = found.maps["vca"].drop_vars("abundance_sd")
    noise = relative_noise(store["refit_abundance"][..., 1], store["refit_abundance_sd"][..., 1])
    refit = cards._abundance(dataclasses.replace(found, maps={"vca": store}), ("vca", 1), [])
    assert refit.endswith(f"± {100 * noise:.2g} % of the peak of the refit (noise alone)")
    blind = {"vca": found.maps["vca"].drop_vars(["abundance_sd", "refit_abundance_sd"])}
    assert cards._abundance(dataclasses.replace(found, maps=blind), ("vca", 1), []).endswith("on average")


def test_the_worst_channel_of_the_mean_residual_is_said_in_sigma_and_in_parts_of_the_counts(inputs):
    store, counts = inputs.maps["vca"], inputs.corrected["mean_spectrum"].to_numpy()
    residual = 0 * counts
    residual[7] = -0.004 * counts[7]
    sd = np.full_like(counts, 0.0005 * counts[7])
    sd[3] = 0  # of which nothing is known
    inputs.maps["vca"] = store.assign(mean_residual=("energy", residual), mean_residual_sd=("energy", sd))
    place = f"{inputs.energy[7]:.4g} eV"
    assert f"vca: −8.0 σ at {place}, −0.40 % of the counts." in residuals._largest(inputs)
    inputs.maps["vca"]["mean_residual"] *= 0.4
    assert "vca" not in "".join(residuals._largest(inputs)[:-1])
    last = residuals._largest(inputs)[-1]
    assert "vca" in last.partition(":")[0]
    assert last.endswith(": nowhere by more than 4 σ.")


def test_a_width_is_not_compared_with_a_background_subtraction_that_failed(inputs, monkeypatch):
    inputs.comparison["fwhm"][:] = 2.0
    inputs.comparison["fwhm"].loc[{"label": "BS"}] = 2.5
    failed, sound = list(inputs.edges)[:2]
    monkeypatch.setattr(profiles, "reference_problems", lambda bs: {failed: ["its background"]})
    (_, widths) = profiles._widths(inputs)
    text = " ".join(widths.lines)
    assert f"{in_words(failed)}: BS" not in text
    assert text.count("BS has 0.50 more") == len(inputs.profiles) * (len(inputs.edges) - 1)
    assert f" {in_words(sound)}: BS has 0.50 more (2.50)." in text
    headings = [one.heading for one in profiles._scores(inputs)[1:]]
    assert [("BS failed" in one) == (in_words(failed) in one) for one in headings] == [True] * len(headings)


def test_the_true_width_stands_beside_those_found(inputs):
    shape = np.interp(np.arange(inputs.comparison.sizes["position"]), [3, 6, 9], [0, 1, 0])
    like = inputs.comparison[["element_map", "element_profile"]].sel(label="vca", drop=True)
    true = like.rename(element_map="true_element_map", element_profile="true_element_profile")
    true["true_element_profile"] = 0 * true["true_element_profile"] + xr.DataArray(shape, dims="position")
    known = dataclasses.replace(inputs, comparison=inputs.comparison.merge(true))
    known.comparison["fwhm"][:] = 4.0
    step = float(inputs.comparison["profile_position"].diff("position").median())
    assert all(f"; truth {number(3 * step)}." in line for line in profiles._widths(known)[1].lines)
    assert not any("truth" in line for line in profiles._widths(inputs)[1].lines)


def test_edges_of_one_element_with_one_width_give_one(inputs):
    inputs.comparison["fwhm"][:] = 4.0
    for shift, edge in enumerate(inputs.edges):
        inputs.comparison["fwhm"].loc[{"label": "BS", "edge": edge}] = 3.0 + 0.1 * shift
    (_, widths) = profiles._widths(inputs)
    assert len(widths.lines) == 2 * len(inputs.profiles)
    assert widths.lines[0].startswith("Ru M23 and Ru M45, ")
    assert widths.lines[0].endswith(" Ru M23: BS has 1.0 less (3.00). Ru M45: BS has 0.90 less (3.10).")
    assert widths.lines[-1].endswith(" BS has 0.80 less (3.20).")


def test_a_flank_much_longer_than_that_of_background_subtraction_is_told(inputs, monkeypatch):
    inputs.comparison["fwhm"][:] = 4.0
    monkeypatch.setattr(profiles, "reference_problems", lambda bs: {"Co_L23": ["its background"]})
    for side, of_bs in (("left", 1.5), ("right", 0.9)):
        inputs.comparison[f"{side}_10_90"][:] = 2.0
        inputs.comparison[f"{side}_10_90"].loc[{"label": "BS"}] = of_bs
    lines = profiles._widths(inputs)[1].lines
    flank = (
        f"Its right flank is 2.00 {inputs.view.unit} long, that of BS 0.900: one of the two may have a tail"
    )
    assert [line.count(flank) for line in lines] == [2] * len(inputs.profiles) + [0] * len(inputs.profiles)
    assert "left" not in " ".join(lines)
    inputs.comparison["left_10_90"].loc[{"label": "BS"}] = 1e-3  # shorter, by less than a pixel
    inputs.comparison["left_10_90"].loc[{"label": inputs.working}] = 4e-3
    assert "left" not in " ".join(profiles._widths(inputs)[1].lines)


def test_a_composite_takes_the_three_that_are_least_alike():
    y, x = np.mgrid[:9, :12].astype(float)
    shapes = {"A": x, "B": x + 0.01 * y, "C": -x, "D": y}
    maps = [
        choice.Shown(name=name, source="vca", values=xr.DataArray(one, dims=("y", "x")))
        for name, one in shapes.items()
    ]
    chosen = [one.name for one in choice.composite_of(maps)]
    assert len(chosen) == 3
    assert {"C", "D"} < {*chosen}
    assert choice.composite_of(maps[:2]) == maps[:2]


def decoded(address):
    """Width, height, kind and rows of bytes of one of our images."""
    data = b64decode(address.removeprefix("data:image/png;base64,"))
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, at = {}, 8
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        name, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length : at + 12 + length])[0] == zlib.crc32(name + body)
        chunks[name], at = body, at + 12 + length
    width, height, depth, kind = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    assert depth == 8
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, -1)
    assert not rows[:, 0].any()
    return width, height, kind, rows[:, 1:]


def test_maps_are_png_images_from_zero_to_their_maximum():
    image = np.linspace(-50, 200, 35, dtype=np.float32).reshape(5, 7)
    image[0, 0] = np.nan
    address, low, high = pictures.map_png(image)
    width, height, kind, rows = decoded(address)
    assert (width, height, kind) == (7, 5, 3)
    assert rows[0, 0] == 0
    assert rows[0, 1] == 1  # below zero is as dark as zero
    assert rows[-1, -1] == 255
    assert low == 0
    _, lowest, _ = pictures.map_png(image, from_zero=False)
    assert -50 < lowest < -30
    assert 195 < high <= 200


def test_a_composite_has_one_colour_for_each_map():
    one, two = np.zeros((4, 6), np.float32), np.zeros((4, 6), np.float32)
    one[1, 2], two[3, 5] = 8.0, 3.0
    two[0, 0] = one[0, 0] = np.nan
    width, height, kind, rows = decoded(pictures.composite_png([one, two]))
    pixels = rows.reshape(4, 6, 3)
    assert (width, height, kind) == (6, 4, 2)
    assert pixels[1, 2].tolist() == [255, 0, 0]
    assert pixels[3, 5].tolist() == [0, 255, 0]
    assert len({*pixels[0, 0].tolist()}) > 1  # neither black nor an element: no data


def test_the_profile_is_drawn_in_parts_of_the_peak_of_bs(inputs):
    page = gathered(inputs)
    drawn = page.profile
    bs = inputs.comparison["element_profile"].sel(label="BS", profile=drawn.name)
    for curve, one in zip(drawn.curves, choice.shown_maps(inputs, "nmf"), strict=False):
        values = bs.sel(edge=one.edge).to_numpy()
        at = int(np.nanargmax(values))
        hundred = next(tick.at for tick in drawn.up if tick.text == "100 %")
        assert curve.dots[at][1] == pytest.approx(hundred, abs=0.11)
        assert len(curve.dots) == np.isfinite(values).sum()
    n_pixels = inputs.profiles[drawn.name]["n_pixels"]
    assert n_pixels > 1
    assert f"in counts summed over a width of {n_pixels} pixels: " in page.profile_caption


@pytest.mark.parametrize(
    ("sd", "words"),
    [
        (0.02, ", with one standard deviation by the noise of the counts. 100 %"),
        (0.005, "by the noise of the counts, too narrow to be seen beside them. 100 %"),
        (np.nan, "lines: nmf. 100 %"),
    ],
)
def test_a_band_that_its_line_hides_is_said_to_be_too_narrow(inputs, sd, words):
    """200 px stand for somewhat more than 100 %: beside lines of 1.7 px bands of ± 0.8 % are not seen."""
    peaks = inputs.comparison["element_profile"].sel(label="BS").max("position")
    inputs.comparison["element_profile_sd"] = xr.zeros_like(inputs.comparison["element_profile"]) + sd * peaks
    assert words in gathered(inputs).profile_caption


def test_what_three_colours_leave_out_is_named_and_how_to_get_a_profile(inputs):
    page = gathered(inputs)
    assert "without" not in page.pictures[1].note
    assert "name one under profiles" not in page.caption
    one = choice.shown_maps(inputs, "nmf")[0]
    maps = [dataclasses.replace(one, name=name, values=one.values.roll(x=k)) for k, name in enumerate("ABCD")]
    assert screen._left_out(maps, maps[:3]) == "D"
    assert screen._composite(maps[:3], inputs.view, "D").note == "each from 0 to its maximum; without D"
    assert screen._profile_caption(page.profile, "nmf", "D").endswith("profiles, which has D too.")
    inputs.__dict__["profiles"] = {}
    assert "To see a profile here, name one under profiles" in gathered(inputs).caption


def test_names_of_the_user_are_text_on_the_first_screen(inputs):
    bad = "<img src=x onerror=alert(1)>"
    renamed = with_recommended(inputs)
    renamed.comparison.attrs["recommended"] |= {"method": bad, "twin_error": {bad: 0.01}}
    text = first_screen(renamed)
    assert bad not in text
    assert re.search(r"&lt;img src=x onerror=alert\(1\)&gt;", text)


def test_candidates_are_named_as_a_reader_would():
    assert candidates.in_words("uDAS, many neighbours").startswith("uDAS, mapped on averages over many")
    assert candidates.in_words("BLU") == "BLU"
    assert candidates.in_words("consensus") == "the median of all candidates"


def test_maps_that_are_not_in_memory_are_shown_alike(inputs):
    """Of large images they are lazy, and Dask has no median of a whole array."""
    names = ("element_map", "element_map_sd")
    maps = {name: inputs.comparison[name].chunk() for name in names}
    lazy = dataclasses.replace(inputs, comparison=inputs.comparison.assign(maps))
    assert first_screen(lazy) == first_screen(inputs)
    shown = choice.shown_maps(lazy, "nmf")
    assert len(choice.composite_of([*shown, *shown, *shown])) == 3


def test_candidates_have_a_table_and_the_chosen_one_is_named_in_provenance(inputs):
    found = with_recommended(inputs)
    found.fits["recommended"].attrs["chosen"] = "BLU, neighbours"
    fits, table = (block for block in provenance.section(found).blocks if block.kind == "table")
    rows = [[one.text for one in row.cells] for row in table.rows]
    assert rows[0] == ["✔ BLU, neighbours", "2.0 %", "BLU, mapped on averages over similar neighbours"]
    assert ["consensus", "10 %", "the median of all candidates"] in rows
    assert [row.cells[1].text for row in fits.rows if row.method == "recommended"] == ["BLU, neighbours"]
    assert "recommended" in [row.method for row in cost._mapping_rows(found)]
    assert len([block for block in provenance.section(inputs).blocks if block.kind == "table"]) == 1


def test_a_component_is_found_by_methods_whose_own_is_nearer_to_it_than_its_neighbours(inputs):
    members = members_of(inputs.comparison, inputs.working)
    matched = members[0]
    assert found_by(inputs, matched[0], matched).startswith("3 of 3 methods")
    label, endmember = matched[1]
    store = inputs.fits[label].copy(deep=True)
    other = inputs.fits[matched[0][0]]["endmember_spectrum"].to_numpy()[1 - matched[0][1]]
    store["endmember_spectrum"][endmember] = other
    found = dataclasses.replace(inputs, fits={**inputs.fits, label: store})
    assert found_by(found, matched[0], matched) == (
        f"2 of 3 methods; in {label} the matched one is no nearer to it than another component is"
    )
    assert found_by(inputs, matched[0], matched[:1]).endswith(f"not by {matched[1][0]} and {matched[2][0]}")


def test_papers_say_whether_recommended_used_or_tried_a_method(inputs):
    found = with_recommended(inputs)
    found.fits["recommended"].attrs["method"] = "recommended"
    (papers,) = citation.section(found).blocks
    names = [line.partition(":")[0] for line in papers.lines]
    assert [name for name in names if "recommended" in name] == [
        "blu (used by recommended)",
        "udas (tried by recommended)",
    ]
    assert "vca" in names  # run by itself
    found.comparison.attrs["recommended"]["method"] = "consensus"
    (papers,) = citation.section(found).blocks
    assert sum("(used by recommended):" in line for line in papers.lines) == 3
