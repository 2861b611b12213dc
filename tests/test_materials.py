"""Components that may be one material: their sum on the page, and where along a profile each lies."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from eelsunmix.comparison.shares import largest_shares
from eelsunmix.report import materials
from eelsunmix.report.areas import Sighting
from eelsunmix.report.content import Figure, Table
from eelsunmix.report.figures.phases import Phase, phases_of
from eelsunmix.report.materials import Material, Materials, areas_of, materials_of, said_of
from eelsunmix.report.phases import phase_blocks
from eelsunmix.report.places import _alternating, places_along
from test_report_facts import inputs_of

PERIOD = 2.6


@pytest.fixture(scope="module")
def inputs():
    return inputs_of(methods=("vca",))


def phases_in(inputs):
    return phases_of(inputs.comparison, inputs.working)


def seen_alike(inputs, monkeypatch, *alike):
    """Let the phases of these numbers show the same edges, and each other one none."""
    groups = [Material(phases=tuple(phases_in(inputs)[k] for k in alike), edges=("Ru_M23",))]
    monkeypatch.setattr(materials, "alike", lambda seen, phases, absent: groups)
    return materials_of(inputs, {}, phases_in(inputs))


def test_the_sum_of_two_of_three_shares_is_as_sure_as_the_third(inputs, monkeypatch):
    phases, one = phases_in(inputs), seen_alike(inputs, monkeypatch, 0, 2)
    assert [phase.name for phase in one.phases] == ["1 and 3 together", phases[1].name]
    assert [phase.colour for phase in one.phases] == [phases[0].colour, phases[1].colour]
    store = inputs.maps["vca"]
    third, sd = (
        store[name].isel(endmember=1).to_numpy().ravel().astype(float)
        for name in ("abundance", "abundance_sd")
    )
    expected, probability = largest_shares(np.stack([1 - third, third], axis=1), np.stack([sd, sd], axis=1))
    np.testing.assert_array_equal(one.maps["phase"].to_numpy().ravel(), expected)
    np.testing.assert_allclose(one.maps["phase_confidence"].to_numpy().ravel(), probability, rtol=1e-4)
    assert areas_of(one.maps, 0) == (
        pytest.approx((expected == 0).mean()),
        pytest.approx(((expected == 0) & (probability >= 0.95)).mean()),
    )


def test_pixels_without_a_phase_have_none_together_and_no_area(inputs, monkeypatch):
    phase = inputs.comparison["phase"].copy()
    phase[1:3, 2:5] = -1
    some = replace(inputs, comparison=inputs.comparison.assign(phase=phase))
    maps = seen_alike(some, monkeypatch, 0, 2).maps
    np.testing.assert_array_equal(maps["phase"] < 0, phase < 0)
    np.testing.assert_array_equal(maps["phase_confidence"].isnull(), phase < 0)
    assert areas_of(maps, 0)[0] + areas_of(maps, 1)[0] == pytest.approx(1)


def test_the_sum_is_the_same_part_by_part(inputs, monkeypatch):
    whole = seen_alike(inputs, monkeypatch, 0, 2).maps
    monkeypatch.setattr(materials, "PIXELS", 37)
    xr.testing.assert_identical(seen_alike(inputs, monkeypatch, 0, 2).maps, whole)


def test_the_page_shows_the_sum_beside_its_parts_where_there_is_one(inputs, monkeypatch):
    phases, one = phases_in(inputs), seen_alike(inputs, monkeypatch, 0, 2)
    for some, names, more in (
        (Materials(), ("phases", "probability alone"), []),
        (one, ("phases", "possible materials", "probability alone"), ["1 and 3 together"]),
    ):
        figure, table = phase_blocks(inputs, phases, some)
        assert isinstance(figure, Figure)
        assert figure.controls[0].options == names
        assert set(figure.variants) == {(place,) for place in range(len(names))}
        assert isinstance(table, Table)
        assert ("do not add up" in table.caption) == bool(more)
        assert [row.cells[0].text for row in table.rows] == [*(phase.name for phase in phases), *more]
    (text,) = said_of(inputs, one)
    assert f"Together they are the largest in {100 * areas_of(one.maps, 0)[0]:.3g}" in text
    assert not list(said_of(inputs, Materials()))


def test_a_material_of_all_components_is_said_and_not_added(inputs, monkeypatch):
    everything = seen_alike(inputs, monkeypatch, 0, 1, 2)
    figure, table = phase_blocks(inputs, phases_in(inputs), everything)
    assert figure.controls[0].options == ("phases", "probability alone")
    assert len(table.rows) == 3
    (text,) = said_of(inputs, everything)
    assert "These are all components of the image." in text
    assert "Together" not in text


def test_an_edge_that_the_spectrum_does_not_show_makes_nothing_alike(inputs):
    """BS sees it where the component is the largest, in what other components have there."""
    phases = phases_in(inputs)
    seen, none = Sighting(net=90.0, sd=2.0, peak=200.0), Sighting(net=1.0, sd=2.0, peak=200.0)
    found = {"Ru_M23": [seen, seen, none]}
    shown = inputs.comparison["cross_talk"].copy()
    for talk, n in (([0.5, 1.0, 0.0], 1), ([0.05, 1.0, 0.0], 0), ([np.nan, 1.0, 0.0], 1)):
        shown.loc[{"label": "vca", "edge": "Ru_M23"}] = talk
        known = replace(inputs, comparison=inputs.comparison.assign(cross_talk=shown))
        assert len(materials_of(known, found, phases).found) == n


def with_abundance(inputs, lines, *, seed=0, along="x", period=np.nan, start=0.0, factor=1):
    """The same page of an image whose abundances are lines along x, with some noise."""
    size = lines.shape[1]
    noise = 0.01 * np.random.default_rng(seed).normal(size=(9, *lines.shape))
    dims = ("y", "endmember", "x") if along == "x" else ("x", "endmember", "y")
    abundance = xr.DataArray(lines + noise, dims=dims)
    phase = xr.DataArray(np.zeros((9, size), dtype=int), dims=(dims[0], dims[2]))
    position = np.append(start + np.arange(size), [np.nan] * 3)  # other profiles are longer
    comparison = xr.Dataset(
        {
            "phase": phase,
            "lattice_period": ("profile", [period]),
            "profile_position": (("profile", "position"), [position]),
        },
        coords={"profile": ["line"]},
        attrs={"phase_method": "vca"},
    )
    bs = inputs.bs.assign_attrs(profiles={"line": {"along": along, "pixels": [1, 8]}})
    other = replace(inputs, comparison=comparison, bs=bs, maps={"vca": xr.Dataset({"abundance": abundance})})
    step = {"y": float(factor), "x": float(factor)}
    other.__dict__["view"] = replace(inputs.view, factor=factor, step=step, unit="px")
    return other


PHASES = [Phase(number, f"{number + 1} · Ti+O", "#0072B2") for number in range(3)]


@pytest.mark.parametrize("along", ["x", "y"])
@pytest.mark.parametrize(("start", "factor"), [(0, 1), (100, 2)])
def test_planes_that_alternate_and_stretches_are_named(inputs, along, start, factor):
    """In the positions of the profile, however coarsely maps are shown."""
    position = np.arange(60)
    left, wave = position < 30, 0.3 * np.cos(2 * np.pi * position / PERIOD)
    lines = np.array([1.0 * ~left, left * (0.5 + wave), left * (0.5 - wave)])
    made = with_abundance(inputs, lines, along=along, period=PERIOD, start=start, factor=factor)
    text = places_along(made, PHASES)
    assert text.startswith(f"Along {along}, 2 and 3 alternate every 2.6 px, as planes of a lattice do; ")
    assert f"1 lies at {start + 30} to {start + 59} px; 2" in text
    assert text.endswith(f"2 and 3 lie at {start} to {start + 29} px.")


def test_a_component_without_amounts_or_pixels_lies_nowhere(inputs):
    lines = np.array([np.repeat([1.0, 0.0], 20), np.repeat([0.0, 1.0], 20), np.full(40, -1.0)])
    assert places_along(with_abundance(inputs, lines), PHASES) == (
        "Along x, 1 lies at 0 to 19 px; 2 lies at 20 to 39 px."
    )
    vacuum = with_abundance(inputs, lines)
    vacuum.comparison["phase"][:] = -1
    assert places_along(vacuum, PHASES) == ""


@pytest.mark.parametrize("period", [2.3, 2.6, 4.0])
def test_noise_of_shares_that_sum_to_one_does_not_alternate(period):
    """White noise of 49 points, opposite in two components: at most one in 200, as 054 has it."""
    told = 0
    for seed in range(2000):
        noise = 0.1 * np.random.default_rng(seed).normal(size=49)
        told += len(_alternating([0.4 + noise, 0.4 - noise], period))
    assert told <= 10


def test_nothing_is_said_where_all_lie_alike_or_no_profile_is_named(inputs):
    same = with_abundance(inputs, np.full((3, 40), 1 / 3))
    assert places_along(same, PHASES) == ""
    unnamed = replace(inputs, comparison=inputs.comparison.drop_dims("profile"))
    assert places_along(unnamed, PHASES) == ""


@pytest.mark.parametrize(
    ("same_within", "differs_by", "told"),
    [
        (0.17, np.nan, "The ratio of these edges is the same to within 17 %, as of one composition. "),
        (0.7, 0.6, "But the ratio of these edges differs by 60 %, as of other compositions. "),
        (0.6, np.nan, "bonding. Together"),
        (np.nan, np.nan, "bonding. Together"),
    ],
)
def test_the_ratio_of_their_edges_is_told_of_a_material(inputs, monkeypatch, same_within, differs_by, told):
    one = seen_alike(inputs, monkeypatch, 0, 2)
    material = replace(one.found[0], same_within=same_within, differs_by=differs_by)
    (text,) = said_of(inputs, replace(one, found=(material,)))
    assert told in text.replace("\u00a0", " ")
