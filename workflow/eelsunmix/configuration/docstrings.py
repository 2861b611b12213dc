"""JSON schemas of options with what their docstrings say; needed where reference and schema are written."""

import re
from functools import cache
from typing import Any

import docstring_parser
from pydantic.json_schema import GenerateJsonSchema

from eelsunmix.mistakes import Schema
from eelsunmix.options import Options


class DescribedSchema(GenerateJsonSchema):
    """Describes options and their fields by their docstrings, and says what the presets fill in."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Set none: it would repeat the name."""
        return False

    def model_schema(self, schema: Any) -> Schema:
        """Return the schema of a class of options."""
        return _described(super().model_schema(schema), schema["cls"])


@cache
def summary(kind: Any) -> str:
    """Everything before the first section of the docstring, in one line."""
    return _one_line(_parsed(kind).description or "")


@cache
def parameters(kind: Any) -> dict[str, str]:
    """Descriptions of the section "Parameters", by name, also those of the options that a class builds on.

    One for several names is given to each.
    """
    bases = [base for base in getattr(kind, "__mro__", ()) if base is not kind and issubclass(base, Options)]
    return {
        name: _one_line(entry.description or "")
        for one in [*reversed(bases), kind]
        for entry in _parsed(one).params
        for name in entry.arg_name.split(", ")
    }


def _parsed(kind: Any) -> docstring_parser.Docstring:
    return docstring_parser.parse(kind.__doc__ or "", docstring_parser.DocstringStyle.NUMPYDOC)


def _described(made: Schema, kind: Any) -> Schema:
    made.pop("title", None)
    made["description"] = summary(kind)
    texts = parameters(kind)
    for name, field in made.get("properties", {}).items():
        if isinstance(field.get("default"), dict):  # options whose own fields say it
            del field["default"]
        if text := texts.get(name):
            field["description"] = text
    if issubclass(kind, Options):
        for field, values in kind.presets.items():
            _add_presets(made["properties"], kind.model_fields[field].default, values)
    return made


def _add_presets(properties: Schema, chosen: str, presets: Any) -> None:
    """Write the default of the fields that presets fill, and under `x-presets` the others that differ."""
    for name in dict.fromkeys(name for preset in presets.values() for name in preset):
        values = {choice: preset[name] for choice, preset in presets.items() if name in preset}
        default = values.get(chosen, properties[name].get("default"))
        others = {choice: value for choice, value in values.items() if value != default}
        others = properties[name].get("x-presets", {}) | others
        properties[name] |= {"default": default} | ({"x-presets": others} if others else {})


def _one_line(text: str) -> str:
    """Prose without line breaks, marks of citation and the double quotes of reStructuredText."""
    return re.sub(r"\s*\[\d\]_", "", " ".join(text.split())).replace("``", "`")
