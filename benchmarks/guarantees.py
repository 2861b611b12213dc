"""See the test of each guarantee fail without the line that keeps the promise.

Run ``python benchmarks/guarantees.py [ROW ...]``, for example ``17 G2``; all rows take about ten minutes.
``benchmarks/mutations.toml`` has one mutation, or more, for each row and promise of
``docs/decisions/010-guarantees.md``: an edit that breaks it, and a test that has to fail then. All happens in
a copy of the project. A test that passes all the same is a defect of the test.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
TABLE = Path(__file__).with_name("mutations.toml")
LONGEST_REASON = 100
LONGEST_WAIT = 300
"""Seconds; a test that does not end without its mend has seen the fault, too."""
PASSED, FAILED = 0, 1
"""Exit codes of pytest; any other one says that no test was run."""


@dataclass(frozen=True, kw_only=True)
class Mutation:
    """One edit that breaks a promise.

    Parameters
    ----------
    row : str
        Number of the row, or of the promise.
    breaks : str
        What the edit takes away, in words.
    file : str
        Seen from the root of the project.
    before, after : str
        What stands there, exactly once, and what stands there afterwards.
    test : str
        Node that must fail then, seen from ``tests``.
    """

    row: str
    breaks: str
    file: str
    before: str
    after: str
    test: str

    @property
    def node(self) -> str:
        """The test, as pytest takes it."""
        return f"tests/{self.test}"


def mutations() -> list[Mutation]:
    """Read the table of mutations."""
    return [Mutation(**one) for one in tomllib.loads(TABLE.read_text(encoding="utf-8"))["mutation"]]


def copied(folder: Path) -> Path:
    """Copy what git knows of the project, or would."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    for name in filter(None, listed.decode().split("\0")):
        if (ROOT / name).is_symlink() or (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
    return folder


@contextmanager
def broken(copy: Path, mutation: Mutation) -> Iterator[None]:
    """Apply a mutation to a copy of the project, and take it back."""
    path = copy / mutation.file
    text, times = path.read_bytes(), path.stat()
    before = mutation.before.encode()
    assert text.count(before) == 1, f"{mutation.file} must hold once: {mutation.before}"
    path.write_bytes(text.replace(before, mutation.after.encode()))
    try:
        yield
    finally:
        path.write_bytes(text)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))  # compiled files stay valid


def run_tests(copy: Path, nodes: Sequence[str], *, first: bool = False) -> tuple[int, str]:
    """Run tests in a copy of the project; return the exit code of pytest and what it printed."""
    own = {"PYTHONPATH": str(copy / "workflow"), **({} if first else {"PYTHONDONTWRITEBYTECODE": "1"})}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short", *nodes]
    try:
        done = subprocess.run(
            command,
            cwd=copy,
            env={**os.environ, **own},
            capture_output=True,
            text=True,
            check=False,
            timeout=None if first else LONGEST_WAIT,
        )
    except subprocess.TimeoutExpired:
        return FAILED, "E   did not end"
    return done.returncode, done.stdout + done.stderr


def judged(code: int, output: str) -> tuple[bool, str]:
    """Whether a test has seen a mutation, and how, in a few words."""
    if code == PASSED:
        return False, "PASSED without its mend"
    reasons = re.findall(r"^E +(.+)$", output, re.MULTILINE)
    if code != FAILED or not reasons:
        return False, f"NO TEST RUN (exit code {code}): {' '.join(output.split())[-LONGEST_REASON:]}"
    return True, " ".join(" ".join(reasons).split())[:LONGEST_REASON]


def main() -> int:
    """Break one promise after the other; print a table, and return 1 if a test has seen nothing."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("rows", nargs="*", metavar="ROW", help="for example 17 or G2; all without it")
    wanted = parser.parse_args().rows
    chosen = [one for one in mutations() if not wanted or one.row in wanted]
    with tempfile.TemporaryDirectory(prefix="eelsunmix-guarantees-") as folder:
        copy = copied(Path(folder).resolve())
        code, output = run_tests(copy, sorted({one.node for one in chosen}), first=True)
        if code != PASSED:
            print(output, "not all of these tests pass as the project is", sep="\n")
            return 1
        caught = [_told(copy, one) for one in chosen]
    print(f"{sum(caught)} of {len(caught)} mutations were seen, of {len({one.row for one in chosen})} rows")
    return 0 if all(caught) else 1


def _told(copy: Path, mutation: Mutation) -> bool:
    with broken(copy, mutation):
        caught, how = judged(*run_tests(copy, [mutation.node]))
    print(f"{mutation.row:>3} {mutation.breaks}\n    {mutation.test}\n    {how}", flush=True)
    return caught


if __name__ == "__main__":
    sys.exit(main())
