"""The page of all samples after a run that failed: what is there, and why the rest is not."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from eelsunmix.configuration import SampleSettings
from eelsunmix.recipes.asked import Recipes
from eelsunmix.recipes.present import Present
from eelsunmix.recipes.table import INDEX, Product

_ERROR = re.compile(r"\d\d:\d\d:\d\d ERROR (.*)")
_DONE = " INFO done"
NOT_MADE = "not made; a step before it failed, or the run was stopped"


def write_unfinished_index(samples: Mapping[str, SampleSettings], skipped: Sequence[str] = ()) -> Path:
    """Write the page of all samples from the verdicts that are there and as asked for.

    The next run that succeeds makes it anew: it was made otherwise than the configuration asks for.

    Parameters
    ----------
    samples, skipped
        As in `Recipes`.

    Returns
    -------
    Path
        Of the page.
    """
    from eelsunmix.report.index import Missing, write_index  # costs a second, and few runs fail

    recipes = Recipes(samples, skipped)
    present = Present(recipes)
    made_with, verdicts, missing = recipes.settings(INDEX), {}, []
    for name in samples:
        verdict = Product(name, "verdict")
        if fault := _fault(verdict, present):
            reason, log = last_error(Path("results") / name / "logs") or (fault, "")
            missing.append(Missing(sample=name, reason=reason, log=log))
        else:
            verdicts[verdict.path] = made_with["made_of"][verdict.path]
    present.keep(INDEX)
    return write_index(
        INDEX.path,
        verdicts,
        missing=missing,
        skipped=skipped,
        benchmark=made_with["benchmark"],
        made_with={**made_with, "made_of": verdicts},
    )


def last_error(logs: Path) -> tuple[str, str] | None:
    """Return what the latest log of a failed job of a sample says, and its path; None if none failed.

    Parameters
    ----------
    logs : Path
        Folder with one log for each job.
    """
    found = sorted(logs.glob("*.log"), key=lambda log: log.stat().st_mtime_ns, reverse=True)
    for log in found:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        if lines and lines[-1].endswith(_DONE):
            continue
        errors = [match[1] for line in lines if (match := _ERROR.match(line))]
        return f"{log.stem} failed: {errors[-1] if errors else 'see its log'}", str(log)
    return None


def _fault(verdict: Product, present: Present) -> str:
    """Say why there is no verdict that is as asked for; nothing if there is one."""
    if not Path(verdict.path).is_file():
        return NOT_MADE
    found = present.fault(verdict)
    return f"{found.reason}; {NOT_MADE}" if found else ""
