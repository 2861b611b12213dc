"""The unmixing methods: one file, one frozen dataclass of options each, found by file name.

A method named ``abc`` is the class ``ABC`` in ``methods/abc.py``.  It follows the protocol `Method`: from a
`LearningSet` it fits a `Model`.  Files that begin with an underscore are helpers.  Nothing is registered.
"""

import dataclasses
import difflib
import importlib
import pkgutil
from typing import Any, cast

import xarray as xr

from eelsunmix.errors import InputError
from eelsunmix.methods._brightness import (
    brightness_spread,
    even_learning_set,
    mapped,
    mapped_features,
    mapped_frame,
    suits_variable_brightness,
    with_brightness,
)
from eelsunmix.methods._contract import LearningSet, Method, Model, array
from eelsunmix.methods._extras import missing_extra
from eelsunmix.methods._linear import LinearModel

__all__ = [
    "LearningSet",
    "LinearModel",
    "Method",
    "Model",
    "array",
    "brightness_spread",
    "build_method",
    "even_learning_set",
    "load_model",
    "mapped",
    "mapped_features",
    "mapped_frame",
    "method_class",
    "method_names",
    "missing_extra",
    "suits_variable_brightness",
    "with_brightness",
]


def method_names() -> list[str]:
    """Names of all methods, in alphabetical order.

    Examples
    --------
    >>> set(method_names()) >= {"ica", "nmf", "vca"}
    True
    """
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))


def method_class(name: str) -> type[Method]:
    """Return the dataclass of options of a method.

    Raises
    ------
    InputError
        No method has this name.
    """
    if name not in method_names():
        raise InputError(f"method {name!r} does not exist; {_suggestion(name, method_names())}")
    module = importlib.import_module(f"{__name__}.{name}")
    found = [
        item for item in vars(module).values() if _is_method(item) and item.__module__ == module.__name__
    ]
    if len(found) != 1:
        raise TypeError(f"{module.__file__} must define one dataclass with a function fit, not {len(found)}")
    return cast(type[Method], found[0])


def _is_method(item: Any) -> bool:
    return isinstance(item, type) and dataclasses.is_dataclass(item) and hasattr(item, "fit")


def build_method(name: str, **options: Any) -> Method:
    """Build a method from its name and options, everything checked.

    Parameters
    ----------
    name : str
        One of `method_names`.
    **options
        Fields of the method's dataclass.

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
    known = [field.name for field in dataclasses.fields(options_class)]  # type: ignore[arg-type]
    for option in options:
        if option not in known:
            raise InputError(f"method {name!r} has no option {option!r}; {_suggestion(option, known)}")
    try:
        return options_class(**options)
    except (TypeError, ValueError) as error:
        raise InputError(f"method {name!r}: {error}") from error


def load_model(dataset: xr.Dataset) -> Model:
    """Rebuild a fitted model from its dataset (attrs ``method`` and ``model`` say of which class).

    Raises
    ------
    InputError
        The dataset does not hold a model of this version.
    """
    method, name = dataset.attrs.get("method"), dataset.attrs.get("model")
    if name == LinearModel.__name__:
        return LinearModel.from_dataset(dataset)
    found = None
    if method in method_names():
        found = getattr(importlib.import_module(f"{__name__}.{method}"), str(name), None)
    if not (isinstance(found, type) and issubclass(found, Model)):
        raise InputError(
            f"the fit store of method {method!r} holds no known model, but {name!r}; fit it again"
        )
    return found.from_dataset(dataset)


def _suggestion(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(str(word).lower(), known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"choose from {', '.join(known)}"
