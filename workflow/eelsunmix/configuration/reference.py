"""The reference of all keys, written from the dataclasses and their docstrings."""

import dataclasses
import json
from collections.abc import Iterator
from types import NoneType
from typing import Any, get_args, get_origin

from eelsunmix.configuration.benchmark import BenchmarkOptions
from eelsunmix.configuration.docstrings import parameters, summary
from eelsunmix.configuration.kinds import alternatives, field_types
from eelsunmix.configuration.params import as_params
from eelsunmix.configuration.registry import method_names, method_options, scene_names, scene_options
from eelsunmix.configuration.settings import MethodSettings, SampleSettings, Sections
from eelsunmix.configuration.words import needed
from eelsunmix.execution.clusters import Execution

_HEAD = """# Configuration reference

Every key, what may be written there, its default and its meaning. This page is written by
`python -m eelsunmix.configuration --reference` from the options of the stages; do not edit it.
How a configuration is put together stands in [config/README.md](../config/README.md).
`python -m eelsunmix.configuration config/config.yaml` checks one and says in words what it asks for.
"""
_SAMPLE_ONLY = ("file", "simulate", "fit_on")


def reference() -> str:
    """Return the reference as Markdown."""
    parts = [_HEAD, *_top(), *_sample(), *_sections(), *_methods(), *_scenes(), *_dask(), *_benchmark()]
    return "\n".join(parts)


def _top() -> Iterator[str]:
    yield "## Top level\n"
    rows = ["| `samples` | names, or the path of a table | required | The spectrum images, see below. |"]
    rows += [_row(Sections, name) for name in field_types(Sections)]
    rows += ["| `dask` | a mapping | | Who runs the blocks, see below; never changes a result. |"]
    rows += ["| `device` | auto, cpu or cuda | auto | Where networks are trained; reruns nothing. |"]
    rows += ["| `benchmark` | a mapping | | The paper's synthetic benchmark, see below. |"]
    yield _table(rows)


def _sample() -> Iterator[str]:
    yield "## Sample: `samples.NAME`\n"
    yield "Either `file` or `simulate`. Every key of the top level except `samples`, `dask` and `device`"
    yield "may stand here too; it then replaces the whole value given at the top level, for this sample.\n"
    yield _table([_row(SampleSettings, name) for name in _SAMPLE_ONLY])


def _sections() -> Iterator[str]:
    for key, kind in field_types(Sections).items():
        if key == "methods":
            continue
        if get_origin(kind) is dict:
            yield from _options(f"{key}.NAME", get_args(kind)[1])
        else:
            yield from _options(key, kind)


def _methods() -> Iterator[str]:
    yield "## Methods: `methods.LABEL`\n"
    yield "The keys of every entry; the options of the method stand beside them.\n"
    yield _table([_row(MethodSettings, name) for name in field_types(MethodSettings) if name != "options"])
    for name in method_names():
        yield from _options(f"method: {name}", method_options(name), level=3)


def _scenes() -> Iterator[str]:
    yield "## Simulated scenes: `simulate`\n"
    yield f"`scene` names the scene ({', '.join(scene_names())}); its options stand beside it.\n"
    for name in scene_names():
        yield from _options(f"scene: {name}", scene_options(name), level=3)


def _dask() -> Iterator[str]:
    yield from _options("dask", Execution)


def _benchmark() -> Iterator[str]:
    yield from _options("benchmark", BenchmarkOptions)


def _options(title: str, kind: Any, level: int = 2) -> Iterator[str]:
    """Section of one dataclass, followed by those of the dataclasses inside; nothing for anything else."""
    types = field_types(kind)
    if not types:
        return
    yield f"{'#' * level} `{title}`\n"
    yield f"{summary(kind)}\n"
    yield _table([_row(kind, name) for name in types])
    for name, inner in types.items():
        for one in alternatives(inner):
            yield from _options(f"{title}.{name}", one, max(level, 3))


def _table(rows: list[str]) -> str:
    return "\n".join(["| key | write | default | meaning |", "|---|---|---|---|", *rows, ""])


def _row(kind: Any, name: str) -> str:
    types = alternatives(field_types(kind)[name])
    field = next(field for field in dataclasses.fields(kind) if field.name == name)
    is_nested = any(field_types(one) for one in types) or (types == [Any])
    write = "a mapping" if is_nested else needed([one for one in types if one is not NoneType])
    about = parameters(kind).get(name)
    text = about.text if about else " ".join(summary(one) for one in types if field_types(one))
    cells = (f"`{name}`", write, default_text(field), text)
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def default_text(field: Any) -> str:
    """Default of a field as it would be written in the configuration; empty for a mapping."""
    if field.default_factory is not dataclasses.MISSING:
        plain = as_params(field.default_factory())
        return "" if isinstance(plain, dict) else f"`{_yaml(plain)}`"
    if field.default is dataclasses.MISSING:
        return "required"
    if field.default == "":
        return "the label"
    return "" if dataclasses.is_dataclass(field.default) else f"`{_yaml(as_params(field.default))}`"


def _yaml(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
