"""Components that may be one material: their sum on the page, and where along a profile each lies."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from eelsunmix.comparison.phases import largest_shares
from eelsunmix.report import materials
from eelsunmix.report.content import Figure, Table
from eelsunmix.report.figures.phases import Phase, phases_of
from eelsunmix.report.materials import Material, areas_of, merged, said_of
from eelsunmix.report.phases import phase_blocks
from eelsunmix.report.places import places_along
from test_report_facts import inputs_of

PERIOD = 2.6


@pytest.fixture(scope="module")
def inputs():
    return inputs_of(methods=("vca",))


@pytest.fixture(scope="module")
def material(inputs):
    first, _, last = phases_of(inputs.comparison, inputs.working)
    return Material(phases=(first, last), edges=("Ru_M23",))


def test_the_sum_of_two_of_three_shares_is_as_sure_as_the_third(inputs, material):
    phases = phases_of(inputs.comparison, inputs.working)
    maps, drawn = merged(inputs, phases, [material])
    assert [one.name for one in drawn] == ["1 and 3 together", phases[1].name]
    assert [one.colour for one in drawn] == [phases[0].colour, phases[1].colour]
    store = inputs.maps["vca"]
    third, sd = (
        store[name].isel(endmember=1).to_numpy().ravel().astype(float)
        for name in ("abundance", "abundance_sd")
    )
    expected, probability = largest_shares(np.stack([1 - third, third], axis=1), np.stack([sd, sd], axis=1))
    np.testing.assert_array_equal(maps["phase"].to_numpy().ravel(), expected)
    np.testing.assert_allclose(maps["phase_confidence"].to_numpy().ravel(), probability, rtol=1e-4)
    assert areas_of(maps, 0) == (
        pytest.approx((expected == 0).mean()),
        pytest.approx(((expected == 0) & (probability >= 0.95)).mean()),
    )


def test_pixels_without_a_phase_have_none_together_and_no_area(inputs, material):
    phase = inputs.comparison["phase"].copy()
    phase[1:3, 2:5] = -1
    some = replace(inputs, comparison=inputs.comparison.assign(phase=phase))
    maps, _ = merged(some, phases_of(some.comparison, some.working), [material])
    np.testing.assert_array_equal(maps["phase"] < 0, phase < 0)
    np.testing.assert_array_equal(maps["phase_confidence"].isnull(), phase < 0)
    assert areas_of(maps, 0)[0] + areas_of(maps, 1)[0] == pytest.approx(1)


def test_the_page_shows_the_sum_beside_its_parts_where_there_is_one(inputs, material):
    phases = phases_of(inputs.comparison, inputs.working)
    for some, names in (
        ([], ("phases", "probability alone")),
        ([material], ("phases", "possible materials", "probability alone")),
    ):
        figure, table = phase_blocks(inputs, phases, some)
        assert isinstance(figure, Figure)
        assert figure.controls[0].options == names
        assert set(figure.variants) == {(place,) for place in range(len(names))}
        assert isinstance(table, Table)
        assert ("do not add up" in table.caption) == bool(some)
        assert [row.cells[0].text for row in table.rows] == [
            *(one.name for one in phases),
            *(one.name for one in some),
        ]
    (text,) = said_of(inputs, phases, [material])
    area = areas_of(merged(inputs, phases, [material])[0], 0)[0]
    assert f"{100 * area:.3g}" in text.partition("Together")[2]
    assert not list(said_of(inputs, phases, []))


def with_abundance(inputs, lines, *, seed=0, along="x", period=np.nan):
    """The same page of an image whose abundances are lines along x, with some noise."""
    size = lines.shape[1]
    noise = 0.01 * np.random.default_rng(seed).normal(size=(9, *lines.shape))
    dims = ("y", "endmember", "x") if along == "x" else ("x", "endmember", "y")
    abundance = xr.DataArray(lines + noise, dims=dims)
    phase = xr.DataArray(np.zeros((9, size), dtype=int), dims=(dims[0], dims[2]))
    comparison = xr.Dataset(
        {"phase": phase, "lattice_period": ("profile", [period])},
        coords={"profile": ["line"]},
        attrs={"phase_method": "vca"},
    )
    bs = inputs.bs.assign_attrs(profiles={"line": {"along": along, "pixels": [1, 8]}})
    other = replace(inputs, comparison=comparison, bs=bs, maps={"vca": xr.Dataset({"abundance": abundance})})
    other.__dict__["view"] = replace(inputs.view, step={"y": 1.0, "x": 1.0}, unit="px")
    return other


PHASES = [Phase(number, f"{number + 1} · Ti+O", "#0072B2") for number in range(3)]


@pytest.mark.parametrize("along", ["x", "y"])
def test_planes_that_alternate_and_stretches_are_named(inputs, along):
    position = np.arange(60)
    left, wave = position < 30, 0.3 * np.cos(2 * np.pi * position / PERIOD)
    lines = np.array([1.0 * ~left, left * (0.5 + wave), left * (0.5 - wave)])
    text = places_along(with_abundance(inputs, lines, along=along, period=PERIOD), PHASES)
    assert f"Along {along}, 2 and 3 alternate every 2.6 px, as planes of a lattice do; " in text
    assert "1 lies at 30 to 59 px" in text
    assert "2 and 3 lie at 0 to 29 px" in text or "2 lies at 0 to" in text


def test_noise_of_shares_that_sum_to_one_does_not_alternate(inputs):
    told = 0
    for seed in range(200):
        noise = 0.1 * np.random.default_rng(seed).normal(size=49)
        lines = np.array([np.full(49, 0.2), 0.4 + noise, 0.4 - noise])
        told += "alternate" in places_along(with_abundance(inputs, lines, period=PERIOD), PHASES)
    assert told <= 2


def test_nothing_is_said_where_all_lie_alike_or_no_profile_is_named(inputs):
    same = with_abundance(inputs, np.full((3, 40), 1 / 3))
    assert places_along(same, PHASES) == ""
    assert (
        places_along(replace(inputs, bs=inputs.bs, comparison=inputs.comparison.drop_dims("profile")), PHASES)
        == ""
    )


def test_the_sum_is_the_same_part_by_part(inputs, material, monkeypatch):
    phases = phases_of(inputs.comparison, inputs.working)
    whole, _ = merged(inputs, phases, [material])
    monkeypatch.setattr(materials, "PIXELS", 37)
    parts, _ = merged(inputs, phases, [material])
    xr.testing.assert_identical(parts, whole)


@pytest.mark.parametrize("n", [2, 3])
def test_a_material_of_all_components_is_said_and_not_added(inputs, n):
    phases = phases_of(inputs.comparison, inputs.working)[:n]
    everything = Material(phases=tuple(phases), edges=("Ru_M23",))
    figure, table = phase_blocks(inputs, phases, [everything])
    assert figure.controls[0].options == ("phases", "probability alone")
    assert len(table.rows) == n
    (text,) = said_of(inputs, phases, [everything])
    assert "These are all components of the image." in text
    assert "Together" not in text
