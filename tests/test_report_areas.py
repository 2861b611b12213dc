"""What background subtraction sees in an area: the same rules in Python and in the explorer of a page."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from eelsunmix.report import phases
from eelsunmix.report.areas import Sighting, deviations_of_areas, sighting
from eelsunmix.report.figures.phases import Phase
from eelsunmix.report.phases import _alike, _in_words, phase_blocks
from eelsunmix.report.systematics import systematic_counts
from test_report_facts import inputs_of
from tiny_run import EDGES as EDGES_OF_RUN

EDGES = list(EDGES_OF_RUN)


@pytest.fixture
def one():
    """Net counts of an edge whose neighbours share half of the variance; one pixel without sample."""
    rng = np.random.default_rng(3)
    sd = rng.uniform(5, 9, (4, 7))
    sd[0, 0] = np.nan
    parts = {
        "net_counts": rng.normal(40, 8, (4, 7)),
        "net_counts_sd": sd,
        "independent_sd": sd * np.sqrt(0.5),
    }
    maps = {name: (("y", "x"), values) for name, values in parts.items()}
    return xr.Dataset(maps | {"common_sd": (("y", "x"), np.full((4, 7), 0.6))})


def test_an_area_is_judged_by_the_mean_of_its_pixels_that_are_known(one):
    area = np.zeros((4, 7), dtype=bool)
    area[:2, :3] = True
    known = area & one["net_counts_sd"].notnull().to_numpy()
    found = sighting(one, area)
    assert found.net == pytest.approx(float(one["net_counts"].to_numpy()[known].mean()))
    independent = np.sqrt((one["independent_sd"].to_numpy()[known] ** 2).sum()) / 5
    # The part that pixels have for themselves is that of the whole map, here the same in each pixel.
    assert found.sd == pytest.approx(np.hypot(independent, 0.6))
    assert deviations_of_areas(one) == pytest.approx((np.sqrt(0.5), 0.6))


def test_a_single_pixel_has_its_own_deviation_and_none_has_nothing(one):
    area = np.zeros((4, 7), dtype=bool)
    assert np.isnan(sighting(one, area).sd)
    area[2, 5] = True
    assert sighting(one, area).sd == pytest.approx(float(one["net_counts_sd"][2, 5]))


@pytest.mark.parametrize(
    ("net", "sd", "peak", "words"),
    [
        (90, 20, 200, ("45 %", "90 ± 20 counts")),
        (12_345, 20, 0, ("12\u202f345 ± 20 counts",) * 2),
        (50, 20, 200, ("not seen", "< 41 %")),
        (-50, 20, 200, ("not seen", "< 16 %")),
        (-50, 20, 0, ("not seen", "< 33 counts")),
        (-90, 20, 200, ("not seen", "limit 45 %: BS biased")),
        (np.nan, np.nan, 200, ("–", "no pixel")),
    ],
)
def test_counts_or_their_limit_are_said_as_the_explorer_does(net, sd, peak, words):
    assert _in_words(Sighting(net=net, sd=sd, peak=peak)) == words


def test_the_table_has_the_counts_of_each_edge_in_the_pixels_of_each_component(monkeypatch):
    inputs = inputs_of(methods=("vca",))
    table = phase_blocks(inputs)[2]
    assert table.columns[1:] == tuple(edge.replace("_", " ") for edge in EDGES)
    phase = inputs.comparison["phase"]
    for row, (name, *cells) in enumerate(one.cells for one in table.rows):
        assert name.text
        for edge, cell in zip(EDGES, cells, strict=True):
            bias = systematic_counts(inputs, edge)
            found = sighting(inputs.bs.sel(edge=edge), (phase == row).to_numpy(), bias)
            assert (cell.text, cell.note) == _in_words(found)
    # An edge that BS failed at has no counts, and no order of axes changes others.
    monkeypatch.setattr(phases, "reference_problems", lambda bs: {EDGES[0]: "its background"})
    turned = replace(inputs, bs=inputs.bs.transpose(..., "x", "y"))
    for old, new in zip(table.rows, phase_blocks(turned)[2].rows, strict=True):
        assert (new.cells[1].text, new.cells[1].note) == ("–", "BS failed")
        assert new.cells[2:] == old.cells[2:]


def test_a_page_without_edges_has_no_such_table():
    assert len(phase_blocks(inputs_of(methods=("vca",), edges={}, truth=False))) == 2


def test_what_is_added_to_every_pixel_is_not_averaged_away():
    clear = Sighting(net=90.0, sd=20.0, peak=200.0)
    assert clear.is_seen
    biased = replace(clear, systematic=30.0)
    assert not biased.is_seen
    assert biased.limit == pytest.approx(90 + 1.645 * np.hypot(20, 30))


def test_a_fixed_pattern_and_a_biased_background_are_known_of_an_edge():
    inputs, edge = inputs_of(methods=("vca",)), EDGES[0]
    inputs.bs["off_region_mean"].loc[{"edge": edge}] = -7.0
    inputs.bs["off_region_sd"].loc[{"edge": edge}] = 3.0
    assert systematic_counts(inputs, edge) == 0  # as chance may have it
    inputs.bs["off_region_sd"].loc[{"edge": edge}] = 2.0
    assert systematic_counts(inputs, edge) == 7.0
    inputs.corrected.attrs["corrections"] = [{"step": "dark", "disturbed_percent": {edge: 40.0}}]
    mean = float(inputs.comparison["element_map"].sel(label="BS", edge=edge).mean())
    assert systematic_counts(inputs, edge) == pytest.approx(max(7.0, 0.4 * abs(mean)))


def test_components_that_show_the_same_edges_are_named():
    seen, none = Sighting(net=90.0, sd=2.0, peak=200.0), Sighting(net=1.0, sd=2.0, peak=200.0)
    phases = [Phase(number, f"{number + 1} · x", "#000000") for number in range(4)]
    found = {"Ti_L23": [seen, none, seen, none], "O_K": [seen, seen, seen, none]}
    (text,) = _alike(found, phases)
    assert text.startswith("1 · x and 3 · x show the same edges (Ti L23 and O K)")
