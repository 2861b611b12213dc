"""Configuration values that know where they were written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any


@dataclass(frozen=True)
class Node:
    """A value of the configuration and its place.

    Parameters
    ----------
    value : dict of str to Node, tuple of Node, str, int, float, bool or None
        Mapping, list or scalar.
    file : str
        Where it was written.
    line : int, optional
        Line of its key, or of the value itself where it has no key; counted from one.
    text : str
        As written, for messages; empty for values over several lines.
    """

    value: Any
    file: str
    line: int | None = None
    text: str = ""

    @cached_property
    def size(self) -> int:
        """Number of values below and including this one, aliases written out."""
        children = self.value.values() if self.is_mapping else self.value if self.is_list else ()
        return 1 + sum(child.size for child in children)

    @property
    def is_mapping(self) -> bool:
        """Whether the value has keys."""
        return isinstance(self.value, dict)

    @property
    def is_list(self) -> bool:
        """Whether the value is a list."""
        return isinstance(self.value, tuple)

    @property
    def has_value(self) -> bool:
        """Whether anything stands behind the key."""
        return self.value is not None or bool(self.text)

    def plain(self) -> Any:
        """Return the value as dict, list and scalars."""
        if self.is_mapping:
            return {key: child.plain() for key, child in self.value.items()}
        return [child.plain() for child in self.value] if self.is_list else self.value

    def child(self, step: str | int) -> "Node | None":
        """Value below a key or a list position, if there is one."""
        if self.is_mapping and isinstance(step, str):
            return self.value.get(step)
        if self.is_list and isinstance(step, int) and 0 <= step < len(self.value):
            return self.value[step]
        return None


def node_of(value: Any, file: str) -> Node:
    """Wrap plain values (of the command line, say), which have no line."""
    if isinstance(value, Mapping):
        return Node({str(key): node_of(item, file) for key, item in value.items()}, file)
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return Node(tuple(node_of(item, file) for item in value), file)
    return Node(value, file, text=str(value))


def merged(first: Node, second: Node) -> Node:
    """Lay one configuration over another: mappings key by key, the rest replaced (as Snakemake does)."""
    if not (first.is_mapping and second.is_mapping):
        return second
    both = dict(first.value)
    for key, child in second.value.items():
        both[key] = merged(both[key], child) if key in both else child
    return replace(first, value=both)
