"""Check a configuration and say what it asks for: `python -m eelsunmix.configuration config/config.yaml`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from eelsunmix.configuration.problems import ConfigurationError
from eelsunmix.configuration.reading import read_configuration
from eelsunmix.configuration.summary import summarise

REFERENCE = Path("docs/configuration.md")
SCHEMA = Path("config/schema.json")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(arguments)
    if options.reference or options.schema:
        _write(options.reference, options.schema)
    if not options.files:
        return 0
    try:
        sys.stdout.write(summarise(read_configuration(options.files)) + "\n")
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _write(reference: bool, schema: bool) -> None:
    """Write what developers commit; reading docstrings needs a library that users do not have."""
    from eelsunmix.configuration import reference as pages
    from eelsunmix.configuration import schema as schemas

    for wanted, path, text in (
        (reference, REFERENCE, pages.reference),
        (schema, SCHEMA, schemas.schema_text),
    ):
        if wanted:
            path.write_text(text(), encoding="utf-8")
            sys.stdout.write(f"wrote {path}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m eelsunmix.configuration", description=__doc__)
    parser.add_argument(
        "files", nargs="*", type=Path, metavar="FILE", help="configurations, later ones laid over"
    )
    parser.add_argument("--reference", action="store_true", help=f"write {REFERENCE}")
    parser.add_argument("--schema", action="store_true", help=f"write {SCHEMA}")
    return parser


if __name__ == "__main__":
    sys.exit(main())
