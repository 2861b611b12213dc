"""The page in a real browser: every plot drawn, controls that react, nothing from outside, print."""

import pytest

from browser import CHROMIUM, Page
from eelsunmix.report import write_report
from tiny_run import EDGES, report_arguments

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: install the package 'chromium'"),
]
READY = "document.documentElement.dataset.ready === 'true'"
PAYLOAD = "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 2'>"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    arguments = report_arguments(methods=("nmf", "ica", "daeu"), failed=("daeu",))
    path = write_report(tmp_path_factory.mktemp("page") / "multilayer.html", **arguments)
    with Page(path) as opened:
        opened.wait_for(READY)
        yield opened


def count(page, selector):
    return page.evaluate(f"document.querySelectorAll({selector!r}).length")


def choose(page, figure, control, option):
    page.evaluate(
        f'document.querySelectorAll(\'[data-figure="{figure}"][data-control="{control}"]\')[{option}].click()'
    )


def drawn(page, figure, expression):
    return page.evaluate(f"document.querySelector('[data-plot=\"{figure}\"]').{expression}")


def test_every_plot_is_drawn_without_a_problem(page):
    plots = count(page, "[data-plot]")
    assert plots >= 16
    plot = "[...document.querySelectorAll('[data-plot]')]"
    assert page.evaluate(f"{plot}.filter(plot => !plot.querySelector('.main-svg')).length") == 0
    # Each line, map and bar of each plot has left something on the page.
    marks = "'.heatmaplayer image, .trace path, .points path'"
    empty = page.evaluate(
        f"{plot}.filter(plot => plot.querySelectorAll({marks}).length < plot.data.length / 2)"
        ".map(plot => plot.dataset.plot)"
    )
    assert empty == []
    assert page.problems == []
    assert page.requests == []


def test_maps_have_square_pixels(page):
    frame = drawn(
        page, "total-counts", "querySelector('.heatmaplayer image').getBoundingClientRect().toJSON()"
    )
    # 13 x 17 pixels; the browser rounds to whole px.
    assert frame["height"] / frame["width"] == pytest.approx(13 / 17, rel=0.02)


def test_a_selector_changes_its_figure_and_no_other(page):
    before = drawn(page, "windows", "layout.xaxis.range")
    others = drawn(page, "background-maps", "data[0].z[0]")
    choose(page, "windows", 0, 2)
    page.wait_for("document.querySelector('[data-plot=\"windows\"]').layout.xaxis.range[0] > 600")
    assert drawn(page, "windows", "layout.xaxis.range") != before
    assert drawn(page, "background-maps", "data[0].z[0]") == others


def test_logarithmic_axis(page):
    assert drawn(page, "mean-spectrum", "_fullLayout.yaxis.type") == "linear"
    choose(page, "mean-spectrum", 0, 1)
    page.wait_for("document.querySelector('[data-plot=\"mean-spectrum\"]')._fullLayout.yaxis.type === 'log'")


def test_one_edge_of_the_map_grid(page):
    tiles = drawn(page, "element-maps", "data.length")
    assert tiles == len(EDGES) * 6
    choose(page, "element-maps", 0, 1)
    page.wait_for("document.querySelector('[data-plot=\"element-maps\"]').data.length === 6")
    choose(page, "element-maps", 1, 4)
    page.wait_for("document.querySelector('[data-plot=\"element-maps\"]').layout.coloraxis.cmax < 5")
    choose(page, "element-maps", 0, 0)
    choose(page, "element-maps", 1, 0)


def test_the_map_grid_takes_the_room_of_the_edges_that_are_chosen(page):
    rooms = []
    for option in (0, 1, 0):
        choose(page, "element-maps", 0, option)
        tiles = 6 if option else 6 * len(EDGES)
        page.wait_for(f"document.querySelector('[data-plot=\"element-maps\"]').data.length === {tiles}")
        sides = [drawn(page, "element-maps", f"_fullLayout.{name}.r") for name in ("margin", "_size")]
        assert sides[1] == pytest.approx(sides[0], abs=1)
        rooms.append(sides[0])
    assert rooms[0] != rooms[1]


def test_a_method_can_be_hidden_everywhere(page):
    visible = (
        "data.filter(trace => trace.meta && trace.meta.method === 'ica' && trace.visible !== false).length"
    )
    assert drawn(page, "element-profiles", visible) == 3 * len(EDGES)  # lines, and both sides of their bands
    assert count(page, "tr[data-method='ica']:not([hidden])") > 5
    page.evaluate("document.querySelector('[data-toggle=\"ica\"]').click()")
    assert drawn(page, "element-profiles", visible) == 0
    assert drawn(page, "spectra", visible) == 0
    assert count(page, "tr[data-method='ica']:not([hidden])") == 0
    page.evaluate("document.querySelector('[data-toggle=\"ica\"]').click()")
    assert drawn(page, "element-profiles", visible) == 3 * len(EDGES)  # lines, and both sides of their bands


def test_plots_follow_the_width_of_the_window(page):
    wide = drawn(page, "element-maps", "_fullLayout.width")
    page.resize(1280, 900)
    page.wait_for(f"document.querySelector('[data-plot=\"element-maps\"]')._fullLayout.width < {wide}")
    # Nothing sticks out of the page.
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.resize(1440, 900)
    page.wait_for(f"document.querySelector('[data-plot=\"element-maps\"]')._fullLayout.width === {wide}")


def test_print_holds_all_plots_and_no_controls(tmp_path):
    # Printed before the reader has scrolled anywhere.
    path = write_report(tmp_path / "page.html", **report_arguments(methods=("nmf",)))
    with Page(path) as opened:
        opened.pdf(tmp_path / "page.pdf")
        assert opened.problems == []
        opened.wait_for(READY)
        opened.media("print")
        opened.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        assert count(opened, "[data-plot]") == count(opened, ".main-svg:first-of-type")
        assert opened.evaluate("getComputedStyle(document.querySelector('.controls')).display") == "none"
        assert opened.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none"
        assert "Edge: Ru M23" in opened.evaluate(
            "document.querySelector('#figure-windows .shown').textContent"
        )
        assert opened.evaluate("document.querySelectorAll('details:not([open])').length") == 0
    assert (tmp_path / "page.pdf").read_bytes()[:5] == b"%PDF-"


@pytest.mark.guarantee(36)
def test_hostile_names_stay_text(tmp_path):
    arguments = report_arguments(methods=("nmf", PAYLOAD), edges={PAYLOAD: EDGES["Ru_M45"]})
    arguments |= {"sample": PAYLOAD, "title": PAYLOAD, "settings": {PAYLOAD: PAYLOAD}}
    arguments["stores"]["raw"].attrs["metadata"] = {PAYLOAD: PAYLOAD}
    arguments["stores"]["comparison"].attrs["caveats"] = [PAYLOAD]
    with Page(write_report(tmp_path / "page.html", **arguments)) as opened:
        opened.wait_for(READY)
        assert opened.evaluate("typeof window.hacked") == "undefined"
        assert count(opened, "img") == 0
        assert opened.evaluate("document.querySelector('h1').textContent") == PAYLOAD
        assert opened.problems == []
        assert opened.requests == []


@pytest.mark.guarantee(36)
def test_the_policy_stops_a_foreign_script(tmp_path):
    # The negative control: without it, "no violation" would say nothing.
    path = write_report(tmp_path / "page.html", **report_arguments(methods=("nmf",)))
    text = path.read_text(encoding="utf-8").replace(
        "</main>", "</main><script>window.hacked = 1</script><img src='http://example.invalid/x.png'>", 1
    )
    path.write_text(text, encoding="utf-8")
    with Page(path) as opened:
        opened.wait_for(READY)
        assert opened.evaluate("typeof window.hacked") == "undefined"
        assert any("Content Security Policy" in problem for problem in opened.problems)
