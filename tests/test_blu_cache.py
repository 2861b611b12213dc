"""Compiled code on disk: damaged files are compiled anew, and say nothing of a method."""

import shutil
import subprocess
import sys

import numpy as np
import pytest

from eelsunmix import fitting
from eelsunmix.errors import MethodFailedError

MODULE = """
import sys
from numba import njit
from eelsunmix.methods.blu.cache import kept_on_disk

@kept_on_disk
@njit
def twice(x):
    return 2.0 * x + 1.0

print(twice(20.5), sum(twice.stats.cache_hits.values()))
"""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compiled")
    (folder / "module.py").write_text(MODULE)
    assert run(folder) == "42.0 0"
    assert run(folder) == "42.0 1"
    return folder


def run(folder):
    done = subprocess.run([sys.executable, folder / "module.py"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def flipped(content, place):
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


DAMAGE = {
    "cut": lambda content: content[: len(content) // 2],
    "emptied": lambda content: b"",
    "zeroed": lambda content: bytes(len(content)),
    "a bit in the middle": lambda content: flipped(content, len(content) // 2),
    "a bit at the end": lambda content: flipped(content, len(content) - 1),
}


@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
def test_damaged_code_is_compiled_anew(compiled, tmp_path, suffix):
    for number, (name, damage) in enumerate(DAMAGE.items()):
        folder = tmp_path / str(number)
        shutil.copytree(compiled, folder)
        files = list(folder.rglob(f"*.{suffix}"))
        assert files
        for file in files:
            file.write_bytes(damage(file.read_bytes()))
        assert run(folder) == "42.0 0", name
    assert run(folder) == "42.0 1", "what was compiled anew is kept"


def test_trouble_of_the_compiler_is_not_recorded_as_a_failure_of_the_method():
    from llvmlite import binding

    def compiled_wrongly(*_):
        binding.parse_assembly("a flipped bit")

    def says_so(*_):
        raise MethodFailedError("the data are flat")

    arguments = (None, 2, np.random.default_rng(0), None)
    assert fitting._fitted(says_so, *arguments, variable=False).attrs["message"] == "the data are flat"
    with pytest.raises(RuntimeError, match="LLVM IR parsing error"):
        fitting._fitted(compiled_wrongly, *arguments, variable=False)
