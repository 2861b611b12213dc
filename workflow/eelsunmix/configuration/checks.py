"""What must agree between keys and between samples."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eelsunmix.configuration.names import path_fault
from eelsunmix.configuration.nodes import Node
from eelsunmix.configuration.places import endangered
from eelsunmix.configuration.problems import Problem, shown
from eelsunmix.configuration.sections import by_names
from eelsunmix.configuration.settings import EXAMPLE_PREFIX
from eelsunmix.edges import EdgeRequest, edge_fault, element_of
from eelsunmix.errors import StoreError, suggestion
from eelsunmix.examples import registry
from eelsunmix.io.files import unread_kind
from eelsunmix.mistakes import Keys
from eelsunmix.synthetic import EDSOptions
from eelsunmix.words import BACKGROUND, UNNAMED

_STORES = Path("results")


@dataclass(frozen=True)
class Draft:
    """The keys that hold for one sample, as written, and where each was written.

    Parameters
    ----------
    name : str
    node : Node
        The sample's own mapping.
    sections : dict
        Key -> its value and path, the sample's own or the one from the top.
    """

    name: str
    node: Node
    sections: Mapping[str, tuple[Node, Keys]]

    def problem(self, message: str, *keys: str | int) -> Problem:
        """Return a problem of one of the keys of the sample."""
        here = self.node
        for key in keys:
            here = here.child(key) or here
        return Problem(here.file, message, here.line, ("samples", self.name, *keys))


def check_samples(drafts: Mapping[str, Draft], must_exist: bool) -> Iterator[Problem]:
    """Check all samples; yields what is wrong."""
    for draft in drafts.values():
        yield from _check_source(draft)
        if must_exist:
            yield from _check_file(draft)
            yield from _check_references(draft)
        yield from _check_fit_on(draft, drafts)
    checks = (_check_regions, _check_component_names)
    shared = [problem for draft in drafts.values() for check in checks for problem in check(draft)]
    # Keys of the top level hold for many samples: the first that they do not fit is enough.
    yield from {(problem.line, problem.path): problem for problem in reversed(shared)}.values()


def check_edges(drafts: Mapping[str, Draft], values: Mapping[Keys, Any]) -> Iterator[Problem]:
    """Refuse fit windows above their onsets, and what is no edge of losses where a scene simulates them.

    Files say later what they hold.

    Parameters
    ----------
    drafts : mapping of str to Draft
    values : mapping
        What was read of every section, None where it is wrong.
    """
    written = {
        path: node for one in drafts.values() for node, path in [one.sections.get("edges", (None, ()))]
    }
    simulated = [draft.sections for draft in drafts.values() if _simulates_losses(draft, values)]
    losses = {sections["edges"][1] for sections in simulated if "edges" in sections}
    for path, node in written.items():
        if node is None:
            continue
        named, _ = by_names(node, path)
        for name, edge in (values[path] or {}).items():
            here = named.child(name) or node
            if path in losses and (fault := edge_fault(name, edge)):
                yield Problem(here.file, fault, here.line, (*path, name))
            if fault := _window_fault(edge):
                window = here.child("fit_eV") or here
                yield Problem(window.file, fault, window.line, (*path, name, "fit_eV"))


def _window_fault(edge: EdgeRequest) -> str | None:
    """Say that a window of the background begins on the edge; lines of X-rays have one on both sides."""
    if edge.onset_eV is None or edge.fit_eV is None or edge.fit_above_eV or edge.fit_eV[0] < edge.onset_eV:
        return None
    found = (
        f"the fit window {edge.fit_eV[0]:g}-{edge.fit_eV[1]:g} eV lies above the onset {edge.onset_eV:g} eV"
    )
    return f"{found}, on the edge itself; correct onset_eV, or end the window some eV before it"


def _simulates_losses(draft: Draft, values: Mapping[Keys, Any]) -> bool:
    scene = values.get(("samples", draft.name, "simulate"))
    return scene is not None and not isinstance(scene, EDSOptions)


def _check_source(draft: Draft) -> Iterator[Problem]:
    given = [key for key in ("file", "simulate") if draft.node.child(key)]
    if not given:
        yield draft.problem("needs file: PATH, or simulate: {scene: ...}")
    if len(given) == 2:
        yield draft.problem("stands beside file; keep one of them", "simulate")


def _check_file(draft: Draft) -> Iterator[Problem]:
    node = draft.node.child("file")
    if node is None or not isinstance(node.value, str):
        return
    if node.value.startswith(EXAMPLE_PREFIX):
        name = node.value.removeprefix(EXAMPLE_PREFIX)
        if name not in registry():
            yield draft.problem(f"no such example: {shown(name)}; {suggestion(name, registry())}", "file")
    elif fault := _file_fault(node.value, made=_STORES / draft.name / "raw.zarr"):
        yield draft.problem(fault, "file")


def _check_references(draft: Draft) -> Iterator[Problem]:
    node, path = draft.sections.get("corrections", (None, ()))
    gain = node.child("gain") if node else None
    for key in ("reference", "dark"):
        file = gain.child(key) if gain else None
        if not file or not isinstance(file.value, str):
            continue
        if fault := _file_fault(file.value, made=_STORES / draft.name / "corrected.zarr"):
            yield Problem(file.file, fault, file.line, (*path, "gain", key))


def _file_fault(text: str, made: Path) -> str | None:
    """Say what is wrong with the path of a file; it may be gone once a store was made from this very path."""
    if not text.strip():
        return "is empty; write the path of a file"
    if text.startswith("~"):
        return f"{shown(text)}: ~ is not expanded; write the whole path"
    try:
        exists = Path(text).exists()
    except (OSError, ValueError):  # too long, or a null character
        exists = False
    if exists and (fault := endangered(Path(text))):
        return f"{shown(text, 200)}: {fault}"
    if not exists and text not in _files_of(made):
        return f"no such file: {shown(text, 200)}, seen from {shown(str(Path.cwd()), 200)}"
    if fault := path_fault(text):
        return f"{shown(text, 200)}: {fault}"
    reason = unread_kind(Path(text))
    return None if reason is None else f"{shown(text, 200)}: {reason}"


def _files_of(store: Path) -> Mapping[str, object]:
    """Files that a store was made from, as they were written; none where it is absent or damaged."""
    # Loads Zarr, for which the check of files that are there need not wait.
    from eelsunmix.storage import read_manifest

    try:
        return read_manifest(store).sources
    except StoreError:
        return {}


def _check_fit_on(draft: Draft, drafts: Mapping[str, Draft]) -> Iterator[Problem]:
    node = draft.node.child("fit_on")
    if node is None or not isinstance(node.value, str):
        return
    source = drafts.get(node.value)
    if node.value == draft.name:
        yield draft.problem("names the sample itself; leave the key out", "fit_on")
    elif source is None:
        yield draft.problem(f"no sample {shown(node.value)}; {suggestion(node.value, drafts)}", "fit_on")
    elif source.node.child("fit_on"):
        first = shown(str(source.node.child("fit_on").value))  # type: ignore[union-attr]
        yield draft.problem(f"{source.name} takes its models from {first}; name a fitted sample", "fit_on")
    elif _methods(draft) != _methods(source):
        yield draft.problem(
            f"must be those of {source.name}, whose models are applied; leave them out", "methods"
        )


def _methods(draft: Draft) -> object:
    node, _ = draft.sections.get("methods", (None, ()))
    plain = node.plain() if node else {}
    return {name: options or {} for name, options in plain.items()} if isinstance(plain, dict) else plain


def _check_regions(draft: Draft) -> Iterator[Problem]:
    regions, path = draft.sections.get("regions", (None, ()))
    if regions is None or not regions.is_mapping:
        return
    elements = _elements(draft)
    for name, region in regions.value.items():
        without = region.child("without")
        for place, item in enumerate(without.value if without and without.is_list else ()):
            if item.value not in elements:
                has_not = f"{draft.name} has no edge of the element {shown(item.text)}"
                message = f"{has_not}; {suggestion(item.text, elements)}"
                yield Problem(item.file, message, item.line, (*path, name, "without", place))


def _check_component_names(draft: Draft) -> Iterator[Problem]:
    names, path = draft.sections.get("component_names", (None, ()))
    if names is None or not names.is_mapping:
        return
    known = [*_elements(draft), BACKGROUND]
    if len(known) == 1 and names.value:
        yield Problem(names.file, f"{draft.name}: {UNNAMED}", names.line, path)
        return
    for element, name in names.value.items():
        if element not in known:
            has_not = f"{draft.name} has no edge of the element {shown(element)}"
            message = f"{has_not}; {suggestion(element, known)}"
            yield Problem(name.file, message, name.line, (*path, element))


def _elements(draft: Draft) -> list[str]:
    edges, _ = draft.sections.get("edges", (None, ()))
    named = edges.value if edges is not None and (edges.is_mapping or edges.is_list) else ()
    if isinstance(named, tuple):
        symbols = [element_of(item.value) for item in named if isinstance(item.value, str)]
    else:
        symbols = [_element(name, edge.child("element")) for name, edge in named.items()]
    return list(dict.fromkeys(symbol for symbol in symbols if symbol))


def _element(name: str, given: Node | None) -> str | None:
    return given.value if given and isinstance(given.value, str) else element_of(name)
