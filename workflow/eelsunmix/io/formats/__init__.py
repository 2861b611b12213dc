"""The formats of files: one module each in this folder, found by its class.

The modules are imported by their names in the folder and not by statements. So the fingerprint of the code of
an import holds what all imports share, and `reader_module` adds the one format of the file at hand.
"""

import functools
import importlib
import inspect
import pkgutil
from pathlib import Path

from eelsunmix.io.format import Format


@functools.cache
def known_formats() -> dict[str, Format]:
    """Return suffix -> format of all modules in this folder.

    Raises
    ------
    ValueError
        If two formats claim one suffix.
    """
    formats: dict[str, Format] = {}
    for found in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{found.name}")
        for kind in vars(module).values():
            if inspect.isclass(kind) and issubclass(kind, Format) and kind.__module__ == module.__name__:
                _add(formats, kind())
    return formats


def format_of(path: str | Path) -> Format | None:
    """Return the format of a file, told by its suffix; None where nobody reads it."""
    return known_formats().get(Path(path).suffix.lower())


def reader_module(path: str | Path) -> str:
    """Return the dotted name of the module that reads a file; this package where no format is known.

    Nothing of the file is read; it need not exist.

    Examples
    --------
    >>> reader_module("scan.dm4")
    'eelsunmix.io.formats.digital_micrograph'
    """
    found = format_of(path)
    return __name__ if found is None else type(found).__module__


def _add(formats: dict[str, Format], new: Format) -> None:
    for suffix in new.suffixes:
        if suffix in formats:
            raise ValueError(f"{suffix} is read by {formats[suffix]} and by {new}")
        formats[suffix] = new
