"""What Snakemake measured of each rule, read from its tables."""

import csv
import math
import os
from pathlib import Path
from typing import Any

COLUMNS = {"seconds": "s", "max_rss_mb": "max_rss", "cpu_seconds": "cpu_time", "threads": "threads"}

ITSELF = "report"


def read_benchmarks(folder: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """Read the benchmark tables of one sample.

    Parameters
    ----------
    folder : path-like
        Folder with one table ``<rule>.tsv`` per rule; empty where nothing was measured.

    Returns
    -------
    list of dict
        ``rule, seconds, max_rss_mb, cpu_seconds, threads`` in the order in which the rules finished; None
        where Snakemake has no value, as for jobs too short to be sampled. Of several rows the last counts.
        The report itself is left out: what is known of it is of the page before.
    """
    found = (table for table in Path(folder).glob("*.tsv") if table.stem != ITSELF and table.is_file())
    tables = sorted(found, key=lambda table: (table.stat().st_mtime_ns, table.name))
    return [entry for table in tables if (entry := _read(table)) is not None]


def _read(table: Path) -> dict[str, Any] | None:
    """Read the last row; None of what holds none, or is no such table: no page is to fail for its times."""
    try:
        with table.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream, delimiter="\t"))
    except (OSError, ValueError, csv.Error):
        return None
    if not rows:
        return None
    return {"rule": table.stem, **{key: _number(rows[-1].get(column)) for key, column in COLUMNS.items()}}


def _number(text: str | None) -> float | None:
    try:
        found = float(text or "")
    except ValueError:
        return None
    return found if math.isfinite(found) else None
