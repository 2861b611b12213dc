"""Reading of single keys: those that options describe, and those with names or labels of the user."""

import dataclasses
from collections.abc import Callable
from typing import Any, get_args

from eelsunmix.configuration.benchmark import BenchmarkOptions, default_methods, reserved_label_fault
from eelsunmix.configuration.names import duplicates_but_for_case, label_fault, method_label_fault
from eelsunmix.configuration.nodes import Node, node_of
from eelsunmix.configuration.problems import Problem, unknown_key
from eelsunmix.configuration.recommended import first, is_recommended, read_recommended
from eelsunmix.configuration.settings import MethodSettings, Sections
from eelsunmix.configuration.validation import kind_of, validate
from eelsunmix.edge_table import split_name
from eelsunmix.edges import EdgeRequest, element_of, name_fault
from eelsunmix.errors import suggestion
from eelsunmix.methods import method_class, method_names, suits_variable_brightness
from eelsunmix.mistakes import Keys
from eelsunmix.synthetic import SCENES
from eelsunmix.words import RECOMMENDED

Result = tuple[Any, list[Problem]]
SECTION_KEYS = tuple(Sections.model_fields)
SAMPLE_KEYS = ("file", "simulate", "fit_on", *SECTION_KEYS)
TOP_KEYS = ("samples", *SECTION_KEYS, "dask", "device", "benchmark")
_METHOD_KEYS = tuple(name for name in MethodSettings.model_fields if name != "options")
_NAMED = ("profiles", "regions")


def read_section(key: str, node: Node, path: Keys) -> Result:
    """Read the value of one key of a sample or of the top level."""
    if key == "methods":
        methods, problems = _read_named(node, path, method_label_fault, _read_entry)
        return first(methods), problems
    if key == "simulate":
        return read_scene(node, path)
    if key in ("file", "fit_on"):
        return validate(node, str, path)
    if key == "edges":
        return read_edges(node, path)
    if key in _NAMED:
        entry = get_args(Sections.model_fields[key].annotation)[1]
        return _read_named(node, path, label_fault, lambda one, name, place: validate(one, entry, place))
    return validate(node, kind_of(Sections, key), path)


def read_edges(node: Node, path: Keys) -> Result:
    """Read `edges`: a list of names, or names with what is known of each."""
    named, problems = by_names(node, path)
    values, more = _read_named(named, path, label_fault, _read_edge)
    return (None if problems else values), problems + more


def by_names(node: Node, path: Keys) -> tuple[Node, list[Problem]]:
    """Make a mapping of a list of names of edges; what is none stays as it is."""
    if not node.is_list or not all(isinstance(item.value, str) for item in node.value):
        return node, []
    names: dict[str, Node] = {}
    problems = []
    for place, item in enumerate(node.value):
        read = split_name(item.value)
        name = "_".join(part for part in read if part) if read else item.value
        if name in names:
            problems.append(Problem(item.file, f"{name} is named twice", item.line, (*path, place)))
        names[name] = dataclasses.replace(item, value={})
    return dataclasses.replace(node, value=names), problems


def _read_edge(node: Node, name: str, path: Keys) -> Result:
    if node.value is None:
        node = dataclasses.replace(node, value={})
    edge, problems = validate(node, EdgeRequest, path)
    if edge is not None and (fault := name_fault(name, edge)):
        return None, [Problem(node.file, fault, node.line, path)]
    if edge is not None and edge.element is None:
        edge = edge.replaced(element=element_of(name))
    return edge, problems


def unknown_keys(node: Node, keys: tuple[str, ...], path: Keys) -> list[Problem]:
    """Refuse the keys that do not belong here, with a suggestion."""
    return [
        Problem(child.file, _unknown(key, child, keys), child.line, (*path, key))
        for key, child in node.value.items()
        if key not in keys
    ]


def _unknown(key: str, node: Node, keys: tuple[str, ...]) -> str:
    if keys == TOP_KEYS and node.is_mapping and {"file", "simulate"} & node.value.keys():
        return "unknown key; it looks like a sample, which stands below samples:"
    return unknown_key(key, _whereabouts(key, keys), has_value=node.has_value)


def _read_entry(node: Node, label: str, path: Keys) -> Result:
    """Read one entry of `methods` of a sample: a method, or the recommended result."""
    if not is_recommended(node, label):
        return read_method(node, label, path)
    node, problems = _of_options(node, path)
    return (None, problems) if problems else read_recommended(node, label, path)


def _of_options(node: Node, path: Keys) -> tuple[Node, list[Problem]]:
    if node.value is None:
        node = dataclasses.replace(node, value={})
    problem = Problem(node.file, "needs a mapping of options; {} for none", node.line, path)
    return node, [] if node.is_mapping else [problem]


def read_method(node: Node, label: str, path: Keys) -> Result:
    """Read one entry of `methods`: the keys of the workflow, the rest as options of the method."""
    node, problems = _of_options(node, path)
    if problems:
        return None, problems
    own = {key: child for key, child in node.value.items() if key in _METHOD_KEYS}
    own.setdefault("method", Node(label, node.file, node.line, label))
    settings, problems = validate(dataclasses.replace(node, value=own), MethodSettings, path)
    name = own["method"].value
    if name not in method_names():
        problems += [_unknown_method(own["method"], label, path)] if isinstance(name, str) else []
        return None, problems
    rest = {key: child for key, child in node.value.items() if key not in _METHOD_KEYS}
    given = dataclasses.replace(node, value=rest)
    options, more = validate(given, method_class(name), path, beside=_METHOD_KEYS)
    if settings is None or options is None:
        return None, problems + more
    if settings.brightness == "variable" and not suits_variable_brightness(options):
        message = "variable is for methods whose abundances sum to one, in the setting eels; leave it out"
        more.append(Problem(node.file, message, own["brightness"].line, (*path, "brightness")))
    if settings.nuisance != 0 and not suits_variable_brightness(options):
        message = "for methods whose abundances sum to one, in the setting eels; leave it out"
        more.append(Problem(node.file, message, own["nuisance"].line, (*path, "nuisance")))
    if settings.anchor == "edges" and not options.simplex:
        message = "edges is for methods whose abundances sum to one; leave it out"
        more.append(Problem(node.file, message, own["anchor"].line, (*path, "anchor")))
    return settings.replaced(options=options), problems + more


def read_scene(node: Node, path: Keys) -> Result:
    """Read `simulate`: the name of a scene, and its options."""
    scene = node.child("scene")
    if scene is None or not isinstance(scene.value, str) or scene.value not in SCENES:
        choice = ", ".join(SCENES)
        if scene is None:
            return None, [Problem(node.file, f"needs the key scene; possible: {choice}", node.line, path)]
        message = f"no such scene; {suggestion(str(scene.value), SCENES)}"
        return None, [Problem(scene.file, message, scene.line, (*path, "scene"))]
    rest = {key: child for key, child in node.value.items() if key != "scene"}
    return validate(dataclasses.replace(node, value=rest), SCENES[scene.value], path)


def read_benchmark(node: Node) -> Result:
    """Read `benchmark`: its options, and methods as at the top level, by default those of the paper."""
    path: Keys = ("benchmark",)
    chosen = node.child("methods") or node_of(default_methods(), node.file)
    methods, problems = _read_named(chosen, (*path, "methods"), _benchmark_label_fault, read_method)
    if node.is_mapping:
        node = dataclasses.replace(node, value={k: v for k, v in node.value.items() if k != "methods"})
    options, more = validate(node, BenchmarkOptions, path)
    if methods is None or options is None:
        return None, problems + more
    counts = node.child("n_replicates_of")
    for label in options.n_replicates_of:
        if label not in methods and counts is not None:
            message = f"no such method; {suggestion(label, methods)}"
            more.append(Problem(counts.file, message, counts.line, (*path, "n_replicates_of", label)))
    return options.replaced(methods=methods), problems + more


def _benchmark_label_fault(label: str) -> str | None:
    return reserved_label_fault(label) or method_label_fault(label)


def _read_named(
    node: Node, path: Keys, fault: Callable[[str], str | None], read: Callable[[Node, str, Keys], Result]
) -> Result:
    if not node.is_mapping:
        return None, [Problem(node.file, f"needs names as keys{_name_hint(node)}", node.line, path)]
    values, problems = {}, duplicates_but_for_case(node.value.items(), path)
    for name, child in node.value.items():
        if message := fault(name):
            problems.append(Problem(child.file, message, child.line, (*path, name)))
            continue
        values[name], more = read(child, name, (*path, name))
        problems += more
    return (None if problems else values), problems


def _name_hint(node: Node) -> str:
    if node.is_list and all(isinstance(item.value, str) for item in node.value):
        return "; write " + ", ".join(f"{item.value}: {{}}" for item in node.value)
    if node.is_list and any(isinstance(item.value, str) for item in node.value):
        other = next(i for i, item in enumerate(node.value) if not isinstance(item.value, str))
        return f"; write NAME: {{...}}, because [{other}] of this list is no name"
    return "; write {} for none, or leave the key out" if node.value is None else "; write NAME: {...}"


def _unknown_method(node: Node, label: str, path: Keys) -> Problem:
    known = suggestion(str(node.value), [*method_names(), RECOMMENDED])
    if node.value == label:
        known += f" (for a label of your own, write {label}: {{method: NAME}})"
    return Problem(node.file, f"no such method; {known}", node.line, path)


def _whereabouts(key: str, keys: tuple[str, ...]) -> str:
    """Say where a key belongs: here under a similar name, below another key, or at the other level."""
    owners = [
        name
        for name, field in Sections.model_fields.items()
        if name in keys and key in getattr(field.annotation, "model_fields", ())
    ]
    if owners:
        return f"it belongs under {owners[0]}"
    if key in TOP_KEYS:
        return "it stands at the top level only, not in a sample"
    if key in SAMPLE_KEYS:
        return "it stands in a sample only"
    return suggestion(key, keys)
