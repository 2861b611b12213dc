"""A fingerprint changes with what is computed, and with nothing else."""

import ast
import os
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from eelsunmix import provenance
from eelsunmix.provenance import source_fingerprint
from eelsunmix.recipes import RECIPES, code
from eelsunmix.sources import file_fingerprint

ROOT = Path(__file__).parents[1]


@pytest.fixture
def package(tmp_path, monkeypatch):
    sources = {
        "__init__.py": "from eelsunmix.other import unused\n",
        "vca.py": '"""Docs."""\nfrom eelsunmix.helpers import project\nimport eelsunmix.storage.store\n\n\n'
        "def fit():\n    return project(1)\n",
        "helpers/__init__.py": "from .linear import project\n",
        "helpers/table.csv": "1, 2\n",
        "table.csv": "of no module\n",
        "helpers/linear.py": "from ..deep import x\n\n\ndef project(a):\n    return a + 1\n",
        "deep.py": "x = 1\n",
        "spoken.py": "import logging\nimport warnings\nfrom typing import TYPE_CHECKING\n\n"
        "if TYPE_CHECKING:\n    from eelsunmix.other import unused\n\nlogger = logging.getLogger('a')\n\n\n"
        "def f(x):\n    logger.info('took %s', x)\n    warnings.warn('careful', UserWarning, stacklevel=2)\n"
        "    text = 'kept'\n    if x:\n        raise ValueError(f'bad {x:g}') from None\n    return text\n",
        "other.py": "unused = 1\n",
        "storage/store.py": "def publish():\n    pass\n",
    }
    for name, text in sources.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(provenance, "PACKAGE", tmp_path)
    return tmp_path


def _edit(path, old, new):
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("vca.py", "project(1)", "project(2)"),
        ("helpers/linear.py", "a + 1", "a + 2"),
        ("deep.py", "x = 1", "x = 2"),
        ("helpers/table.csv", "2", "3"),
        ("helpers/__init__.py", "import project", "import project as project"),
    ],
)
def test_an_edit_in_the_module_or_what_it_imports_counts(package, name, old, new):
    before = source_fingerprint("eelsunmix.vca")
    _edit(package / name, old, new)
    assert source_fingerprint("eelsunmix.vca") != before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("vca.py", "Docs.", "Other docs."),
        ("vca.py", '"""Docs."""\n', ""),
        ("vca.py", "def fit():\n", "# why\ndef fit():\n\n"),
        ("vca.py", "return project(1)", "return (project( 1 ))"),
        ("storage/store.py", "pass", "return 3"),
        ("other.py", "1", "2"),
        ("table.csv", "no", "a"),
        ("__init__.py", "other", "deep"),
    ],
)
def test_words_layout_infrastructure_and_strangers_do_not_count(package, name, old, new):
    before = source_fingerprint("eelsunmix.vca")
    _edit(package / name, old, new)
    assert source_fingerprint("eelsunmix.vca") == before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("spoken.py", "bad {x:g}", "worse {x:.3f}, look at {text}"),
        ("spoken.py", "took %s", "took about %s"),
        ("spoken.py", "careful", "take care"),
        ("other.py", "1", "2"),
    ],
)
def test_texts_for_the_user_and_imports_for_the_type_checker_do_not_count(package, name, old, new):
    before = source_fingerprint("eelsunmix.spoken")
    _edit(package / name, old, new)
    assert source_fingerprint("eelsunmix.spoken") == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("'kept'", "'other'"),
        ("ValueError", "TypeError"),
        ("if x", "if not x"),
        ("stacklevel=2", "stacklevel=3"),
    ],
)
def test_what_is_done_beside_the_texts_counts(package, old, new):
    before = source_fingerprint("eelsunmix.spoken")
    _edit(package / "spoken.py", old, new)
    assert source_fingerprint("eelsunmix.spoken") != before


def test_a_missing_module_is_an_error(package):
    with pytest.raises(ValueError, match=r"no such module among eelsunmix\.cva"):
        source_fingerprint("eelsunmix.cva")


RULES = [*ROOT.glob("workflow/**/*.smk"), *ROOT.glob("workflow/**/Snakefile")]
SCRIPTS = sorted(ROOT.glob("workflow/**/scripts/*.py"))


def _fingerprinted():
    """Modules that the rule of each script gives to its fingerprint, by file of the script."""
    found = {}
    for path in RULES:
        for rule in re.split(r"\n *rule\b", path.read_text())[1:]:
            script = re.search(r'script:\s+"([\w./]+\.py)"', rule)
            if script:
                found[(path.parent / script[1]).resolve()] = _modules(rule)
    return found


def _modules(rule):
    """Modules that stand in the text of a rule, or in its recipe."""
    recipe = re.search(r'\basked\("(\w+)"[,)]', rule)
    if recipe is None:
        return re.findall(r'"(eelsunmix[\w.]*)"', rule)
    sample = SimpleNamespace(
        file="a.npy", references=[], methods={"": SimpleNamespace(method="vca", anchor="edges", nuisance=1)}
    )
    return list(RECIPES[recipe[1]].modules(sample, ""))


def _homes(node):
    """Modules where the names of an import are defined, behind the `__init__` of their package."""
    package = provenance._file_of(node.module)
    inside = ast.parse(package.read_text()).body if package.stem == "__init__" else []
    parts = [part for part in inside if isinstance(part, ast.ImportFrom)]
    homes = {alias.name: part.module for part in parts for alias in part.names}
    return {homes.get(alias.name, node.module) for alias in node.names}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_the_fingerprint_of_a_rule_covers_what_its_script_imports(script):
    given = _fingerprinted()[script.resolve()]
    covered = provenance._closure(tuple(name for name in given if not name.endswith(".")))
    imports = [node for node in ast.parse(script.read_text()).body if isinstance(node, ast.ImportFrom)]
    needed = {home for node in imports for home in _homes(node)}
    computing = {home for home in needed if home.split(".")[1] not in provenance.INFRASTRUCTURE}
    assert {home for home in computing if provenance._file_of(home) not in covered} == set()


def test_neither_page_reruns_with_the_other():
    wing, product = (
        {path.relative_to(provenance.PACKAGE) for path in provenance._closure((name,))}
        for name in ("eelsunmix.benchmark.page.page", "eelsunmix.report")
    )
    assert Path("report/page.py") in wing & product
    assert not any(path.is_relative_to("benchmark") for path in product)
    assert not any(path.is_relative_to("report/sections") for path in wing)
    computing = {"fitting.py", "mapping/__init__.py", "methods/__init__.py", "pca/__init__.py"}
    assert not {str(path) for path in wing | product} & computing


@pytest.mark.parametrize("size", [0, 1, 40_000, 3_000_000])
def test_the_fingerprint_of_a_file_is_that_of_its_content(tmp_path, size):
    content = bytes(range(256)) * (size // 256 + 1)
    (tmp_path / "a").write_bytes(content[:size])
    (tmp_path / "b").write_bytes(content[:size])
    os.utime(tmp_path / "b", (0, 0))
    assert file_fingerprint(tmp_path / "a") == file_fingerprint(tmp_path / "b")
    (tmp_path / "b").write_bytes(content[:size] + b"x")
    assert file_fingerprint(tmp_path / "a") != file_fingerprint(tmp_path / "b")
    if size:
        for place in (0, size - 1):
            changed = bytearray(content[:size])
            changed[place] ^= 1
            (tmp_path / "b").write_bytes(changed)
            assert file_fingerprint(tmp_path / "a") != file_fingerprint(tmp_path / "b")


def test_the_fingerprint_of_a_folder_is_that_of_its_files(tmp_path):
    (tmp_path / "a.zarr" / "c").mkdir(parents=True)
    before = file_fingerprint(tmp_path / "a.zarr")
    (tmp_path / "a.zarr" / "c" / "0").write_bytes(b"1")
    assert file_fingerprint(tmp_path / "a.zarr") != before


@pytest.fixture
def remembering(package, tmp_path_factory, monkeypatch):
    """Take fingerprints as a process of its own does, and say which were taken anew."""
    monkeypatch.chdir(tmp_path_factory.mktemp("project"))
    Path(".snakemake").mkdir()
    taken = []
    monkeypatch.setattr(code, "source_fingerprint", lambda *m: taken.append(m) or source_fingerprint(*m))

    def take(module="eelsunmix.vca"):
        taken.clear()
        for cached in (code.code_of, code._package, code._known):
            cached.cache_clear()
        found = code.code_of(module)
        assert found == source_fingerprint(module)
        return bool(taken)

    yield take
    for cached in (code.code_of, code._package, code._known):
        cached.cache_clear()


def test_fingerprints_are_remembered_until_a_byte_of_the_package_differs(package, remembering):
    assert [remembering(), remembering(), remembering("eelsunmix.deep"), remembering()] == [
        True,
        False,
        True,
        False,
    ]
    state = (package / "deep.py").stat()
    _edit(package / "deep.py", "x = 1", "x = 2")
    os.utime(package / "deep.py", ns=(state.st_atime_ns, state.st_mtime_ns))
    provenance._content.cache_clear()
    assert remembering()
    _edit(package / "helpers/table.csv", "2", "3")
    assert remembering()


def test_a_damaged_line_of_a_fingerprint_is_not_believed(remembering):
    remembering()
    text = code.KNOWN.read_text()
    code.KNOWN.write_text(text.replace(text[0], "0" if text[0] != "0" else "1", 1))
    assert remembering()
    assert not remembering()


def test_code_that_is_edited_while_it_is_read_is_not_remembered(package, remembering, monkeypatch):
    monkeypatch.setattr(
        code, "source_fingerprint", lambda *m: _edit(package / "deep.py", "x", "xx") or source_fingerprint(*m)
    )
    remembering()
    assert not code.KNOWN.exists()
