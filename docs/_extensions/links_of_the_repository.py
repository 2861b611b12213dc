"""Links that hold in the repository become links of the site, also of files that are pages by inclusion."""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

DOCS = Path(__file__).parents[1]
ROOT = DOCS.parent
INCLUDED = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "CHANGELOG.md": "project/changelog.md",
    "SECURITY.md": "project/security.md",
    "config/README.md": "how-to/write-a-configuration.md",
}
"""Files that are pages of the site by inclusion."""
FOLDERS = {"docs": "index.md", "docs/decisions": "decisions/README.md"}
_LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)#\s]+)")


def setup(app: "Sphinx") -> dict[str, Any]:
    """Rewrite what is read and what is included."""
    app.connect("source-read", _page)
    app.connect("include-read", _inclusion)
    return {"parallel_read_safe": True}


def _page(app: "Sphinx", name: str, source: list[str]) -> None:
    path = Path(app.env.doc2path(name))
    source[0] = rewritten(source[0], written_in=path.parent, shown_in=path.parent)


def _inclusion(app: "Sphinx", path: Path, _name: str, source: list[str]) -> None:
    shown_in = Path(app.env.doc2path(app.env.docname)).parent  # of the name, MyST gives the last part alone
    written_in = (Path(app.srcdir) / path).resolve().parent
    if written_in != shown_in:
        source[0] = rewritten(source[0], written_in=written_in, shown_in=shown_in)


def rewritten(text: str, *, written_in: Path, shown_in: Path) -> str:
    """Return the text with its relative links as they have to be where it is shown."""

    def link(found: re.Match[str]) -> str:
        target = (written_in / found[1]).resolve()
        if not target.is_relative_to(ROOT):
            return found[1]
        known = target.relative_to(ROOT).as_posix()
        page = INCLUDED.get(known) or FOLDERS.get(known)
        return os.path.relpath(DOCS / page if page else target, shown_in)

    return _LINK.sub(link, text)
