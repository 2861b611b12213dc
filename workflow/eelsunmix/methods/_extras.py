"""Libraries that only some methods need, and the extra of the package that installs them."""

import importlib.util

from eelsunmix.methods._method import Method

LIBRARIES = {"networks": "torch"}
"""Extra of the package -> the library that it installs."""


def missing_extra(method: type[Method] | Method) -> str:
    """Say what to install before a method can be fitted; empty if it can be. Imports nothing.

    Parameters
    ----------
    method : type or Method
        Its ``needs_extra`` is a key of `LIBRARIES`, or None.
    """
    extra = method.needs_extra
    if extra is None or importlib.util.find_spec(LIBRARIES[extra]) is not None:
        return ""
    return f"needs {LIBRARIES[extra]}, which is not installed: pip install 'eelsunmix[{extra}]'"
