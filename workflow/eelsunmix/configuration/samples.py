"""The samples of a configuration: a mapping in the YAML file, or a table beside it."""

from collections.abc import Iterator
from pathlib import Path

from eelsunmix.configuration.documents import read_text
from eelsunmix.configuration.names import duplicates_but_for_case, sample_name_fault
from eelsunmix.configuration.nodes import Node
from eelsunmix.configuration.problems import ConfigurationError, Problem, quoted, shown
from eelsunmix.configuration.strict_yaml import scalar
from eelsunmix.errors import suggestion

COLUMNS = ("sample", "file", "signal", "fit_on", "invalid_pixels", "n_learning_pixels", "seed")
"""Columns that a table of samples may have."""
_NUMBERS = frozenset({"n_learning_pixels", "seed"})


def read_samples(node: Node) -> tuple[dict[str, Node], list[Problem]]:
    """Return the mapping that describes each sample, by name, and what is wrong with the names.

    Parameters
    ----------
    node : Node
        Value of the key `samples`.
    """
    if isinstance(node.value, str):
        rows, problems = read_table(Path(node.value), node)
    elif node.is_mapping:
        rows, problems = list(node.value.items()), []
    else:
        message = "needs a mapping (name: {file: ...}) or the path of a table"
        return {}, [Problem(node.file, message, node.line, ("samples",))]
    if not rows and not problems:
        return {}, [Problem(node.file, "has no sample; write NAME: {file: ...}", node.line, ("samples",))]
    for name, row in rows:
        if fault := sample_name_fault(name):
            problems.append(Problem(row.file, f"{quoted(name)} {fault}", row.line, ("samples",)))
        elif not row.is_mapping:
            message = "needs a mapping, for example {file: data/image.dm4}"
            problems.append(Problem(row.file, message, row.line, ("samples", name)))
    problems += duplicates_but_for_case(rows, ("samples",))
    return {name: row for name, row in rows if row.is_mapping and not sample_name_fault(name)}, problems


def read_table(path: Path, node: Node) -> tuple[list[tuple[str, Node]], list[Problem]]:
    """Read a table of samples: one line per sample, columns separated by tabs, `#` starts a comment line."""
    try:
        lines = list(_lines(read_text(path)))
    except ConfigurationError as error:
        message = f"{error.problems[0].message}; samples is a mapping or the path of a table"
        return [], [Problem(node.file, f"{shown(str(path))} {message}", node.line, ("samples",))]
    if not lines:
        return [], [Problem(str(path), f"has no line of column names; write {', '.join(COLUMNS[:2])}")]
    (header_line, header), *rows = lines
    problems = _header_problems(header, str(path), header_line)
    if problems:
        return [], problems
    samples = []
    for line, cells in rows:
        name, row, fault = _row(header, cells, str(path), line)
        samples.append((name, row))
        problems += [Problem(str(path), fault, line)] if fault else []
    return samples, problems + _repeated(samples)


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, [cell.strip() for cell in line.split("\t")]


def _header_problems(header: list[str], file: str, line: int) -> list[Problem]:
    if len(header) == 1 and any(mark in header[0] for mark in ",; "):
        return [Problem(file, "columns must be separated by tabs, not by commas, semicolons or blanks", line)]
    unknown = [name for name in header if name not in COLUMNS]
    messages = [f"unknown column {shown(name)}; {suggestion(name, COLUMNS)}" for name in unknown]
    messages += ["the column sample is missing"] if "sample" not in header else []
    messages += [
        f"the column {shown(name)} stands twice" for name in dict.fromkeys(header) if header.count(name) > 1
    ]
    return [Problem(file, message, line) for message in messages]


def _row(header: list[str], cells: list[str], file: str, line: int) -> tuple[str, Node, str]:
    fault = f"{len(cells)} cells, but {len(header)} columns" if len(cells) > len(header) else ""
    filled = {name: cell for name, cell in zip(header, cells, strict=False) if cell}
    name = filled.pop("sample", "")
    values = {
        key: Node(scalar(cell) if key in _NUMBERS else cell, file, line, cell) for key, cell in filled.items()
    }
    return name, Node(values, file, line), fault


def _repeated(samples: list[tuple[str, Node]]) -> list[Problem]:
    first: dict[str, Node] = {}
    problems = []
    for name, row in samples:
        if first.setdefault(name, row) is not row:
            message = f"written twice, first in line {first[name].line}; keep one"
            problems.append(Problem(row.file, message, row.line, ("samples", name)))
    return problems
