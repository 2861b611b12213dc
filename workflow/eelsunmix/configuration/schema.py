"""The JSON schema of a configuration, for completion and checking in editors."""

import json
from collections.abc import Collection
from typing import Any

from pydantic import create_model

from eelsunmix.configuration.docstrings import DescribedSchema
from eelsunmix.configuration.names import LABEL, RESERVED_LABELS, RESERVED_SAMPLES, SAMPLE_NAME
from eelsunmix.configuration.settings import Configuration, MethodSettings, Sections
from eelsunmix.methods import method_class, method_names
from eelsunmix.mistakes import Schema
from eelsunmix.options import Options
from eelsunmix.synthetic import SCENES
from eelsunmix.words import RECOMMENDED

_LINE = 110
_SHARED = ("dask", "device", "benchmark")
_OWN = ("file", "simulate", "fit_on")
_ENTRY = tuple(name for name in MethodSettings.model_fields if name not in ("method", "options"))
_OF_NAMES = ("patternProperties", "additionalProperties")
_NOT_LINKED = ("Configuration", "SampleSettings")


def schema_text(methods: list[str] | None = None) -> str:
    """Return the schema as text of a JSON file; see `schema`."""
    return _laid_out(schema(methods)) + "\n"


def _laid_out(value: Any, indent: str = "") -> str:
    """JSON in which whatever fits is one line."""
    short = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(short) <= _LINE or not isinstance(value, dict | list):
        return short
    deeper = indent + "  "
    if isinstance(value, list):
        return _block("[]", [_laid_out(item, deeper) for item in value], indent)
    items = [f"{json.dumps(key)}: {_laid_out(item, deeper)}" for key, item in value.items()]
    return _block("{}", items, indent)


def _block(brackets: str, items: list[str], indent: str) -> str:
    lines = f",\n{indent}  ".join(items)
    return f"{brackets[0]}\n{indent}  {lines}\n{indent}{brackets[1]}"


def schema(methods: list[str] | None = None) -> Schema:
    """Return the JSON schema (draft 2020-12) of a configuration.

    Parameters
    ----------
    methods : list of str, optional
        Methods that it knows; all that there are by default.
    """
    names = method_names() if methods is None else methods
    known = definitions(all_kinds(names))
    properties = {name: one["properties"] for name, one in known.items()}
    for name in ("Sections", "BenchmarkOptions"):
        description = properties[name]["methods"]["description"]
        properties[name]["methods"] = _link("Methods") | {"description": description}
    for field in properties["Sections"].values():
        if "patternProperties" in field:
            field["additionalProperties"] = False
    sections = {name: _link(f"Sections/properties/{name}") for name in Sections.model_fields}
    edges = properties["Sections"]["edges"]
    names_alone = {"type": "array", "items": {"type": "string"}}
    edges["anyOf"] = [{"type": "object", **{key: edges.pop(key) for key in _OF_NAMES}}, names_alone]
    edges.pop("type")
    own = {name: properties["SampleSettings"][name] for name in _OWN}
    own["simulate"] = {"description": own["simulate"]["description"], "anyOf": _scenes(known)}
    source = {"oneOf": [{"required": ["file"]}, {"required": ["simulate"]}]}
    known |= {"Methods": _methods(known, names), "Sample": _object(own | sections) | source}
    samples = {"anyOf": [{"type": "string"}, _names(_link("Sample"), SAMPLE_NAME.pattern, RESERVED_SAMPLES)]}
    shared = {name: properties["Configuration"][name] for name in _SHARED}
    top = _object({"samples": samples} | sections | shared)
    needed = {"anyOf": [{"required": ["samples"]}, {"required": ["benchmark"]}]}
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Configuration of eelsunmix"}
    linked = {name: one for name, one in known.items() if name not in _NOT_LINKED}
    return head | top | needed | {"$defs": linked}


def all_kinds(methods: list[str]) -> list[Any]:
    """Options of a configuration, those of some methods and of every scene included."""
    return [Configuration, Sections, *map(method_class, methods), *SCENES.values()]


def definitions(kinds: list[Any]) -> dict[str, Schema]:
    """Schemas of some options and of those inside of them, by the names of their classes."""
    members: Any = {kind.__name__: (kind, ...) for kind in kinds}
    made = create_model("All", __config__=Options.model_config, **members)
    return made.model_json_schema(schema_generator=DescribedSchema)["$defs"]


def _methods(known: dict[str, Schema], names: list[str]) -> Schema:
    """Entries by name of the method, and entries with a label of the user, which need the key `method`.

    The options of the method, which stand beside the keys of every entry, are written into one definition.
    """
    named, free = {}, []
    for name in names:
        kind = known[method_class(name).__name__]
        shared = {key: _link(f"MethodSettings/properties/{key}") for key in _ENTRY}
        kind["properties"] = {"method": {"const": name}} | shared | kind["properties"]
        link = _link(method_class(name).__name__)
        named[name] = {"anyOf": [link, {"type": "null"}]}
        free.append(link | {"required": ["method"]})
    seed = {"method": {"const": RECOMMENDED}, "seed": _link("MethodSettings/properties/seed")}
    named = {RECOMMENDED: {"anyOf": [_object(seed), {"type": "null"}]}} | named
    labels = _names({"anyOf": free}, LABEL.pattern, RESERVED_LABELS)
    return labels | {"properties": named}


def _scenes(known: dict[str, Schema]) -> list[Schema]:
    for name, kind in SCENES.items():
        own = known[kind.__name__]
        own["properties"] = {"scene": {"const": name}} | own["properties"]
        own["required"] = ["scene"]
    return [_link(kind.__name__) for kind in SCENES.values()]


def _link(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _object(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _names(entry: Schema, pattern: str, reserved: Collection[str]) -> Schema:
    names = {"pattern": f"^{pattern}$", "not": {"enum": sorted(reserved)}}
    return {"type": "object", "propertyNames": names, "additionalProperties": entry}
