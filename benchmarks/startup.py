"""CPU seconds that each script of the workflow spends before it computes: `python benchmarks/startup.py`.

That is on its imports, and on what a job loads at its first labelled array. Every figure is the median of
fresh processes, less what an empty Python takes. For another copy of the code:
`PYTHONPATH=COPY/workflow python benchmarks/startup.py COPY/workflow`.
"""

import ast
import resource
import statistics
import subprocess
import sys
from pathlib import Path

N_RUNS = 3
FIRST_ARRAY = """
import os, numpy, xarray
from eelsunmix.execution.job import job
with job(os.devnull):
    xarray.DataArray(numpy.zeros((2, 3)), dims=("y", "x")).assign_coords(y=[0, 1]).mean().to_numpy()
"""


def main(arguments: list[str]) -> None:
    """Print a table of all scripts, the slowest first."""
    workflow = Path(arguments[0] if arguments else "workflow")
    empty = cpu_seconds("")
    seconds = {script: cpu_seconds(imports(script) + FIRST_ARRAY) - empty for script in scripts(workflow)}
    print(f"{'script':50} CPU s   (an empty Python takes {empty:.2f})")
    for script, figure in sorted(seconds.items(), key=lambda item: -item[1]):
        print(f"{script.relative_to(workflow)!s:50} {figure:5.2f}")
    print(f"{'mean':50} {statistics.mean(seconds.values()):5.2f}")


def scripts(workflow: Path) -> list[Path]:
    """All scripts that rules run."""
    return sorted(path for path in workflow.rglob("scripts/*.py") if "eelsunmix" not in path.parts)


def imports(script: Path) -> str:
    """Import statements at the top of a script."""
    body = ast.parse(script.read_text(encoding="utf-8")).body
    return "\n".join(ast.unparse(node) for node in body if isinstance(node, ast.Import | ast.ImportFrom))


def cpu_seconds(code: str) -> float:
    """Median CPU seconds, user and system, of a fresh Python that runs the code."""
    return statistics.median(_once(code) for _ in range(N_RUNS))


def _once(code: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)


if __name__ == "__main__":
    main(sys.argv[1:])
