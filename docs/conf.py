"""The site that `make docs` builds: readable without a network, its tutorials executed."""

import importlib.metadata
import os
import re
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_extensions"))

project = "eelsunmix"
version = release = importlib.metadata.version("eelsunmix")
author = project_copyright = "The eelsunmix developers"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "links_of_the_repository",
    "method_pages",
    "command_help",
    "example_data",
]
exclude_patterns = ["_build", "_extensions"]

# Notebooks run in folders of their own, all of them at each build: a stale picture would be worse than none.
nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 1200
nb_merge_streams = True
suppress_warnings = ["myst-nb.lexer"]  # of a notebook that is not executed, for want of its file
nb_ipywidgets_js: dict[str, dict[str, str]] = {}  # it would be loaded from outside
os.environ["MATPLOTLIBRC"] = str(HERE / "matplotlibrc")
os.environ.setdefault("OMP_NUM_THREADS", "1")

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3

default_role = "literal"  # what docstrings put between single marks is code
autodoc_typehints = "none"  # the docstrings say types, shapes and units
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_use_rtype = False
python_display_short_literal_types = True

html_theme = "furo"
html_title = "eelsunmix"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_show_search_summary = False  # it is fetched page by page, which browsers refuse without a server
html_theme_options = {"navigation_with_keys": True}


def setup(app: Any) -> dict[str, Any]:
    """Take the numbers of footnotes out of docstrings, of which several share a page."""
    app.connect("autodoc-process-docstring", _without_footnotes)
    return {"parallel_read_safe": True}


def _without_footnotes(
    _app: Any, _what: str, _name: str, _object: Any, _options: Any, lines: list[str]
) -> None:
    lines[:] = [re.sub(r"^\.\. \[\d+\] ", "- ", re.sub(r"\s*\[\d+\]_", "", line)) for line in lines]
