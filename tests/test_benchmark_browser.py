"""The page of the benchmark in a real browser: every plot drawn, controls that react, no request outside."""

import numpy as np
import pytest

from benchmark_runs import made_up_results
from browser import CHROMIUM, Page
from eelsunmix.benchmark.page.page import write_benchmark_report

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: install the package 'chromium'"),
]
READY = "document.documentElement.dataset.ready === 'true'"


@pytest.fixture(scope="module")
def results():
    return made_up_results(failed=("daeu_published",), peers=True)


@pytest.fixture(scope="module")
def page(tmp_path_factory, results):
    path = tmp_path_factory.mktemp("page") / "benchmark.html"
    write_benchmark_report(path, results, settings={"n_replicates": 4})
    with Page(path) as opened:
        opened.wait_for(READY)
        yield opened


def plot(figure, expression):
    return f"document.querySelector('[data-plot=\"{figure}\"]').{expression}"


def choose(page, figure, control, option):
    page.evaluate(
        f'document.querySelectorAll(\'[data-figure="{figure}"][data-control="{control}"]\')[{option}].click()'
    )


def test_every_plot_is_drawn_without_a_problem(page):
    plots = "[...document.querySelectorAll('[data-plot]')]"
    assert page.evaluate(f"{plots}.length") == 8
    assert page.evaluate(f"{plots}.filter(plot => !plot.querySelector('.main-svg')).length") == 0
    assert page.problems == []
    assert page.requests == []


def test_errors_are_on_a_logarithmic_axis_with_all_methods(page, results):
    figure = "errors-maps-ru3"
    assert page.evaluate(plot(figure, "_fullLayout.yaxis.type")) == "log"
    titles = page.evaluate(plot(figure, "_fullLayout.xaxis.ticktext"))
    assert titles == ["BS", "NMF", "ICA", "VCA", "BLU", "uDAS", "DAEU", "MTAEU", "CNNAEU"]
    # Oracle, limit and every label in each of the three panels.
    assert page.evaluate(plot(figure, "data.length")) == 3 * (2 + len(results.labels))
    names = page.evaluate(plot(figure, "data.filter(t => t.showlegend).map(t => t.name)"))
    assert names == ["oracle", "Cramér-Rao limit", "published", "eels", "HyperSpy"]


def test_points_are_means_of_the_chosen_dose_and_measure(page, results):
    figure = "errors-spectra-k4"
    find = "data.filter(t => t.meta && t.meta.method === 'vca')[1].y[0]"
    for measure, score in enumerate(("sad", "sad_whitened")):
        choose(page, figure, 0, measure)
        for dose, counts in enumerate((1000.0, 100.0, 10_000.0)):
            choose(page, figure, 1, dose)
            expected = float(results.values(("k4", counts), "vca", score)[:, 1].mean())
            page.wait_for(f"Math.abs({plot(figure, find)} / {expected} - 1) < 1e-5")
    choose(page, figure, 0, 0)


def test_a_method_can_be_hidden_everywhere(page):
    toggle = "document.querySelector('[data-toggle=\"vca\"]').click()"
    shown = "data.filter(t => t.meta && t.meta.method === 'vca' && t.visible !== false).length"
    page.evaluate(toggle)
    page.wait_for(f"{plot('errors-maps-ru3', shown)} === 0")
    assert page.evaluate("[...document.querySelectorAll('tr[data-method=\"vca\"]')].every(row => row.hidden)")
    page.evaluate(toggle)
    page.wait_for(f"{plot('errors-maps-ru3', shown)} === 3")


def test_maps_show_all_rows(page, results):
    tiles = page.evaluate(plot("maps-ru3", "data.filter(t => t.type === 'heatmap').length"))
    with_maps = [
        label for label in results.labels if results.shown_map(("ru3", 1000.0), label, 0) is not None
    ]
    # The truth stands on both sides.
    assert tiles == 3 * (len(with_maps) + 2)
    assert "daeu_published" not in with_maps
    truth = results.get(("ru3", 1000.0), "oracle")["abundance"].isel(endmember=0).values
    shown = page.evaluate(plot("maps-ru3", "data[0].z.map(row => Array.from(row))"))
    # The oracle's map is scaled by one; stored in 4095 steps.
    np.testing.assert_allclose(shown, truth, atol=0.5 / 4095 + 1e-6)


@pytest.mark.parametrize("width", [900, 1440])
def test_nothing_is_wider_than_the_page(page, width):
    page.resize(width, 900)
    page.wait_for("document.documentElement.scrollWidth <= window.innerWidth")
    page.resize(1440, 900)
