"""`eelsunmix repair`: what is not in order is moved aside, and it is said what a run makes again."""

from collections.abc import Sequence
from pathlib import Path

from eelsunmix.commands.checking import checked_configuration
from eelsunmix.commands.running import run_workflow
from eelsunmix.configuration.command_line import command_line_values
from eelsunmix.errors import InputError
from eelsunmix.recipes.repairing import repair
from eelsunmix.recipes.verification import CONFIGURATION, Verification, own_configuration
from eelsunmix.terminal import say


def repair_results(files: Sequence[Path], config: Sequence[str] = ()) -> int:
    """Repair the folder ``results``; the exit code is 1 if what will run could not be found out.

    Parameters
    ----------
    files : sequence of Path
        Configurations, by default ``config/config.yaml``.
    config : sequence of str
        Values that were given to the run by ``--config``, each ``KEY=VALUE``.

    Raises
    ------
    InputError
        If there are no results or no configuration, or a run uses the results.
    """
    results = Path("results")
    if not results.is_dir():
        raise InputError(f"{results}: no such folder; call repair where the run was started")
    if not files and not CONFIGURATION.is_file():
        raise InputError(f"name your configuration: eelsunmix repair {own_configuration()}")
    files = files or [CONFIGURATION]
    overrides = command_line_values(config)
    checked = checked_configuration(files, overrides)
    lines = 0
    for line in repair(results, Verification(files, overrides), locks=Path(".snakemake/locks")):
        say(line)
        lines += 1
    if not lines:
        say("all results are in order; nothing was moved")
    say("a run would make:")
    return run_workflow(checked, files, config=config, dry_run=True)
