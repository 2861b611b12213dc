"""Types and values in the words of somebody who has never seen Python."""

import re
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from eelsunmix.configuration.kinds import alternatives
from eelsunmix.configuration.nodes import Node
from eelsunmix.configuration.problems import shown
from eelsunmix.configuration.strict_yaml import scalar

_SIMPLE = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "text",
    Path: "the path of a file",
    NoneType: "null",
    Any: "anything",
}
_NUMBER_WITH_UNIT = re.compile(r"([-+]?[0-9.]+)\s*(eV|keV|nm|px|%|um|Å|s)")
_RANGE = re.compile(r"\(?\s*([0-9.]+)\s*(?:-|–|:|\.\.|to|,)\s*([0-9.]+)\s*\)?")


def needed(kinds: list[Any]) -> str:
    """Say what may be written where one of some types is expected.

    Examples
    --------
    >>> needed([int, Literal["auto"], type(None)])
    'a whole number, auto or null'
    >>> needed([tuple[float, float]])
    'a list of 2 numbers'
    """
    words = list(dict.fromkeys(word for kind in kinds for word in _words(kind)))
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else "".join(words) or "something else"


def _words(kind: Any) -> list[str]:
    if get_origin(kind) is Literal:
        return [
            shown(str(choice)) if isinstance(choice, str) else str(choice).lower()
            for choice in get_args(kind)
        ]
    if isinstance(kind, type) and is_dataclass(kind):
        return [f"a mapping with keys like {', '.join(field.name for field in fields(kind)[:4])}"]
    if get_origin(kind) in (tuple, list):
        return [_list_words(get_args(kind), get_origin(kind))]
    if isinstance(get_origin(kind), type):
        return ["a mapping (key: value)"]
    return [_SIMPLE.get(kind, getattr(kind, "__name__", str(kind)))]


def _list_words(members: tuple[Any, ...], origin: Any) -> str:
    number = "" if Ellipsis in members or origin is list else f"{len(members)} "
    word = needed(alternatives(members[0])) if members else "values"
    plural = {"a number": "numbers", "a whole number": "whole numbers", "text": "texts"}
    return f"a list of {number}{plural.get(word, f'values, each {word}')}"


def found(node: Node) -> str:
    """Say what was written.

    Examples
    --------
    >>> found(Node("yes", "x.yaml", 1, "yes"))
    'the text yes'
    """
    if node.is_mapping:
        return f"a mapping {shown(node.text)}" if node.text else f"a mapping with {len(node.value)} keys"
    if node.is_list:
        return f"the list {shown(node.text)}" if node.text else f"a list of {len(node.value)}"
    if node.value is None:
        return "nothing" if not node.text else "null"
    if isinstance(node.value, bool):
        return node.text or str(node.value).lower()
    kind = "text" if isinstance(node.value, str) else "number"
    return f"the {kind} {shown(node.text)}"


def hint(node: Node, kinds: list[Any]) -> str:
    """Say what to write instead (after a semicolon), where that can be guessed; empty otherwise."""
    advice = _advice(node, kinds)
    return f"; {advice}" if advice else ""


def _advice(node: Node, kinds: list[Any]) -> str:
    value = node.value
    if value is None:
        return "write a value, or leave the key out"
    if bool in kinds and isinstance(value, str) and value.lower() in _BOOLEANS:
        return f"write {_BOOLEANS[value.lower()]}"
    if str in kinds and isinstance(value, int | float):
        return f'write "{node.text}" in quotes'
    if {int, float} & set(kinds) and isinstance(value, str):
        return _number_hint(value)
    if any(get_origin(kind) is tuple for kind in kinds):
        return _list_hint(node)
    return ""


_BOOLEANS = {
    **dict.fromkeys(("yes", "y", "on", "true"), "true"),
    **dict.fromkeys(("no", "n", "off", "false"), "false"),
}


def _number_hint(text: str) -> str:
    if match := _NUMBER_WITH_UNIT.fullmatch(text.strip()):
        return f"write {match[1]}, the unit is in the name of the key"
    bare = text.strip().replace("_", "")
    if not isinstance(scalar(bare), int | float) or isinstance(scalar(bare), bool):
        bare = bare.replace(",", ".")
    number = scalar(bare)
    return f"write {bare}" if isinstance(number, int | float) and not isinstance(number, bool) else ""


def _list_hint(node: Node) -> str:
    if isinstance(node.value, str) and (match := _RANGE.fullmatch(node.value.strip())):
        return f"write [{match[1]}, {match[2]}]"
    return "" if node.is_list or node.is_mapping else f"write [{node.text}, ...]"
