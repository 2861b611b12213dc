"""Files that are installed: each has its hash, of the version that the constraints name."""

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ENVS = ROOT / "envs"
LOCKS = ("locked.txt", "locked-gpu.txt", "locked-docs.txt", "locked-audit.txt")
PIN = re.compile(r"^([\w.-]+)==(\S+)", re.MULTILINE)


def pins(name):
    """Versions by the names that registries take for the same."""
    text = (ENVS / name).read_text()
    return {re.sub(r"[-_.]+", "-", package).lower(): version for package, version in PIN.findall(text)}


@pytest.mark.guarantee(40)
def test_lock_and_constraints_name_the_same_versions():
    assert pins("locked.txt") | pins("locked-docs.txt") == pins("constraints.txt"), "run: make lock"
    assert "sphinx" not in pins("locked.txt"), "make install takes what the documentation needs"


@pytest.mark.guarantee(40)
def test_the_tools_of_the_audit_are_locked():
    wanted = pins("audit.in")
    assert {"pip-audit", "cyclonedx-bom"} == set(wanted)
    assert wanted.items() <= pins("locked-audit.txt").items(), "run: make lock"


@pytest.mark.guarantee(40)
@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_has_hashes_and_nothing_else_is_said(name):
    """No address of a registry, no option, no package without a hash."""
    lines = [line for line in (ENVS / name).read_text().splitlines() if not line.startswith("#")]
    pinned = [number for number, line in enumerate(lines) if PIN.match(line)]
    hashes = [re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line) for line in lines]
    assert all(found or PIN.match(line) for found, line in zip(hashes, lines, strict=True))
    assert all(lines[number].endswith(" \\") and hashes[number + 1] for number in pinned)


def test_only_what_gpus_need_is_apart():
    assert not [name for name in pins("locked.txt") if re.match("nvidia|cuda|triton", name)]
    assert all(re.match("nvidia|cuda|triton", name) for name in pins("locked-gpu.txt"))


@pytest.mark.guarantee(40)
def test_make_installs_by_hash_alone():
    text = (ROOT / "Makefile").read_text()
    recipe = re.search(r"\n\.venv/installed:(.*?)\n\n", text, re.DOTALL)[1]
    assert re.search(r"^locked := \$\(pip\) --no-deps --require-hashes --requirement$", text, re.MULTILINE)
    assert "--no-build-isolation" in re.search(r"^pip := .*$", text, re.MULTILINE)[0]
    installs = [line for line in recipe.splitlines() if re.search(r"\$\((pip|locked)\)| pip install", line)]
    by_hash = [line for line in installs if re.search(r"\$\(locked\) (envs|\.venv)/[\w-]+\.txt\b", line)]
    assert [line.strip() for line in installs if line not in by_hash] == ["@$(pip) --no-deps --editable ."]
    assert len(by_hash) == 4
    (documentation,) = re.findall(r"\n\.venv/documentation:.*\n((?:\t.*\n)+)", text)
    assert documentation == "\t@$(locked) envs/locked-docs.txt\n\t@touch $@\n"


def test_packages_of_another_platform_and_of_gpus_are_sorted_out(monkeypatch, tmp_path):
    spec = importlib.util.spec_from_file_location("lock", ENVS / "lock.py")
    lock = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(lock)
    hashed = " \\\n    --hash=sha256:00\n"
    found = ["a==1", "triton==2", "b==3 ; sys_platform == 'win32'", "nvidia-x==4", "torch==5"]
    monkeypatch.setattr(lock, "_installed", lambda folder: folder)
    monkeypatch.setattr(lock, "_resolved", lambda *_: [name + hashed for name in found])
    monkeypatch.setattr(lock, "HERE", tmp_path)
    lock.main()
    monkeypatch.setattr(f"{__name__}.ENVS", tmp_path)
    assert pins("locked.txt") == {"a": "1", "torch": "5"}
    assert lock.CPU_BUILDS[0] in (tmp_path / "locked.txt").read_text()
    assert pins("locked-gpu.txt") == {"triton": "2", "nvidia-x": "4"}
