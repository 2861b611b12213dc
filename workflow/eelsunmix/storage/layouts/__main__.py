"""Write the tables of `docs/data-model.md`; run in the root of a clone: `-m eelsunmix.storage.layouts`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from eelsunmix.storage.layouts.tables import with_tables

PAGE = Path("docs/data-model.md")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    argparse.ArgumentParser(prog="python -m eelsunmix.storage.layouts", description=__doc__).parse_args(
        arguments
    )
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
