"""The table of guarantees: each row has tests, and each test that is marked stands in its row.

``@pytest.mark.guarantee(17, "G2")`` marks a test of row 17 and of promise G2 of
``docs/decisions/010-guarantees.md``. To write the last column anew: ``python tests/test_guarantees.py``.
"""

import ast
import functools
import re
import sys
from collections import defaultdict
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
TABLE = TESTS.parent / "docs" / "decisions" / "010-guarantees.md"
ROW = re.compile(r"^\| (G?\d+) \| ([^|]+) \| ([^|]+) \|(.*)\|$", re.MULTILINE)
NUMBERS = [*(f"G{number}" for number in range(1, 12)), *map(str, range(1, 41))]


@functools.cache
def marks(folder=TESTS):
    """Rows, each with the tests that say that they hold it, by their files; nothing is imported or run."""
    found = defaultdict(lambda: defaultdict(list))
    for path in sorted(folder.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for row in _rows_of(node):
                found[row][path.relative_to(folder).as_posix()].append(node.name.removeprefix("test_"))
    return {row: dict(files) for row, files in found.items()}


def _rows_of(node):
    for decorator in getattr(node, "decorator_list", []):
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.guarantee":
            assert node.name.startswith("test_"), f"{node.name} is marked and no test"
            yield from (str(ast.literal_eval(argument)) for argument in decorator.args)


def completed(table, marked):
    """Return the text of the table with its last column as the marks have it."""

    def row(found):
        number, what, done, _ = found.groups()
        files = [
            f"`{file}`: {', '.join(f'`{name}`' for name in names)}"
            for file, names in marked.get(number, {}).items()
        ]
        return f"| {number} | {what} | {done} | {'; '.join(files) or '–'} |"

    return ROW.sub(row, table)


def test_the_table_has_every_row_once():
    assert [found[1] for found in ROW.finditer(TABLE.read_text(encoding="utf-8"))] == NUMBERS


def test_the_table_is_that_of_the_marks():
    table = TABLE.read_text(encoding="utf-8")
    assert completed(table, marks()) == table, "run: python tests/test_guarantees.py"


@pytest.mark.parametrize("number", NUMBERS)
def test_a_row_without_a_test_says_that_it_is_not_held(number):
    table = TABLE.read_text(encoding="utf-8")
    (done,) = (found[3] for found in ROW.finditer(table) if found[1] == number)
    assert marks().get(number) or done.startswith("**Not held.**"), f"no test is marked guarantee({number})"


def test_every_mark_names_a_row_and_decorates_a_test():
    assert set(marks()) <= set(NUMBERS)
    written = sum(
        len(re.findall(r"^ *@pytest\.mark\.guarantee\(", path.read_text(encoding="utf-8"), re.MULTILINE))
        for path in TESTS.rglob("*.py")
    )
    seen = {(file, name) for files in marks().values() for file, names in files.items() for name in names}
    assert len(seen) == written


def test_a_mark_is_found_and_a_missing_one_missed(tmp_path):
    (tmp_path / "a").mkdir()
    text = 'import pytest\n\n\n@pytest.mark.slow\n@pytest.mark.guarantee(2, "G1")\ndef test_it():\n    pass\n'
    (tmp_path / "a" / "test_x.py").write_text(text)
    table = "| G1 | promise | done | |\n| 2 | what | done | old |\n| 3 | what | done | `gone` |\n"
    assert completed(table, marks(tmp_path)).splitlines() == [
        "| G1 | promise | done | `a/test_x.py`: `it` |",
        "| 2 | what | done | `a/test_x.py`: `it` |",
        "| 3 | what | done | – |",
    ]


if __name__ == "__main__":
    TABLE.write_text(completed(TABLE.read_text(encoding="utf-8"), marks()), encoding="utf-8")
    sys.stdout.write(f"wrote {TABLE}\n")
