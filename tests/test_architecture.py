"""Who may import what, and what importing costs."""

import ast
import graphlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from eelsunmix import configuration

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "workflow" / "eelsunmix"
SOURCES = sorted(PACKAGE.rglob("*.py"))
RULES = sorted((ROOT / "workflow").rglob("*.smk")) + sorted((ROOT / "workflow").rglob("Snakefile"))

# A module may import what stands above it, and what stands beside it in the same folder.
LAYERS = [
    {"errors", "exit_codes", "failures", "mistakes", "typing", "image", "units", "words", "elements"}
    | {"citation", "edge_table", "line_table", "terminal", "twin_errors"},
    {"energy", "options", "plain", "provenance", "sources"},
    {"slurm"},
    {"execution", "metrics", "edges", "numerics", "noise", "profiles"},
    {
        "storage",
        "edge_choice",
        "edge_windows",
        "line_choice",
        "line_windows",
        "profile_geometry",
        "io",
        "examples",
        "arguments",
    }
    | {"stage_warnings", "vacuum", "edge_shapes"},
    {"anchoring", "pca", "background", "corrections", "synthetic"},
    {"rank", "methods"},
    {"inputs", "learning", "nuisance", "anchored_fit"},
    {"fitting", "mapping"},
    {"unmixing", "model_arrays"},
    {"comparison"},
    {"recommendation", "recommended"},
    {"report", "configuration"},
    {"recipes"},
    {"benchmark"},
    {"proposal", "export"},
    {"commands"},
    {"__main__"},
]
WING = {"configuration/benchmark.py"}
"""Where the product knows the benchmark: the options of its key in the configuration."""


def _top(path):
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def _imports(path):
    """Yield (imported dotted name, whether at module level) of a source file."""
    tree = ast.parse(path.read_text())
    top_level = set(
        ast.walk(ast.Module(body=[n for n in tree.body if not _is_definition(n)], type_ignores=[]))
    )
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node in top_level) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module, node in top_level
            if node.module == "eelsunmix":
                yield from ((f"eelsunmix.{alias.name}", node in top_level) for alias in node.names)


def _runtime_imports(path):
    """Imports without those for the type checker."""
    guarded = re.sub(r"(?m)^if TYPE_CHECKING:\n(?:    .*\n|\n)+", "", path.read_text())
    tree = ast.parse(guarded)
    return [(node.module, node in tree.body) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]


def _file_of(module):
    base = PACKAGE.joinpath(*module.split(".")[1:])
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


def _imported_modules(path):
    """Files of the package that a module imports at run time, inside functions too."""
    tree = ast.parse(path.read_text())
    guarded = [
        node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
    ]
    unseen = {id(inner) for node in guarded for inner in ast.walk(node)}
    nodes = [node for node in ast.walk(tree) if id(node) not in unseen]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            inside = {f"{node.module}.{alias.name}" for alias in node.names}
            submodules = {name for name in inside if _file_of(name)}
            names |= submodules | ({node.module} if submodules != inside else set())
    return {_file_of(name) for name in names if name.startswith("eelsunmix")} - {None, path}


def _is_definition(node):
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nothing_that_windows_lacks_is_imported_with_the_package(path):
    lacking = {"fcntl", "resource", "pwd", "grp", "termios", "pty"}
    assert not lacking & {name for name, at_top in _imports(path) if at_top}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_one_way(path):
    level = {name: rank for rank, names in enumerate(LAYERS) for name in names}
    own = level.get(_top(path))
    if own is None or path.name == "__main__.py":  # a command, which nothing imports
        return
    for name, _ in _imports(path):
        other = name.split(".")[1] if name.startswith("eelsunmix.") else None
        if other == "benchmark" and str(path.relative_to(PACKAGE)) in WING:
            continue
        if other in level and other != _top(path):
            assert level[other] <= own, f"{path.name} imports {name}, which stands below it"


def test_no_modules_import_each_other_in_a_circle():
    graph = {path: _imported_modules(path) for path in SOURCES}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        pytest.fail(" <- ".join(str(path.relative_to(PACKAGE)) for path in error.args[1]))


def test_a_circle_would_be_found(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", tmp_path)
    one, other = tmp_path / "one.py", tmp_path / "other.py"
    one.write_text("def f():\n    from eelsunmix.other import g\n")
    other.write_text("from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from eelsunmix import one\n")
    assert (_imported_modules(one), _imported_modules(other)) == ({other}, set())
    other.write_text("from eelsunmix import one\n")
    assert _imported_modules(other) == {one}


def test_every_module_has_a_place_in_the_layers():
    known = set().union(*LAYERS) | {"__init__"}
    assert {_top(path) for path in SOURCES} <= known


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_store_writes_stores_and_nobody_knows_the_workflow_engine(path):
    text = path.read_text()
    if path.name != "store.py":
        assert not re.search(r"\.to_zarr\(|\.to_netcdf\(|zarr\.create|zarr\.save", text)
    assert all(name.split(".")[0] != "snakemake" for name, _ in _imports(path))


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("methods/**/*.py")), ids=lambda path: path.stem)
def test_methods_know_neither_dask_nor_zarr(path):
    assert not {name.split(".")[0] for name, _ in _imports(path)} & {"dask", "zarr", "distributed"}


MAKERS_OF_LAZY_ARRAYS = {"io/lazy.py"}
"""Readers of files begin with a lazy array; everything else hands kernels to the folds and maps."""


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_execution_runs_dask(path):
    uses = {name.split(".")[0] for name, _ in _imports(path)} & {"dask", "distributed", "dask_jobqueue"}
    place = path.relative_to(PACKAGE)
    assert not uses or place.parts[0] == "execution" or place.as_posix() in MAKERS_OF_LAZY_ARRAYS


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_heavy_libraries_are_imported_where_they_are_used(path):
    heavy = {"torch", "sklearn", "numba", "rsciio", "plotly", "xraydb", "distributed", "dask_jobqueue"}
    if path.stem.startswith("torch_"):
        heavy -= {"torch"}
    if path.parent.name == "blu" and path.stem in ("kernels", "cache"):
        heavy -= {"numba"}
    assert not {name.split(".")[0] for name, at_top in _imports(path) if at_top} & heavy


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_modules_of_networks_are_imported_where_they_are_used(path):
    if not path.stem.startswith("torch_"):
        at_top = [name for name, at_top in _runtime_imports(path) if at_top]
        assert not [name for name in at_top if ".torch_" in name or name.endswith("blu.kernels")]


def test_reading_a_configuration_loads_no_heavy_library():
    modules = _loaded_by("from eelsunmix.configuration import read_configuration, window_warnings")
    assert not {"torch", "sklearn", "numba", "rsciio", "plotly", "distributed"} & modules


def test_corrections_load_no_package_that_takes_a_second():
    assert not {"scipy.signal", "scipy.stats"} & _loaded_by("import eelsunmix.corrections")


def test_a_job_loads_the_options_of_its_own_stage_only():
    modules = _loaded_by("from eelsunmix.configuration import from_params")
    assert "eelsunmix.configuration.validation" in modules
    stages = ("background", "corrections", "io", "pca", "rank", "synthetic", "benchmark")
    assert not {f"eelsunmix.{stage}" for stage in stages} & modules
    assert "eelsunmix.configuration.settings" not in modules


@pytest.mark.parametrize("name", configuration.__all__)
def test_every_name_of_the_configuration_is_found(name):
    assert getattr(configuration, name).__name__ in (name, "plain_values")


def _loaded_by(code):
    command = [sys.executable, "-c", f"import sys; {code}; print(*sys.modules)"]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize(
    "path", sorted((ROOT / "workflow").rglob("scripts/*.py")), ids=lambda path: path.stem
)
def test_scripts_only_connect(path):
    allowed = (ast.Import, ast.ImportFrom, ast.With, ast.Expr)
    tree = ast.parse(path.read_text())
    assert all(isinstance(node, allowed) for node in tree.body)
    banned = (ast.FunctionDef, ast.For, ast.While, ast.If, ast.IfExp, ast.Try)
    assert not any(isinstance(node, banned) for node in ast.walk(tree))


def test_commands_print_by_one_function_alone():
    """`terminal.say` keeps names of files from steering the terminal."""
    calls = [path.name for path in SOURCES if re.search(r"\bclick\.s?echo\(", path.read_text())]
    assert calls == ["terminal.py"]


@pytest.mark.guarantee(37)
@pytest.mark.parametrize("path", RULES, ids=lambda path: str(path.relative_to(ROOT / "workflow")))
def test_no_rule_hands_words_to_a_shell_unquoted(path):
    """A setting like `; rm -r ~` is then one word. Rules of samples have scripts, no shell."""
    text = path.read_text()
    commands = re.findall(r"^ *shell:\s*(.+)$", text, re.MULTILINE)
    assert len(commands) == (path.parent.name == "benchmark")
    for command in commands:
        assert all(word.endswith(":q") for word in re.findall(r"{([^}]*)}", command)), command
    assert not re.search(r"^ *run:|\bshell\(", text, re.MULTILINE)


@pytest.mark.guarantee(26)
def test_a_further_attempt_asks_for_more():
    """A job that the system has killed for its memory would meet the same limit again."""
    common = (ROOT / "workflow" / "rules" / "common.smk").read_text()
    function = re.search(r"^def per_attempt\(.*?(?=\n\n\n)", common, re.MULTILINE | re.DOTALL)
    scope: dict = {}
    exec(function[0], scope)  # noqa: S102 - of our own, which Snakemake alone can import
    assert scope["per_attempt"](700)(None, attempt=2) > scope["per_attempt"](700)(None, attempt=1)
    rules = "\n".join(path.read_text() for path in RULES)
    asked = re.findall(r"^ *(?:mem_mb|runtime)=(.+),$", rules, re.MULTILINE)
    assert asked
    assert not [amount for amount in asked if re.fullmatch(r"[\d_]+", amount)]
    profile = yaml.safe_load((ROOT / "workflow" / "profiles" / "slurm" / "config.yaml").read_text())
    assert profile["retries"] >= 1
    assert all("attempt" in str(amount) for amount in profile["default-resources"].values())


def test_the_pins_of_torch_agree():
    pins = {
        name: re.findall(r"torch==([\d.]+)", (ROOT / name).read_text())
        for name in ("envs/constraints.txt", "envs/eelsunmix.yaml", "envs/locked.txt")
    }
    assert {tuple(set(found)) for found in pins.values()} == {("2.13.0",)}, pins
