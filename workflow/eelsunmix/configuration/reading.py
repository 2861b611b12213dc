"""YAML files, command line and table of samples -> validated settings, or all mistakes at once."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from eelsunmix.configuration.checks import Draft, check_edges, check_samples
from eelsunmix.configuration.documents import read_documents, read_leniently, short_path
from eelsunmix.configuration.extras import missing_libraries
from eelsunmix.configuration.nodes import Node, node_of
from eelsunmix.configuration.problems import ConfigurationError, Problem
from eelsunmix.configuration.recommended import recommended_alone
from eelsunmix.configuration.samples import read_samples
from eelsunmix.configuration.sections import (
    SAMPLE_KEYS,
    SECTION_KEYS,
    TOP_KEYS,
    read_benchmark,
    read_section,
    unknown_keys,
)
from eelsunmix.configuration.settings import Configuration, SampleSettings
from eelsunmix.configuration.validation import kind_of, validate
from eelsunmix.mistakes import Keys


def read_configuration(
    paths: Sequence[Path], overrides: Mapping[str, Any] | None = None, *, must_exist: bool = True
) -> Configuration:
    """Read and check a configuration.

    Parameters
    ----------
    paths : sequence of Path
        YAML files; a later one is laid over those before it, key by key.
    overrides : mapping, optional
        Values of the command line, laid over all files.
    must_exist : bool
        Whether the spectrum images must be there already.

    Returns
    -------
    Configuration
        The effective options of every stage of every sample.

    Raises
    ------
    ConfigurationError
        With all mistakes, one line each.
    """
    root = read_documents(paths, overrides or {})
    return read_tree(root, tuple(str(short_path(path)) for path in paths), must_exist=must_exist)


def read_values(
    values: Mapping[str, Any],
    name: str,
    *,
    files: Sequence[Path | str] = (),
    overrides: Mapping[str, Any] | None = None,
    must_exist: bool = True,
) -> Configuration:
    """Check a configuration that another program has read, such as a workflow that uses this one.

    Parameters
    ----------
    values : mapping
        Plain values, as YAML has them.
    name : str
        What messages call the values.
    files : sequence of path-like
        Files that the values may come from, later ones laid over. If they do, the files count and not what
        the other program has made of them: Snakemake takes the last of two equal keys, and ``010`` for 8.
    overrides : mapping, optional
        Values of the command line, laid over all files.
    must_exist : bool
        Whether the spectrum images must be there already.

    Raises
    ------
    ConfigurationError
        With all mistakes, one line each.
    """
    root, paths, given = node_of(values, name), [Path(file) for file in files], overrides or {}
    if paths and read_leniently(paths, given) == root.plain():
        return read_configuration(paths, given, must_exist=must_exist)
    # Files of the other workflow that are no configuration of ours are not our business.
    return read_tree(root, must_exist=must_exist)


def read_tree(root: Node, files: tuple[str, ...] = (), *, must_exist: bool = True) -> Configuration:
    """Check the values of a configuration, wherever they come from; see `read_configuration`."""
    problems = unknown_keys(root, TOP_KEYS, ())
    drafts = _drafts(root, problems)
    values = _read_all(root, drafts, problems)
    shared = _read_shared(root, problems)
    benchmark, more = read_benchmark(root.child("benchmark") or node_of({}, root.file))
    problems += more
    problems += check_samples(drafts, must_exist)
    problems += check_edges(drafts, values)
    problems += missing_libraries(_method_sections(root, drafts))
    if problems:
        raise ConfigurationError(problems)
    samples = {name: _settings(draft, values) for name, draft in drafts.items()}
    return Configuration(samples=samples, **shared, benchmark=benchmark, files=(*files, *_tables(root)))


def _drafts(root: Node, problems: list[Problem]) -> dict[str, Draft]:
    node = root.child("samples")
    if node is None and root.child("benchmark"):
        return {}
    if node is None:
        problems.append(
            Problem(root.file, "is missing; write samples: {NAME: {file: ...}}", path=("samples",))
        )
        return {}
    nodes, more = read_samples(node)
    problems += more
    for name, own in nodes.items():
        problems += unknown_keys(own, SAMPLE_KEYS, ("samples", name))
    return {name: Draft(name, own, _sections(root, nodes, name)) for name, own in nodes.items()}


def _sections(root: Node, nodes: Mapping[str, Node], name: str) -> dict[str, tuple[Node, Keys]]:
    """Keys that hold for a sample; one that applies the models of another has the methods of that one."""
    own = nodes[name]
    top: dict[str, tuple[Node, Keys]] = {
        key: (root.value[key], (key,)) for key in SECTION_KEYS if key in root.value
    }
    source = own.child("fit_on")
    fitted = str(source.value) if source else ""
    if fitted in nodes and (methods := nodes[fitted].child("methods")):
        top["methods"] = (methods, ("samples", fitted, "methods"))
    return top | {key: (own.value[key], ("samples", name, key)) for key in SAMPLE_KEYS if key in own.value}


def _read_all(root: Node, drafts: Mapping[str, Draft], problems: list[Problem]) -> dict[Keys, Any]:
    """Read every section once, however many samples share it."""
    written: dict[Keys, tuple[Node, Keys]] = {
        (key,): (root.value[key], (key,)) for key in SECTION_KEYS if key in root.value
    }
    for draft in drafts.values():
        written |= {path: (node, path) for node, path in draft.sections.values()}
    values: dict[Keys, Any] = {}
    for node, path in written.values():
        values[path], more = read_section(str(path[-1]), node, path)
        problems += more
    return values


def _method_sections(root: Node, drafts: Mapping[str, Draft]) -> Iterator[tuple[Node, Keys]]:
    """Every section `methods` that was written and is used, with its path."""
    yield from (draft.sections["methods"] for draft in drafts.values() if "methods" in draft.sections)
    benchmark = root.child("benchmark")
    if benchmark and (methods := benchmark.child("methods")):
        yield methods, ("benchmark", "methods")


def _read_shared(root: Node, problems: list[Problem]) -> dict[str, Any]:
    """Read what holds for all samples together, where it is given."""
    values = {}
    for key in ("dask", "device"):
        if node := root.child(key):
            values[key], more = validate(node, kind_of(Configuration, key), (key,))
            problems += more
    return values


def _settings(draft: Draft, values: Mapping[Keys, Any]) -> SampleSettings:
    given = {key: values[path] for key, (_, path) in draft.sections.items()}
    simulate = draft.node.child("simulate")
    scene = simulate.child("scene") if simulate else None
    given.setdefault("methods", recommended_alone())
    return SampleSettings(name=draft.name, scene=scene.value if scene else None, **given)


def _tables(root: Node) -> list[str]:
    node = root.child("samples")
    samples = node.value if node else None
    return [samples] if isinstance(samples, str) else []
