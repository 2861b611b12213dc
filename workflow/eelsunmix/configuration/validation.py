"""One value of the configuration -> one validated option; pydantic decides, the messages are ours."""

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from eelsunmix.configuration.kinds import field_types, type_at
from eelsunmix.configuration.nodes import Node
from eelsunmix.configuration.problems import Keys, Problem, suggestion, unknown_key
from eelsunmix.configuration.words import found, hint, needed

_WRONG_TYPE = frozenset(
    f"{name}_type" for name in ("int", "float", "bool", "string", "tuple", "list", "dict", "dataclass")
) | {"literal_error", "int_from_float", "none_required", "int_parsing", "finite_number"}
"""Types of mistake that amount to: something else is needed here."""


def validate(node: Node, kind: Any, path: Keys) -> tuple[Any, list[Problem]]:
    """Turn a value of the configuration into an object of a type, strictly.

    Parameters
    ----------
    node : Node
        The value as written.
    kind : type
        A dataclass or any type that pydantic knows.
    path : tuple
        Keys that lead to the value, for messages.

    Returns
    -------
    value : object or None
        None if anything is wrong.
    problems : list of Problem
    """
    try:
        return model_of(kind).model_validate_json(json.dumps({"value": node.plain()})).value, []  # type: ignore[attr-defined]
    except ValidationError as error:
        return None, _problems(error, node, kind, path)


@cache
def model_of(kind: Any) -> type[BaseModel]:
    """Make the strict model with the one field `value`; dataclasses inside take its configuration over."""
    strict = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, arbitrary_types_allowed=True)
    return create_model("Value", __config__=strict, value=(kind, ...))


def _problems(error: ValidationError, node: Node, kind: Any, path: Keys) -> list[Problem]:
    grouped: dict[Keys, list[Mapping[str, Any]]] = {}
    for mistake in error.errors(include_url=False):
        grouped.setdefault(_place(mistake, node), []).append(mistake)
    inner = {place[:length] for place in grouped for length in range(len(place))}
    return [
        _problem(mistakes, node, kind, place, path)
        for place, mistakes in grouped.items()
        # A list refused by one member of a union and read by another: the complaint inside says more.
        if not (place in inner and all(mistake["type"] in _WRONG_TYPE for mistake in mistakes))
    ]


def _place(mistake: Mapping[str, Any], node: Node) -> Keys:
    """Where a mistake is in the configuration: pydantic's location without its names of union members."""
    place: list[str | int] = []
    here: Node | None = node
    for step in mistake["loc"][1:]:
        below = here.child(step) if here else None
        if below is not None:
            here = below
            place.append(step)
    if mistake["type"] == "missing" and isinstance(mistake["loc"][-1], str):
        place.append(mistake["loc"][-1])
    return tuple(place)


def _problem(mistakes: list[Mapping[str, Any]], root: Node, kind: Any, place: Keys, path: Keys) -> Problem:
    node, exists = _deepest(root, place)
    kinds = type_at(kind, place)
    mistake = mistakes[0]
    if mistake["type"] in ("value_error", "assertion_error"):
        message = str(mistake["ctx"]["error"])
        blamed = _blamed_key(message, node, kinds)
        here = node.child(blamed) if blamed else None
        place = (*place, blamed) if blamed else place
        return Problem(node.file, message, (here or node).line, path + place)
    if mistake["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        keys = [name for one in type_at(kind, place[:-1]) for name in field_types(one)]
        message = unknown_key(suggestion(str(place[-1]), keys), node.text)
    elif mistake["type"] == "missing" and not exists:
        message = f"is missing; needs {needed(kinds)}"
    elif mistake["type"] in _WRONG_TYPE or mistake["type"] in ("too_long", "too_short", "missing"):
        message = f"needs {needed(kinds)}, found {found(node)}{hint(node, kinds)}"
    else:
        message = f"{mistake['msg']}, found {found(node)}"
    return Problem(node.file, message, node.line, path + place)


def _deepest(node: Node, place: Keys) -> tuple[Node, bool]:
    """Node at a place, or the last one on the way there; and whether the place exists."""
    for step in place:
        below = node.child(step)
        if below is None:
            return node, False
        node = below
    return node, True


def _blamed_key(message: str, node: Node, kinds: list[Any]) -> str | None:
    """Key that a message of `__post_init__` speaks of: the first one named, those that were written first."""
    names = {name for kind in kinds for name in field_types(kind)}
    words = [word for word in re.findall(r"\w+", message) if word in names]
    written = [word for word in words if node.child(word)]
    return next(iter(written + words), None)
