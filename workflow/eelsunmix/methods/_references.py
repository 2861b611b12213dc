"""The papers behind a method, as its own docstring names them, so that a new method needs no line here."""

import ast
import re
from importlib.resources import files

from eelsunmix.words import COMPARED, RECOMMENDED

_REFERENCES = re.compile(r"^References\n-+\n(.*?)(?:\n\n|\Z)", re.MULTILINE | re.DOTALL)
_MARK = re.compile(r"^\.\. \[\d+\]", re.MULTILINE)


def references(method: str) -> list[str]:
    """Return the entries of the section References of a method's docstring.

    The source is read and not imported: a page needs no method, nor what a method computes with.

    Parameters
    ----------
    method : str
        Name of a method; one that does not exist has no references, ``recommended`` those of its candidates.

    Examples
    --------
    >>> references("vca")[1]
    'M. R. Keenan, P. G. Kotula, Surf. Interface Anal. 36, 203 (2004), for the weights.'
    """
    if method == RECOMMENDED:
        return list(dict.fromkeys(entry for one in COMPARED for entry in references(one)))
    sections = [_REFERENCES.search(text) for text in _docstrings(method)]
    found = [entry for section in sections if section for entry in _MARK.split(section[1])]
    return [" ".join(entry.split()) for entry in found if entry.strip()]


def _docstrings(method: str) -> list[str]:
    """Return the docstrings of the classes in the file of a method."""
    folder = files("eelsunmix.methods")
    for path in (folder / f"{method}.py", folder / method / "__init__.py"):
        if path.is_file():
            body = ast.parse(path.read_text(encoding="utf-8")).body
            return [ast.get_docstring(item) or "" for item in body if isinstance(item, ast.ClassDef)]
    return []
