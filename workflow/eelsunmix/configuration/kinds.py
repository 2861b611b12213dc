"""Looking into types: what may stand below a key."""

import dataclasses
from collections.abc import Mapping, Sequence
from functools import cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints


def type_at(kind: Any, path: Sequence[str | int]) -> list[Any]:
    """Types that a value may have below `path` of a type; several for a union."""
    kinds = alternatives(kind)
    for step in path:
        kinds = [one for kind in kinds for one in _child_types(kind, step)]
    return kinds


def alternatives(kind: Any) -> list[Any]:
    """Members of a union, without annotations.

    Examples
    --------
    >>> alternatives(int | None)
    [<class 'int'>, <class 'NoneType'>]
    """
    if get_origin(kind) is Annotated:
        return alternatives(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        return [one for member in get_args(kind) for one in alternatives(member)]
    return [kind]


@cache
def field_types(kind: Any) -> dict[str, Any]:
    """Names and types of the keys of a dataclass; empty for anything else."""
    if not (isinstance(kind, type) and dataclasses.is_dataclass(kind)):
        return {}
    hints = get_type_hints(kind, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind) if field.init}


def _child_types(kind: Any, step: str | int) -> list[Any]:
    if isinstance(step, str):
        if step in (fields := field_types(kind)):
            return alternatives(fields[step])
        is_mapping = isinstance(get_origin(kind), type) and issubclass(get_origin(kind), Mapping)
        return alternatives(get_args(kind)[1]) if is_mapping else []
    members = [one for one in get_args(kind) if one is not Ellipsis]
    return alternatives(members[min(step, len(members) - 1)]) if members else []
