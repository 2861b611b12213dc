"""Methods by name: a method ``abc`` is the class ``ABC`` in ``methods/abc.py``; nothing is registered."""

import functools
import importlib
import pkgutil
from pathlib import Path
from typing import Any

from eelsunmix.errors import InputError, in_brief, suggestion
from eelsunmix.methods._extras import missing_extra
from eelsunmix.methods._method import Method

_FOLDER = Path(__file__).parent


def method_names() -> list[str]:
    """Names of all methods, in alphabetical order.

    Examples
    --------
    >>> set(method_names()) >= {"ica", "nmf", "vca"}
    True
    """
    return list(_names(_FOLDER.stat().st_mtime_ns))


@functools.lru_cache(maxsize=1)
def _names(_changed: int) -> tuple[str, ...]:
    """Look into the folder once: a configuration of many samples asks for each method of each."""
    modules = pkgutil.iter_modules([str(_FOLDER)])
    return tuple(sorted(module.name for module in modules if not module.name.startswith("_")))


def method_class(name: str) -> type[Method]:
    """Return the class of a method.

    Raises
    ------
    InputError
        No method has this name.
    """
    if name not in method_names():
        raise InputError(f"method {in_brief(name)} does not exist; {suggestion(str(name), method_names())}")
    module = importlib.import_module(f"eelsunmix.methods.{name}")
    classes = [item for item in vars(module).values() if isinstance(item, type) and issubclass(item, Method)]
    found = [item for item in classes if item.__module__ == module.__name__]
    if len(found) != 1:
        raise TypeError(f"{module.__file__} must define one subclass of Method, not {len(found)}")
    return found[0]


def build_method(name: str, **options: Any) -> Method:
    """Build a method from its name and options, everything checked.

    Parameters
    ----------
    name : str
        One of `method_names`.
    **options
        Fields of the method's class.

    Raises
    ------
    InputError
        Unknown name, unknown option, a value that the method refuses, or a library that is not installed.

    Examples
    --------
    >>> build_method("vca", n_draws=5).n_draws
    5
    """
    options_class = method_class(name)
    if message := missing_extra(options_class):
        raise InputError(f"method {name!r} {message}")
    known = list(options_class.model_fields)
    for option in options:
        if option not in known:
            raise InputError(f"method {name!r} has no option {option!r}; {suggestion(option, known)}")
    return options_class(**options)
