"""Write the tables of `docs/data-model.md`: ``python -m eelsunmix.storage.layouts``."""

import sys
from pathlib import Path

from eelsunmix.storage.layouts.tables import with_tables

PAGE = Path("docs/data-model.md")


def main() -> int:
    """Run the command; returns its exit code."""
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
