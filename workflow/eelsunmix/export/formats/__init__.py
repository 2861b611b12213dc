"""The formats, one file each, found by their names.

A format is a module with a docstring, whose first line is the help of its option, and a function
``write(export, folder)`` that writes files into a folder that is there and empty.
"""

import ast
import importlib
import pkgutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eelsunmix.export.package import Package

_FOLDER = Path(__file__).parent


def format_names() -> list[str]:
    """Names of all formats.

    Examples
    --------
    >>> format_names()
    ['csv', 'hspy', 'nexus', 'tiff']
    """
    return sorted(module.name for module in pkgutil.iter_modules([str(_FOLDER)]))


def help_of(name: str) -> str:
    """Return the first line of a format's docstring, without importing what the format needs."""
    tree = ast.parse((_FOLDER / f"{name}.py").read_text(encoding="utf-8"))
    return (ast.get_docstring(tree) or "").partition("\n")[0]


def writer(name: str) -> "Callable[[Package, Path], None]":
    """Return the function that writes a format."""
    write: Callable[[Package, Path], None] = importlib.import_module(f"{__name__}.{name}").write
    return write
