"""The README's picture is one of the first screen as it is now."""

import re
import struct
from pathlib import Path

from picture import PICTURE, screen_in, screen_of_today, with_screen

ROOT = Path(__file__).parents[1]


def test_the_picture_is_of_the_first_screen_of_today():
    assert screen_in(PICTURE.read_bytes()) == screen_of_today(), "make demo; make picture"


def test_a_picture_of_another_screen_is_stale():
    other = with_screen(PICTURE.read_bytes().replace(screen_of_today().encode(), b"0" * 16), "1" * 16)
    assert screen_in(other) != screen_of_today()
    assert screen_in(b"\x89PNG\r\n\x1a\n") == ""


def test_the_readme_shows_it_and_it_is_small():
    (name,) = re.findall(r"!\[.+?\]\((.+?\.png)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    content = (ROOT / name).read_bytes()
    assert ROOT / name == PICTURE
    width, height = struct.unpack(">II", content[16:24])
    assert width > 900
    assert height < width
    assert len(content) < 400_000
