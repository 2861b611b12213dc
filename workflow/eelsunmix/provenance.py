"""Fingerprints of the code that a result depends on: a change reruns just what it concerns."""

import ast
import functools
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parent

INFRASTRUCTURE = frozenset(
    {
        "configuration",
        "errors",
        "execution",
        "failures",
        "mistakes",
        "model_arrays",
        "options",
        "plain",
        "provenance",
        "sources",
        "storage",
        "typing",
        "words",
    }
)
"""Modules that carry results, or say words, and do not compute them; they are left out of every fingerprint.

What options say stands in the parameters of the rules; how blocks are cut changes no result (decision 017).
"""
_DATA = frozenset({".csv", ".json", ".html", ".css", ".js", ".md"})


def source_fingerprint(*modules: str) -> str:
    """Hash what the given modules, and all that they import from this package, compute.

    The hash is taken over the syntax trees without docstrings and without the texts of errors, warnings and
    log lines: comments, layout, words to the user and times of modification do not count; and over the
    tables and templates that lie beside the modules. Nothing is imported. Imports for the type checker alone
    are not followed. Modules looked up by name at run time (the unmixing methods) are not seen and must be
    given.

    Parameters
    ----------
    *modules : str
        Dotted names inside the package, for example ``"eelsunmix.methods.vca"``.

    Returns
    -------
    str
        16 hexadecimal digits.

    Raises
    ------
    ValueError
        If a module does not exist.
    """
    digest = hashlib.blake2b(digest_size=8)
    sources = _closure(modules)
    for path in sorted(sources | _data_beside(sources)):
        digest.update(f"{path.relative_to(PACKAGE)}\n{_content(path, path.stat().st_mtime_ns)}\n".encode())
    return digest.hexdigest()


def package_files() -> list[tuple[str, Path]]:
    """Name and path of each file of the package that counts in a fingerprint, in order."""
    files = [path for path in PACKAGE.rglob("*") if path.suffix in {".py", *_DATA} and path.is_file()]
    return sorted((path.relative_to(PACKAGE).as_posix(), path) for path in files)


def _closure(modules: tuple[str, ...]) -> set[Path]:
    waiting, seen = [_file_of(module) for module in modules], set()
    while waiting:
        path = waiting.pop()
        if path is None:
            raise ValueError(f"no such module among {', '.join(modules)}")
        if path not in seen:
            seen.add(path)
            waiting.extend(_parsed(path, path.stat().st_mtime_ns)[0])
    return seen


@functools.cache
def _parsed(path: Path, _modified: int) -> tuple[list[Path], str]:
    """Files that a module imports from this package, and its syntax tree without words."""
    # Bytes, because the meaning of the text must not depend on the locale.
    tree = _WithoutTypeChecking().visit(ast.parse(path.read_bytes()))
    names = set(_imported_names(tree, path))
    files = {_file_of(name) for name in names if name.split(".")[1:2] != []}
    imported = [file for file in files if file and not _is_infrastructure(file)]
    return imported, ast.dump(_WithoutWords().visit(tree))


def _imported_names(tree: ast.Module, path: Path) -> Iterator[str]:
    package = ".".join(("eelsunmix", *path.relative_to(PACKAGE).parent.parts))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("eelsunmix."))
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            if module.split(".")[0] == "eelsunmix":
                yield module
                yield from (f"{module}.{alias.name}" for alias in node.names)


def _file_of(module: str) -> Path | None:
    """Source file of a dotted name; None for a name inside a module."""
    base = PACKAGE.joinpath(*module.split(".")[1:])
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


def _is_infrastructure(path: Path) -> bool:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts == ("__init__",) or parts[0] in INFRASTRUCTURE


def _data_beside(sources: set[Path]) -> set[Path]:
    """Return the data files in the folders of the sources; those at the top belong to no module."""
    folders = {path.parent for path in sources} - {PACKAGE}
    return {path for folder in folders for path in folder.iterdir() if path.suffix in _DATA}


@functools.cache
def _content(path: Path, _modified: int) -> str:
    if path.suffix in _DATA:
        return hashlib.blake2b(path.read_bytes(), digest_size=8).hexdigest()
    return _parsed(path, _modified)[1]


class _WithoutTypeChecking(ast.NodeTransformer):
    """Drops what stands under ``if TYPE_CHECKING``."""

    def visit_If(self, node: ast.If) -> Any:
        is_guard = isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        return node.orelse if is_guard else self.generic_visit(node)


class _WithoutWords(ast.NodeTransformer):
    """Drops docstrings, and empties the texts inside `raise`, logging calls and warnings."""

    def visit_Expr(self, node: ast.Expr) -> Any:
        return None if _is_text(node.value) else self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> Any:
        return _Emptied().visit(node)

    def visit_Call(self, node: ast.Call) -> Any:
        return _Emptied().visit(node) if _speaks(node) else self.generic_visit(node)


class _Emptied(ast.NodeTransformer):
    """Empties every text below a node, together with the numbers that are formatted into it."""

    def visit_Constant(self, node: ast.Constant) -> Any:
        return ast.Constant("") if isinstance(node.value, str) else node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> Any:
        return ast.Constant("")


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _speaks(node: ast.Call) -> bool:
    """Whether a call writes to the log or warns: ``logger.info(...)``, ``warnings.warn(...)``."""
    function = node.func
    if not (isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name)):
        return False
    return function.value.id == "logger" or (function.value.id, function.attr) == ("warnings", "warn")
