"""Lines and maps of any length make a page of bounded size."""

import numpy as np
import pytest
import xarray as xr

from eelsunmix.report.content import Figure, Section
from eelsunmix.report.figures.mapview import view_of
from eelsunmix.report.figures.thinning import MOST_POINTS, envelope, thinned
from eelsunmix.report.page import page_text


def figure(n_points, **options):
    x = np.arange(n_points, dtype=float)
    y = np.sin(x / 1e4)
    y[n_points // 3], y[n_points // 2] = 50.0, -70.0
    trace = {"type": "scatter", "x": x, "y": y, "name": "a", **options}
    return Figure(name="f", caption="Counts.", variants={(): {"data": [trace], "layout": {}}})


def test_a_spike_of_one_point_stays_where_it_is():
    found = thinned(figure(1_000_003))
    trace = found.variants[()]["data"][0]
    assert trace["x"].size == trace["y"].size <= MOST_POINTS
    assert trace["x"][trace["y"].argmax()] == 1_000_003 // 3
    assert trace["x"][trace["y"].argmin()] == 1_000_003 // 2
    assert np.all(np.diff(trace["x"]) >= 0)
    assert "Of the 1000003 points of a line, the lowest and the highest of every 463" in found.caption


def test_short_lines_stay_as_they_are():
    short = figure(MOST_POINTS)
    assert thinned(short) is short


def test_gaps_stay_gaps():
    values = np.full(5 * MOST_POINTS, np.nan)
    values[7] = 1.0
    shown = values[envelope(values)]
    assert np.isfinite(shown).sum() == 2
    assert np.isnan(shown[2:]).all()


def test_what_belongs_to_the_points_is_thinned_with_them():
    custom = np.arange(20_000.0)
    trace = thinned(figure(20_000, customdata=custom, line={"width": 1})).variants[()]["data"][0]
    np.testing.assert_array_equal(trace["customdata"], trace["x"])
    assert trace["line"] == {"width": 1}


def test_a_page_of_a_line_of_a_million_points_is_small():
    lines = [figure(10**6).variants[()]["data"][0] | {"y": np.random.default_rng(i).normal(size=10**6)}
             for i in range(9)]  # fmt: skip
    block = Figure(name="f", caption="Counts.", variants={(): {"data": lines, "layout": {}}})
    text = page_text([Section(name="s", title="S", blocks=(block,))], title="t", name="n", facts=[])
    assert len(text) < 8_000_000
    assert "of a line, the lowest and the highest" in text


@pytest.mark.parametrize("shape", [(1, 10**6), (10**6, 1), (3, 400_000), (1000, 1100)])
def test_maps_of_any_shape_keep_to_their_budget(shape):
    example = xr.DataArray(np.zeros(shape, np.float32), dims=("y", "x"))
    view = view_of(example, n_maps=70, budget=2_600_000)
    shown = view.image(example)
    assert 70 * shown.size < 1.1 * 2_600_000
    assert f"{view.factor} × {view.factor} pixels are averaged" in view.remark
