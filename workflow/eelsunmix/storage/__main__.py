"""Verify all stores and pages of some folders: ``python -m eelsunmix.storage results``."""

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from eelsunmix.configuration.command_line import command_line_values
from eelsunmix.errors import InputError, names_in_brief
from eelsunmix.exit_codes import FAILED, MISTAKEN
from eelsunmix.recipes.verification import CONFIGURATION, Verification, own_configuration, stores_below
from eelsunmix.storage.locks import run_among
from eelsunmix.terminal import say
from eelsunmix.words import numbered

WITHOUT_PAGES = "there is none, or it is found from the whole folder of results alone"


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify all stores and pages; one line for each that is damaged or not as asked for."""
    options = _parser().parse_args(arguments)
    files = options.configfile or [file for file in (CONFIGURATION,) if file.is_file()]
    try:
        overrides = command_line_values(options.config or [])
        verification = Verification(files, overrides, with_sources=options.sources)
    except InputError as error:
        say(error, err=True)  # of a closed output, unlike `sys.stderr`, it makes no error
        return MISTAKEN
    found = [store for folder in options.folders for store in stores_below(folder)]
    of_run = {store: said for store in found if (said := verification.of_run(store))}
    _told(of_run.values(), err=False)
    stores = [store for store in found if store not in of_run]
    pages = [page for folder in options.folders for page in verification.pages_of(folder)]
    verdicts = [path for folder in options.folders for path in verification.verdicts_of(folder)]
    if not found + pages:
        folders = ", ".join(map(str, options.folders))
        say(f"{folders}: no stores and no pages lie there; name the folder of the results", err=True)
        return MISTAKEN
    checked = {
        "store": (verification.of_store, stores),
        "page": (verification.of_page, pages),
        "verdict": (verification.of_page, verdicts),
    }
    faults = {noun: _told(map(check, paths)) for noun, (check, paths) in checked.items()}
    for noun, (_, paths) in checked.items():
        if paths or noun == "store":
            say(f"{numbered(len(paths), noun)}, {faults[noun]} of them not in order")
    if stores and not pages:
        say(f"no page{'' if verdicts else ' and no verdict'} looked at: {WITHOUT_PAGES}")
    if pages or verification.compared or (files and verification.not_compared):
        say(_of_settings(verification, files))
    if not any(faults.values()):
        return 0
    _told([_of_run_in_progress(options.folders)], err=False)
    return FAILED


def _of_settings(verification: Verification, files: Iterable[Path]) -> str:
    compared, others = (
        names_in_brief(sorted(names), most=5) for names in (verification.compared, verification.not_compared)
    )
    if not compared:
        return (
            "settings not compared: no configuration that was read names these samples; name yours: "
            f"eelsunmix verify --configfile {own_configuration()}"
        )
    said = f"settings compared with {', '.join(map(str, files))}"
    return f"{said} for {compared}, not for {others}" if others else said


def _of_run_in_progress(folders: Iterable[Path]) -> str | None:
    run = next(filter(None, map(run_among, folders)), "")
    if not run:
        return None
    return (
        f"a run is in progress ({run}), which may be remaking what is listed above; move nothing, and verify "
        "again afterwards"
    )


def _told(lines: Iterable[str | None], *, err: bool = True) -> int:
    said = [line for line in lines if line]
    for line in said:
        say(line, err=err)
    return len(said)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m eelsunmix.storage",
        description="Verify every byte of all stores below the folders, and of the pages and verdicts of "
        "their samples, and whether they were made with what the configuration says now.",
    )
    parser.add_argument("folders", nargs="+", type=_folder, metavar="FOLDER", help="for example: results")
    parser.add_argument(
        "--configfile",
        nargs="+",
        type=Path,
        metavar="FILE",
        help=f"instead of {CONFIGURATION}",
    )
    parser.add_argument(
        "--config",
        nargs="+",
        metavar="KEY=VALUE",
        help="values given to the run by --config, laid over the files",
    )
    parser.add_argument(
        "--sources",
        action="store_true",
        help="compare every byte of the imported files too; run it where snakemake runs",
    )
    return parser


def _folder(text: str) -> Path:
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"{text}: no such folder")
    return Path(text)


if __name__ == "__main__":
    sys.exit(main())
