"""The entry `recommended` of `methods`: what is best on images like the sample's."""

from typing import Any, ClassVar

from eelsunmix.configuration.nodes import Node
from eelsunmix.configuration.problems import Problem, shown
from eelsunmix.configuration.settings import MethodSettings
from eelsunmix.configuration.validation import validate
from eelsunmix.mistakes import Keys
from eelsunmix.options import Options
from eelsunmix.words import RECOMMENDED

_KEYS = ("method", "seed")


class Recommended(Options):
    """The result of the candidate that is best on images simulated from the sample's own; no options."""

    needs: ClassVar[frozenset[str]] = frozenset()
    simplex: ClassVar[bool] = True


def is_recommended(node: Node, label: str) -> bool:
    """Whether an entry of `methods` asks for the recommended result, by its label or by its method."""
    method = node.child("method") if node.is_mapping else None
    return label == RECOMMENDED or (method is not None and method.value == RECOMMENDED)


def recommended_alone() -> dict[str, MethodSettings]:
    """Return the methods of a sample for which none are given."""
    return {RECOMMENDED: MethodSettings(method=RECOMMENDED, options=Recommended())}


def read_recommended(node: Node, label: str, path: Keys) -> tuple[Any, list[Problem]]:
    """Read the entry `recommended`, which takes a seed and nothing else."""
    method = node.child("method")
    if label != RECOMMENDED or (method and method.value != RECOMMENDED):
        message = f"{RECOMMENDED} is the name of the recommended result: write {RECOMMENDED}: {{}} for it, "
        message += "and give another label to a method"
        return None, [Problem(node.file, message, node.line, path)]
    problems = [
        Problem(child.file, f"{RECOMMENDED} takes no {shown(key)}, only a seed", child.line, (*path, key))
        for key, child in node.value.items()
        if key not in _KEYS
    ]
    seed: int | None = None
    more: list[Problem] = []
    if given := node.child("seed"):
        seed, more = validate(given, MethodSettings.model_fields["seed"].annotation, (*path, "seed"))
    if problems or more:
        return None, problems + more
    return recommended_alone()[RECOMMENDED].replaced(seed=seed), []


def first(methods: dict[str, MethodSettings] | None) -> dict[str, MethodSettings] | None:
    """Put the recommended result before all methods, wherever it was written."""
    if methods is None or RECOMMENDED not in methods:
        return methods
    return {RECOMMENDED: methods[RECOMMENDED], **methods}
