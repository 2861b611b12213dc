"""Assemble a page: sections, styles, scripts and data in one file."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup

from eelsunmix.report.content import Block, Card, Explorer, Fact, Figure, Section, figures_of
from eelsunmix.report.figures.encoding import ArrayBank, compressed, packed, script_hash
from eelsunmix.report.figures.style import OFFERED, sequential_colours
from eelsunmix.report.figures.thinning import thinned
from eelsunmix.report.glossary import Marker, marked_terms

NO_SCREEN = Markup("")
SCRIPTS = (
    "unpack.js",
    "looks.js",
    "panels.js",
    "exports.js",
    "early.js",
    "report.js",
    "sighting.js",
    "explorer.js",
)
"""The page's own scripts, in the order in which they run."""


def page_text(
    sections: Sequence[Section],
    *,
    title: str,
    name: str,
    facts: Sequence[Fact],
    methods: Sequence[tuple[str, Mapping[str, Any]]] = (),
    first_screen: Markup = NO_SCREEN,
) -> str:
    """Return a page as text.

    Parameters
    ----------
    sections : sequence of Section
    title, name : str
        Heading; what stands above the contents.
    facts : sequence of Fact
        What stands below the heading, or the first screen.
    methods : sequence of (str, mapping)
        Labels that the reader can hide, with their line styles.
    first_screen : Markup
        What stands between the title and the facts.
    """
    sections = [_with_thin_lines(section) for section in sections]
    bank = ArrayBank()
    figures = {
        figure.name: encode_figure(figure, bank)
        for section in sections
        for block in section.blocks
        for figure in figures_of(block)
    }
    explorers = [block for section in sections for block in section.blocks if isinstance(block, Explorer)]
    tree = {"figures": figures, "explorer": bank.strip(explorers[0].data) if explorers else None}
    scripts = [_asset(name) for name in SCRIPTS]
    plotly = _plotly()
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    marker = Marker()
    environment.filters["terms"] = marker.mark
    # Only our own files are marked as safe; all else is escaped, or base85 without signs of HTML.
    return environment.from_string(_asset("template.html")).render(
        title=title,
        sample=name,
        facts=facts,
        sections=sections,
        methods=methods,
        scales={name: sequential_colours(name) for name in OFFERED},
        first_screen=first_screen,
        marker=marker,
        words=marked_terms(),
        policy=f"default-src 'none'; script-src {' '.join(map(script_hash, [plotly, *scripts]))}; "
        "style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'",
        css=Markup(_asset("report.css") + _asset("first/first.css")),  # noqa: S704
        scripts=[Markup(script) for script in scripts],  # noqa: S704
        plotly=compressed(plotly.encode()),
        data=packed({**tree, "arrays": bank.entries}, bank.content),
    )


def _with_thin_lines(section: Section) -> Section:
    return replace(section, blocks=tuple(map(_thinned, section.blocks)))


def _thinned(block: Block) -> Block:
    if isinstance(block, Card):
        return replace(block, figures=tuple(map(thinned, block.figures)))
    return thinned(block) if isinstance(block, Figure) else block


def encode_figure(figure: Figure, bank: ArrayBank) -> dict[str, Any]:
    """Return the variants of a figure by the options that choose them, arrays replaced by references."""
    variants = {".".join(map(str, key)): bank.strip(variant) for key, variant in figure.variants.items()}
    return {"variants": variants, "methods": _shows_methods(figure)}


def _shows_methods(figure: Figure) -> bool:
    """Whether a choice of methods changes the figure."""
    traces = (trace for variant in figure.variants.values() for trace in variant["data"])
    return any((trace.get("meta") or {}).get("method") for trace in traces)


def _asset(name: str) -> str:
    return files("eelsunmix.report").joinpath(name).read_text(encoding="utf-8")


def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())
