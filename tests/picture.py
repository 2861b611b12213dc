"""``docs/report.png``, the picture of the README: the first screen of a page; ``make picture`` takes it anew.

    python tests/picture.py reports/multilayer.html docs/report.png

In the picture stands a digest of what first screens show, of their layout and their looks, without numbers;
`test_picture.py` compares it with the screens of today.
"""

import hashlib
import re
import struct
import sys
import zlib
from importlib.resources import files
from pathlib import Path

from browser import Page
from eelsunmix.report.first.screen import gathered
from eelsunmix.report.inputs import Inputs
from tiny_run import report_arguments

PICTURE = Path(__file__).parents[1] / "docs" / "report.png"
KEY = b"eelsunmix first screen"
WIDTH = 1200
_BEGIN, _END = b"\x89PNG\r\n\x1a\n", b"\x00\x00\x00\x00IEND"
_PLACE = """(() => {
  const box = (one) => document.querySelector(one).getBoundingClientRect();
  const [title, answer] = [box("main h1"), box("#answer")];
  const [x, y] = [answer.left - 12, title.top - 12];
  return { x, y, width: answer.width + 24, height: answer.bottom - y + 12 };
})()"""


def screen_of_today():
    """Digest of what a first screen shows and how: its parts and captions, its layout, its colours."""
    given = report_arguments()
    names = ("sample", "title", "fits", "maps", "benchmarks", "settings", "seals", "versions")
    screen = gathered(Inputs(**given["stores"], **{name: given[name] for name in names}))
    parts = [one.title for one in screen.said] + [one.name for one in screen.pictures]
    words = re.sub(r"[^A-Za-z]+", " ", "\n".join([*parts, screen.caption, screen.profile_caption]))
    report = files("eelsunmix.report")
    layout = [report.joinpath("first", name).read_text() for name in ("first.html", "first.css")]
    colours = re.search(r":root {.*?}", report.joinpath("report.css").read_text(), re.DOTALL)
    return hashlib.blake2b("\0".join([words, *layout, colours[0]]).encode(), digest_size=8).hexdigest()


def screen_in(picture):
    """Digest that stands in a picture; empty if none does."""
    found = re.search(b"tEXt" + re.escape(KEY) + b"\0([0-9a-f]{16})", picture)
    return found[1].decode() if found else ""


def with_screen(picture, digest):
    """The same picture with a digest, as a text chunk before its last one.

    References
    ----------
    ISO/IEC 15948:2004, section 11.3.4.3.
    """
    body = b"tEXt" + KEY + b"\0" + digest.encode()
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    head, end = picture.rsplit(_END, 1)
    assert picture.startswith(_BEGIN)
    return head + chunk + _END + end


def take(page, place):
    """Take the picture of a page."""
    with Page(page, width=WIDTH + 260, height=1000) as shown:
        shown.wait_for("document.documentElement.dataset.ready === 'true'")
        shown.screenshot(place, clip=shown.evaluate(_PLACE))
        assert shown.problems == []
    place.write_bytes(with_screen(place.read_bytes(), screen_of_today()))


if __name__ == "__main__":
    take(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else PICTURE)
