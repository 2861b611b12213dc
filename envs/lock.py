"""Write the files with the hash of everything that is installed: ``python envs/lock.py``.

``constraints.txt`` says which versions; this asks the package registry for the hashes of their files, for
every platform but Windows, Python 3.11 and newer. What PyTorch needs on NVIDIA GPUs goes into a file of
its own, since its build for CPUs needs none of it; so does what the documentation needs beyond all that,
which `make docs` alone installs. ``audit.in`` lists the tools of CI, which live in an environment of their
own.
"""

import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
PROJECT = HERE.parent / "pyproject.toml"
UV = "uv==0.13.8"
FOR_GPUS = re.compile(r"(nvidia|cuda)-|triton==")
NOT_FOR_US = "sys_platform == 'win32'"
CPU_BUILDS = ("sha256:6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b",)
"""Of torch 2.13.0+cpu for Python 3.11 on Linux x86-64, which pip finds in a folder of wheels alone."""
HEAD = "# Written by `python envs/lock.py` from {source}; not by hand.\n"


def main() -> None:
    """Write the four files beside this one."""
    with tempfile.TemporaryDirectory() as folder:
        uv = _installed(Path(folder))
        source = "constraints.txt and pyproject.toml"
        extras = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["optional-dependencies"]
        found = _of_extras(uv, *(extra for extra in extras if extra != "docs"))
        everywhere = [_with_cpu_builds(pin) for pin in found if not FOR_GPUS.match(pin)]
        _write("locked.txt", source, everywhere)
        _write("locked-gpu.txt", source, [pin for pin in found if FOR_GPUS.match(pin)])
        # With other platforms than in the first file, a package stands in both.
        _write("locked-docs.txt", source, [pin for pin in _of_extras(uv, *extras) if pin not in found])
        _write("locked-audit.txt", "audit.in", _resolved(uv, HERE / "audit.in"))


def _of_extras(uv: Path, *extras: str) -> list[str]:
    """Return what the package needs with these extras, but on Windows."""
    wanted = [f"--extra={extra}" for extra in extras]
    found = _resolved(uv, *wanted, "--constraints", HERE / "constraints.txt", PROJECT)
    return [pin for pin in found if NOT_FOR_US not in pin]


def _installed(folder: Path) -> Path:
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    subprocess.run([folder / "bin/python", "-m", "pip", "install", "--quiet", UV], check=True)
    return folder / "bin" / "uv"


def _resolved(uv: Path, *wanted: str | Path) -> list[str]:
    """Return one text for each package: its pin, the platforms that need it, the hashes of its files."""
    command = [
        uv,
        "pip",
        "compile",
        "--quiet",
        "--universal",
        "--python-version",
        "3.11",
        "--generate-hashes",
    ]
    command += ["--no-header", "--no-annotate", "--no-emit-index-url", *wanted]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return re.findall(r"^\S.*(?:\n +.*)*\n", done.stdout, re.MULTILINE)


def _with_cpu_builds(pin: str) -> str:
    if not pin.startswith("torch=="):
        return pin
    return pin.rstrip() + "".join(f" \\\n    --hash={build}" for build in CPU_BUILDS) + "\n"


def _write(name: str, source: str, pins: list[str]) -> None:
    (HERE / name).write_text(HEAD.format(source=source) + "".join(pins), encoding="utf-8")
    sys.stdout.write(f"{name}: {len(pins)} packages\n")


if __name__ == "__main__":
    main()
