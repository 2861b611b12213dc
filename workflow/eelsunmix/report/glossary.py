"""Words that a reader may not know: explained at their first use in a section, and at the end of the page."""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from markupsafe import Markup, escape

MARKED = (
    *("BLU", "BS", "ICA", "NMF", "PCA", "SAD", "uDAS", "VCA", "E³", "abundance", "anchoring", "consensus"),
    *("cross-talk", "eigenvalue", "endmember", "loading", "noise ceiling", "nuisance", "pure pixel"),
    *("reduced chi-square", "refit", "seal", "simplex", "twin", "vertex"),
)
"""Terms of the glossary that pages explain; the others a microscopist knows, or are words of every day."""
_OTHER_FORMS = MappingProxyType({"simplex": ("simplices",), "vertex": ("vertices",)})


@cache
def explanations() -> Mapping[str, str]:
    """Return all terms of the glossary and what they mean, in its order; the documentation has it too."""
    text = files("eelsunmix.report").joinpath("glossary.md").read_text(encoding="utf-8")
    entries = (entry.partition("\n: ") for entry in text.strip().split("\n\n"))
    return MappingProxyType({term: told.replace("*", "").replace("`", "") for term, _, told in entries})


def marked_terms() -> list[tuple[str, str, str]]:
    """Return anchor, term and explanation of those that pages explain, in the order of the glossary."""
    return [(anchor(term), term, told) for term, told in explanations().items() if term in MARKED]


def anchor(term: str) -> str:
    """Name the place of a term on the page.

    Examples
    --------
    >>> anchor("noise ceiling"), anchor("E³")
    ('term-noise-ceiling', 'term-e3')
    """
    return "term-" + term.lower().replace("³", "3").replace(" ", "-")


class Marker:
    """Links terms in the texts of a page to the glossary, each once in a section."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def begin(self) -> str:
        """Forget what was explained: a section begins."""
        self._told = set()
        return ""

    def mark(self, text: str) -> Markup:
        """Return a text as HTML with links.

        Examples
        --------
        >>> print(Marker().mark("BS < BS"))
        <a class="term" href="#term-bs" title="...">BS</a> &lt; BS
        """
        return Markup(_pattern().sub(self._linked, str(escape(text))))  # noqa: S704 - escaped before

    def _linked(self, found: re.Match[str]) -> str:
        term = _terms()[found[0].lower()]
        if term in self._told:
            return found[0]
        self._told.add(term)
        return f'<a class="term" href="#{anchor(term)}" title="{escape(explanations()[term])}">{found[0]}</a>'


@cache
def _terms() -> Mapping[str, str]:
    """Form of a term, in small letters -> the term."""
    forms = {
        form.lower(): term for term in MARKED for form in (term, f"{term}s", *_OTHER_FORMS.get(term, ()))
    }
    return MappingProxyType(forms)


@cache
def _pattern() -> re.Pattern[str]:
    """Any form of a term: abbreviations as they are or in small letters, words also with a capital."""
    forms = []
    for form, term in _terms().items():
        whole = term + form[len(term) :] if form.startswith(term.lower()) else form
        forms += [whole, form, form.capitalize()] if term != "BS" else [whole]
    longest_first = sorted(dict.fromkeys(forms), key=len, reverse=True)
    return re.compile(rf"(?<![\w&#./-])(?:{'|'.join(map(re.escape, longest_first))})(?!\.?\w|[-/])")
