"""Running the workflow: Snakemake does it, in a process of its own; its noise becomes a line per step."""

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from eelsunmix.commands.caches import environment
from eelsunmix.commands.checking import Checked
from eelsunmix.commands.planning import in_one_line, planned
from eelsunmix.commands.preflight import refuse_misfit
from eelsunmix.commands.progress import Progress
from eelsunmix.commands.workflow_files import default_profile, snakefile
from eelsunmix.commands.workflow_files import profile as profile_folder
from eelsunmix.commands.working_folder import check_working_folder
from eelsunmix.errors import StoreError, UnreadableStoreError, in_brief
from eelsunmix.examples import DIRECTORY, named_in, report
from eelsunmix.execution.log_ends import now_on_disk
from eelsunmix.exit_codes import FAILED, MISTAKEN
from eelsunmix.recipes import INDEX, Recipes
from eelsunmix.recipes.page_words import PageWords, page_words
from eelsunmix.recipes.table import BENCHMARK_PAGE, VERDICT
from eelsunmix.stage_warnings import PLACES, collect_warnings
from eelsunmix.storage import open_store, read_manifest
from eelsunmix.terminal import say


def fetch_examples(configuration: Path) -> Iterator[str]:
    """Fetch the examples that a configuration names, and say in one line each where they are."""
    return (report(name, DIRECTORY) for name in named_in(configuration))


def run_workflow(
    checked: Checked,
    files: Sequence[Path],
    *,
    config: Sequence[str] = (),
    cores: str = "all",
    profile: str | None = None,
    dry_run: bool = False,
) -> int:
    """Run a configuration that has been checked.

    Parameters
    ----------
    checked : Checked
    files : sequence of Path
        From which it was read.
    config : sequence of str
        Values laid over the files, each ``KEY=VALUE``.
    cores : str
        A number, or all; not used with a profile.
    profile : str, optional
        Folder, or name of a profile of the workflow.
    dry_run : bool

    Returns
    -------
    int
        Exit code: 0; 1 if a step failed, the system killed Snakemake, or a page is not there in the end; 2 if
        it was refused before the first step; or 128 and the number of the signal with which this command was
        told to stop.

    Raises
    ------
    InputError
        If the workflow or Snakemake is not installed, a profile does not fit the cluster, or the working
        folder is deleted during the run.
    StoreError
        If a store that the run did not make again is damaged.
    """
    for text in (*_of_environment(profile), *(f"warning: {text}" for text in checked.warnings)):
        say(text, err=True)
    if profile and not dry_run:
        refuse_misfit(profile_folder(profile), planned(checked))
    progress = Progress(echo=say, began=now_on_disk(Path("results")))
    command = [*_command(files, cores, profile, dry_run), *(["--config", *config] if config else [])]
    with (
        subprocess.Popen(  # noqa: S603 - our own command, its values are paths that were checked
            command,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process,
        _stopping_with(process) as signals,
    ):
        is_heard = _followed(process, progress)
    if not signals:
        check_working_folder()
    if process.returncode != 0:
        of_system = max(-process.returncode, 0) if is_heard else signal.SIGTERM
        return _told(progress, signals[0] if signals else 0, of_system)
    if not dry_run:
        return _ended(checked, files, progress, profile)
    say(progress.end(dry_run=True, gone=_gone(checked)))
    if found := planned(checked):
        say(in_one_line(found))
    return 0


def _of_environment(profile: str | None) -> Iterator[str]:
    """Say that a profile which Snakemake itself would take is not ours: it may hold back steps, or values."""
    if not profile and (unused := os.environ.get("SNAKEMAKE_PROFILE")):
        yield f"SNAKEMAKE_PROFILE is not used; to run by it: --profile {in_brief(unused)}"


def _ended(checked: Checked, files: Sequence[Path], progress: Progress, profile: str | None) -> int:
    """Say what was made by a run that Snakemake calls good, and return its exit code."""
    names = list(checked.configuration.samples) or ["benchmark"]
    results = _verified_results(names, files)  # before it is said that all is well
    if absent := _not_made(checked):
        advice = f"see what the profile {profile} asks for, as until or touch" if profile else "run again"
        say(f"{absent}: was not made, though Snakemake ended without an error; {advice}", err=True)
        return FAILED
    for line in (progress.end(gone=_gone(checked)), *results):
        say(line)
    return 0


def _followed(process: subprocess.Popen[str], progress: Progress) -> bool:
    """Tell the progress until Snakemake ends; stop Snakemake in order if nobody can be told any more."""
    is_heard = True
    for line in process.stdout or ():
        try:
            progress.take(line.rstrip("\n"))
        except OSError as error:
            if is_heard:
                process.terminate()
                why = "nobody reads it any more" if isinstance(error, BrokenPipeError) else error.strerror
                _say_stopping(f"the output cannot be written ({why}); ")
            is_heard = False
    return is_heard


def _told(progress: Progress, signal_of_user: int, signal_of_system: int) -> int:
    """Say why a run did not end well, and return its exit code; signals are 0 where none came."""
    for text in progress.failures(ended_by=signal_of_user or signal_of_system):
        say(text, err=True)
    if signal_of_user:
        return 128 + signal_of_user
    return MISTAKEN if progress.refusal() else FAILED


@contextmanager
def _stopping_with(process: subprocess.Popen[str]) -> Iterator[list[int]]:
    """Stop Snakemake at SIGTERM and Ctrl-C, and give the signals that came: alone it would go on, unseen.

    By SIGTERM it ends after the steps that run; Ctrl-C on a terminal reaches these themselves, too. Of Ctrl-C
    alone Snakemake may lose sight. A second one is not waited for.
    """
    came: list[int] = []

    def stop(number: int, _frame: object) -> None:
        if came and number == signal.SIGINT:
            raise KeyboardInterrupt
        came.append(number)
        process.terminate()
        _say_stopping()

    numbers = [signal.SIGTERM] if _ignored(signal.SIGINT) else [signal.SIGTERM, signal.SIGINT]
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _say_stopping(why: str = "") -> None:
    with suppress(OSError):  # the standard error may be as full, or closed, as the output
        say(f"{why}stopping, once the steps that run are done or have cleared up", err=True)


def _ignored(number: int) -> bool:
    """Whether a shell has told us to ignore a signal, as it does for what it starts in the background."""
    return signal.getsignal(number) == signal.SIG_IGN


def _gone(checked: Checked) -> list[str]:
    """Return the stores that the configuration asks for and are not there."""
    products = Recipes(checked.samples).products()
    stores = [Path(product.path) for product in products if product.path.endswith(".zarr")]
    return [str(store) for store in stores if not store.exists()]


def _not_made(checked: Checked) -> str | None:
    """Return the first result that is not there, if a page is not: stores behind a page may go."""
    products = list(Recipes(checked.samples).products())
    pages = [one.path for one in products if one.store == "page"]
    if not checked.configuration.samples:
        pages = [BENCHMARK_PAGE]
    if all(Path(page).exists() for page in pages):
        return None
    return next(path for path in (*(one.path for one in products), *pages) if not Path(path).exists())


def _verified_results(names: Sequence[str], files: Sequence[Path]) -> list[str]:
    try:
        return list(_results(names))
    except UnreadableStoreError:
        raise
    except StoreError as error:
        remedy = f"type: eelsunmix repair {shlex.join(map(str, files))}"
        raise StoreError(f"{str(error).rpartition(';')[0]}; {remedy}") from error


def _results(names: Sequence[str]) -> Iterator[str]:
    """Say what the stages of each sample warn of, and where its page is; of several that of all."""
    for name in names:
        places = {stage: Path("results") / name / f"{stage}.zarr" for stage in PLACES}
        stores = {stage: open_store(place) for stage, place in places.items() if place.is_dir()}
        words = PageWords()
        if "comparison" in stores:
            seal = read_manifest(places["comparison"]).seal
            words = page_words(places["comparison"].with_name(VERDICT), comparison=seal)
        for place, text in words.warnings or collect_warnings(stores):
            yield f"{name}, {place[0].lower()}{place[1:]}: {text}"
        if len(names) == 1:  # of several, the overview has them
            yield from (f"{name}, {title[0].lower()}{title[1:]}: {text}" for title, text in words.said)
    page = Path("reports") / f"{names[0]}.html" if len(names) == 1 else Path(INDEX.path)
    if page.is_file():
        yield f"page of {names[0] if len(names) == 1 else 'all samples'}: {page.absolute()}"


def _command(files: Sequence[Path], cores: str, profile: str | None, dry_run: bool) -> list[str]:
    where = ["--profile", profile_folder(profile)] if profile else ["--profile", "none", "--cores", cores]
    return [
        *(sys.executable, "-m", "snakemake", "--snakefile", str(snakefile())),
        *where,
        *("--workflow-profile", str(default_profile())),
        "--keep-going",  # a sample whose file went bad fails alone
        *(["--dry-run"] if dry_run else []),
        *("--configfile", *map(str, files)),
    ]
