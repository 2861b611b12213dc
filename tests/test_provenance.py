"""A fingerprint changes with what is computed, and with nothing else."""

import pytest

from eelsunmix import provenance
from eelsunmix.provenance import source_fingerprint


@pytest.fixture
def package(tmp_path, monkeypatch):
    sources = {
        "__init__.py": "from eelsunmix.other import unused\n",
        "vca.py": '"""Docs."""\nfrom eelsunmix.helpers import project\nimport eelsunmix.store\n\n\n'
        "def fit():\n    return project(1)\n",
        "helpers/__init__.py": "from .linear import project\n",
        "helpers/linear.py": "from ..deep import x\n\n\ndef project(a):\n    return a + 1\n",
        "deep.py": "x = 1\n",
        "other.py": "unused = 1\n",
        "store.py": "def publish():\n    pass\n",
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
        ("vca.py", "def fit():\n", "# why\ndef fit():\n\n"),
        ("vca.py", "return project(1)", "return (project( 1 ))"),
        ("store.py", "pass", "return 3"),
        ("other.py", "1", "2"),
        ("__init__.py", "other", "deep"),
    ],
)
def test_words_layout_infrastructure_and_strangers_do_not_count(package, name, old, new):
    before = source_fingerprint("eelsunmix.vca")
    _edit(package / name, old, new)
    assert source_fingerprint("eelsunmix.vca") == before


def test_a_missing_module_is_an_error(package):
    with pytest.raises(ValueError, match=r"no such module among eelsunmix\.cva"):
        source_fingerprint("eelsunmix.cva")
