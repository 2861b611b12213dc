"""The documentation, as far as it need not be built: nothing is missing, and what it shows is accepted."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest

import eelsunmix as eu
from eelsunmix.configuration import read_configuration
from eelsunmix.report.glossary import explanations
from eelsunmix.synthetic import SCENES

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(path for path in DOCS.rglob("*.md") if "_build" not in path.parts)
NOT_METHODS = {"index", "recommended", "bs"}
METHODS = re.findall(r"^### `method: (\w+)`$", (DOCS / "configuration.md").read_text(), re.MULTILINE)
"""Those of the reference: a file that is being tried needs no page yet."""


def text_of(name):
    return (DOCS / name).read_text(encoding="utf-8")


def module(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    made = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = made
    spec.loader.exec_module(made)
    return made


def in_toctrees():
    """Return every page that a table of contents names, and the first one."""
    found = {DOCS / "index.md"}
    for page in PAGES:
        for block in re.findall(r"```\{toctree\}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            for entry in block.splitlines():
                if entry and not entry.startswith(":"):
                    found |= {path.resolve() for path in page.parent.glob(f"{entry}.md")}
                    found |= {(page.parent / f"{entry}.md").resolve()} - {page.parent / "0*.md"}
    return found


def test_every_page_is_in_a_table_of_contents_and_none_is_named_that_is_not_there():
    assert in_toctrees() == set(PAGES)


def test_every_method_has_a_page_that_shows_its_options_and_its_papers():
    pages = {path.stem for path in (DOCS / "methods").glob("*.md")}
    assert pages - NOT_METHODS == set(METHODS)
    for name in METHODS:
        for directive in ("picture", "options", "papers"):
            assert f"```{{method-{directive}}} {name}\n" in text_of(f"methods/{name}.md")
        assert f"({name}.md)" in text_of("methods/index.md")


def test_every_public_name_is_in_the_reference():
    text = text_of("reference/api.md")
    documented = set(re.findall(r"(?:autofunction|automodule):: eelsunmix\.(\w+)$", text, re.MULTILINE))
    assert documented == set(eu.__all__)
    assert set(SCENES) <= set(re.search(r":members: (multilayer.*)", text)[1].split(", "))


def test_the_glossary_is_in_order():
    assert "{include} ../../workflow/eelsunmix/report/glossary.md" in text_of("reference/glossary.md")
    terms = list(explanations())
    assert terms == sorted(terms, key=str.lower)
    assert len(terms) == len(set(terms)) > 30


def guides():
    return [page for page in PAGES if page.parent.name in ("how-to", "methods", "tutorials")]


def blocks(language):
    return [
        pytest.param(block, id=f"{page.stem}-{number}")
        for page in guides()
        for number, block in enumerate(
            re.findall(
                rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
            )
        )
    ]


@pytest.mark.parametrize("text", blocks("yaml"))
def test_every_configuration_of_the_guides_is_accepted(text, tmp_path):
    samples = "" if text.startswith("samples:") else "samples: {S: {simulate: {scene: multilayer}}}\n"
    (tmp_path / "c.yaml").write_text(samples + text, encoding="utf-8")
    assert read_configuration([tmp_path / "c.yaml"], must_exist=False).samples


def test_the_configuration_of_the_tutorial_is_accepted(tmp_path):
    (text,) = re.findall(
        r"%%writefile series.yaml\n(.*?)```", text_of("tutorials/5-many-samples.md"), re.DOTALL
    )
    (tmp_path / "series.yaml").write_text(text, encoding="utf-8")
    samples = read_configuration([tmp_path / "series.yaml"]).samples
    assert [sample.fit_on for sample in samples.values()] == [None, "before"]


def test_every_key_that_the_guides_name_is_in_the_reference():
    keys = {
        key
        for page in guides()
        for key in re.findall(
            r"`([a-z]+_(?:eV|px|nm)|fit_on|invalid_pixels|n_\w+|[a-z_]+): ", page.read_text()
        )
    }
    reference = text_of("configuration.md")
    assert len(keys) > 4
    assert {key for key in keys if f"`{key}`" not in reference} <= {"samples", "default", "vca", "eels"}


def test_links_of_the_repository_resolve():
    """Those of the site are checked by `make docs`; these are followed where the repository is read."""
    for page in [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "SECURITY.md",
        ROOT / "config/README.md",
        *PAGES,
    ]:
        for link in re.findall(r"\]\((?![a-z]+:|#)([^)#\s]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.relative_to(ROOT)}: {link}"


@pytest.fixture(scope="module")
def checks():
    return module(DOCS / "check_site.py")


GOOD = '<html><link href="a.css"><img src="a.png"><a href="b.html#there">b</a><a href="https://a.org">a</a></html>'


@pytest.fixture
def site(tmp_path):
    (tmp_path / "index.html").write_text(GOOD)
    (tmp_path / "b.html").write_text('<p id="there">')
    (tmp_path / "a.css").write_text("p { background: url('a.png') }")
    (tmp_path / "a.png").touch()
    return tmp_path


def problems(checks, site):
    pages = {path: checks.Page(path) for path in site.rglob("*.html")}
    return [
        *checks.from_outside(site, pages),
        *checks.broken(site, pages),
        *checks.without_figures(site, pages),
    ]


def test_a_site_that_is_in_order_has_no_problem(checks, site):
    assert problems(checks, site) == []


@pytest.mark.parametrize(
    ("file", "text", "problem"),
    [
        ("b.html", '<script src="https://cdn.org/x.js">', "b.html: loads https://cdn.org/x.js"),
        ("b.html", '<p id="there"><link href="//cdn.org/x.css">', "b.html: loads //cdn.org/x.css"),
        ("a.css", '@import "https://fonts.org/x";', "a.css: loads https://fonts.org/x"),
        ("b.html", '<p id="here">', "index.html: b.html#there has no such anchor"),
        ("index.html", '<a href="c.html">', "index.html: c.html does not exist"),
        ("tutorials/1.html", "<p>", "tutorials/1.html: shows no figure"),
    ],
)
def test_what_is_wrong_is_named(checks, site, file, text, problem):
    (site / file).parent.mkdir(exist_ok=True)
    (site / file).write_text(text)
    assert problem in problems(checks, site)


def test_a_site_of_no_pages_is_no_success(checks, tmp_path, capsys):
    checks.shutil.which, which = lambda _: None, checks.shutil.which
    try:
        assert checks.main(tmp_path) == 1
    finally:
        checks.shutil.which = which
    assert "has no page" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("written_in", "shown_in", "link", "expected"),
    [
        (".", "docs/project", "docs/data-model.md", "../data-model.md"),
        (".", "docs/project", "SECURITY.md", "security.md"),
        (".", "docs/project", "docs/decisions", "../decisions/README.md"),
        (
            "config",
            "docs/how-to",
            "../docs/decisions/036-recommended-result.md",
            "../decisions/036-recommended-result.md",
        ),
        ("docs", "docs", "../config/README.md", "how-to/write-a-configuration.md"),
        (".", "docs/project", "workflow/Snakefile", "../../workflow/Snakefile"),
        ("docs", "docs", "https://a.org/x", "https://a.org/x"),
    ],
)
def test_links_are_rewritten_for_the_page_that_shows_them(written_in, shown_in, link, expected):
    links = module(DOCS / "_extensions" / "links_of_the_repository.py")
    text = links.rewritten(f"[a]({link})", written_in=ROOT / written_in, shown_in=ROOT / shown_in)
    assert text == f"[a]({expected})"
