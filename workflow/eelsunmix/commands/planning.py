"""`eelsunmix plan`: what a run will need, in one small table."""

import functools

from eelsunmix.commands.checking import Checked
from eelsunmix.commands.progress import duration
from eelsunmix.recipes import Recipes
from eelsunmix.recipes.plan import Stage, missing, stages
from eelsunmix.recipes.present import Present

_HEAD = ("stage", "jobs", "computing", "memory", "disk")
_NOTHING = "nothing to do: all results are there and match the configuration"
_BENCHMARK = "the benchmark is not estimated; docs/decisions/013 says what it took"
_OFF = (
    "an estimate from the size of the images; real runs have differed by up to 3 times in computing (other "
    "processors more), 1.5 times in memory and disk"
)


def plan(checked: Checked) -> str:
    """Say in a table what is still to be made of a configuration, and what it needs."""
    found = planned(checked)
    if not checked.configuration.samples:
        return _BENCHMARK
    if not found:
        return _NOTHING
    rows = [_HEAD, *map(_row, found), _row(total(found))]
    return "\n".join([*(_line(row) for row in rows), _OFF])


def planned(checked: Checked) -> list[Stage]:
    """Estimate what is still to be made of a configuration, stage by stage."""
    recipes = Recipes(checked.samples)
    return stages(checked.samples, missing(recipes, Present(recipes).fault))


def total(found: list[Stage]) -> Stage:
    """Take all stages together."""
    return functools.reduce(Stage.joined, found)._replace(rule="total")


def in_one_line(found: list[Stage]) -> str:
    """Say what all stages need together.

    Examples
    --------
    >>> in_one_line([Stage("fit", 2, 90.0, 512.3, 2100.0)])
    'about 1 min 30 s of computing, 510 MB of memory in one job, 2.1 GB on the disk'
    """
    _, _, seconds, memory, disk = _row(total(found))
    return f"about {seconds} of computing, {memory} of memory in one job, {disk} on the disk"


def _row(stage: Stage) -> tuple[str, ...]:
    return (
        stage.rule,
        str(stage.jobs),
        duration(stage.seconds),
        _amount(stage.peak_mb),
        _amount(stage.disk_mb),
    )


def _line(row: tuple[str, ...]) -> str:
    stage, jobs, *amounts = row
    return f"{stage:20}{jobs:>6}" + "".join(f"{amount:>14}" for amount in amounts)


def _amount(mb: float) -> str:
    """Write an amount with two digits: more are not known."""
    number, unit = (mb / 1000, "GB") if mb >= 1000 else (mb, "MB")
    return f"{float(f'{number:.2g}'):g} {unit}"
