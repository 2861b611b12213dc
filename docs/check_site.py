"""Check a built site: ``python docs/check_site.py docs/_build/html``.

No page loads anything from outside, every internal link has its page and its anchor, every tutorial shows
figures, and the search, tried in Chromium where there is one, finds pages without a server.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {"src", "srcset", "data", "poster", "action"}
"""Attributes whose address a browser loads; `href` counts where it is not that of a link to click."""
IN_STYLES = re.compile(r"url\(\s*['\"]?([^'\")]+)|@import\s+['\"]([^'\"]+)")
SEARCHED, FOUND = "offset", "2-two-traps.html"
NOT_EXECUTED = "could not be had when this page was built"


class Page(HTMLParser):
    """What a page loads, what it links to, and the anchors that it has."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.text = path.read_text(encoding="utf-8")
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Sort the attributes of an element."""
        for name, value in attrs:
            if name == "id" and value:
                self.anchors.add(value)
            elif name in LOADED and value:
                self.loaded.append(value)
            elif name == "href" and value:
                (self.links if tag in ("a", "area") else self.loaded).append(value)


def main(site: Path) -> int:
    """Return 1 and name what is wrong, or 0."""
    pages = {path: Page(path) for path in sorted(site.rglob("*.html"))}
    problems = [*from_outside(site, pages), *broken(site, pages), *without_figures(site, pages)]
    problems += [] if pages else [f"{site} has no page"]
    browser = shutil.which("chromium")
    if browser:
        problems += search_fails(site, browser)
    for problem in problems:
        sys.stderr.write(f"{problem}\n")
    searched = "the search finds" if browser else "NO CHROMIUM: search not tried"
    sys.stdout.write(f"{len(pages)} pages, {len(problems)} problems; {searched}: {site / 'index.html'}\n")
    return 1 if problems else 0


def from_outside(site: Path, pages: dict[Path, Page]) -> Iterator[str]:
    """Name what pages and styles load from elsewhere."""
    for path, page in pages.items():
        for address in page.loaded:
            if _is_outside(address):
                yield f"{path.relative_to(site)}: loads {address}"
    for path in site.rglob("*.css"):
        for found in IN_STYLES.findall(path.read_text(encoding="utf-8")):
            if _is_outside("".join(found)):
                yield f"{path.relative_to(site)}: loads {''.join(found)}"


def _is_outside(address: str) -> bool:
    return bool(urlsplit(address).netloc) or urlsplit(address).scheme in ("http", "https")


def broken(site: Path, pages: dict[Path, Page]) -> Iterator[str]:
    """Name internal links without their page, file or anchor."""
    for path, page in pages.items():
        for address in {*page.links, *page.loaded}:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path.resolve()
            known = pages.get(site / target.relative_to(site.resolve()))
            if not target.exists():
                yield f"{path.relative_to(site)}: {address} does not exist"
            elif parts.fragment and known and unquote(parts.fragment) not in known.anchors:
                yield f"{path.relative_to(site)}: {address} has no such anchor"


def without_figures(site: Path, pages: dict[Path, Page]) -> Iterator[str]:
    """Name tutorials that were executed and show no figure."""
    for path in sorted((site / "tutorials").glob("[0-9]*.html")):
        if NOT_EXECUTED not in pages[path].text and not re.search(
            r'<img [^>]*src="[^"]+\.png"', pages[path].text
        ):
            yield f"{path.relative_to(site)}: shows no figure"


def search_fails(site: Path, browser: str) -> list[str]:
    """Search as somebody does who has unpacked the site on a stick."""
    with tempfile.TemporaryDirectory() as profile:
        command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        command += [f"--user-data-dir={profile}", "--virtual-time-budget=10000", "--dump-dom"]
        command += [f"file://{site.resolve()}/search.html?q={SEARCHED}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)  # noqa: S603
    return [] if FOUND in done.stdout else [f"search.html: {SEARCHED} does not find {FOUND}"]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
