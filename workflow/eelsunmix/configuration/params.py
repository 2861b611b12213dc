"""Options as plain values, for Snakemake's params and for the manifests of stores, and back."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import PurePath
from typing import Any, TypeVar

from eelsunmix.configuration.nodes import node_of
from eelsunmix.configuration.problems import ConfigurationError
from eelsunmix.configuration.validation import validate

Options = TypeVar("Options")


def as_params(options: Any) -> Any:
    """Turn options into values that JSON can hold, always in the same order.

    Parameters
    ----------
    options : dataclass, mapping, sequence, str, int, float, bool or None
        Keys keep their order: that of the dataclass, or that in which the user wrote them.

    Raises
    ------
    TypeError
        If something inside is none of these.
    """
    if is_dataclass(options) and not isinstance(options, type):
        return {one.name: as_params(getattr(options, one.name)) for one in fields(options)}
    if isinstance(options, Mapping):
        return {str(key): as_params(value) for key, value in options.items()}
    if isinstance(options, list | tuple):
        return [as_params(value) for value in options]
    if isinstance(options, PurePath):
        return str(options)
    if options is None or type(options) in (str, int, float, bool):
        return options
    raise TypeError(f"{type(options).__name__} cannot be a parameter: {options!r}")


def from_params(kind: type[Options], params: Any) -> Options:
    """Turn the values of `as_params` back into the options of a type.

    Parameters
    ----------
    kind : type
        A dataclass, or any type that pydantic knows, such as ``dict[str, Edge]``.
    params : dict
        Result of `as_params`.
    """
    value, problems = validate(node_of(params, "params"), kind, ())
    if problems:
        raise ConfigurationError(problems)
    return value
