"""CONTRIBUTING.md, followed to the letter: a method in one file."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def recipe():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    section = text.split("<!-- test: add-a-method -->")[1]
    code = re.search(r"```python\n(.*?)```", section, re.DOTALL).group(1)
    lines = re.search(r"```yaml\n(.*?)```", section, re.DOTALL).group(1)
    command = re.search(r"check it with `\.venv/bin/([^`]+)`", section).group(1)
    return {"file": code.splitlines()[0].removeprefix("# "), "code": code, "yaml": lines, "command": command}


@pytest.fixture(scope="module")
def checkout(recipe, tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkout")
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in ("workflow", "tests", "config", "docs", "benchmarks", "envs"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    for path in (path for path in ROOT.iterdir() if path.is_file()):
        shutil.copy(path, folder)
    (folder / recipe["file"]).write_text(recipe["code"])
    return folder


def _run(folder, *command):
    environment = {**os.environ, "PYTHONPATH": str(folder / "workflow")}
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_contract_tests_take_the_new_method_up(recipe, checkout):
    done = _run(checkout, *recipe["command"].split())
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(re.search(r"(\d+) passed", done.stdout).group(1)) >= 10


@pytest.mark.slow
def test_no_test_of_methods_in_reports_and_configurations_minds_it(checkout):
    tests = checkout / "tests"
    files = sorted(
        path.name for area in ("report", "configuration") for path in tests.glob(f"test_{area}*.py")
    )
    files = [f"tests/{name}" for name in files if "browser" not in name]
    # The large image has its own number of methods, and takes longer than all others.
    done = _run(checkout, "pytest", "-q", "-k", "method and not stays_small", *files)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    assert int(re.search(r"(\d+) passed", done.stdout).group(1)) >= 40


def test_its_line_of_configuration_is_understood(recipe, checkout):
    scene = "samples: {SI1: {simulate: {scene: multilayer}}}\n"
    (checkout / "my.yaml").write_text(scene + recipe["yaml"])
    done = _run(checkout, "eelsunmix.configuration", "my.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "spa" in done.stdout


def test_its_check_of_options_names_the_key(recipe, checkout):
    scene = "samples: {SI1: {simulate: {scene: multilayer}}}\n"
    (checkout / "bad.yaml").write_text(scene + recipe["yaml"].replace("n_components: 4", "n_components: 0"))
    done = _run(checkout, "eelsunmix.configuration", "bad.yaml")
    assert done.returncode == 1
    wrong = "bad.yaml:3: methods.spa.n_components: needs a whole number of at least 1 or null, found 0"
    assert wrong in done.stderr
