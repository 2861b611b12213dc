"""A function that refuses wrong arguments before it begins, made of one that does not."""

import functools
import inspect
from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_type_hints

import numpy as np
import xarray as xr
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.json_schema import GenerateJsonSchema

from eelsunmix.arguments.kinds import KINDS, MAY_BE_NONE, Function, kind_of
from eelsunmix.errors import InputError, in_brief, suggestion
from eelsunmix.mistakes import Mistake, mistakes_of
from eelsunmix.options import Options, as_python

_SETTINGS = ConfigDict(arbitrary_types_allowed=True, strict=True, allow_inf_nan=False)
_LABELS = "; xarray.DataArray(array, dims=('y', 'x', 'energy_loss')) labels an array"


def checked(function: Function) -> Function:
    """Return a function that refuses wrong arguments before it begins.

    Its signature and its docstring stay what they are.  Options that are passed on as keywords are checked by
    whoever takes them.  Numbers of NumPy become those of Python.

    Raises
    ------
    InputError
        By the function that is returned: names the argument, what it needs and what was found.

    Examples
    --------
    >>> def double(n_endmembers: int) -> int:
    ...     return 2 * n_endmembers
    >>> checked(double)("three")
    Traceback (most recent call last):
    ...
    eelsunmix.errors.InputError: double: n_endmembers needs a whole number of at least 1, not 'three'
    """
    signature = inspect.signature(function)

    @functools.wraps(function)
    def guarded(*arguments: Any, **named: Any) -> Any:
        arguments = tuple(as_python(value) for value in arguments)
        named = {name: as_python(value) for name, value in named.items()}
        for name, value in _bound(function, signature, arguments, named):
            _check(function, name, value)
        return function(*arguments, **named)

    return guarded


def _bound(
    function: Function, signature: inspect.Signature, arguments: tuple[Any, ...], named: dict[str, Any]
) -> Iterator[tuple[str, Any]]:
    """Yield names and values of what has to be checked; None only where it does not mean the default."""
    try:
        given = signature.bind(*arguments, **named).arguments
    except TypeError as error:
        known = list(signature.parameters)
        stray = next((name for name in named if name not in known), None)
        advice = f"it takes {', '.join(known)}" if stray is None else suggestion(stray, known)
        raise InputError(f"{function.__name__}: {error}; {advice}") from None
    for name, value in given.items():
        parameter = signature.parameters[name]
        if parameter.kind is parameter.VAR_KEYWORD:
            yield from (
                (key, one)
                for key, one in value.items()
                if key in KINDS and not (one is None and key in MAY_BE_NONE)
            )
        elif value is not None or parameter.default is not None:
            yield name, value


def _check(function: Function, name: str, value: Any) -> None:
    adapter, options = _adapter(function, name), _options_of(function, name)
    if options and isinstance(value, Mapping):  # pydantic reads a mapping of the fields too
        raise InputError(
            f"{function.__name__}: {name} needs {options.__name__}(...) of {options.__module__}, "
            f"not {_seen(value)}"
        )
    try:
        adapter.validate_python(value)
    except ValidationError as error:
        mistake = mistakes_of(error, adapter.json_schema(schema_generator=_Words))[0]
        raise InputError(f"{function.__name__}: {_in_words(name, mistake, value)}") from None


def _kind(function: Function, name: str) -> Any:
    return kind_of(function, name, get_type_hints(function, include_extras=True).get(name, Any))


def _options_of(function: Function, name: str) -> type[Options] | None:
    """Class of options that an argument needs, if it needs options."""
    kind = _kind(function, name)
    kinds = (one for one in (kind, *get_args(kind)) if isinstance(one, type))
    return next((one for one in kinds if issubclass(one, Options)), None)


@functools.cache
def _adapter(function: Function, name: str) -> TypeAdapter[Any]:
    kind = _kind(function, name)
    is_options = isinstance(kind, type) and issubclass(kind, Options)
    return TypeAdapter(kind, config=None if is_options else _SETTINGS)


class _Words(GenerateJsonSchema):
    """JSON schema in which classes of Python are constants: what messages call them."""

    def is_instance_schema(self, schema: Any) -> dict[str, Any]:
        name = schema["cls"].__name__
        return {"const": f"{'an' if name[0] in 'AEIOU' else 'a'} {name}"}

    def model_schema(self, schema: Any) -> dict[str, Any]:
        return {"const": f"{schema['cls'].__name__}(...)"}


def _in_words(name: str, mistake: Mistake, value: Any) -> str:
    place = name + "".join(f"[{in_brief(step)}]" for step in mistake.place if step != "[key]")
    if mistake.kind == "rule":
        return f"{place}{'' if mistake.text.startswith('[') else ' '}{mistake.text}"
    needs = (mistake.text or "needs a name that is text").removesuffix(" or null")
    advice = _LABELS if isinstance(value, np.ndarray) and "a DataArray" in needs else ""
    return f"{place} {needs}, not {_seen(mistake.value)}{advice}"


def _seen(value: Any) -> str:
    """Say in a few words what was found.

    Examples
    --------
    >>> _seen(np.ones((2, 3))), _seen(xr.Dataset({"score": 1.0}))
    ('an ndarray of shape (2, 3)', 'a Dataset with score')
    """
    if isinstance(value, np.ndarray):
        return f"an ndarray of shape {value.shape}"
    if isinstance(value, xr.DataArray):
        return f"a DataArray with the dims {value.dims}"
    if isinstance(value, xr.Dataset):
        return in_brief(f"a Dataset with {', '.join(map(str, value.data_vars)) or 'no variables'}").strip("'")
    return in_brief(value)
