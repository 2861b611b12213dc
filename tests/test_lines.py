"""Lines of X-rays: their windows, their net counts against closed forms, and what is said of them."""

import contextlib
import dataclasses

import numpy as np
import pytest
import xarray as xr

import eelsunmix as eu
from eelsunmix.background.line_check import line_warnings
from eelsunmix.background.line_energies import line_energies
from eelsunmix.background.lines import LineWindow, line_under, locate_line, subtract_line
from eelsunmix.background.window_check import check_windows
from eelsunmix.corrections.protected import protected_edges
from eelsunmix.edge_choice import _chooser, resolve_edges
from eelsunmix.edge_windows import NoRoomError
from eelsunmix.edges import Edge, as_requests
from eelsunmix.energy.channels import channel_bounds
from eelsunmix.errors import InputError
from eelsunmix.line_table import full_width, lines_of, single_lines
from eelsunmix.line_windows import reach_of
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.sections.background import _intro
from eelsunmix.synthetic import eds

LINE = Edge(
    element="Fe", onset_eV=6400, fit_eV=(6000, 6190), integrate_eV=(6250, 6550), fit_above_eV=(6600, 6700)
)
ENERGY = np.arange(5800.0, 7000.0, 10.0)


def axis(first=0.0, last=12.0, step=0.01, **attrs):
    values = np.arange(first, last, step)
    return xr.DataArray(values, dims="energy", name="energy", attrs={"units": "keV", **attrs})


def exact(energy, line=LINE):
    """Net counts by integrals of the straight line, written out."""
    bounds = channel_bounds(energy)
    at = {
        key: np.flatnonzero((energy >= low) & (energy <= high)) for key, (low, high) in windows(line).items()
    }
    ends = {key: (bounds[own[0]], bounds[own[-1] + 1]) for key, own in at.items()}
    return at, ends


def choose(name, names, energy):
    """Resolve one line of several: what has no room does not hinder the others."""
    requests = as_requests(names)
    return dict([_chooser(requests, energy)(name, requests[name])])


def windows(line):
    return {"below": line.fit_eV, "signal": line.integrate_eV, "above": line.fit_above_eV}


@pytest.mark.parametrize("step", [5.0, 10.0, 23.0])
def test_a_straight_background_leaves_exactly_the_line(step):
    energy = np.arange(5800.0, 7000.0, step)
    bounds = channel_bounds(energy)
    background = 3.0 * np.diff(bounds) - 2e-4 * np.diff(
        bounds**2
    )  # integral of a straight line over a channel
    spectrum = background.copy()
    spectrum[np.abs(energy - 6400).argmin()] += 123.0
    net, _ = LineWindow(line=LINE).net_counts(spectrum[None], energy)
    assert net == pytest.approx([123.0], rel=1e-9)
    under = line_under(spectrum[None], locate_line(LINE, energy), bounds)[0]
    inside = np.isfinite(under)
    np.testing.assert_allclose(under[inside], background[inside], rtol=1e-9)


def test_net_counts_and_variance_are_the_closed_form_of_a_trapezoid():
    rng = np.random.default_rng(5)
    counts = rng.poisson(40.0, size=(3, 4, ENERGY.size))
    at, ends = exact(ENERGY)
    total = {key: counts[..., own].sum(axis=-1) for key, own in at.items()}
    width = {key: high - low for key, (low, high) in ends.items()}
    middle = {key: (high + low) / 2 for key, (low, high) in ends.items()}
    near = (middle["signal"] - middle["below"]) / (middle["above"] - middle["below"])
    below = (1 - near) * width["signal"] / width["below"]
    above = near * width["signal"] / width["above"]
    image = xr.DataArray(
        counts, dims=("y", "x", "energy"), coords={"energy": ("energy", ENERGY / 1000, {"units": "keV"})}
    )
    bs = eu.subtract_background(image, {"Fe_Ka": LINE})
    expected = total["signal"] - below * total["below"] - above * total["above"]
    variance = total["signal"] + below**2 * total["below"] + above**2 * total["above"]
    np.testing.assert_allclose(bs.net_counts.sel(edge="Fe_Ka"), expected, atol=1e-3)
    np.testing.assert_allclose(bs.net_counts_sd.sel(edge="Fe_Ka"), np.sqrt(variance), rtol=1e-5)
    assert (bs.net_counts < 0).any()  # never clipped
    assert np.isnan(bs.exponent).all()


@pytest.mark.parametrize("mean", [0.02, 0.5, 30.0])
def test_the_stated_deviation_is_that_of_many_images(mean):
    rng = np.random.default_rng(3)
    place = locate_line(LINE, ENERGY)
    sums = rng.poisson(mean * np.array([20.0, 11.0, 31.0]), size=(400, 50, 3))
    valid = np.ones(sums.shape[:-1], dtype=bool)
    found = subtract_line(sums, valid, place, counts_per_electron=1.0, mean=sums.mean(axis=(0, 1)))
    # 20000 values know a standard deviation to 0.5 %
    assert found.net_counts.std() == pytest.approx(np.sqrt((found.independent_sd**2).mean()), rel=0.03)
    stated = np.sqrt((found.net_counts_sd**2).mean())
    assert (
        0.97 < stated / found.net_counts.std() < 1.42
    )  # what few counts add is bounded by a factor of sqrt(2)
    assert found.net_counts_sd.min() > 0


@pytest.mark.parametrize(
    ("shift", "pull"), [(-60.0, 2.6), (-40.0, 0.8), (0.0, 0.0), (7.0, 0.0), (30.0, -0.4), (60.0, -2.6)]
)
def test_where_a_line_peaks_is_measured_and_the_end_of_its_window_pulls_little(shift, pull):
    rng = np.random.default_rng(8)
    found = []
    for _ in range(40):
        bell = 3000 * np.exp(-(((ENERGY - LINE.onset_eV - shift) / 60) ** 2) / 2)
        spectrum = rng.poisson(bell + 50.0).astype(float)
        found.append(line_energies(spectrum, ENERGY, {"Fe_Ka": LINE})["Fe_Ka"] - LINE.onset_eV)
    # The mean of 40 has a standard error of 0.06 eV.
    assert np.mean(found) == pytest.approx(shift + pull, abs=0.3)
    assert np.std(found) < 1.0
    assert line_energies(rng.poisson(50.0, ENERGY.shape).astype(float), ENERGY, {"Fe_Ka": LINE}) == {}


def test_invalid_pixels_have_no_net_counts():
    sums, valid = np.ones((2, 3, 3)), np.array([[True, False, True], [True, True, False]])
    found = subtract_line(sums, valid, locate_line(LINE, ENERGY), counts_per_electron=1.0, mean=np.ones(3))
    for maps in (found.net_counts, found.net_counts_sd, found.background_counts, found.common_sd):
        assert (np.isfinite(maps) == valid).all()


@pytest.mark.parametrize(
    "written", [["Fe"], ["Fe_Ka"], ["Fe_K"], {"Fe": {}}, {"Fe_Ka": {"reference": True}}], ids=str
)
def test_names_alone_are_enough(written):
    (edge,) = resolve_edges(written, axis()).values()
    assert (edge.element, round(edge.onset_eV)) == ("Fe", 6401)
    assert edge.fit_eV[1] < edge.integrate_eV[0] < edge.onset_eV < edge.integrate_eV[1] < edge.fit_above_eV[0]


def test_an_element_alone_gives_its_line_the_name_and_what_is_written_wins():
    assert list(resolve_edges(["Au", "Cu", "Ag"], axis())) == ["Au_Ma", "Cu_Ka", "Ag_La"]
    edge = resolve_edges({"Fe_Ka": {"fit_eV": [5900, 6000], "integrate_eV": [6300, 6500]}}, axis())["Fe_Ka"]
    assert (edge.fit_eV, edge.integrate_eV) == ((5900, 6000), (6300, 6500))


def test_edges_and_lines_do_not_take_each_others_names():
    losses = np.arange(350.0, 862.0, 0.5)
    with pytest.raises(InputError, match="Ti_Ka is a line of X-rays, and the image is of energy losses"):
        resolve_edges(["Ti_Ka"], losses)
    with pytest.raises(InputError, match="Ti has no K edge between 30 and 3000 eV"):
        resolve_edges(["Ti_K"], losses)
    with pytest.raises(InputError, match=r"Fe has no Ma line between 0\.1 and 30 keV; its lines are Fe_Ll"):
        resolve_edges(["Fe_Ma"], axis())


def test_what_a_line_or_an_edge_has_no_use_for_is_refused():
    losses = np.arange(350.0, 862.0, 0.5)
    with pytest.raises(InputError, match=r"edges\.Ti_L23: fit_above_eV is of lines of X-rays"):
        resolve_edges({"Ti_L23": {"fit_above_eV": [600, 620]}}, losses)
    whole = {"onset_eV": 532, "fit_eV": [480, 525], "integrate_eV": [530, 560], "fit_above_eV": [600, 620]}
    with pytest.raises(InputError, match=r"edges\.O_K: fit_above_eV is of lines of X-rays"):
        resolve_edges({"O_K": whole}, losses)
    for written in ({"background": "convex"}, {"fit_above_eV": [6600, 6700], "background": "convex"}):
        with pytest.raises(InputError, match=r"edges\.Fe_Ka.*background.* is convex, but .* straight line"):
            resolve_edges({"Fe_Ka": written}, axis())
    with pytest.raises(InputError, match="background is exponential, but"):
        Edge(**LINE.model_dump() | {"background": "exponential"})


def test_the_page_says_both_of_a_sample_with_edges_and_lines():
    edge = {"fit_eV": [6000, 6190], "background": "exponential"}
    line = {"fit_eV": [4000, 4100], "fit_above_eV": [4700, 4800], "background": "power_law"}
    bs = xr.Dataset(attrs={"edges": {"Fe": edge, "Ti_Ka": line}, "exponent_from": "local"})
    blank = {field.name: None for field in dataclasses.fields(Inputs)}
    said = {
        names: _intro(Inputs(**blank | {"bs": bs.assign_attrs(edges={n: bs.edges[n] for n in names})}))
        for names in [("Fe",), ("Ti_Ka",), ("Fe", "Ti_Ka")]
    }
    assert said["Fe",] + " " + said["Ti_Ka",] == said["Fe", "Ti_Ka"]
    assert "an exponential is fitted" in said["Fe",]
    assert "power law" not in said["Fe", "Ti_Ka"]
    assert "straight line" in said["Ti_Ka",]


def test_windows_by_hand_on_one_side_stay_a_power_law():
    whole = {"onset_eV": 6400, "fit_eV": [6000, 6190], "integrate_eV": [6250, 6550]}
    edges = resolve_edges({"Fe": whole, "Ti": {}}, axis())
    assert (edges["Fe"].is_line, edges["Ti_Ka"].is_line) == (False, True)


ELEMENTS = [
    "C",
    "O",
    "Na",
    "Mg",
    "Al",
    "Si",
    "P",
    "S",
    "K",
    "Ca",
    "Ti",
    "Cr",
    "Fe",
    "Co",
    "Ni",
    "Cu",
    "Zn",
    "Ag",
    "Sn",
    "Ba",
    "La",
    "W",
    "Au",
    "Pb",
]


@pytest.mark.parametrize("seed", range(12))
def test_windows_of_random_sets_avoid_all_lines_and_stay_on_the_axis(seed):
    rng = np.random.default_rng([seed, 71])
    names = rng.choice(ELEMENTS, size=rng.integers(1, 6), replace=False).tolist()
    resolution = float(rng.choice([125.0, 130.0, 145.0]))
    energy = axis(
        last=float(rng.uniform(9, 20)), step=float(rng.choice([0.005, 0.01, 0.02])), resolution_eV=resolution
    )
    edges = {}
    for name in names:  # all are to be avoided; those without room are left out one by one
        with contextlib.suppress(NoRoomError):
            edges |= choose(name, names, energy)
    assert edges
    check_windows(edges, energy)
    for edge in edges.values():
        for low, high in (edge.fit_eV, edge.fit_above_eV):
            assert high - low > 0.45 * full_width(edge.onset_eV, resolution) - 1
            assert energy[0] * 1000 < low < high < energy[-1] * 1000
            for line in (one for name in names for one in single_lines()[name] if one.weight > 0.01):
                if line.energy_eV > 200 and not (
                    line.element == edge.element and abs(line.energy_eV - edge.onset_eV) < 80
                ):
                    start, end = reach_of(line, resolution)
                    assert end - 1 < low or start + 1 > high, (names, edge, line)


def test_a_wider_detector_has_wider_windows():
    narrow, wide = (resolve_edges(["Si"], axis(resolution_eV=r))["Si_Ka"] for r in (125.0, 160.0))
    assert np.ptp(wide.integrate_eV) > 1.3 * np.ptp(narrow.integrate_eV)


def test_no_room_is_refused_with_the_lines_in_the_way():
    with pytest.raises(
        InputError,
        match=r"edges\.C: no room for a background above C_Ka at 277 eV, since N Ka, O Ka lie there",
    ):
        resolve_edges(["C", "N", "O"], axis())
    with pytest.raises(InputError, match="O_Ka at 525 eV lies at an end of the axis"):
        resolve_edges(["O"], axis(first=0.5))


def test_a_side_that_is_written_needs_no_room():
    windows = {"fit_above_eV": [345, 362]}  # between C Ka and N Ka, narrower than is chosen
    edge = resolve_edges({"C": windows, "N": {}, "O": {}} | {"O": {"fit_above_eV": [620, 680]}}, axis())["C"]
    assert edge.fit_above_eV == (345, 362)
    assert edge.fit_eV[1] < edge.integrate_eV[0] < edge.onset_eV < edge.integrate_eV[1] < 345
    with pytest.raises(InputError, match=r"edges\.C: no room .* above C_Ka .*; write fit_above_eV by hand"):
        resolve_edges({"C": {"fit_eV": [200, 215]}, "N": {}, "O": {}}, axis())


def test_overlaps_are_named_and_shared_lines_are_no_reference():
    energy = axis()
    edges = resolve_edges(["Ti", "Ba"], energy)
    (warning,) = [text for text in line_warnings(edges, 130.0) if text.startswith("edges.Ti_Ka")]
    assert "holds lines of other elements: Ba La (" in warning
    assert line_warnings(resolve_edges(["Fe", "Si"], energy), 130.0) == []
    image = xr.DataArray(
        np.random.default_rng(0).poisson(3.0, size=(4, 5, energy.size)),
        dims=("y", "x", "energy"),
        coords={"energy": energy},
    )
    bs = eu.subtract_background(image, ["Ti", "Ba", "Fe"])
    assert set(bs.attrs["reference_problems"]) == {"Ti_Ka", "Ba_La"}
    assert any("Ba La" in text for text in bs.attrs["warnings"])


def test_a_line_with_two_families_is_taken_where_it_stands_alone():
    edges = resolve_edges(["S", "Mo"], axis(last=20.0))
    assert list(edges) == ["S_Ka", "Mo_Ka"]  # Mo La lies under S Ka


def test_a_line_beside_the_window_is_noticed():
    energy = axis(last=10.0)
    spectrum = 30 * np.exp(-0.5 * ((energy.to_numpy() - 6.65) / 0.06) ** 2) + 0.5  # in the window above Fe Ka
    counts = np.random.default_rng(1).poisson(spectrum, size=(12, 13, energy.size))
    image = xr.DataArray(counts, dims=("y", "x", "energy"), coords={"energy": energy})
    bs = eu.subtract_background(image, ["Fe"])
    assert "something else lies in the windows beside the line" in bs.attrs["reference_problems"]["Fe_Ka"][0]
    flat = xr.DataArray(
        np.random.default_rng(2).poisson(0.02, counts.shape), dims=image.dims, coords=image.coords
    )
    assert eu.subtract_background(flat, ["Fe"]).attrs["reference_problems"] == {}


def test_bs_of_the_simulated_map_follows_the_truth():
    scene = eds(size=40, counts=400.0, seed=8)
    bs = eu.subtract_background(scene.spectrum_image, ["Si", "Fe", "Ti", "S"])
    assert bs.attrs["reference_problems"] == {}
    material = dict(zip(("quartz", "olivine", "ilmenite", "pyrite"), range(4), strict=True))
    shares = scene.abundance.to_numpy()
    for name, inside in {
        "Ti_Ka": ["ilmenite"],
        "S_Ka": ["pyrite"],
        "Fe_Ka": ["olivine", "ilmenite", "pyrite"],
    }.items():
        held = shares[..., [material[one] for one in inside]].sum(axis=-1)
        net, sd = (bs[key].sel(edge=name).to_numpy() for key in ("net_counts", "net_counts_sd"))
        without = held == 0
        assert abs(net[without].mean()) < 5 * np.sqrt((sd[without] ** 2).sum()) / without.sum()
        assert net[held > 0.99].mean() > 10


def test_families_of_the_table_are_those_of_its_lines():
    for line in lines_of("Au"):
        assert line.low_eV <= line.energy_eV <= line.high_eV


def test_nothing_is_estimated_near_the_lines_of_an_image_of_x_rays():
    lines = protected_edges(["Fe", "Ag_La"], of_x_rays=True)
    assert {name: round(one["onset_eV"]) for name, one in lines.items()} == {
        "Fe_Ka": 6401, "Fe_La": 705, "Ag_La": 2982, "Ag_Ka": 22103
    }  # fmt: skip


@pytest.mark.parametrize("step", np.linspace(0.005, 0.045, 33))
def test_windows_of_lines_that_lie_apart_have_room_whatever_the_channels(step):
    """The fewest channels of a background are enough, without a rounding error that refuses them."""
    found = resolve_edges(["Mg", "Si", "Ca", "Fe_Ka"], axis(first=0.8, last=20.0, step=step))
    assert set(found) == {"Mg_Ka", "Si_Ka", "Ca_Ka", "Fe_Ka"}
