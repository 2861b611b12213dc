"""The size and shape of the package in numbers: `python benchmarks/structure.py [CHECKOUT ...]`."""

import argparse
import ast
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

PATTERNS = {
    "object.__setattr__": r"object\.__setattr__",
    "`self.x or 1` for the type checker": r"(self|options)\.\w+ or \d",
    "aliases of array types": r"(?m)^\w+ = NDArray\[",
}


def main() -> None:
    """Print one column for each checkout."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkouts", nargs="*", type=Path, default=[Path()])
    columns = [numbers(checkout) for checkout in parser.parse_args().checkouts]
    for name in columns[0]:
        print(f"{name:34}", *(f"{column[name]!s:>12}" for column in columns))


def numbers(checkout: Path) -> dict[str, object]:
    """Measure one checkout."""
    package = checkout / "workflow" / "eelsunmix"
    texts = {path: path.read_text() for path in sorted(package.rglob("*.py"))}
    lengths = [length for text in texts.values() for length in function_lengths(text)]
    modules = {path: text.count("\n") for path, text in texts.items()}
    longest = max(modules, key=modules.__getitem__)
    rules = "".join(path.read_text() for path in (checkout / "workflow").rglob("*.smk"))
    rules += "".join(path.read_text() for path in (checkout / "workflow").rglob("Snakefile"))
    schema = checkout / "config" / "schema.json"
    return {
        "modules": len(modules),
        "lines": sum(modules.values()),
        "functions": len(lengths),
        "lines of a function, 50 %": int(np.percentile(lengths, 50)),
        "lines of a function, 90 %": int(np.percentile(lengths, 90)),
        "lines of a function, 99 %": int(np.percentile(lengths, 99)),
        "lines of the longest function": max(lengths),
        "lines of a module, 50 %": int(np.median(list(modules.values()))),
        "lines of the largest module": modules[longest],
        "the largest module": longest.relative_to(package).name,
        "modules over 200 lines": sum(size > 200 for size in modules.values()),
        "modules in a circle of imports": len(in_circles(texts, package)),
        **{
            name: sum(len(re.findall(pattern, text)) for text in texts.values())
            for name, pattern in PATTERNS.items()
        },
        "lines of the rules": rules.count("\n"),
        "lambda wildcards": rules.count("lambda wildcards"),
        "lines of schema.json": schema.read_text().count("\n"),
    }


def function_lengths(text: str) -> Iterator[int]:
    """Lines of the body of each function, its docstring apart."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            yield body[-1].end_lineno - body[0].lineno + 1 if body else 0


def in_circles(texts: dict[Path, str], package: Path) -> set[str]:
    """Modules that import themselves through others, wherever the imports stand."""
    names = {dotted(path, package): path for path in texts}
    graph = {name: set(imported(texts[path], names)) - {name} for name, path in names.items()}
    return {name for name in graph if name in reachable(graph, graph[name])}


def dotted(path: Path, package: Path) -> str:
    """Name of the module in a file."""
    parts = [package.name, *path.relative_to(package).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(text: str, names: dict[str, Path]) -> Iterator[str]:
    """Modules of the package that a module imports, for the type checker alone or not."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in names)
        elif isinstance(node, ast.ImportFrom) and node.module in names:
            inside = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name for name in inside if name in names)
            if not all(name in names for name in inside):
                yield node.module


def reachable(graph: dict[str, set[str]], start: set[str]) -> set[str]:
    """Modules that can be reached from some others, these included."""
    seen: set[str] = set()
    waiting = list(start)
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(graph[name])
    return seen


if __name__ == "__main__":
    main()
