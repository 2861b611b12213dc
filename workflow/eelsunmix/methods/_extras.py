"""Libraries that only some methods need, and the extra of the package that installs them."""

import importlib.util
from typing import Any

LIBRARIES = {"networks": "torch"}
"""Extra of the package -> the library that it installs."""


def missing_extra(method: Any) -> str:
    """Say what to install before a method can be fitted; empty if it can be. Imports nothing.

    Parameters
    ----------
    method : type or Method
        Its attribute ``needs_extra``, if it has one, is a key of `LIBRARIES`.
    """
    extra = getattr(method, "needs_extra", None)
    if extra is None or importlib.util.find_spec(LIBRARIES[extra]) is not None:
        return ""
    return f"needs {LIBRARIES[extra]}, which is not installed: pip install 'eelsunmix[{extra}]'"
