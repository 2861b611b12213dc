"""Values of the configuration in the words of somebody who has never seen Python."""

import re
from typing import Any

from eelsunmix.configuration.nodes import Node
from eelsunmix.configuration.problems import shown
from eelsunmix.configuration.strict_yaml import scalar
from eelsunmix.mistakes import Schema

_NUMBER_WITH_UNIT = re.compile(r"([-+]?[0-9.]+)\s*(eV|keV|nm|px|%|um|Å|s)")
_DECIMAL_COMMA = re.compile(r"(?<=[0-9]),(?=[0-9])")
_RANGE = re.compile(r"\(?\s*([0-9.]+)\s*(?:-|–|:|\.\.|to|,)\s*([0-9.]+)\s*\)?")


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


def hint(node: Node, schemas: list[Schema]) -> str:
    """Say what to write instead (after a semicolon), where that can be guessed; empty otherwise."""
    free = [schema for schema in schemas if not {"const", "enum"} & schema.keys()]
    advice = _advice(node, {schema.get("type") for schema in free}) or _comma_hint(node, free)
    return f"; {advice}" if advice else ""


def _advice(node: Node, kinds: set[Any]) -> str:
    value = node.value
    if value is None:
        return "write a value, or leave the key out"
    if "boolean" in kinds and isinstance(value, str) and value.lower() in _BOOLEANS:
        return f"write {_BOOLEANS[value.lower()]}"
    if "string" in kinds and isinstance(value, int | float):
        return f'write "{node.text}" in quotes'
    if {"integer", "number"} & kinds and isinstance(value, str):
        return _number_hint(value)
    if "array" in kinds:
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


def _comma_hint(node: Node, schemas: list[Schema]) -> str:
    """Tell decimal commas from too many numbers: read as points, the commas without a space leave enough."""
    if not node.is_list or not all(isinstance(one.value, int | float) for one in node.value):
        return ""
    numbers = {len(one.get("prefixItems", ())) for one in schemas if _is_of_fractions(one)}
    left = len(node.value) - len(_DECIMAL_COMMA.findall(node.text))
    return "decimal numbers have a point, no comma" if len(node.value) > left in numbers else ""


def _is_of_fractions(schema: Schema) -> bool:
    return any(item.get("type") == "number" for item in schema.get("prefixItems", ()))


def _list_hint(node: Node) -> str:
    if isinstance(node.value, str) and (match := _RANGE.fullmatch(node.value.strip())):
        return f"write [{match[1]}, {match[2]}]"
    return "" if node.is_list or node.is_mapping else f"write [{node.text}, ...]"
