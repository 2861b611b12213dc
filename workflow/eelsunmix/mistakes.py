"""What pydantic finds wrong, place by place, in the words of somebody who has never seen Python."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

Schema = dict[str, Any]
"""JSON schema of a value."""

Keys = tuple[str | int, ...]
"""Keys and list positions that lead to a value."""

_BOUND_KINDS = frozenset(
    ("greater_than", "greater_than_equal", "less_than", "less_than_equal", "string_pattern_mismatch")
)
_SIMPLE = {"boolean": "true or false", "null": "null", "integer": "a whole number", "number": "a number"}
_PLURAL = {"number": "numbers", "integer": "whole numbers", "string": "texts"}
_BOUNDS = {
    "minimum": "of at least",
    "exclusiveMinimum": "above",
    "maximum": "of at most",
    "exclusiveMaximum": "below",
}


@dataclass(frozen=True)
class Mistake:
    """What is wrong at one place.

    Parameters
    ----------
    place : tuple of str or int
    kind : {"unknown", "missing", "type", "bound", "rule"}
        A key that does not exist or is not there; a value of a wrong type, out of bounds or against a rule.
    text : str
        What is needed, or the words of the rule; empty for unknown keys.
    value : object
        What was found.
    keys : tuple of str
        Keys that may be written where one is unknown.
    """

    place: Keys
    kind: str
    text: str
    value: Any = None
    keys: tuple[str, ...] = ()


def mistakes_of(error: ValidationError, schema: Schema) -> list[Mistake]:
    """Sort what pydantic says by the places of the value, its choices of types put together.

    Parameters
    ----------
    error : ValidationError
    schema : dict
        JSON schema of what was validated.
    """
    grouped: dict[Keys, list[Mapping[str, Any]]] = {}
    for one in error.errors(include_url=False):
        grouped.setdefault(_place(one, schema), []).append(one)
    inner = {place[:length] for place in grouped for length in range(len(place))}
    return [
        _mistake(place, found, schema)
        for place, found in grouped.items()
        # A list refused by one member of a choice and read by another: the complaint inside says more.
        if not (place in inner and all("error" not in one.get("ctx", {}) for one in found))
    ]


def _place(found: Mapping[str, Any], schema: Schema) -> Keys:
    """Where a mistake is: pydantic's location without its names of members of a choice."""
    place: Keys = ()
    for step in found["loc"]:
        if below(schema, (*place, step)):
            place = (*place, step)
    if found["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        place = (*place, found["loc"][-1])
    if found["type"] == "missing" and isinstance(found["loc"][-1], int):  # the list is too short
        return place[:-1]
    blamed = getattr(found.get("ctx", {}).get("error"), "key", None)
    return (*place, blamed) if blamed else place


def _mistake(place: Keys, found: list[Mapping[str, Any]], schema: Schema) -> Mistake:
    kinds = {one["type"] for one in found}
    value = found[0]["input"]
    if rules := [one["ctx"]["error"] for one in found if one["type"] == "value_error"]:
        return Mistake(place, "rule", str(rules[0]), value)
    if kinds & {"unexpected_keyword_argument", "extra_forbidden"} or found[0]["loc"][-1:] == ("[key]",):
        keys = tuple(key for one in below(schema, place[:-1]) for key in _keys(one))
        return Mistake(place, "unknown", "", value, keys)
    needs = f"needs {needed(below(schema, place))}"
    if "finite_number" in kinds:
        needs = needs.replace("a number", "a finite number")
    if "missing" in kinds and place[-1:] == found[0]["loc"][-1:]:
        return Mistake(place, "missing", needs)
    return Mistake(place, "bound" if kinds & _BOUND_KINDS else "type", needs, value)


def _keys(schema: Schema) -> list[str]:
    return [*schema.get("properties", {}), *schema.get("propertyNames", {}).get("enum", ())]


def below(schema: Schema, place: Keys) -> list[Schema]:
    """Schemas that a value may have at a place below that of a schema; several for a choice of types.

    Examples
    --------
    >>> below({"properties": {"n": {"anyOf": [{"type": "integer"}, {"const": "auto"}]}}}, ("n",))
    [{'type': 'integer'}, {'const': 'auto'}]
    """
    definitions = schema.get("$defs", {})
    schemas = list(alternatives(schema, definitions))
    for step in place:
        children = (child for one in schemas for child in _children(one, step))
        schemas = [one for child in children for one in alternatives(child, definitions)]
    return schemas


def alternatives(schema: Schema, definitions: Schema) -> Iterator[Schema]:
    """Members of a choice, links followed."""
    if "$ref" in schema:
        yield from alternatives(definitions[schema["$ref"].rsplit("/", 1)[1]], definitions)
    elif "anyOf" in schema:
        for member in schema["anyOf"]:
            yield from alternatives(member, definitions)
    else:
        yield schema


def _children(schema: Schema, step: str | int) -> Iterator[Schema]:
    if isinstance(step, int):
        members = [*schema.get("prefixItems", ()), schema.get("items")]
        candidates = [members[min(step, len(members) - 1)]]
    else:
        named = schema.get("properties", {}).get(step)
        free = schema.get("additionalProperties"), *schema.get("patternProperties", {}).values()
        candidates = [named] if named else list(free)
    yield from (candidate for candidate in candidates if isinstance(candidate, dict))


def needed(schemas: list[Schema]) -> str:
    """Say what may be written where one of some schemas holds.

    Examples
    --------
    >>> needed([{"type": "integer", "minimum": 1}, {"const": "auto"}, {"type": "null"}])
    'a whole number of at least 1, auto or null'
    >>> needed([{"type": "array", "prefixItems": [{"type": "number"}, {"type": "number"}]}])
    'a list of 2 numbers'
    """
    words = list(dict.fromkeys(word for schema in schemas for word in _words(schema)))
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else "".join(words) or "something else"


def _words(schema: Schema) -> list[str]:
    if choices := schema.get("enum", [schema["const"]] if "const" in schema else []):
        return [one if isinstance(one, str) else str(one).lower() for one in choices]
    kind = schema.get("type")
    if kind == "string":
        most = f"text of {schema['maxLength']} characters at most" if "maxLength" in schema else "text"
        return [" such as ".join([most, *schema.get("examples", [])[:1]])]
    if kind == "array":
        return [_list_words(schema)]
    if kind == "object":
        keys = ", ".join(list(schema.get("properties", {}))[:4])
        return [f"a mapping with keys like {keys}" if keys else "a mapping (key: value)"]
    return [_number_words(schema, _SIMPLE[kind]) if kind in _SIMPLE else "anything"]


def _number_words(schema: Schema, word: str) -> str:
    word = word.replace("a ", "an odd ") if schema.get("not") == {"multipleOf": 2} else word
    if "minimum" in schema and "maximum" in schema:
        return f"{word} from {_bound(schema['minimum'])} to {_bound(schema['maximum'])}"
    bounds = [f"{text} {_bound(schema[name])}" for name, text in _BOUNDS.items() if name in schema]
    return " ".join([word, " and ".join(bounds)]).strip()


def _bound(value: float) -> str:
    """Write a bound as a person would: 1e-9 and 1e9 rather than 1e-09 and 1000000000.0."""
    if isinstance(value, int):
        return str(value)
    digits, exponent, power = f"{value:g}".partition("e")
    return f"{digits}{exponent}{int(power)}" if exponent else digits


def _list_words(schema: Schema) -> str:
    members = schema.get("prefixItems", [])
    number = f"{len(members)} " if members else ""
    item = members[0] if members else schema.get("items", {})
    plural = _PLURAL.get(item.get("type", "")) or f"values, each {needed(list(alternatives(item, {})))}"
    return f"a list of {number}{plural}"
