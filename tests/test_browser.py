"""The driver of the browser: a page that hangs is an error in time, and no browser is left."""

import time

import pytest

import browser
from browser import CHROMIUM, Page

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: install the package 'chromium'"),
]


def test_a_page_that_hangs_is_an_error_in_time(tmp_path, monkeypatch):
    path = tmp_path / "page.html"
    path.write_text("<!DOCTYPE html><title>t</title>")
    with Page(path) as page:
        assert page.evaluate("document.title") == "t"
        monkeypatch.setattr(browser, "SECONDS", 1)
        start = time.monotonic()
        with pytest.raises(AssertionError, match="no answer in 1 s"):
            page.evaluate("(() => { for (;;); })()")
        assert time.monotonic() - start < 20
    assert page._process.poll() is not None
