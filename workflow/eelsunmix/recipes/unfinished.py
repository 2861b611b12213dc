"""The page of all samples after a run that failed: what is there, and why the rest is not."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from eelsunmix.configuration import SampleSettings
from eelsunmix.execution.log_ends import log_end
from eelsunmix.recipes.asked import Recipes
from eelsunmix.recipes.present import Present
from eelsunmix.recipes.table import INDEX, Product, log_of

NOT_MADE = "not made; a step before it failed, or the run was stopped"


def write_unfinished_index(
    samples: Mapping[str, SampleSettings], skipped: Sequence[str] = (), *, began: int = 0
) -> Path:
    """Write the page of all samples from the verdicts that are there and as asked for.

    The next run that succeeds makes it anew: it was made otherwise than the configuration asks for.

    Parameters
    ----------
    samples, skipped
        As in `Recipes`.
    began : int
        When the run began, as `eelsunmix.execution.log_ends.now_on_disk`.

    Returns
    -------
    Path
        Of the page.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    from eelsunmix.report.index import Missing, write_index  # costs a second, and few runs fail

    recipes = Recipes(samples, skipped)
    present = Present(recipes)
    made_with, verdicts, missing = recipes.settings(INDEX), {}, []
    for name in samples:
        verdict = Product(name, "verdict")
        if fault := _fault(verdict, present):
            reason, log = last_error(recipes, verdict, began) or (fault, "")
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


def last_error(recipes: Recipes, product: Product, began: int) -> tuple[str, str] | None:
    """Return what the latest log of a failed job says, and its path; None if none failed.

    Parameters
    ----------
    recipes : Recipes
    product : Product
        Which is not there: the logs are those of its job and of the jobs before it.
    began : int
        When the run began; what is older failed in an earlier one.
    """
    logs = {log_of(one, recipes.samples[one.sample]): one for one in _with_sources(recipes, product)}
    ends = {log: log_end(log, began=began) for log in logs}
    failed = [log for log, end in ends.items() if end.text and not end.is_good]
    if not failed:
        return None
    latest = max(failed, key=lambda log: Path(log).stat().st_mtime_ns)
    of_other = f" of {logs[latest].sample}" if logs[latest].sample != product.sample else ""
    return f"{Path(latest).stem}{of_other} failed: {ends[latest].error or 'see its log'}", latest


def _with_sources(recipes: Recipes, product: Product) -> list[Product]:
    """Return a product and all that it is made of."""
    found = [product]
    for one in found:  # which grows
        found += [source for source in recipes.inputs(one) if source not in found]
    return found


def _fault(verdict: Product, present: Present) -> str:
    """Say why there is no verdict that is as asked for; nothing if there is one."""
    if not Path(verdict.path).is_file():
        return NOT_MADE
    found = present.fault(verdict)
    return f"{found.reason}; {NOT_MADE}" if found else ""
