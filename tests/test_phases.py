"""Phase maps: the largest share of each pixel, and how sure it is; what the page says of lines."""

from dataclasses import replace

import numpy as np
import pytest
import scipy
import xarray as xr

from eelsunmix import synthetic
from eelsunmix.background import subtract_background
from eelsunmix.comparison import compare
from eelsunmix.comparison.shares import largest_shares, merged_shares
from eelsunmix.execution import map_stacks
from eelsunmix.execution.scratch import scratch_beside
from eelsunmix.report.content import Control, Figure, Section, Table, Text, pairs
from eelsunmix.report.figures.endmembers import members_of
from eelsunmix.report.figures.mapview import view_of
from eelsunmix.report.figures.phases import Phase, phase_map, phases_of
from eelsunmix.report.figures.style import COLOURS, COMPONENT_COLOURS, WIDTH
from eelsunmix.report.line_words import in_words_of_lines
from eelsunmix.report.phases import _areas
from test_report_facts import inputs_of

MEANS = np.array([[0.50, 0.30, 0.20], [0.41, 0.39, 0.20], [0.10, 0.44, 0.46], [0.90, 0.06, 0.04]])


def drawn_shares(means, n_draws, seed):
    """Shares with correlated Gaussian errors that leave their sum at one, and the deviations of them."""
    rng = np.random.default_rng(seed)
    size = means.shape[1]
    mixing = rng.normal(size=(size, size)) * rng.uniform(0.02, 0.1, size)
    mixing -= mixing.mean(axis=0)
    errors = rng.normal(size=(n_draws, size)) @ mixing.T
    return means[:, None] + errors, np.sqrt((mixing**2).sum(axis=1))


@pytest.mark.parametrize("size", [2, 3])
def test_the_probability_is_that_of_many_draws(size):
    """Exact for two and three shares, whatever the errors of a share have to do with those of another."""
    means = MEANS[:, :size] / MEANS[:, :size].sum(axis=1, keepdims=True)
    n_draws = 40_000
    for seed in range(4):
        draws, deviation = drawn_shares(means, n_draws, seed)
        phase, confidence = largest_shares(means, np.tile(deviation, (len(means), 1)))
        ordered = np.argsort(-means, axis=1)
        np.testing.assert_array_equal(phase, ordered[:, 0])
        first, second = (
            np.take_along_axis(draws, ordered[:, None, [k]].repeat(n_draws, axis=1), axis=2) for k in (0, 1)
        )
        part = (first > second).mean(axis=(1, 2))
        np.testing.assert_allclose(confidence, part, atol=4 * 0.5 / np.sqrt(n_draws))


def test_of_five_shares_the_probability_is_right_where_errors_are_alike():
    rng = np.random.default_rng(3)
    means, sd = np.array([[0.30, 0.25, 0.15, 0.15, 0.15]]), 0.03
    errors = rng.normal(scale=sd, size=(40_000, 5))
    draws = means + errors - errors.mean(axis=1, keepdims=True)
    _, confidence = largest_shares(means, np.full((1, 5), sd * np.sqrt(0.8)))
    assert confidence[0] == pytest.approx((draws[:, 0] > draws[:, 1]).mean(), abs=0.01)


def test_the_order_of_components_changes_names_alone():
    rng = np.random.default_rng(5)
    shares = rng.dirichlet(np.ones(4), 37)
    deviations = rng.uniform(0.0, 0.1, shares.shape)
    order = np.array([2, 0, 3, 1])
    phase, confidence = largest_shares(shares, deviations)
    moved, same = largest_shares(shares[:, order], deviations[:, order])
    np.testing.assert_array_equal(order[moved], phase)
    np.testing.assert_allclose(same, confidence)
    assert ((confidence >= 0.5) & (confidence <= 1)).all()


def test_without_noise_a_lead_is_sure_and_a_tie_is_not():
    shares = np.array([[0.2, 0.7, 0.1], [0.4, 0.4, 0.2]])
    phase, confidence = largest_shares(shares, np.zeros_like(shares))
    assert (phase.tolist(), confidence.tolist()) == ([1, 0], [1.0, 0.5])


@pytest.mark.parametrize("groups", [[(0, 1, 2), (3,)], [(3,), (1, 2), (0,)], [(0,), (1,), (2,), (3,)]])
def test_shares_that_are_taken_together_have_the_deviation_of_their_sum(groups):
    """Exact where all but one are, whatever the errors; else where those of a pair are sums of two parts."""
    draws, deviation = drawn_shares(np.array([[0.4, 0.3, 0.2, 0.1]]), 40_000, seed=2)
    if len(groups) > 2:
        rng = np.random.default_rng(4)
        errors = rng.normal(size=(40_000, 4)) * [0.02, 0.05, 0.03, 0.04]
        draws = 0.25 + errors[None] - errors.mean(axis=1, keepdims=True)
        deviation = draws[0].std(axis=0)
    sums, deviations = merged_shares(draws[0], np.tile(deviation, (40_000, 1)), groups)
    for place, group in enumerate(groups):
        expected = draws[0][:, group].sum(axis=1)
        np.testing.assert_allclose(sums[:, place], expected)
        assert deviations[0, place] == pytest.approx(expected.std(), rel=0.03)


@pytest.mark.parametrize("size", [4, 5])
def test_the_sum_of_two_that_take_from_each_other_errs_no_more_than_the_rest(size):
    """The two err by 0.3, and all others by 0.02: so their sum errs by 0.02 for each of these at most."""
    deviations = np.full((1, size), 0.02)
    deviations[:, :2] = 0.3
    groups = [(0, 1), *((k,) for k in range(2, size))]
    _, sds = merged_shares(np.full((1, size), 1 / size), deviations, groups)
    assert sds[0, 0] <= 0.02 * (size - 2) + 1e-12
    np.testing.assert_allclose(sds[0, 1:], 0.02)


@pytest.fixture(scope="module")
def scene():
    return synthetic.multilayer(shape=(6, 40), counts=6000.0, seed=1)


@pytest.fixture(scope="module")
def bs(scene):
    return subtract_background(scene.spectrum_image, scene.edges)


def stores(scene, abundance, **attrs):
    """Stores of a method with these abundances, each uncertain by 0.05."""
    like, dims = scene.spectrum_image, ("y", "x", "endmember")
    spectra = scene.endmember_spectrum.to_numpy()
    fit = xr.Dataset({"endmember_spectrum": (("endmember", "energy_loss"), spectra)})
    mapped = xr.Dataset(
        {
            "abundance": (dims, abundance),
            "refit_abundance": (dims, abundance),
            "abundance_sd": (dims, np.full(abundance.shape, 0.05)),
            "reduced_chi2": (dims[:2], np.ones(abundance.shape[:2])),
        },
        coords={dim: like[dim] for dim in ("y", "x")} | {"valid_pixel": like.valid_pixel},
    )
    return fit.assign_attrs({"status": "converged", "message": "", "seconds": 1.0, **attrs}), mapped


def compared(scene, bs, methods):
    fits, maps = ({name: pair[k] for name, pair in methods.items()} for k in (0, 1))
    return compare(scene.spectrum_image, bs, fits, maps, edges=scene.edges)


SHARES = {"equalised_counts": 6000.0}


def test_phases_are_those_of_the_recommended_result_whatever_the_order_of_axes(scene, bs):
    """Vacuum, whose shares are zero, and pixels that were not mapped have no phase."""
    shares = np.random.default_rng(0).dirichlet(np.ones(3), (6, 40))
    shares[1, 4:7], shares[2, 8] = 0.0, np.nan
    fit, mapped = stores(scene, shares, **SHARES)
    other = stores(scene, np.roll(shares, 1, axis=-1), **SHARES)
    found = compared(
        scene, bs, {"other": other, "recommended": (fit, mapped.transpose("endmember", "x", "y"))}
    )
    none = np.isnan(shares).any(axis=-1) | (shares.sum(axis=-1) == 0)
    assert found.attrs["phase_method"] == "recommended"
    assert found["phase"].dims == found["phase_confidence"].dims == ("y", "x")
    np.testing.assert_array_equal(found["phase"], np.where(none, -1, shares.argmax(axis=-1)))
    np.testing.assert_array_equal(found["phase_confidence"].isnull(), none)
    sigmas = np.diff(np.sort(shares)[..., 1:])[..., 0] / (0.05 * np.sqrt(3))
    expected = scipy.stats.norm.cdf(sigmas)
    np.testing.assert_allclose(found["phase_confidence"].to_numpy()[~none], expected[~none], rtol=1e-6)


def test_abundances_that_hold_the_brightness_are_no_shares(scene, bs):
    amounts = stores(scene, scene.abundance.to_numpy())
    assert "phase" not in compared(scene, bs, {"nmf": amounts})
    found = compared(scene, bs, {"nmf": amounts, "vca": stores(scene, scene.abundance.to_numpy(), **SHARES)})
    assert found.attrs["phase_method"] == "vca"


def test_phases_of_a_large_image_are_found_part_by_part(scene, bs, monkeypatch, tmp_path):
    methods = {"vca": stores(scene, np.random.default_rng(1).dirichlet(np.ones(3), (6, 40)), **SHARES)}
    whole = compared(scene, bs, methods)
    monkeypatch.setattr(map_stacks, "PIXELS", 70)
    with scratch_beside(tmp_path / "a.log"):
        parts = compared(scene, bs, methods)
        assert parts["phase"].chunks
        for name in ("phase", "phase_confidence"):
            xr.testing.assert_equal(parts[name].compute(), whole[name])


@pytest.fixture
def found():
    """A comparison of two methods: where its phases are is known, and one pixel is sure."""
    phase = np.array([[0, 0, 1, -1, 1, 1, 1], [2, 2, 1, 1, 1, 0, 1], [2, 2, 0, 0, 0, 0, 0]])
    confidence = np.where(phase < 0, np.nan, 0.6)
    confidence[0, 0] = 0.99
    dims = ("y", "x")
    return xr.Dataset(
        {
            "phase": (dims, phase),
            "phase_confidence": (dims, confidence),
            "group": (("label", "endmember"), [[0, 1, 2], [1, 0, -1]]),
            "endmember_name": (("label", "endmember"), [["Si", "Fe", "<b>"], ["Fe", "Si", "4 · Cu"]]),
        },
        coords={"label": ["nmf", "vca"], "y": 0.5 * np.arange(3), "x": 0.5 * np.arange(7)},
        attrs={"phase_method": "vca"},
    )


def test_phases_have_the_names_and_colours_of_their_components(found):
    phases = phases_of(found, ["nmf", "vca"])
    assert [(one.number, one.name) for one in phases] == [(0, "Fe"), (1, "Si"), (2, "4 · Cu")]
    spectra = list(members_of(found, ["nmf", "vca"]))
    assert [one.colour for one in phases[:2]] == [
        COMPONENT_COLOURS[spectra.index(1)],
        COMPONENT_COLOURS[spectra.index(0)],
    ]
    assert len({one.colour for one in phases}) == 3


def lab(colour):
    """CIELAB coordinates of a colour of sRGB (D65)."""
    part = np.array(list(bytes.fromhex(colour[1:]))) / 255
    linear = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = np.cbrt(to_xyz @ linear / [0.9505, 1.0, 1.089])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_the_colour_of_no_component_is_taken_for_another_or_for_a_method():
    all_of_them = np.array([lab(colour) for colour in (*COMPONENT_COLOURS, *COLOURS)])
    apart = np.linalg.norm(all_of_them[: len(COMPONENT_COLOURS), None] - all_of_them, axis=-1)
    np.fill_diagonal(apart, np.inf)
    assert apart.min() > 20


def test_each_phase_is_drawn_where_it_is_with_its_confidence(found):
    phases = phases_of(found.assign_attrs(phase_method="nmf"), ["nmf"])
    figure = phase_map(found, phases, view_of(found["phase"], n_maps=1, budget=10**6))
    for number, trace in enumerate(figure["data"]):
        inside = found["phase"].to_numpy() == number
        np.testing.assert_array_equal(np.isfinite(trace["z"]), inside)
        np.testing.assert_allclose(
            trace["z"][inside], found["phase_confidence"].to_numpy()[inside], rtol=1e-6
        )
    legend = figure["layout"]["annotations"][0]["text"]
    assert legend.count("■") == 3
    assert "&lt;b&gt;" in legend
    assert "<b>" not in legend


def test_where_pixels_are_averaged_the_commonest_phase_is_shown(found):
    view = replace(view_of(found["phase"], n_maps=1, budget=10**6), factor=2)
    figure = phase_map(found, phases_of(found, ["vca"]), view)
    shown = np.array([np.isfinite(trace["z"]) for trace in figure["data"]])
    commonest = np.where(shown.any(axis=0), shown.argmax(axis=0), -1)
    np.testing.assert_array_equal(commonest, [[0, 1, 1, 1], [2, 0, 0, 0]])


def test_many_phases_get_a_legend_of_several_lines(found):
    phases = [Phase(number, f"component {number}", "#0072B2") for number in range(8)]
    one, many = (
        phase_map(found, some, view_of(found["phase"], n_maps=1, budget=10**6))["layout"]
        for some in (phases[:1], phases)
    )
    more = 16 * many["annotations"][0]["text"].count("<br>")
    assert more > 0
    for place in (lambda layout: layout["height"], lambda layout: layout["margin"]["t"]):
        assert place(many) - place(one) == more


def test_a_flat_phase_map_is_as_wide_as_the_page(found):
    shape = (3, 40)
    dims = ("y", "x")
    flat = xr.Dataset(
        {"phase": (dims, np.zeros(shape, np.int16)), "phase_confidence": (dims, np.ones(shape))},
        coords={"y": 0.5 * np.arange(3), "x": 0.5 * np.arange(40)},
    )
    phases = [Phase(number, "O with weak Ti", "#0072B2") for number in range(4)]
    wide, narrow = (
        phase_map(one, phases, view_of(one["phase"], n_maps=1, budget=10**6))["layout"]
        for one in (flat, found)
    )
    # A legend fits on a telephone, too.
    assert wide["annotations"][0]["text"] == narrow["annotations"][0]["text"]
    assert "<br>" in wide["annotations"][0]["text"]
    low, high = wide["xaxis"]["domain"]
    margins = wide["margin"]["l"] + wide["margin"]["r"]
    assert (high - low) * (WIDTH - margins) > 0.75 * WIDTH


@pytest.mark.parametrize(
    ("method", "confidence", "is_told"),
    [("recommended", 0.6, True), ("recommended", 0.99, False), ("vca", 0.6, False)],
)
def test_why_few_pixels_are_sure_is_said_of_recommended_alone(method, confidence, is_told):
    inputs = inputs_of(methods=("vca",))
    table = inputs.comparison.assign(phase_confidence=0 * inputs.comparison["phase_confidence"] + confidence)
    told = replace(inputs, comparison=table.assign_attrs(phase_method=method))
    assert ("Few are" in _areas(told, [], summed=False).caption) == is_told


def test_edges_are_called_lines_in_prose_alone():
    table = Table(caption="Windows of each edge.", columns=("edge",), rows=(), css="small")
    facts = pairs("File of an edge", [("file", "edge.dm4")])
    control = Control("Edge", ("all", "edge 1"))
    figure = Figure(name="edge", caption="An edge above the edge of noise.", variants={}, controls=(control,))
    found = in_words_of_lines(
        Section(name="maps", title="Edges", blocks=(table, facts, figure, Text("edge")))
    )
    assert (found.name, found.title) == ("maps", "Lines")
    windows, same, drawn, text = found.blocks
    assert (windows.caption, windows.columns, same) == ("Windows of each line.", ("line",), facts)
    assert (drawn.name, drawn.caption) == ("edge", "A line above the edge of noise.")
    assert drawn.controls == (Control("Line", ("all", "edge 1")),)
    assert text.lines == ("line",)
    settings = Section(name="provenance", title="Provenance", intro="Every edge as configured.")
    assert in_words_of_lines(settings) is settings
