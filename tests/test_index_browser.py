"""The page of all samples in a real browser: sorted and narrowed, by keys too, at any width, in the dark."""

import pytest

from browser import CHROMIUM, Page
from eelsunmix.report.index import Missing, write_index
from test_index import kinds, written  # noqa: F401 - a fixture

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: install the package 'chromium'"),
]
ORDER = (
    "[...document.querySelectorAll('#samples tbody tr')].filter(row => !row.hidden)"
    ".map(row => row.id.slice(7))"
)


@pytest.fixture(scope="module")
def page(tmp_path_factory, kinds):  # noqa: F811
    folder = tmp_path_factory.mktemp("index")
    missing = [Missing(sample="Z-failed", reason="fit_vca failed: " + "a long reason " * 12)]
    path = write_index(folder / "reports" / "index.html", written(folder, kinds, 12), missing=missing)
    with Page(path, width=1400) as opened:
        opened.wait_for("document.body.dataset.live === ''")
        yield opened


def head(key):
    return f"document.querySelector('#samples [data-key={key}]')"


def test_headings_sort_and_what_is_not_known_comes_last(page):
    page.evaluate(f"{head('counts_per_pixel')}.querySelector('button').click()")
    counts = {f"S{i:02d}": 7 * i % 11 for i in range(12)}
    rising = sorted(counts, key=counts.get)
    found = page.evaluate(ORDER)
    assert [counts[name] for name in found[:-1]] == [counts[name] for name in rising]
    assert found[-1] == "Z-failed"
    assert page.evaluate(f"{head('counts_per_pixel')}.getAttribute('aria-sort')") == "ascending"
    # The same by keys: the button has the focus.
    page.evaluate(f"{head('counts_per_pixel')}.querySelector('button').focus()")
    page.key("Enter")
    assert page.evaluate(f"{head('counts_per_pixel')}.getAttribute('aria-sort')") == "descending"
    found = page.evaluate(ORDER)
    assert [counts[name] for name in found[:-1]] == [counts[name] for name in reversed(rising)]
    assert found[-1] == "Z-failed"
    page.evaluate(f"{head('light')}.querySelector('button').click()")
    assert page.evaluate(ORDER)[0] == "Z-failed"
    assert page.evaluate("document.querySelectorAll('#samples [aria-sort]').length") == 1
    assert "sorted by light, ascending" in page.evaluate("document.getElementById('state').textContent")


def test_words_and_lights_narrow_the_table(page):
    def narrow(words, light):
        page.evaluate(
            "(() => { const [find, only] = ['find', 'only'].map(id => document.getElementById(id));"
            f"find.value = '{words}'; only.value = '{light}'; find.dispatchEvent(new Event('input')); }})()"
        )
        return sorted(page.evaluate(ORDER))

    assert narrow("ru NMF", "") == ["S00", "S03", "S06", "S09"]
    assert narrow("", "failed") == ["Z-failed"]
    assert "1 of 13 samples" in page.evaluate("document.getElementById('state').textContent")
    assert narrow("nowhere", "") == []
    assert page.evaluate("document.getElementById('none').hidden") is False
    assert len(narrow("", "")) == 13


def test_nothing_sticks_out_at_any_width_or_on_paper(page):
    outside = (
        "[...document.querySelectorAll('main *')].filter(one => one.getClientRects().length &&"
        " one.getBoundingClientRect().right > document.documentElement.clientWidth + 1)"
        ".map(one => one.outerHTML.slice(0, 80))"
    )
    for width in (1400, 1000, 420):
        page.resize(width, 900)
        assert page.evaluate(outside) == [], width
    page.media("print")
    page.resize(700, 900)
    assert page.evaluate(outside) == []
    assert page.evaluate("getComputedStyle(document.querySelector('.tools')).display") == "none"
    page.media("")
    page.resize(1400, 900)


def test_dark_ground_is_dark_and_readable(page):
    choose_ground(page, "dark")
    colours = page.evaluate(
        "[document.body, ...document.querySelectorAll('#samples .light')].map(one => {"
        " const style = getComputedStyle(one); return [style.color, style.backgroundColor]; })"
    )
    choose_ground(page, "light")
    for front, back in colours:
        assert contrast(front, back) > 4.5, (front, back)


def choose_ground(page, name):
    page.evaluate(
        "(() => { const ground = document.getElementById('ground');"
        f"ground.value = '{name}'; ground.dispatchEvent(new Event('change')); }})()"
    )


def contrast(one, other):
    bright, dark = sorted(map(luminance, (one, other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def luminance(colour):
    parts = [int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_it_has_the_structure_that_screen_readers_read_and_asks_for_nothing(page):
    assert page.problems == []
    assert page.requests == []
    assert page.evaluate("document.querySelector('#samples caption').textContent.length") > 20
    assert page.evaluate("document.querySelectorAll('#samples thead th:not([scope=col])').length") == 0
    assert page.evaluate("document.querySelectorAll('#samples tbody th:not([scope=row])').length") == 0
    unnamed = (
        "[...document.querySelectorAll('button, input, select, a')]"
        ".filter(one => !(one.textContent.trim() || one.labels?.length))"
    )
    assert page.evaluate(f"{unnamed}.length") == 0
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(one => one.id)")
    assert len(ids) == len(set(ids))
