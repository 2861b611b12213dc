"""The table of guarantees: each row has tests, and a mutation that one of them must see.

``@pytest.mark.guarantee(17, "G2")`` marks a test of row 17 and of promise G2 of
``docs/decisions/010-guarantees.md``. To write the last column anew: ``python tests/test_guarantees.py``.
``python benchmarks/guarantees.py`` breaks one promise after the other and sees the tests fail.
"""

import ast
import functools
import os
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


def _table():
    sys.path.insert(0, str(TESTS.parent / "benchmarks"))
    try:
        import guarantees
    finally:
        sys.path.pop(0)
    return guarantees


MUTATIONS = _table().mutations()


def test_every_row_has_a_mutation():
    assert {one.row for one in MUTATIONS} == set(NUMBERS)


@pytest.mark.parametrize("one", MUTATIONS, ids=lambda one: f"{one.row}: {one.breaks}")
def test_a_mutation_still_fits_the_code_and_names_a_test_of_its_row(one):
    assert (TESTS.parent / one.file).read_text(encoding="utf-8").count(one.before) == 1, (
        f"benchmarks/mutations.toml: {one.file} has changed; break row {one.row} as the code is now"
    )
    assert one.after != one.before
    file, _, name = one.test.partition("::")
    assert name.partition("[")[0].removeprefix("test_") in marks().get(one.row, {}).get(file, [])


def test_a_mutation_is_seen_only_by_a_test_that_ran_and_failed():
    judged = _table().judged
    assert judged(1, "E   assert 1 == 2\nE    +  where\n1 failed") == (True, "assert 1 == 2 + where")
    assert judged(0, "1 passed") == (False, "PASSED without its mend")
    for code, output in ((2, "E   ImportError: x"), (4, "no such test"), (1, "1 failed")):
        assert judged(code, output)[0] is False


def test_a_mutation_is_taken_back(tmp_path):
    table = _table()
    file = tmp_path / "a.py"
    file.write_text("x = 1\n")
    os.utime(file, (1e9, 1e9))
    one = table.Mutation(row="1", breaks="", file="a.py", before="1", after="2", test="")
    with table.broken(tmp_path, one):
        assert file.read_text() == "x = 2\n"
    assert (file.read_text(), file.stat().st_mtime) == ("x = 1\n", 1e9)


if __name__ == "__main__":
    TABLE.write_text(completed(TABLE.read_text(encoding="utf-8"), marks()), encoding="utf-8")
    sys.stdout.write(f"wrote {TABLE}\n")
