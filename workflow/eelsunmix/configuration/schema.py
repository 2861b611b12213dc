"""The JSON schema of a configuration, for completion and checking in editors."""

import json
from dataclasses import fields
from typing import Any

from pydantic import ConfigDict, create_model

from eelsunmix.configuration.benchmark import BenchmarkOptions
from eelsunmix.configuration.docstrings import parameters, summary
from eelsunmix.configuration.kinds import alternatives, field_types
from eelsunmix.configuration.names import LABEL, SAMPLE_NAME
from eelsunmix.configuration.registry import method_names, method_options, scene_names, scene_options
from eelsunmix.configuration.settings import Device, MethodSettings, SampleSettings, Sections
from eelsunmix.execution.clusters import Execution

Schema = dict[str, Any]
_METHOD, _SCENE = "method_", "scene_"


def schema_text() -> str:
    """Return the schema as text of a JSON file."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def schema() -> Schema:
    """Return the JSON schema (draft 2020-12) of a configuration."""
    raw = _generated()
    definitions, known = raw["$defs"], raw["properties"]
    _describe(definitions)
    sections = {field.name: known[field.name] for field in fields(Sections)} | {
        "methods": _methods(definitions, known)
    }
    for key, value in sections.items():
        value["description"] = parameters(Sections)[key].text
    sample = {
        "file": {"type": "string"},
        "simulate": _scenes(definitions, known),
        "fit_on": {"type": "string"},
    }
    for key, value in sample.items():
        value["description"] = parameters(SampleSettings)[key].text
    definitions["Sample"] = _object(sample | sections)
    samples = {"anyOf": [{"type": "string"}, _names({"$ref": "#/$defs/Sample"}, SAMPLE_NAME.pattern)]}
    shared = {key: known[key] for key in ("dask", "device", "benchmark")}
    definitions["BenchmarkOptions"]["properties"]["methods"] = sections["methods"]
    needed = {"anyOf": [{"required": ["samples"]}, {"required": ["benchmark"]}]}
    top = _object({"samples": samples} | sections | shared) | needed
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Configuration of eelsunmix"}
    return head | top | {"$defs": _used(definitions, top)}


def all_kinds() -> dict[str, Any]:
    """Every type of the configuration under a name of its own."""
    methods = {_METHOD + name: method_options(name) for name in method_names()}
    scenes = {_SCENE + name: scene_options(name) for name in scene_names()}
    return (
        field_types(Sections)
        | {"dask": Execution, "device": Device, "benchmark": BenchmarkOptions, "entry": MethodSettings}
        | methods
        | scenes
    )


def _generated() -> Schema:
    strict = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, arbitrary_types_allowed=True)
    members: Any = {name: (kind, ...) for name, kind in all_kinds().items()}
    raw = create_model("Raw", __config__=strict, **members).model_json_schema()
    return _without_titles(raw)


def _describe(definitions: Schema) -> None:
    """Add what the docstrings say."""
    for kind in dataclasses_in(list(all_kinds().values())):
        definition = definitions.get(kind.__name__, {"properties": {}})
        definition["description"] = summary(kind)
        for name, entry in parameters(kind).items():
            if name in definition["properties"]:
                definition["properties"][name]["description"] = entry.text


def dataclasses_in(kinds: list[Any]) -> list[Any]:
    """All dataclasses among some types and inside of them."""
    found: list[Any] = []
    for kind in (one for member in kinds for one in alternatives(member)):
        inner = list(field_types(kind).values()) or [one for one in getattr(kind, "__args__", ())]
        found += ([kind] if field_types(kind) else []) + dataclasses_in(inner)
    return found


def _methods(definitions: Schema, known: Schema) -> Schema:
    """Entries by name of the method, and entries with a label of the user, which need the key `method`."""
    own = definitions["MethodSettings"]["properties"]
    shared = {name: kind for name, kind in own.items() if name not in ("method", "options")}
    named, free = {}, []
    for name in method_names():
        options = _resolved(definitions, known[_METHOD + name])
        entry = _object({"method": {"const": name}} | shared | options.get("properties", {}))
        entry["description"] = options.get("description", "")
        definitions[_METHOD + name] = entry
        link = {"$ref": f"#/$defs/{_METHOD}{name}"}
        named[name] = {"anyOf": [link, {"type": "null"}]}
        free.append(link | {"required": ["method"]})
    return _names({"anyOf": free}, LABEL.pattern) | {"properties": named}


def _scenes(definitions: Schema, known: Schema) -> Schema:
    scenes = []
    for name in scene_names():
        options = _resolved(definitions, known[_SCENE + name])
        entry = _object({"scene": {"const": name}} | options.get("properties", {})) | {"required": ["scene"]}
        scenes.append(entry | {"description": options.get("description", "")})
    return {"anyOf": scenes}


def _resolved(definitions: Schema, schema: Schema) -> Schema:
    return definitions[schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema


def _object(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _names(entry: Schema, pattern: str) -> Schema:
    return {"type": "object", "propertyNames": {"pattern": f"^{pattern}$"}, "additionalProperties": entry}


def _without_titles(value: Any) -> Any:
    """Drop the titles that pydantic makes of every name; the name says it."""
    if isinstance(value, dict):
        return {key: _without_titles(item) for key, item in value.items() if not _is_title(key, item)}
    return [_without_titles(item) for item in value] if isinstance(value, list) else value


def _is_title(key: str, item: Any) -> bool:
    return key == "title" and isinstance(item, str)


def _used(definitions: Schema, top: Schema) -> Schema:
    """Definitions that something refers to (those of methods and scenes were written out)."""
    text = json.dumps([definitions, top])
    return {name: one for name, one in definitions.items() if f'"#/$defs/{name}"' in text}
