"""The commands and their options; what they do stands beside this file."""

import re
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import click

from eelsunmix.commands.working_folder import check_working_folder
from eelsunmix.errors import REMEDIES, InputError, unwritable
from eelsunmix.execution.stopping import StoppedError
from eelsunmix.execution.zarr_end import leave_tasks, let_zarr_end
from eelsunmix.exit_codes import FAILED, INTERRUPTED, MISTAKEN
from eelsunmix.export.formats import format_names, help_of
from eelsunmix.failures import for_command, shortage
from eelsunmix.terminal import say


class _Commands(click.Group):
    """Commands that say `stopped` after Ctrl-C and SIGTERM, with the exit code of a shell: click says 1."""

    def invoke(self, ctx: click.Context) -> object:
        check_working_folder()
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            leave_tasks()
            say("stopped", err=True)
            sys.exit(INTERRUPTED)
        except StoppedError:
            leave_tasks()
            say("stopped", err=True)
            raise


_FILES = click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))


def _cores(_context: click.Context, _option: click.Parameter, value: str) -> str:
    """Of none, Snakemake would wait for ever, or run nothing."""
    if value != "all" and not (value.isascii() and value.isdecimal() and int(value) > 0):
        raise click.BadParameter("write a number from 1 on, or all")
    return value


_CORES = click.option(
    "--cores", "-c", default="all", show_default=True, callback=_cores, help="Number of cores, or all."
)

_HELP = """From an EELS spectrum image to components and maps, and a page that says whether to trust them.

\b
eelsunmix new data/SI1.dm4   finds the edges, writes SI1.yaml and draws the windows
eelsunmix check SI1.yaml     says in words what will run
eelsunmix plan SI1.yaml      estimates time, memory and disk that it needs
eelsunmix run SI1.yaml       runs it; the last line is the path of the page, or of that of all samples
eelsunmix export SI1 --hspy  takes maps and spectra to HyperSpy; or --tiff, --csv ...

\b
Exit codes: 0 all is well, 1 something failed, 2 the user can mend it, 130 Ctrl-C, 143 SIGTERM.
Completion: eval "$(_EELSUNMIX_COMPLETE=bash_source eelsunmix)"; or zsh_source, fish_source.
"""


@click.group(cls=_Commands, help=_HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="eelsunmix")
def eelsunmix() -> None:
    """All commands."""


@eelsunmix.command()
@_FILES
@click.option("--output", "-o", type=click.Path(path_type=Path), help="The configuration to write.")
@click.option("--signal", help="Name, number or kind of the signal, where a file holds several.")
@click.option("--force", is_flag=True, help="Write over a configuration that is there already.")
def new(files: tuple[Path, ...], output: Path | None, signal: str | None, force: bool) -> None:
    """Find the edges in spectrum images and write a configuration that runs as it is.

    FILES are spectrum images that share their edges; the first one is searched. Beside the configuration
    stands a page with the windows drawn on the mean spectrum. What is unsure is said, with its alternatives.
    """
    from eelsunmix.commands.proposing import propose

    say(propose(files, output=output, signal=signal, force=force))


@eelsunmix.command()
@_FILES
@click.option(
    "--draw",
    is_flag=True,
    help="Also read the images whole: draw the windows on their mean spectra (SAMPLE.windows.html, in this "
    "folder), and say where the edges show that an energy axis is off.",
)
def check(files: tuple[Path, ...], draw: bool) -> None:
    """Check a configuration and say in words what will run.

    FILES are configurations; later ones are laid over those before them. Windows are checked on the energy
    axes of the images, of which only the heads are read.
    """
    from eelsunmix.commands.checking import checked_configuration, in_words

    checked = checked_configuration(files)
    say(in_words(checked))
    if draw:
        from eelsunmix.commands.drawing import draw_windows

        say("\n".join(draw_windows(checked, Path())) or "no edge is named, so no windows are drawn")


@eelsunmix.command()
@_FILES
def plan(files: tuple[Path, ...]) -> None:
    """Estimate the jobs, computing, memory and disk of what is still to be made of a configuration.

    FILES are configurations, as for `check`. Only the heads of the images are read. Computing is that of one
    core; memory is that of the largest job of a stage, before the margin that a cluster is asked for.
    """
    from eelsunmix.commands.checking import checked_configuration
    from eelsunmix.commands.planning import plan as estimate

    say(estimate(checked_configuration(files)))


@eelsunmix.command()
@_FILES
@_CORES
@click.option("--profile", help="Profile of Snakemake instead of cores: a folder, or slurm.")
@click.option("--dry-run", "-n", is_flag=True, help="Only say which steps would run.")
def run(files: tuple[Path, ...], cores: str, profile: str | None, dry_run: bool) -> None:
    """Run a configuration, after it has been checked as `check` does; the last line is the page.

    Finished steps are not repeated, so it may be called again at any time. Snakemake does the work; whoever
    wants its other options calls it: snakemake --cores all --configfile FILE.
    """
    from eelsunmix.commands.checking import checked_configuration
    from eelsunmix.commands.running import run_workflow

    configuration = checked_configuration(files)
    sys.exit(run_workflow(configuration, files, cores=cores, profile=profile, dry_run=dry_run))


@eelsunmix.command()
@click.option(
    "--profile", default="slurm", show_default=True, help="Profile of Snakemake: a folder or slurm."
)
@click.option("--partition", help="Instead of that of the profile, or the default one.")
@click.option("--account", help="Instead of that of the profile, or the default one.")
@click.option(
    "--write", type=click.Path(path_type=Path), help="Folder for a copy of the profile with the keys found."
)
@click.option("--force", is_flag=True, help="Write over a profile that is there already.")
def preflight(
    profile: str, partition: str | None, account: str | None, write: Path | None, force: bool
) -> None:
    """Look, before a run on a SLURM cluster, at all that could stop it, and run a job of a second.

    Partitions, account, whether the end of a job is told, folders and free space, versions, clocks. Call it
    in the folder of the run. `run --profile` asks the same, but for the trial job, before its first job.
    """
    from eelsunmix.commands.preflight import keys_of_site, screen, write_profile
    from eelsunmix.commands.workflow_files import profile as profile_folder
    from eelsunmix.slurm.profile import read_profile

    found = read_profile(profile_folder(profile))
    keys = keys_of_site(found, partition=partition, account=account)
    if write:
        say(f"written: {write_profile(found, keys, write, force=force)}")
        found = read_profile(str(write))
    lines, faults = screen(found, keys)
    say("\n".join(lines))
    for line in faults:
        say(line, err=True)
    sys.exit(MISTAKEN if faults else 0)


@eelsunmix.command()
@_CORES
def demo(cores: str) -> None:
    """Analyse a simulated multilayer and a public SrTiO3/LaMnO3 image, fetched once.

    Results and pages go to the folders results and reports of the folder where it is called.
    """
    from eelsunmix.commands.checking import checked_configuration
    from eelsunmix.commands.running import fetch_examples, run_workflow
    from eelsunmix.commands.workflow_files import demo_configuration

    file = demo_configuration()
    for line in fetch_examples(file):
        say(line)
    sys.exit(run_workflow(checked_configuration([file]), [file], cores=cores))


def _formats(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for each format that there is."""
    for name in reversed(format_names()):
        command = click.option(f"--{name}", name, is_flag=True, help=help_of(name))(command)
    return command


@eelsunmix.command()
@click.argument("sample")
@_formats
@click.option(
    "--publication", is_flag=True, help="One zip with all of these, page, Methods, BibTeX, RO-Crate."
)
@click.option(
    "--to", type=click.Path(path_type=Path), help="Folder of the export.  [default: exports/SAMPLE]"
)
def export(sample: str, to: Path | None, *, publication: bool, **formats: bool) -> None:
    """Take maps, spectra and profiles of a finished SAMPLE to other programs, calibrated and described.

    SAMPLE is its name below results. Every store is verified first; an export appears as a whole or not at
    all, and takes the place of an export of ours only. `eelsunmix verify` checks folder and zip.
    """
    from eelsunmix.commands.exporting import export as write

    chosen = [name for name, is_wanted in formats.items() if is_wanted]
    say(write(sample, chosen, to=to, publication=publication))


@eelsunmix.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--sources", is_flag=True, help="Compare every byte of the imported files too.")
@click.option(
    "--configfile", multiple=True, type=click.Path(path_type=Path), help="Instead of config/config.yaml."
)
@click.option("--config", multiple=True, metavar="KEY=VALUE", help="Values given to the run by --config.")
def verify(
    paths: tuple[Path, ...], sources: bool, configfile: tuple[Path, ...], config: tuple[str, ...]
) -> None:
    """Verify every byte of all stores below PATHS, by default results, and of their pages.

    They are held against the configuration, too: what was made with other settings is named. PATHS are
    folders of results, or exports: their folders, and zips for a publication.
    """
    from eelsunmix.commands.exporting import exports_in, holds_only_exports, is_exported, verify_exports
    from eelsunmix.configuration.documents import read_documents
    from eelsunmix.storage.__main__ import main as verify_stores

    if configfile:
        read_documents(configfile, {})  # a slip in its name is told, rather than that of its results
    paths = paths or (Path("results"),)
    if missing := [path for path in paths if not path.exists()]:
        raise InputError(
            f"{missing[0]}: no such file or folder; name the folder of the results, or an export"
        )
    exports = {path: [path] if is_exported(path) else exports_in(path) for path in paths}
    failed = verify_exports(one for found in exports.values() for one in found)
    folders = [str(path) for path, found in exports.items() if not (found and holds_only_exports(path))]
    further = ["--sources"] if sources else []
    for name, values in (("--configfile", configfile), ("--config", config)):
        further += [name, *map(str, values)] if values else []
    codes = [failed, verify_stores([*folders, *further]) if folders else 0]
    sys.exit(FAILED if FAILED in codes else max(codes))


@eelsunmix.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--config", multiple=True, metavar="KEY=VALUE", help="Values given to the run by --config.")
def repair(files: tuple[Path, ...], config: tuple[str, ...]) -> None:
    """Move aside all results that are not in order, and say what a run would make again.

    Nothing is deleted: damaged stores and pages, those that were made with other settings than FILES say (by
    default config/config.yaml), drafts and locks of killed runs get a further ending, aside1. Remove them
    once the results are good. A repair may be killed at any time and repeated.
    """
    from eelsunmix.commands.repairing import repair_results

    sys.exit(repair_results(files, config))


def main() -> None:
    """Run the command line; mistakes of the user are one line each on the standard error."""
    from eelsunmix.execution.limits import TERMINAL, enforced

    try:
        if sys.flags.optimize > 1:
            raise InputError("PYTHONOPTIMIZE=2 takes away texts that libraries need; unset it, or set 1")
        with enforced(TERMINAL):
            eelsunmix(prog_name="eelsunmix")
    except InputError as error:
        say(for_command(str(error)), err=True)
        sys.exit(MISTAKEN)
    except (MemoryError, OSError, RuntimeError) as error:
        if not (line := shortage(error) or _of_system(error)):
            raise
        say(for_command(line), err=True)
        sys.exit(FAILED)
    except ValueError as error:  # whoever first imports Dask meets its settings
        if not (found := re.match(r"A dask config file at '(.+?)' is malformed", str(error))):
            raise
        say(f"{found[1]}: no YAML that Dask can read; mend it, or move it away", err=True)
        sys.exit(MISTAKEN)
    finally:
        let_zarr_end()


def _of_system(error: Exception) -> str | None:
    if not isinstance(error, OSError):
        return None
    if _is_of_output(error):
        return str(unwritable("the output of this command", error))
    advice = REMEDIES.get(error.errno or 0, ("", "check it"))[1]
    return f"{error.filename or 'a file'}: {error.strerror or error}; {advice}"


def _is_of_output(error: OSError) -> bool:
    """Whether an error, which names no file, comes from what writes to the terminal, a pipe or its file."""
    frames = (frame for frame, _ in traceback.walk_tb(error.__traceback__))
    return error.filename is None and any(frame.f_code is click.echo.__code__ for frame in frames)
