"""The reference of all keys, written from the JSON schemas of the options."""

import json
from collections.abc import Iterator
from typing import Any

from eelsunmix.configuration.schema import all_kinds, definitions
from eelsunmix.configuration.sections import SAMPLE_KEYS, TOP_KEYS
from eelsunmix.configuration.settings import Sections
from eelsunmix.methods import method_class, method_names
from eelsunmix.mistakes import Schema, alternatives, needed
from eelsunmix.synthetic import SCENES

_HEAD = """# Configuration reference

Every key, what may be written there, its default and its meaning. This page is written by
`python -m eelsunmix.configuration --reference` from the options of the stages; do not edit it.
How a configuration is put together stands in [config/README.md](../config/README.md).
`python -m eelsunmix.configuration config/config.yaml` checks one and says in words what it asks for.
"""
RECOMMENDED_ENTRY = """### `recommended`

The result to use where nothing speaks for a method of your own choice: a few quick methods, each on the
counts and on averages over alike neighbours, are run on images simulated from what they found, and the one
with the least error there is taken ([036](decisions/036-recommended-result.md),
[042](decisions/042-recommended-in-the-workflow.md)). It takes a `seed` and nothing else, stands first, and is
what a sample gets for which no `methods` are given.
"""
_TABLE = ("| key | write | default | meaning |", "|---|---|---|---|")


def reference(methods: list[str] | None = None) -> str:
    """Return the reference as Markdown.

    Parameters
    ----------
    methods : list of str, optional
        Methods to describe; all that there are by default.
    """
    names = method_names() if methods is None else methods
    known = definitions(all_kinds(names))
    parts = [*_top(known), *_sample(known), *_sections(known), *_methods(known, names), *_scenes(known)]
    parts += [*_options(known, "dask", "Execution"), *_options(known, "benchmark", "BenchmarkOptions")]
    return "\n".join([_HEAD, *parts])


def _top(known: Schema) -> Iterator[str]:
    yield "## Top level\n"
    rows = ["| `samples` | names, or the path of a table | required | The spectrum images, see below. |"]
    rows += _rows(known, "Sections")
    rows += ["| `dask` | a mapping | | Who runs the blocks, see below; never changes a result. |"]
    device = "Where networks are trained; `auto` is the CPU, which was faster where measured; reruns nothing."
    rows += [f"| `device` | auto, cpu or cuda | `auto` | {device} |"]
    rows += ["| `benchmark` | a mapping | | The paper's synthetic benchmark, see below. |"]
    yield _table(rows)


def _sample(known: Schema) -> Iterator[str]:
    yield "## Sample: `samples.NAME`\n"
    *others, last = (f"`{key}`" for key in TOP_KEYS if key not in SAMPLE_KEYS)
    yield f"Either `file` or `simulate`. Every key of the top level except {', '.join(others)} and {last}"
    yield "may stand here too; it then replaces the whole value given at the top level, for this sample.\n"
    yield _table(_rows(known, "SampleSettings", ("file", "simulate", "fit_on")))


def _sections(known: Schema) -> Iterator[str]:
    for name in Sections.model_fields:
        if name != "methods":
            field = known["Sections"]["properties"][name]
            title = f"{name}.NAME" if field.get("type") == "object" else name
            yield from _inner(known, title, field, level=2)


def _methods(known: Schema, names: list[str]) -> Iterator[str]:
    yield "## Methods: `methods.LABEL`\n"
    yield "The keys of every entry; the options of the method stand beside them.\n"
    keys = [key for key in known["MethodSettings"]["properties"] if key != "options"]
    yield _table(_rows(known, "MethodSettings", keys))
    yield RECOMMENDED_ENTRY
    for name in names:
        yield from _options(known, f"method: {name}", method_class(name).__name__, level=3)


def _scenes(known: Schema) -> Iterator[str]:
    yield "## Simulated scenes: `simulate`\n"
    yield f"`scene` names the scene ({', '.join(SCENES)}); its options stand beside it.\n"
    for name, kind in SCENES.items():
        yield from _options(known, f"scene: {name}", kind.__name__, level=3)


def _options(known: Schema, title: str, name: str, level: int = 2) -> Iterator[str]:
    """Section of one class of options, followed by those of the options inside."""
    yield f"{'#' * level} `{title}`\n"
    yield f"{known[name]['description']}\n"
    yield _table(_rows(known, name))
    for key, field in known[name]["properties"].items():
        yield from _inner(known, f"{title}.{key}", field, level=3)


def _inner(known: Schema, title: str, field: Schema, level: int) -> Iterator[str]:
    for name in _linked(field):
        yield from _options(known, title, name, level)


def _linked(field: Schema) -> list[str]:
    """Names of the options that stand below a key: alone, as a choice, or under names of the user."""
    below = [field, *field.get("anyOf", ()), *field.get("patternProperties", {}).values()]
    return [one["$ref"].rsplit("/", 1)[1] for one in below if "$ref" in one]


def _table(rows: list[str]) -> str:
    return "\n".join([*_TABLE, *rows, ""])


def _rows(known: Schema, name: str, keys: Any = None) -> list[str]:
    properties, required = known[name]["properties"], known[name].get("required", ())
    return [_row(known, key, properties[key], key in required) for key in keys or properties]


def _row(known: Schema, key: str, field: Schema, required: bool) -> str:
    linked = _linked(field)
    kinds = [kind for kind in alternatives(field, known) if kind.get("type") != "null"]
    write = "a mapping" if linked or (kinds == [field] and not field.get("type")) else needed(kinds)
    text = field.get("description") or " ".join(known[name]["description"] for name in linked)
    cells = (f"`{key}`", write, "required" if required else default_text(field), text)
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def default_text(field: Schema) -> str:
    """Default of a key as it would be written in the configuration; empty for a mapping.

    Examples
    --------
    >>> default_text({"default": 30, "x-presets": {"published": 1}})
    '`30`; published `1`'
    """
    if "default" not in field:
        return ""
    if field["default"] == "":
        return "the label"
    others = (f"; {choice} `{_yaml(value)}`" for choice, value in field.get("x-presets", {}).items())
    return f"`{_yaml(field['default'])}`" + "".join(others)


def _yaml(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
