"""Tutorials on real files: where a file cannot be had, nothing is executed, and the page says so first."""

import re
import sys
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from eelsunmix.examples import find_example

_NEEDS = re.compile(r"<!-- needs: (.+) -->")
_WARNING = """
```{{danger}}
**{file} could not be had when this page was built. Nothing below was computed: no figure, no number.**
Set `EELSUNMIX_DATA` to a folder that holds the file, and build again.
```
"""


def setup(app: Sphinx) -> dict[str, Any]:
    """Look for the files before anything is executed."""
    app.connect("config-inited", _leave_out)
    app.connect("source-read", _say_so)
    return {"parallel_read_safe": True}


def _leave_out(app: Sphinx, config: Any) -> None:
    for page in sorted(Path(app.srcdir).glob("tutorials/*.md")):
        if missing := _missing(page.read_text(encoding="utf-8")):
            config.nb_execution_excludepatterns = [*config.nb_execution_excludepatterns, str(page)]
            sys.stderr.write(f"{page.name}: NOT EXECUTED, {missing} is missing; set EELSUNMIX_DATA\n")


def _say_so(app: Sphinx, name: str, source: list[str]) -> None:
    if missing := _missing(source[0]):
        source[0] = _NEEDS.sub(_WARNING.format(file=missing), source[0])


def _missing(text: str) -> str:
    """Return the file that a page needs and that is not there, else nothing."""
    needed = _NEEDS.search(text)
    return needed[1] if needed and find_example(needed[1]) is None else ""
