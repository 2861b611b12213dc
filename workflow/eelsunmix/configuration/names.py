"""Names that the user invents: they become folders, file names, wildcards and headings."""

import re
from collections.abc import Iterable

from eelsunmix.configuration.nodes import Node
from eelsunmix.configuration.problems import Problem
from eelsunmix.mistakes import Keys

SAMPLE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]{0,39}")
RESERVED_LABELS = frozenset({"bs"})
"""Background subtraction stands beside the methods under this label."""

RESERVED_SAMPLES = {
    "benchmark": "the benchmark's results",
    "benchmark_peers": "the benchmark's results",
    "index": "the page of all samples",
}
"""Pages and results that are no sample's are kept under these names."""

_OUR_ENDING = re.compile(r"\.(zarr|kept|windows|aside[0-9]+)$", re.IGNORECASE)
"""Stores, kept ones, drawings of windows, and what was moved aside end so."""
_OF_WINDOWS = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
"""Names of devices there, whatever their ending."""


def sample_name_fault(name: str) -> str | None:
    """Say what is wrong with the name of a sample; None if nothing is.

    Examples
    --------
    >>> sample_name_fault("STO-LMO_2.5nm")
    >>> sample_name_fault("../a")
    'is no name for a sample; use A-Z a-z 0-9 _ . - and begin with a letter or digit (64 at most)'
    """
    if name.lower() in RESERVED_SAMPLES:
        return f"is the name of {RESERVED_SAMPLES[name.lower()]}; choose another one"
    if not SAMPLE_NAME.fullmatch(name):
        return "is no name for a sample; use A-Z a-z 0-9 _ . - and begin with a letter or digit (64 at most)"
    if ending := _OUR_ENDING.search(name):
        return f"ends in {ending[0]}, as folders and files of this workflow do; choose another ending"
    if name.endswith("."):
        return "ends in a dot, which Windows drops; choose another ending"
    if _OF_WINDOWS.fullmatch(name):
        return "is the name of a device on Windows, where no folder can have it; choose another one"
    return None


def path_fault(path: str) -> str | None:
    """Say what is wrong with the characters of the path of a file; None if nothing is.

    Examples
    --------
    >>> path_fault("data/my image.dm4")
    >>> path_fault("data/{x}.dm4")
    'has one of { } < > or an invisible character; rename the file or folder'
    """
    if any("\ud800" <= sign <= "\udfff" for sign in path):  # bytes that are no text, as Python keeps them
        return "has a letter that is none in this locale; set PYTHONUTF8=1, or rename the file or folder"
    if path.isprintable() and not set(path) & set("{}<>"):  # the four mean something to Snakemake
        return None
    return "has one of { } < > or an invisible character; rename the file or folder"


def label_fault(name: str) -> str | None:
    """Say what is wrong with the name of a method, edge, profile or region; None if nothing is."""
    if LABEL.fullmatch(name):
        return None
    return "is no usable name; use A-Z a-z 0-9 _ and begin with a letter or digit (40 at most)"


def method_label_fault(name: str) -> str | None:
    """Say what is wrong with the label of a method; None if nothing is."""
    if name.lower() in RESERVED_LABELS:
        return "this label is taken by background subtraction; choose another one and add method: NAME"
    return label_fault(name)


def duplicates_but_for_case(nodes: Iterable[tuple[str, Node]], path: Keys) -> list[Problem]:
    """Refuse names that differ by case alone: on some file systems they are the same file."""
    seen: dict[str, str] = {}
    problems = []
    for name, node in nodes:
        first = seen.setdefault(name.lower(), name)
        if first != name:
            message = f"differs from {first} by upper and lower case alone; choose another name"
            problems.append(Problem(node.file, message, node.line, (*path, name)))
    return problems
