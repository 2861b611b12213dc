"""What the package needs by itself, and what is said where an extra is not installed."""

import ast
import importlib.util
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import eelsunmix as eu
from eelsunmix.configuration import ConfigurationError, read_values
from eelsunmix.errors import InputError
from eelsunmix.methods import build_method, method_class, method_names, missing_extra
from eelsunmix.methods._extras import LIBRARIES

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
SAMPLES = {"A": {"simulate": {"scene": "multilayer"}}}
NETWORKS = {"cnnaeu", "daeu", "mtaeu"}
REMEDY = "needs torch, which is not installed: pip install 'eelsunmix[networks]'"


@pytest.fixture
def without_torch(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "torch" else find(name, *rest)
    )


def test_every_network_is_refused_without_torch_and_no_other_method(without_torch):
    assert {name for name in method_names() if missing_extra(method_class(name))} == NETWORKS


def test_nothing_is_missing_where_all_is_installed():
    assert {missing_extra(method_class(name)) for name in method_names()} == {""}


def test_a_network_asked_for_in_a_notebook_is_one_line(without_torch):
    with pytest.raises(InputError, match=f"^method 'daeu' {re.escape(REMEDY)}$"):
        build_method("daeu")


def test_a_network_built_by_hand_is_one_line_too(without_torch):
    image = eu.synthetic.multilayer(shape=(4, 31), seed=1).spectrum_image
    with pytest.raises(InputError, match=f"^DAEU {re.escape(REMEDY)}$"):
        eu.fit(image, method_class("daeu")(), n_endmembers=2)


def test_every_network_of_a_configuration_is_named(without_torch):
    methods = {"daeu": {}, "vca": {}, "patches": {"method": "mtaeu"}}
    with pytest.raises(ConfigurationError) as caught:
        read_values({"samples": SAMPLES, "methods": methods}, "values")
    assert str(caught.value).splitlines() == [
        f"values: methods.daeu: {REMEDY}",
        f"values: methods.patches: {REMEDY}",
    ]


def test_a_network_of_the_benchmark_is_named_if_it_was_written(without_torch):
    with pytest.raises(ConfigurationError, match=r"^values: benchmark\.methods\.daeu: needs torch"):
        read_values({"benchmark": {"methods": {"daeu": {}, "vca": {}}}}, "values")
    assert read_values({"samples": SAMPLES, "methods": {"vca": {}}}, "values").samples


def test_asking_imports_no_torch():
    code = "import sys, eelsunmix.methods as m; m.build_method('daeu'); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_every_extra_of_a_method_is_one_of_the_package():
    for extra, library in LIBRARIES.items():
        assert library in PROJECT["optional-dependencies"][extra]


def test_the_package_declares_all_that_it_imports_and_nothing_else():
    modules = {"yaml": "pyyaml", "rsciio": "rosettasciio", "sklearn": "scikit-learn"}
    modules |= {
        "markupsafe": "jinja2",
        "requests": "pooch",
        "box": "rosettasciio",
        "sparse": "rosettasciio",
    }  # brought along
    modules |= {"pydantic_core": "pydantic"}
    optional = {"torch", "distributed", "dask_jobqueue", "xraydb", "docstring_parser"}
    imported = set()
    for path in (ROOT / "workflow" / "eelsunmix").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and not node.level else []
            imported |= {name.split(".")[0] for name in names}
    ours = imported - set(sys.stdlib_module_names) - optional - {"eelsunmix"}
    declared = {re.match(r"[\w-]+", name)[0] for name in PROJECT["dependencies"]}
    assert {modules.get(name, name) for name in ours} == declared
