"""Fail if a test exists that did not run, or ran and was skipped: CI installs all that they need."""

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

suite = ElementTree.parse(sys.argv[1]).getroot().find("testsuite")  # noqa: S314 - our own file
listing = subprocess.run(
    [sys.executable, "-m", "pytest", "--collect-only", "--quiet"], capture_output=True, text=True, check=True
).stdout
existing = sum("::" in line for line in listing.splitlines())
run = int(suite.get("tests"))
# One that is expected to fail did run, and fails if it passes (all are strict).
skipped = [
    case.get("name")
    for case in suite.iter("testcase")
    for mark in case.findall("skipped")
    if mark.get("type") != "pytest.xfail"
]
files = {path.stem for path in Path("tests").rglob("test_*.py")}
seen = {case.get("classname", "").split(".")[-1] for case in suite.iter("testcase")}
problems = [
    *([f"{existing} tests exist, {run} ran"] if run < existing else []),
    *[f"skipped: {name}" for name in skipped],
    *[f"no test of tests/{name}.py ran" for name in sorted(files - seen)],
]
for problem in problems:
    sys.stderr.write(f"{problem}\n")
sys.stdout.write(f"{run - len(skipped)} of {existing} tests ran\n")
sys.exit(bool(problems))
