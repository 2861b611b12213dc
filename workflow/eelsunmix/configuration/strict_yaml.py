"""A strict reader of YAML: values as in version 1.2, nothing twice, no tags, a line number for everything."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import yaml

from eelsunmix.configuration.nodes import Node
from eelsunmix.configuration.problems import ConfigurationError, Problem, shown
from eelsunmix.mistakes import Keys

MAX_DEPTH = 20
MAX_VALUES = 50_000

_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)
_NAMED = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_MOST_DIGITS = 300  # more cannot be meant, and Python refuses to convert very long ones
_HINTS = {
    "'\\t'": "write spaces, not tabs",
    "mapping values are not allowed": "check indentation and braces; a text that contains ': ' needs quotes",
    "could not find expected ':'": "write key: value, with a space after the colon",
    "expected ',' or": "the bracket opened in line {begin} is not closed, or a comma is missing",
    "but found '}}'": "this }} closes what was not opened by {{, or a colon is missing before",
    "but found ']'": "this ] closes what was not opened by [, or a colon is missing before",
    "but found '<scalar>'": "a text goes on behind its closing quote; put the whole text in quotes",
    "expected <block end>": "this line is indented differently from the lines above it",
    "while scanning a quoted scalar": "this quote is not closed",
    "that cannot start any token": "{problem}; put the text in quotes",
    "expected '<document start>'": "this line does not continue what stands above it; check the indentation",
}
"""What the parser says, in format strings -> what to do."""
_OF_INDENTATION = ("expected <block end>", "expected '<document start>'", "mapping values are not allowed")
_SAMPLES = re.compile(r"^(samples|benchmark)\s*:", re.MULTILINE)
_ONE_SAMPLE = re.compile(r"^[ \t].*\b(file|simulate)\s*:", re.MULTILINE)
_WHERE_IT_BEGAN = ("could not find expected ':'", "while scanning a quoted scalar")
"""Where the parser complains lines later."""


def parse_yaml(text: str, file: str) -> Node:
    r"""Parse the text of a YAML file; `file` is its name in messages.

    Examples
    --------
    >>> parse_yaml("a: 1e-3\nb: [NO, 012, 1:30, true]", "x.yaml").plain()
    {'a': 0.001, 'b': ['NO', 12, '1:30', True]}
    """
    composer = _Composer(text, file)
    try:
        root = composer.document()
    except yaml.MarkedYAMLError as error:
        raise ConfigurationError([_syntax_problem(error, text, file)]) from error
    except yaml.reader.ReaderError as error:
        message = f"the character {chr(error.character)!a} must not stand in YAML"
        raise ConfigurationError([Problem(file, message, _line_at(text, error.position))]) from error
    if composer.problems:
        raise ConfigurationError(composer.problems)
    return root


def scalar(text: str) -> Any:
    """Value of an unquoted scalar by the core schema of YAML 1.2."""
    if text in _NAMED:
        return _NAMED[text]
    if len(text) > _MOST_DIGITS:
        return text
    if _INTEGER.fullmatch(text):
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    if _FLOAT.fullmatch(text):
        return float(text.replace(".", "", 1) if text.lstrip("+-")[1:2].isalpha() else text)
    return text


class _Composer:
    """Builds nodes from the events of PyYAML's parser; keeps the mistakes that it can read past."""

    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file
        self.problems: list[Problem] = []
        self.anchors: dict[str, Node | None] = {}
        self.events: Iterator[Any] = yaml.parse(text, Loader=yaml.SafeLoader)

    def document(self) -> Node:
        next(self.events)  # start of the stream
        if isinstance(next(self.events), yaml.StreamEndEvent):
            raise self.fatal("is empty; eelsunmix new FILE writes one for an image")
        root = self.node(next(self.events), ())
        next(self.events)  # end of the document
        if not isinstance(second := next(self.events), yaml.StreamEndEvent):
            raise self.fatal("a second document starts here; write one per file (no ---)", second)
        if not root.is_mapping and not self.problems:
            hint = "write key: value, with a space after the colon"
            raise self.fatal(f"holds no keys but {shown(root.text or 'a list')}; {hint}")
        return root

    def node(self, event: Any, path: Keys, line: int | None = None) -> Node:
        line = line or event.start_mark.line + 1
        if len(path) > MAX_DEPTH:
            raise self.fatal(f"nested deeper than {MAX_DEPTH} levels", event)
        if isinstance(event, yaml.AliasEvent):
            return replace(self.alias(event), line=line)
        if event.tag is not None:
            self.report(f"the tag {shown(event.tag)} is not allowed; write plain values", event, path)
        if event.anchor:
            self.anchors[event.anchor] = None
        node = self.content(event, path, line)
        if event.anchor:
            self.anchors[event.anchor] = node
        if node.size > MAX_VALUES:
            raise self.fatal(f"more than {MAX_VALUES} values (aliases written out)", event)
        return node

    def content(self, event: Any, path: Keys, line: int) -> Node:
        if isinstance(event, yaml.ScalarEvent):
            return Node(self.scalar_value(event, path), self.file, line, self.slice(event, event))
        if isinstance(event, yaml.SequenceStartEvent):
            items: list[Node] = []
            while not isinstance(item := next(self.events), yaml.SequenceEndEvent):
                items.append(self.node(item, (*path, len(items))))
            return Node(tuple(items), self.file, line, self.slice(event, item) if event.flow_style else "")
        return self.mapping(event, path, line)

    def mapping(self, event: Any, path: Keys, line: int) -> Node:
        items: dict[str, Node] = {}
        shared: list[Node] = []
        while not isinstance(word := next(self.events), yaml.MappingEndEvent):
            key = self.key(word, path)
            value = self.node(next(self.events), (*path, key), word.start_mark.line + 1)
            if key == "<<" and word.style is None:
                shared += self.merge_sources(value, word, path)
            elif key in items:
                before = items[key].line
                self.report(f"written twice, first in line {before}; keep one", word, (*path, key))
            else:
                items[key] = value
        for source in shared:
            items = {**source.value, **items}
        return Node(items, self.file, line, self.slice(event, word) if event.flow_style else "")

    def key(self, event: Any, path: Keys) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            raise self.fatal("a key must be a word; a text with braces or brackets needs quotes", event)
        if event.tag is not None:
            self.report(f"the tag {shown(event.tag)} is not allowed; write plain keys", event, path)
        return event.value

    def merge_sources(self, value: Node, event: Any, path: Keys) -> list[Node]:
        sources = list(value.value) if value.is_list else [value]
        if all(source.is_mapping for source in sources):
            return sources
        self.report("<<: needs a mapping, or a list of mappings", event, path)
        return []

    def alias(self, event: Any) -> Node:
        if event.anchor not in self.anchors:
            raise self.fatal(
                f"*{shown(event.anchor)} is used before &{shown(event.anchor)} is written", event
            )
        node = self.anchors[event.anchor]
        if node is None:
            raise self.fatal(f"*{shown(event.anchor)} stands inside of what it names", event)
        return node

    def scalar_value(self, event: Any, path: Keys) -> Any:
        if any("\ud800" <= mark <= "\udfff" for mark in event.value):
            self.report("holds half of a surrogate pair, which is no character", event, path)
        return scalar(event.value) if event.style is None else event.value

    def slice(self, start: Any, end: Any) -> str:
        return self.text[start.start_mark.index : end.end_mark.index]

    def report(self, message: str, event: Any, path: Keys) -> None:
        self.problems.append(Problem(self.file, message, event.start_mark.line + 1, path))

    def fatal(self, message: str, event: Any = None) -> ConfigurationError:
        line = None if event is None else event.start_mark.line + 1
        return ConfigurationError([*self.problems, Problem(self.file, message, line)])


def _syntax_problem(error: yaml.MarkedYAMLError, source: str, file: str) -> Problem:
    said = f"{error.context or ''} {error.problem or ''}".strip()
    hint = next(
        (hint for sign, hint in _HINTS.items() if sign.format() in said),
        "{problem}; check quotes, colons and indentation",
    )
    marks = [error.problem_mark, error.context_mark]
    if any(sign in said for sign in _WHERE_IT_BEGAN):
        marks.reverse()
    mark = next(filter(None, marks), None)
    line, column = (mark.line + 1, mark.column + 1) if mark else (None, None)
    begin = error.context_mark.line + 1 if error.context_mark else line
    text = hint.format(problem=error.problem or said, begin=begin)
    if any(sign in said for sign in _OF_INDENTATION) and _lacks_samples(source):
        text += "; above the samples, a line `samples:` is missing"
    return Problem(file, f"not valid YAML: {text}", line, column=column)


def _lacks_samples(source: str) -> bool:
    """Whether a sample stands there and the key above all samples does not."""
    return bool(_ONE_SAMPLE.search(source)) and not _SAMPLES.search(source)


def _line_at(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
