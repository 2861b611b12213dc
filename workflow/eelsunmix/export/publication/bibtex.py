"""BibTeX of the software and of the papers behind what was run."""

import re
from collections.abc import Iterator
from importlib.metadata import version

from eelsunmix.background.words import curves_of
from eelsunmix.citation import AUTHOR, LICENCE, TITLE
from eelsunmix.export.package import Package
from eelsunmix.methods._references import references
from eelsunmix.report.sections.citation import LEAST_SQUARES, WORKFLOW, papers_of_backgrounds

_AUTHOR = re.compile(r"(?:[A-Z]\.?-?)(?:[ -]?[A-Z]\.?)* [^\d,]+")
_ARTICLE = re.compile(r"(?P<journal>\D+?) (?P<volume>\d+), (?P<pages>\d+) \((?P<year>\d{4})\)(?P<note>.*)")
_SPECIAL = re.compile(r"([&%#_$])")


def bibliography(package: Package) -> str:
    """Return the entries of all that was used, each once."""
    used = sorted({str(store.attrs.get("method", "")) for store in package.sample.fits.values()})
    curves = curves_of(package.sample.stores["bs"].attrs.get("edges", {}))
    methods = (paper for method in used for paper in references(method))
    papers = [*WORKFLOW, *papers_of_backgrounds(curves), *methods, LEAST_SQUARES]
    return "\n".join([_software(), *_entries(papers)])


def _software() -> str:
    fields = {
        "author": f"{{{AUTHOR}}}",
        "title": f"{{{TITLE}}}",
        "version": version("eelsunmix"),
        "note": LICENCE,
    }
    return _entry("software", "eelsunmix", fields)


def _entries(papers: list[str]) -> Iterator[str]:
    """Yield an entry for each paper; one that several methods name is there once."""
    known: set[str] = set()
    keys: list[str] = []
    for paper in papers:
        kind, fields = fields_of(paper)
        identity = str({name: text for name, text in fields.items() if name != "note" or kind == "misc"})
        if identity in known:
            continue
        known.add(identity)
        key = _key(fields)
        keys.append(key)
        yield _entry(kind, key + "abcdefghijkl"[keys.count(key) - 2] * (keys.count(key) > 1), fields)


def fields_of(paper: str) -> tuple[str, dict[str, str]]:
    """Take the line of a paper apart; what cannot be taken apart stays a note.

    Examples
    --------
    >>> fields_of("D. D. Lee, H. S. Seung, Nature 401, 788 (1999); computed by scikit-learn.")[1]["author"]
    'D. D. Lee and H. S. Seung'
    """
    parts = paper.split(", ")
    n_authors = next((n for n, part in enumerate(parts) if not _AUTHOR.fullmatch(part)), len(parts))
    match = _ARTICLE.fullmatch(", ".join(parts[n_authors:]))
    if not n_authors or match is None:
        return "misc", {"note": paper}
    note = match["note"].strip(" ,;.").removeprefix("(").removesuffix(")")
    fields = {"author": " and ".join(parts[:n_authors]), "journal": match["journal"]}
    fields |= {name: match[name] for name in ("volume", "pages", "year")}
    return "article", fields | ({"note": note} if note else {})


def _key(fields: dict[str, str]) -> str:
    first = fields.get("author", "paper").split(" and ")[0].split(" ")[-1]
    return re.sub(r"[^A-Za-z0-9]", "", first.lower()) + fields.get("year", "")


def _entry(kind: str, key: str, fields: dict[str, str]) -> str:
    lines = [f"  {name} = {{{_escaped(text)}}}" for name, text in fields.items()]
    return f"@{kind}{{{key},\n" + ",\n".join(lines) + "\n}\n"


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)
