"""The page in a real browser: every plot drawn, controls that react, nothing from outside, print."""

import json
import time
from importlib.resources import files
from importlib.util import find_spec

import numpy as np
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


def settled(page):
    page.wait_for(READY)


def test_a_choice_of_an_edge_drives_all_figures_of_edges_and_no_other(page):
    before = drawn(page, "windows", "layout.xaxis.range")
    others = {name: drawn(page, name, "data[0].z[0]") for name in ("background-maps", "chi2")}
    choose(page, "windows", 0, 2)
    page.wait_for("document.querySelector('[data-plot=\"windows\"]').layout.xaxis.range[0] > 600")
    settled(page)
    assert drawn(page, "windows", "layout.xaxis.range") != before
    assert drawn(page, "background-maps", "data[0].z[0]") != others["background-maps"]
    assert drawn(page, "chi2", "data[0].z[0]") == others["chi2"]
    assert drawn(page, "element-maps", "data.length") == 6
    spectrum = "document.querySelector('#explorer-spectrum').layout.xaxis.range[0]"
    assert page.evaluate(spectrum) > 600
    choose(page, "element-maps", 0, 0)
    settled(page)
    assert drawn(page, "element-maps", "data.length") == 6 * len(EDGES)
    assert page.evaluate(spectrum) < 250


def spectrum(page, expression):
    return page.evaluate(f"document.querySelector('#explorer-spectrum').{expression}")


def pick(page, *corners):
    first, last = (f"{{x: {x}, y: {y}}}" for x, y in (corners[0], corners[-1]))
    page.evaluate(
        f"figuresOfPage.explorer.pick({first}, {last}, document.querySelector('#explorer-map')).then(() => 1)"
    )


def series(page, name, axis):
    """One line of the explorer: `axis` is y for spectra, y2 for residuals."""
    return np.array(
        spectrum(
            page,
            f"data.filter(trace => trace.name === '{name}' && (trace.yaxis || 'y') === '{axis}')"
            ".map(trace => Array.from(trace.y))[0]",
        )
    )


def test_a_pixel_shows_its_counts_its_background_and_each_reconstruction(page):
    made = report_arguments(methods=("nmf", "ica", "daeu"), failed=("daeu",))
    counts = made["stores"]["corrected"]["counts"]
    y, x = 4, 11
    pick(page, (float(counts.x[x]), float(counts.y[y])))
    assert "(1 pixel)" in page.evaluate("document.querySelector('#explorer-where').textContent")
    one = counts.isel(y=y, x=x).to_numpy().astype(float)
    np.testing.assert_array_equal(series(page, "measured", "y"), one)
    abundance = made["maps"]["nmf"]["abundance"].isel(y=y, x=x).to_numpy()
    model = abundance @ made["fits"]["nmf"]["endmember_spectrum"].to_numpy()
    np.testing.assert_allclose(series(page, "nmf", "y"), model, rtol=1e-3, atol=1e-3 * model.max())
    residual = (one - series(page, "nmf", "y")) / np.sqrt(np.maximum(model, 1))
    np.testing.assert_allclose(series(page, "nmf", "y2"), residual, atol=0.02)
    # What lies between counts and background in the window is what the stores call net counts.
    energy = counts.energy_loss.to_numpy()
    for edge, windows in EDGES.items():
        low, high = windows.integrate_eV
        inside = (energy >= low) & (energy <= high)
        lines = spectrum(
            page,
            "data.filter(trace => trace.name === 'BS background').map(trace => [trace.x, trace.y])",
        )
        ours = next(line for line in lines if line[0][0] <= low and line[0][-1] >= energy[inside][-1] - 0.01)
        background = np.interp(energy[inside], *ours).sum()
        expected = float(made["stores"]["bs"]["background_counts"].sel(edge=edge).isel(y=y, x=x))
        if abs(ours[0][-1] - high) < 4:
            assert background == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize(
    ("net", "sd", "more", "words"),
    [
        (90, 20, "", "Mn L23: seen, 90 ± 20 counts, 45 % of the peak of its map."),
        (50, 20, "", "Mn L23: not seen, 50 ± 20 counts: less than 82.9, 41 % of the peak of its map"),
        (-50, 20, "", "Mn L23: not seen, -50 ± 20 counts: less than 32.9, 16 % of the peak of its map"),
        (-90, 20, "", "Mn L23: not seen; limit about 90 counts, 45 % of the peak of its map:"),
        (
            90,
            20,
            "systematic: 30",
            "Mn L23: not seen, 90 ± 20 counts (noise), beside ±\u00a030 in all",
        ),
        (
            90,
            20,
            "offset: 35",
            "Mn L23: not seen, 90 ± 20 counts (noise), beside 35 ±\u00a00 in all",
        ),
        (-70, 20, "offset: -50", "Mn L23: not seen, -70 ± 20 counts (noise), beside -50 ±\u00a00 in all"),
        (90, 20, "failed: true", "Mn L23: BS failed, so no limit is known."),
    ],
)
def test_the_limit_of_an_edge_that_is_not_seen_is_95_percent_one_sided(page, net, sd, more, words):
    edge = f"{{name: 'Mn L23', peak: 200, sure: 3, one_sided: 1.645, systematic: 0, offset: 0, {more}}}"
    found = page.evaluate(f"sighting.inWords({edge}, {net}, {sd}, (one) => String(Number(one.toFixed(1))))")
    assert found.startswith(words)


def test_the_counts_of_an_area_come_with_the_deviation_of_their_mean(page):
    bs = report_arguments()["stores"]["bs"]
    corner = bs.isel(y=slice(0, 3), x=slice(0, 5))
    pick(page, (float(bs.x[0]), float(bs.y[0])), (float(bs.x[4]), float(bs.y[2])))
    cells = page.evaluate(
        "[...document.querySelectorAll('#explorer-counts tr:nth-child(1) td')].map(one => one.textContent)"
    )
    sentences = page.evaluate(
        "[...document.querySelectorAll('#explorer-seen li')].map(one => one.textContent)"
    )
    for place, edge in enumerate(EDGES):
        one = corner.sel(edge=edge)
        net, sd = (float(text.replace("−", "-").replace("\u202f", "")) for text in cells[place].split("±"))
        # The errors of pixels alone, as the local exponents of neighbours are not independent.
        expected = float(np.sqrt((one["independent_sd"] ** 2).sum()) / 15)
        assert net == pytest.approx(float(one["net_counts"].mean()), rel=0.02, abs=0.1 * expected)
        assert sd == pytest.approx(expected, rel=0.15)
        assert expected > 1.2 * float(np.sqrt((one["net_counts_sd"] ** 2).sum()) / 15)
        assert ("above noise" in sentences[place]) == (net > 3 * sd)
    page.evaluate("document.querySelector('#explorer-map').focus()")
    page.key("Escape")
    page.wait_for("document.querySelectorAll('#explorer-seen li').length === 1")  # of the whole image nothing


def test_an_area_shows_the_mean_of_its_pixels_by_pointer_and_by_keys(page):
    counts = report_arguments()["stores"]["corrected"]["counts"]
    page.evaluate(
        "document.querySelector('#explorer-map').scrollIntoView({block: 'center', behavior: 'instant'})"
    )
    settled(page)  # an earlier choice may still be drawn
    page.drag("#explorer-map .heatmaplayer image", (0.2, 0.2), (0.5, 0.6))
    rows, columns = slice(2, 8), slice(3, 9)
    page.wait_for(f"document.querySelector('#explorer-where').textContent.includes('({6 * 6} pixels)')")
    mean = counts.isel(y=rows, x=columns).mean(["y", "x"]).to_numpy()
    np.testing.assert_allclose(series(page, "measured", "y"), mean, rtol=1e-6)
    assert count(page, "#explorer-map .mark") == 1
    pick(page, (float(counts.x[3]), float(counts.y[2])))
    page.evaluate("document.querySelector('#explorer-map').focus()")
    for key, shift in (("ArrowRight", False), ("ArrowDown", False), ("ArrowRight", True)):
        page.key(key, shift=shift)
    mean = counts.isel(y=3, x=slice(4, 6)).mean("x").to_numpy()
    np.testing.assert_allclose(series(page, "measured", "y"), mean, rtol=1e-6)
    page.key("Escape")
    mean = counts.mean(["y", "x"]).to_numpy()
    np.testing.assert_allclose(series(page, "measured", "y"), mean, rtol=1e-6)


def test_a_click_on_any_map_brings_the_spectrum_and_marks_the_pixel(page):
    page.evaluate(
        "document.querySelector('#figure-chi2').scrollIntoView({block: 'center', behavior: 'instant'})"
    )
    page.wait_for("document.querySelector('#figure-chi2 .heatmaplayer image') !== null")
    page.drag("#figure-chi2 .heatmaplayer image", (0.5, 0.5), (0.5, 0.5))
    assert "(1 pixel)" in page.evaluate("document.querySelector('#explorer-where').textContent")
    assert count(page, "#explorer-panel.docked") == 1
    assert count(page, "#figure-chi2 .mark") == 2  # nmf and ica
    page.evaluate("document.querySelector('#explorer-close').click()")
    assert count(page, "#explorer-panel.docked") == 0
    # The maps of the first screen are pictures, and answer too.
    page.evaluate("scrollTo({top: 0, behavior: 'instant'})")
    page.drag("#answer .frame", (0.3, 0.6), (0.3, 0.6))
    page.wait_for("document.querySelector('#explorer-panel.docked') !== null")
    # The map that was clicked stays in view above the drawer.
    below = "document.querySelector('#answer .frame').getBoundingClientRect().bottom"
    page.wait_for("document.querySelector('#explorer-spectrum').clientHeight < 0.46 * innerHeight")
    assert page.evaluate(f"{below} < document.querySelector('#explorer-panel').getBoundingClientRect().top")
    counts = report_arguments()["stores"]["corrected"]["counts"]
    y, x = (int(part * counts.sizes[dim]) for part, dim in ((0.6, "y"), (0.3, "x")))
    np.testing.assert_array_equal(series(page, "measured", "y"), counts.isel(y=y, x=x).to_numpy())
    assert count(page, "#answer .mark") == count(page, "#answer .frame") > 1
    page.evaluate("document.querySelector('#explorer-close').click()")


HOLD = "window.held = []; window.requestIdleCallback = (work) => held.push(work);"
RELEASE = "(() => { delete window.requestIdleCallback; held.forEach((work) => work()); })()"


GREYS = (
    "(() => { const one = document.querySelector('[data-look=map]');"
    "one.selectedIndex = [...one.options].findIndex((option) => option.textContent === 'Greys');"
    "one.dispatchEvent(new Event('change', {bubbles: true})); })()"
)
FLAT = """(() => {
    const {data: [trace], layout} = early.shown(document.querySelector('#explorer-map'));
    window.flat = document.createElement('div');
    const z = trace.z.map((line) => Array.from(line, () => 7));
    early.draw(flat, [{...trace, z}], {...layout, coloraxis: {...layout.coloraxis, cmin: 7, cmax: 7}});
})()"""
LINES = """(() => {
    const {layout} = early.shown(document.querySelector('#explorer-spectrum'));
    window.lines = document.createElement('div');
    const line = {color: '#ff0000', width: 3};
    const shapes = [{type: 'rect', x0: 1.5, x1: 2.5, fillcolor: '#00ff00'}];
    const xaxis = {...layout.xaxis, range: [0, 5]};
    const yaxis = {...layout.yaxis, type: 'log', autorange: true};
    const x = [0, 1, 2, 3, 4, 5];
    early.draw(lines, [
        {x, y: [250, 0, NaN, 900, 900, 400], line: {...line, shape: 'hvh'}},
        {x, y: [-1, -1, NaN, NaN, 1, 1], yaxis: 'y2', line},
    ], {...layout, xaxis, yaxis, shapes, annotations: [], showlegend: false});
    const {xaxis: across, yaxis: up, yaxis2: below} = early.shown(lines).full;
    const place = (axis, x, y) => [across._offset + across.d2p(x), axis._offset + axis.d2p(y)];
    const at = (...places) => places.map(([x, y]) => place(up, x, y));
    const rows = Array.from({length: Math.floor(up._length) - 2}, (_, i) => up._offset + i + 1);
    return {
        line: at([0.25, 250], [0.5, 240], [4.25, 900], [4.5, 600], [4.75, 400]),
        none: at([4.25, 750], [2.8, 900], [0.75, 250]),
        window: at([1.7, 400], [2.2, 600], [2, 475]),
        zero: [place(below, 2.5, 0)],
        ticks: rows.map((row) => [across._offset - 2, row]),
    };
})()"""


def colours_at(page, canvas, places):
    """Red, green and blue of a canvas at places in px."""
    return page.evaluate(
        "(() => { const pen = document.createElement('canvas').getContext('2d', {willReadFrequently: true});"
        f"const image = {canvas}; Object.assign(pen.canvas, {{width: image.width, height: image.height}});"
        f"pen.drawImage(image, 0, 0); return {json.dumps(places)}.map((at) => at.map(Math.floor))"
        ".map(([x, y]) => Array.from(pen.getImageData(x, y, 1, 1).data).slice(0, 3)); })()"
    )


def check_early_map_of_one_value(page, place):
    page.evaluate(FLAT)
    assert colours_at(page, "flat.querySelector('canvas')", [place]) == [pytest.approx([128] * 3, abs=1)]


def check_early_lines(page):
    """Steps; a gap without a value; to the floor at zero; ticks within a decade; windows; no residual."""
    places = page.evaluate(LINES)
    seen = {name: colours_at(page, "lines.querySelector('canvas')", at) for name, at in places.items()}
    ticks = sum(one != [255] * 3 for one in seen.pop("ticks"))
    zero = page.evaluate("early.shown(lines).layout.yaxis2.zerolinecolor")
    assert seen == {
        "line": [[255, 0, 0]] * 5,
        "none": [[255] * 3] * 3,
        "window": [[0, 255, 0]] * 3,
        "zero": [list(bytes.fromhex(zero[1:]))],
    }
    assert ticks >= 3


def test_the_explorer_answers_before_the_library_runs_which_then_takes_its_place(tmp_path):
    arguments = report_arguments(methods=("nmf",))
    corrected = arguments["stores"]["corrected"]
    counts, total = corrected["counts"].to_numpy(), corrected["total_counts"].to_numpy()
    with Page(write_report(tmp_path / "page.html", **arguments), before=HOLD) as opened:
        opened.wait_for("document.querySelector('#explorer-spectrum canvas.early') !== null")
        opened.evaluate(
            "document.querySelector('#explorer-map').scrollIntoView({block: 'center', behavior: 'instant'})"
        )
        axes = "[xaxis._offset, xaxis._length, yaxis._offset, yaxis._length].map(Math.round)"
        early = "early.shown(document.querySelector('#explorer-map')).full"
        frame = opened.evaluate(f"(({{xaxis, yaxis}}) => {axes})({early})")
        canvas = "document.querySelector('#explorer-map canvas')"
        width, height = opened.evaluate(f"[{canvas}.width, {canvas}.height]")

        def place(row, column):
            left, across, top, down = frame
            return left + (column + 0.5) / 17 * across, top + (row + 0.5) / 13 * down

        ends = [place(*np.unravel_index(at, total.shape)) for at in (total.argmax(), total.argmin())]
        bright, dark = colours_at(opened, canvas, ends)
        assert bright[0] > 200 > 50 > dark[0]  # yellow and blue
        x, y = place(4, 11)
        opened.drag("#explorer-map canvas", *[(x / width, y / height)] * 2)
        assert "(1 pixel)" in opened.evaluate("document.querySelector('#explorer-where').textContent")
        shown = opened.evaluate(
            "Array.from(early.shown(document.querySelector('#explorer-spectrum')).data[0].y)"
        )
        np.testing.assert_array_equal(shown, counts[4, 11])
        assert count(opened, "#explorer-map .mark") == 1
        opened.evaluate(GREYS)
        assert colours_at(opened, canvas, ends) == [[255] * 3, [0] * 3]
        check_early_map_of_one_value(opened, place(4, 11))
        check_early_lines(opened)
        assert opened.evaluate("typeof Plotly") == "undefined"
        opened.evaluate(RELEASE)
        settled(opened)
        np.testing.assert_array_equal(series(opened, "measured", "y"), counts[4, 11])
        assert count(opened, "canvas.early") == 0
        late = "document.querySelector('#explorer-map')._fullLayout"
        assert opened.evaluate(f"(({{xaxis, yaxis}}) => {axes})({late})") == frame
        assert opened.evaluate(f"{late}.coloraxis.colorscale") == [[0, "#000000"], [1, "#ffffff"]]
        assert opened.problems == []


def test_a_pixel_is_redrawn_at_once(page):
    times = page.evaluate(
        "(async () => { const found = []; for (let i = 0; i < 7; i += 1) { const start = performance.now();"
        "await figuresOfPage.explorer.pick({x: 0.1 * i, y: 0.1}, {x: 0.1 * i, y: 0.1}, null);"
        "found.push(performance.now() - start); } return found; })()"
    )
    # 0.1 s on an idle machine; here other tests take the same cores.
    assert min(times) < 1000


def test_a_pixel_and_a_method_can_be_chosen_without_waiting(page):
    # Redraws that overlapped once started each other over for ever.
    for _ in range(2):
        page.evaluate(
            "(() => { figuresOfPage.explorer.pick({x: 0, y: 0.3}, {x: 0, y: 0.3}, null);"
            "document.querySelector('[data-toggle=\"nmf\"]').click(); })()"
        )
    settled(page)
    assert "nmf" in spectrum(page, "data.map(trace => trace.name).join()")
    assert page.problems == []


def test_zoom_stays_when_another_method_or_edge_is_chosen(page):
    plot = "document.querySelector('[data-plot=\"element-maps\"]')"
    page.evaluate(f"Plotly.relayout({plot}, {{'xaxis.range': [0.5, 1.2]}}).then(() => 1)")
    choose(page, "element-maps", 0, 1)
    settled(page)
    assert drawn(page, "element-maps", "_fullLayout.xaxis.range") == pytest.approx([0.5, 1.2])
    page.evaluate("document.querySelector('[data-toggle=\"ica\"]').click()")
    settled(page)
    assert drawn(page, "element-maps", "_fullLayout.xaxis.range") == pytest.approx([0.5, 1.2])
    page.evaluate("document.querySelector('[data-toggle=\"ica\"]').click()")
    page.evaluate(f"Plotly.relayout({plot}, {{'xaxis.autorange': true}}).then(() => 1)")
    choose(page, "element-maps", 0, 0)
    settled(page)


def test_hidden_methods_leave_no_holes_and_no_colour_bars(page):
    rows = drawn(page, "element-maps", "_fullLayout.height")
    bars = count(page, "[data-plot='element-maps'] .colorbar")
    page.evaluate("document.querySelector('[data-toggle=\"nmf\"]').click()")
    settled(page)
    assert drawn(page, "element-maps", "data.filter(trace => trace.type === 'heatmap').length") < 5 * len(
        EDGES
    )
    assert drawn(page, "chi2", "_fullLayout.xaxis2.domain[0]") == 0  # ica has taken the place of nmf
    assert drawn(page, "components", "_fullLayout.xaxis2.domain[0]") == 0
    assert drawn(page, "chi2", "_fullLayout.height") > 60
    assert count(page, "[data-plot='chi2'] .subplot") == 1
    page.evaluate("document.querySelector('[data-toggle=\"nmf\"]').click()")
    settled(page)
    assert drawn(page, "element-maps", "_fullLayout.height") == rows
    assert count(page, "[data-plot='element-maps'] .colorbar") == bars


def test_figures_leave_as_tables_under_telling_names(page):
    choose(page, "element-maps", 0, 3)
    settled(page)
    plot = "document.querySelector('[data-plot=\"element-maps\"]')"
    assert page.evaluate(f"exporting.fileName({plot}, new Set())") == "multilayer_Co_L23_element-maps"
    single = page.evaluate(f"exporting.fileName({plot}, new Set(['ica', 'daeu']))")
    assert single == "multilayer_Co_L23_element-maps_nmf"
    lines = page.evaluate(f"exporting.csv({plot})").split("\r\n")
    assert lines[0].startswith("x (nm),y (nm),truth (counts),material BS (counts),BS (counts),nmf (counts)")
    assert len(lines) == 1 + 13 * 17 + 1
    shown = report_arguments()["stores"]["bs"]["net_counts"].sel(edge="Co_L23")
    span = float(shown.max() - shown.min())
    assert float(lines[1].split(",")[4]) == pytest.approx(float(shown[0, 0]), abs=span / 8000)
    profile = page.evaluate("exporting.csv(document.querySelector('[data-plot=\"element-profiles\"]'))")
    assert profile.startswith("panel,series,position (nm),counts summed over the width")
    assert "Co L23,nmf," in profile
    titles = page.evaluate(
        f"[...{plot}.querySelectorAll('.modebar-btn')].map(button => button.dataset.title).join()"
    )
    for title in ("Download as PNG", "Download as SVG", "Download the numbers as CSV"):
        assert title in titles
    choose(page, "element-maps", 0, 0)
    settled(page)


def test_nothing_sticks_out_at_any_width(page):
    for width in (420, 1000, 1400):
        page.resize(width, 900)
        time.sleep(0.3)
        settled(page)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), width
    page.resize(1440, 900)
    time.sleep(0.3)
    settled(page)


def wear(page, ground):
    page.evaluate(
        f"(() => {{ const one = document.querySelector('[data-look=ground]'); one.value = '{ground}';"
        "one.dispatchEvent(new Event('change', {bubbles: true})); })()"
    )
    settled(page)


def test_dark_ground_reaches_plots_and_paper_stays_light(page):
    wear(page, "dark")
    assert drawn(page, "mean-spectrum", "_fullLayout.paper_bgcolor") == "#171a1f"
    many = "{data: Array(70).fill({line: {color: '#1b1f24'}}), layout: {}}"  # as profiles of many edges have
    assert page.evaluate(f"looks.dressed({many}, false).data[69].line.color") == "#e4e8ec"
    assert (
        page.evaluate("getComputedStyle(document.querySelector('section')).backgroundColor")
        == "rgb(23, 26, 31)"
    )
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert drawn(page, "mean-spectrum", "_fullLayout.paper_bgcolor") == "#ffffff"
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    wear(page, "light")


NAMELESS = """
[...document.querySelectorAll('button, select, input, a[href], [tabindex="0"], [role=group]')]
  .filter(one => !(one.getAttribute('aria-label') || one.textContent.trim() || (one.labels || []).length
    || one.closest('label') || one.dataset.title)).map(one => one.outerHTML)
"""


def test_everything_that_can_be_used_has_a_name_and_the_contents_can_be_reached_at_once(page):
    assert page.evaluate(NAMELESS) == []
    assert page.evaluate("document.querySelectorAll('[role=img] button, [role=img] [tabindex]').length") == 0
    assert page.evaluate("document.body.querySelector('a').getAttribute('href')") == "#page"
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(one => one.id)")
    own = [one for one in ids if not one.startswith(("clip", "g", "topdefs", "defs", "legend", "modebar"))]
    assert len(own) == len(set(own))


@pytest.mark.skipif(find_spec("axe_core_python") is None, reason="no axe: pip install -e .[dev]")
@pytest.mark.parametrize(("ground", "width"), [("light", 420), ("dark", 1440)])
def test_axe_finds_nothing_serious(page, ground, width):
    page.evaluate(files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8") + "; 1")
    page.resize(width, 900)
    wear(page, ground)
    time.sleep(0.3)
    settled(page)
    found = page.evaluate(
        # What is inside of plots are numbers, not controls, and thousands of nodes.
        "axe.run({exclude: [['.main-svg']]}, {resultTypes: ['violations']}).then(all => all.violations"
        ".filter(one => ['serious', 'critical'].includes(one.impact))"
        ".map(one => [one.id, one.nodes.map(node => node.html.slice(0, 120))]))"
    )
    wear(page, "light")
    page.resize(1440, 900)
    settled(page)
    assert found == []


def test_no_table_loses_a_column_on_paper(page):
    page.media("print")
    page.resize(703, 1000)  # A4 without its margins, in CSS px
    cut = page.evaluate(
        "[...document.querySelectorAll('.scroll')].filter(box => box.scrollWidth > box.clientWidth + 1)"
        ".map(box => box.textContent.trim().slice(0, 60))"
    )
    page.media("")
    page.resize(1440, 900)
    assert cut == []


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
    settled(page)  # whatever edge was chosen before
    assert drawn(page, "element-profiles", visible) == 3 * len(EDGES)  # lines, and both sides of their bands
    assert count(page, "tr[data-method='ica']:not([hidden])") > 5
    page.evaluate("document.querySelector('[data-toggle=\"ica\"]').click()")
    settled(page)  # what is out of view is redrawn when there is time
    assert drawn(page, "element-profiles", visible) == 0
    assert drawn(page, "spectrum-1", visible) == 0
    assert count(page, "tr[data-method='ica']:not([hidden])") == 0
    page.evaluate("document.querySelector('[data-toggle=\"ica\"]').click()")
    settled(page)
    assert drawn(page, "element-profiles", visible) == 3 * len(EDGES)  # lines, and both sides of their bands


def test_plots_follow_the_width_of_the_window(page):
    wide = drawn(page, "element-maps", "_fullLayout.width")
    page.resize(1280, 900)
    page.wait_for(f"document.querySelector('[data-plot=\"element-maps\"]')._fullLayout.width < {wide}")
    settled(page)
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
        # Of one method no plot is taller than a page: one is made so.
        opened.evaluate("page.ready.then(({figures}) => { figures.scree.variants[0].layout.height = 2000; })")
        opened.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        assert count(opened, "[data-plot]") == count(opened, "[data-plot] .main-svg:first-of-type")
        assert opened.evaluate("getComputedStyle(document.querySelector('.controls')).display") == "none"
        assert opened.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none"
        assert "Edge: Ru M23" in opened.evaluate(
            "document.querySelector('#figure-windows .shown').textContent"
        )
        assert opened.evaluate("document.querySelectorAll('details:not([open])').length") == 0
        # No plot is taller than what a page of A4 holds: 273 mm are 1031 px.
        heights = opened.evaluate(
            "[...document.querySelectorAll('.canvas')].map(e => e.getBoundingClientRect().height)"
        )
        assert 900 < max(heights) < 1000
        for part in ("map", "spectrum"):
            canvas = f"document.querySelector('#explorer-{part}')"
            assert opened.evaluate(f"getComputedStyle({canvas}).zoom") == "0.715"
            width = opened.evaluate(f"{canvas}.querySelector('.main-svg').getBoundingClientRect().width")
            assert 100 < width < 703  # A4 without its margins
    assert (tmp_path / "page.pdf").read_bytes()[:5] == b"%PDF-"


def test_a_slider_shows_each_frame_of_a_series_in_all_figures(tmp_path):
    arguments = report_arguments(methods=("nmf",), source="series")
    with Page(write_report(tmp_path / "page.html", **arguments)) as opened:
        settled(opened)
        opened.evaluate("document.querySelector('#figure-frames .slider input').focus()")
        opened.key("End")
        settled(opened)
        total = float(arguments["stores"]["corrected"]["total_counts"][2, 3, 4])
        assert drawn(opened, "frames", "data[0].z[3][4]") == pytest.approx(total, rel=0.01)
        said = "[...document.querySelectorAll('.slider output')].map(one => one.textContent)"
        assert opened.evaluate(said) == ["3 of 3", "3 of 3"]
        profile = arguments["stores"]["comparison"]["element_profile"].sel(label="BS").isel(edge=0, profile=0)
        shown = drawn(
            opened, "frame-profiles", "data.filter(one => one.name === 'BS').map(one => one.y[5])[0]"
        )
        assert shown == pytest.approx(float(profile.isel(frame=2)[5]), rel=1e-3)
        assert opened.problems == []


@pytest.mark.guarantee(36)
def test_hostile_names_stay_text(tmp_path):
    arguments = report_arguments(methods=("nmf", PAYLOAD), edges={PAYLOAD: EDGES["Ru_M45"]})
    arguments |= {"sample": PAYLOAD, "title": PAYLOAD, "settings": {PAYLOAD: PAYLOAD}}
    arguments["stores"]["raw"].attrs["metadata"] = {PAYLOAD: PAYLOAD}
    arguments["stores"]["comparison"].attrs["caveats"] = [PAYLOAD]
    with Page(write_report(tmp_path / "page.html", **arguments)) as opened:
        opened.wait_for(READY)
        assert opened.evaluate("typeof window.hacked") == "undefined"
        assert count(opened, "img:not([src^='data:image/png'])") == 0  # but for maps of our own
        # plotly reads tags in the names of lines: those of the user arrive as text.
        assert spectrum(opened, "data.filter(trace => trace.name.includes('<')).length") == 0
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


@pytest.mark.parametrize("block", ["packed-data", "packed-plotly"])
def test_a_damaged_page_says_so_and_blames_no_browser(tmp_path, block):
    path = write_report(tmp_path / "page.html", **report_arguments(methods=("nmf",)))
    before, mark, after = path.read_text(encoding="utf-8").partition(f'id="{block}"')
    path.write_text(before + mark + after[:3000] + after[3500:], encoding="utf-8")
    with Page(path) as opened:
        opened.wait_for("document.querySelector('main header + .notice') !== null")
        said = opened.evaluate("document.querySelector('main header + .notice').textContent")
        assert said.startswith("This page is damaged")
        assert count(opened, ".js-plotly-plot") == 0
